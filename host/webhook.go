package host

import (
	"github.com/pointsman/pointsman/host/upstream"
	"github.com/pointsman/pointsman/host/webhook"
)

// openWebhooks makes what sends notices to webhooks.
func (h *Host) openWebhooks() (err error) {
	h.webhooks, err = webhook.New(webhook.Config{
		Store: h.store, Jobs: h.store, Notices: h.notices, Seal: h.seal,
		Addresses: webhook.Addresses{PublicHost: upstream.PublicHost, PublicAddress: upstream.PublicAddress, Loopback: h.cfg.WebhookLoopback},
		Now:       h.opts.Now, Log: h.opts.Log,
	})
	return err
}
