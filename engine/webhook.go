package engine

import "time"

// Webhook is where an account wants to be told of events. Deliveries are signed as
// Standard Webhooks says (webhook-id, webhook-timestamp, webhook-signature).
type Webhook struct {
	AccountID string
	ID        string
	URL       string   // https, or http to loopback where the operator allows it
	Events    []string // kinds of notices, or a prefix that ends in "."; empty: all
	Sealed    []byte   // the signing secret, encrypted as credentials are
	SealKey   string
	Version   int64 // of the secret
	Enabled   bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Delivery is one event on its way to one webhook, with what became of the last try.
type Delivery struct {
	AccountID string
	ID        string // UUIDv7; the webhook-id header
	WebhookID string
	Kind      string
	Payload   []byte // JSON
	Tries     int
	Status    int    // HTTP status of the last try; 0: none came
	Error     string // safe to show
	CreatedAt time.Time
	NextAt    time.Time // of the next try; zero: done, or given up
	DoneAt    time.Time // delivered then; zero: it is not
}
