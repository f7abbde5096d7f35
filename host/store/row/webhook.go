package row

import (
	"slices"
	"strings"

	"github.com/pointsman/pointsman/engine"
)

// CheckWebhook says why a webhook cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckWebhook(w engine.Webhook) error {
	var c check
	c.account(w.AccountID)
	c.key("id", w.ID)
	c.text("name", w.Name)
	c.text("url", w.URL)
	if w.URL == "" || len(w.URL) > engine.MaxWebhookURL {
		c.refuse("url", "is not 1 to 2,048 bytes long")
	}
	c.text("events", w.Events...)
	if len(w.Events) > engine.MaxWebhookEvents {
		c.refuse("events", "has more than 64")
	}
	if len(w.Sealed) == 0 {
		// A webhook without a secret would sign with nothing, which anybody can.
		c.refuse("secret", "is empty")
	}
	c.text("seal_key", w.SealKey)
	if w.Version < 1 {
		c.refuse("version", "is not positive")
	}
	c.text("disabled_why", w.DisabledWhy)
	c.time("created_at", w.CreatedAt)
	c.time("updated_at", w.UpdatedAt)
	if !w.PreviousUntil.IsZero() {
		c.time("previous_until", w.PreviousUntil)
	}
	return c.result()
}

// CheckDelivery says why a delivery cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckDelivery(d engine.Delivery) error {
	var c check
	c.account(d.AccountID)
	c.key("id", d.ID)
	c.key("webhook_id", d.WebhookID)
	c.text("kind", d.Kind)
	c.json("payload", d.Payload)
	if len(d.Payload) == 0 || len(d.Payload) > engine.MaxDeliverySize {
		c.refuse("payload", "is not 1 byte to 64 KiB long")
	}
	c.count("tries", int64(d.Tries))
	c.text("error", d.Error)
	c.time("created_at", d.CreatedAt)
	return c.result()
}

// SortDeliveries puts deliveries that were taken into the order in which they are due.
func SortDeliveries(list []engine.Delivery) {
	slices.SortFunc(list, func(a, b engine.Delivery) int {
		if n := a.NextAt.Compare(b.NextAt); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
}
