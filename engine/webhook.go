package engine

import (
	"strings"
	"time"
)

// Webhook is where an account wants to be told of events. Deliveries are signed as
// Standard Webhooks says (webhook-id, webhook-timestamp, webhook-signature).
type Webhook struct {
	AccountID     string // "": the operator's, which gets what concerns no account
	ID            string
	Name          string
	URL           string   // https, or http to loopback where the operator allows it
	Events        []string // kinds of notices, or a prefix that ends in "."; empty: all
	Sealed        []byte   // the signing secrets, encrypted as credentials are
	SealKey       string
	Version       int64     // of the secret, from 1
	PreviousUntil time.Time // the secret before this one signs too until then; zero: there is none
	Enabled       bool
	DisabledWhy   string // the gateway's reason for having disabled it; "": it has not
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Takes reports whether events of that kind go to the webhook.
func (w Webhook) Takes(kind string) bool {
	if !w.Enabled {
		return false
	}
	for _, e := range w.Events {
		if e == kind || strings.HasSuffix(e, ".") && strings.HasPrefix(kind, e) {
			return true
		}
	}
	return len(w.Events) == 0
}

// Bounds of webhooks and their deliveries.
const (
	MaxWebhooks       = 20 // of one account
	MaxWebhookURL     = 2048
	MaxWebhookEvents  = 64
	MaxDeliverySize   = 64 << 10 // bytes of Payload
	MaxPending        = 1000     // deliveries of one webhook that are neither done nor given up
	DeliveriesAtOnce  = 2        // tries at one webhook at the same time
	DeliveryRetention = 30 * 24 * time.Hour
)

// WebhookTrial is what came of a test event.
type WebhookTrial struct {
	OK     bool
	Status int    // HTTP; 0: none came
	Error  string // safe to show; "" when OK
	Took   time.Duration
}

// Delivery is one event on its way to one webhook, with what became of the last try.
type Delivery struct {
	AccountID string
	ID        string // UUIDv7; the webhook-id header
	WebhookID string
	Kind      string
	Payload   []byte // JSON
	Tries     int    // begun so far, also the one that goes on
	Status    int    // HTTP status of the last try; 0: none came
	Error     string // safe to show
	CreatedAt time.Time
	NextAt    time.Time // of the next try; zero: done, or given up
	DoneAt    time.Time // delivered then; zero: it is not
	TakenTill time.Time // a process sends it now and says by then what became of it; zero: none does
}
