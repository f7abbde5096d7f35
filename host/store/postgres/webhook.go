package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

var _ engine.WebhookStore = (*Store)(nil)

// ListWebhooks implements engine.WebhookStore.
func (s *Store) ListWebhooks(ctx context.Context) (webhooks []engine.Webhook, err error) {
	err = s.read(ctx, "list webhooks", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListWebhooks(ctx)
		if err == nil {
			webhooks, err = row.ParseAll(rows, parseWebhook)
		}
		return err
	})
	return webhooks, err
}

// CreateWebhook implements engine.WebhookStore.
func (s *Store) CreateWebhook(ctx context.Context, w engine.Webhook) error {
	if err := row.CheckWebhook(w); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaOther, w.AccountID, ""), "create webhook "+w.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateWebhook(ctx, query.CreateWebhookParams(webhookRow(w)))
	})
}

// UpdateWebhook implements engine.WebhookStore.
func (s *Store) UpdateWebhook(ctx context.Context, w engine.Webhook, was time.Time) error {
	if err := row.CheckWebhook(w); err != nil {
		return err
	}
	n := webhookRow(w)
	return s.writeOf(ctx, row.Changed(engine.AreaOther, w.AccountID, ""), "update webhook "+w.ID, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdateWebhook(ctx, query.UpdateWebhookParams{
			Name: n.Name, Url: n.Url, Events: n.Events, Sealed: n.Sealed, SealKey: n.SealKey, Version: n.Version,
			PreviousUntil: n.PreviousUntil, Enabled: n.Enabled, DisabledWhy: n.DisabledWhy, UpdatedAt: n.UpdatedAt,
			AccountID: n.AccountID, ID: n.ID, Was: row.TimeOrNil(was),
		})
		if err != nil || changed > 0 {
			return err
		}
		return absent(q.HasWebhook(ctx, query.HasWebhookParams{AccountID: w.AccountID, ID: w.ID}))
	})
}

// DeleteWebhook implements engine.WebhookStore.
func (s *Store) DeleteWebhook(ctx context.Context, accountID, id string) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	return s.writeOf(ctx, row.Changed(engine.AreaOther, accountID, ""), "delete webhook "+id, func(ctx context.Context, q *query.Queries) error {
		deleted, err := q.DeleteWebhook(ctx, query.DeleteWebhookParams{AccountID: accountID, ID: id})
		if err == nil && deleted == 0 {
			err = engine.ErrNotFound
		}
		return err
	})
}

func webhookRow(w engine.Webhook) query.Webhook {
	return query.Webhook{
		AccountID: w.AccountID, ID: w.ID, Name: w.Name, Url: w.URL, Events: row.List(w.Events), Sealed: w.Sealed, SealKey: w.SealKey,
		Version: w.Version, PreviousUntil: row.TimeOrNil(w.PreviousUntil), Enabled: w.Enabled, DisabledWhy: w.DisabledWhy,
		CreatedAt: row.Time(w.CreatedAt), UpdatedAt: row.Time(w.UpdatedAt),
	}
}

func parseWebhook(n query.Webhook) (engine.Webhook, error) {
	events, err := row.ParseList[string](n.Events)
	return engine.Webhook{
		AccountID: n.AccountID, ID: n.ID, Name: n.Name, URL: n.Url, Events: events, Sealed: n.Sealed, SealKey: n.SealKey,
		Version: n.Version, PreviousUntil: row.TimeOrZero(n.PreviousUntil), Enabled: n.Enabled, DisabledWhy: n.DisabledWhy,
		CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
	}, err
}
