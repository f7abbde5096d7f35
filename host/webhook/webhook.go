// Package webhook tells the world outside of events: it makes a signed delivery of each
// notice for every webhook that takes it, sends it until it is accepted or given up, and
// manages webhooks. Deliveries are in the store before they are sent, so that a restart
// loses none; which means that a receiver may see one twice, under the same webhook-id.
//
// It is not where events come from (engine.NoticeFeed), and not for calling providers
// (host/upstream). Read dispatcher.go first, then send.go for what keeps a tenant's URL from
// reaching into the operator's network.
package webhook

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// KindTest is the kind of the event that a test sends.
const KindTest = "webhook.test"

// event is the body of a delivery.
type event struct {
	ID        string    `json:"id"`   // of the delivery, as in webhook-id
	Type      string    `json:"type"` // kind of the notice
	CreatedAt time.Time `json:"created_at"`
	Data      data      `json:"data"`
}

// data is what a notice says.
type data struct {
	AccountID  string `json:"account_id,omitempty"`
	ProviderID string `json:"provider_id,omitempty"`
	Subject    string `json:"subject,omitempty"` // id of the credential, the rule, the budget …
	Message    string `json:"message,omitempty"`

	Detail json.RawMessage `json:"detail,omitempty"` // the same for programs
}

// Longest texts of an event, in bytes. Escaped they still are far below what a delivery may be.
const (
	maxMessage = 4 << 10
	maxSubject = 512
	maxDetail  = 8 << 10
)

// deliveryOf makes the delivery of a notice to a webhook, due at once.
func deliveryOf(w engine.Webhook, n engine.Notice, now time.Time) engine.Delivery {
	d := engine.Delivery{
		AccountID: w.AccountID, ID: uuid.Must(uuid.NewV7()).String(), WebhookID: w.ID, Kind: n.Kind, CreatedAt: now, NextAt: now,
	}
	detail := json.RawMessage(nil)
	if len(n.Detail) <= maxDetail && json.Valid([]byte(n.Detail)) {
		detail = json.RawMessage(n.Detail)
	}
	body, err := json.Marshal(event{d.ID, n.Kind, n.At.UTC(), data{
		clip(n.AccountID, maxSubject), clip(n.ProviderID, maxSubject), clip(n.Subject, maxSubject), clip(n.Message, maxMessage), detail,
	}})
	if err != nil {
		// Texts and a time of this century: this is unreachable, and must not be silent if it ever is not.
		panic(err)
	}
	d.Payload = body
	return d
}

// clip shortens a text to so many bytes of valid UTF-8.
func clip(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit]
	}
	return strings.ToValidUTF8(text, "")
}
