package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// AddDeliveries implements engine.WebhookStore.
func (s *Store) AddDeliveries(ctx context.Context, deliveries []engine.Delivery) (added int64, err error) {
	for _, d := range deliveries {
		if err := row.CheckDelivery(d); err != nil {
			return 0, err
		}
	}
	err = s.transact(ctx, "add deliveries", func(ctx context.Context, q *query.Queries) error {
		added = 0
		for _, d := range deliveries {
			n, err := addDelivery(ctx, q, d)
			if err != nil {
				return err
			}
			added += n
		}
		return nil
	})
	return added, err
}

func addDelivery(ctx context.Context, q *query.Queries, d engine.Delivery) (added int64, err error) {
	has, err := q.HasWebhook(ctx, query.HasWebhookParams{AccountID: d.AccountID, ID: d.WebhookID})
	if err != nil || has == 0 {
		return 0, err
	}
	pending, err := q.CountPendingDeliveries(ctx, query.CountPendingDeliveriesParams{AccountID: d.AccountID, WebhookID: d.WebhookID})
	if err != nil || pending >= engine.MaxPending {
		return 0, err
	}
	return q.AddDelivery(ctx, query.AddDeliveryParams{
		AccountID: d.AccountID, ID: d.ID, WebhookID: d.WebhookID, Kind: d.Kind, Payload: d.Payload, Tries: int64(d.Tries),
		Status: int64(d.Status), Error: d.Error, CreatedAt: row.Time(d.CreatedAt), NextAt: row.TimeOrNil(d.NextAt), DoneAt: row.TimeOrNil(d.DoneAt),
	})
}

// DueDeliveries implements engine.WebhookStore.
func (s *Store) DueDeliveries(ctx context.Context, now, until time.Time, limit int) (taken []engine.Delivery, err error) {
	err = s.transact(ctx, "take deliveries", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.DueDeliveries(ctx, query.DueDeliveriesParams{
			Until: row.Time(until), Now: row.Time(now), PerWebhook: engine.DeliveriesAtOnce, MaxRows: int64(max(limit, 0)),
		})
		if err == nil {
			taken, err = row.ParseAll(rows, parseDelivery)
		}
		return err
	})
	row.SortDeliveries(taken)
	return taken, err
}

// SaveDelivery implements engine.WebhookStore.
func (s *Store) SaveDelivery(ctx context.Context, d engine.Delivery) error {
	if err := row.CheckDelivery(d); err != nil {
		return err
	}
	return s.transactOf(ctx, d.AccountID, "save delivery "+d.ID, func(ctx context.Context, q *query.Queries) error {
		saved, err := q.SaveDelivery(ctx, query.SaveDeliveryParams{
			Status: int64(d.Status), Error: d.Error, NextAt: row.TimeOrNil(d.NextAt), DoneAt: row.TimeOrNil(d.DoneAt),
			AccountID: d.AccountID, ID: d.ID, Tries: int64(d.Tries),
		})
		if err == nil && saved == 0 {
			err = engine.ErrConflict
		}
		return err
	})
}

// RetryDelivery implements engine.WebhookStore.
func (s *Store) RetryDelivery(ctx context.Context, accountID, webhookID, id string, at time.Time) error {
	if !row.IsKey(accountID, webhookID, id) {
		return engine.ErrNotFound
	}
	return s.transactOf(ctx, accountID, "retry delivery "+id, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.RetryDelivery(ctx, query.RetryDeliveryParams{
			NextAt: row.TimeOrNil(at), AccountID: accountID, WebhookID: webhookID, ID: id,
		})
		if err == nil && changed == 0 {
			err = engine.ErrNotFound
		}
		return err
	})
}

// ListDeliveries implements engine.WebhookStore.
func (s *Store) ListDeliveries(ctx context.Context, accountID, webhookID string, limit int) (list []engine.Delivery, err error) {
	if !row.IsKey(accountID) || webhookID != "" && !row.IsKey(accountID, webhookID) {
		return nil, nil
	}
	err = s.readOf(ctx, accountID, "list deliveries", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListDeliveries(ctx, query.ListDeliveriesParams{
			AccountID: accountID, WebhookID: webhookID, MaxRows: int64(min(max(limit, 1), 1000)),
		})
		if err == nil {
			list, err = row.ParseAll(rows, parseDelivery)
		}
		return err
	})
	return list, err
}

// DropDeliveries implements engine.WebhookStore.
func (s *Store) DropDeliveries(ctx context.Context, before time.Time) error {
	return s.transact(ctx, "drop deliveries", func(ctx context.Context, q *query.Queries) error {
		return q.DropDeliveries(ctx, row.Time(before))
	})
}

func parseDelivery(n query.WebhookDelivery) (engine.Delivery, error) {
	return engine.Delivery{
		AccountID: n.AccountID, ID: n.ID, WebhookID: n.WebhookID, Kind: n.Kind, Payload: n.Payload, Tries: int(n.Tries),
		Status: int(n.Status), Error: n.Error, CreatedAt: n.CreatedAt.UTC(), NextAt: row.TimeOrZero(n.NextAt),
		DoneAt: row.TimeOrZero(n.DoneAt), TakenTill: row.TimeOrZero(n.TakenUntil),
	}, nil
}
