package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// trials is how many test events are under way at most, of everybody.
const trials = 8

// TestWebhook sends an event of the kind webhook.test, also to a disabled webhook, and says
// what came. It is not in the log of deliveries and not sent again. Errors: CodeNotFound,
// CodeRateLimited while many others test.
func (s *Service) TestWebhook(ctx context.Context, p engine.Principal, accountID, id string) (engine.WebhookTrial, error) {
	w, err := s.GetWebhook(ctx, p, accountID, id)
	if err != nil {
		return engine.WebhookTrial{}, err
	}
	d := s.dispatcher
	if !d.beginTrial() {
		return engine.WebhookTrial{}, engine.Errorf(engine.CodeRateLimited, "Many webhooks are being tested. Try again in a few seconds.")
	}
	defer d.endTrial()
	now := d.cfg.Now()
	test := deliveryOf(w, engine.Notice{At: now, Kind: KindTest, AccountID: w.AccountID, Subject: w.ID, Message: "This is a test."}, now)
	o := d.sender.send(ctx, w, test, now)
	return engine.WebhookTrial{OK: o.accepted(), Status: o.status, Error: o.reason, Took: o.took}, nil
}

func (d *Dispatcher) beginTrial() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.trying >= trials {
		return false
	}
	d.trying++
	return true
}

func (d *Dispatcher) endTrial() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trying--
}

// ListDeliveries returns a webhook's newest deliveries, at most limit (1–1,000).
// Errors: CodeNotFound.
func (s *Service) ListDeliveries(ctx context.Context, p engine.Principal, accountID, id string, limit int) ([]engine.Delivery, error) {
	if _, err := s.GetWebhook(ctx, p, accountID, id); err != nil {
		return nil, err
	}
	return s.store.ListDeliveries(ctx, accountID, id, limit)
}

// RetryDelivery has a delivery sent again now, also one that is done or given up; of a
// disabled webhook once that is enabled. Errors: CodeNotFound.
func (s *Service) RetryDelivery(ctx context.Context, p engine.Principal, accountID, id, deliveryID string) error {
	if _, err := s.GetWebhook(ctx, p, accountID, id); err != nil {
		return err
	}
	err := s.store.RetryDelivery(ctx, accountID, id, deliveryID, s.dispatcher.cfg.Now().UTC().Truncate(time.Millisecond))
	if errors.Is(err, engine.ErrNotFound) {
		return engine.Errorf(engine.CodeNotFound, "There is no such delivery of that webhook. They are kept for 30 days.")
	}
	if err == nil {
		s.dispatcher.Wake()
	}
	return err
}
