package sqlite

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
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
		Status: int64(d.Status), Error: d.Error, CreatedAt: millis(d.CreatedAt), NextAt: millisOrNil(d.NextAt), DoneAt: millisOrNil(d.DoneAt),
	})
}

// DueDeliveries implements engine.WebhookStore.
func (s *Store) DueDeliveries(ctx context.Context, now, until time.Time, limit int) (taken []engine.Delivery, err error) {
	due := query.ListDueDeliveriesParams{Now: millis(now), PerWebhook: engine.DeliveriesAtOnce, MaxRows: int64(max(limit, 0))}
	nothing := false
	err = s.read(ctx, "look for deliveries", func(ctx context.Context, q *query.Queries) error {
		ids, err := q.ListDueDeliveries(ctx, due)
		nothing = len(ids) == 0
		return err
	})
	if err != nil || nothing {
		return nil, err // the writer is left alone when there is nothing to write
	}
	err = s.transact(ctx, "take deliveries", func(ctx context.Context, q *query.Queries) error {
		ids, err := q.ListDueDeliveries(ctx, due)
		if err != nil {
			return err
		}
		for _, key := range ids {
			n, err := q.TakeDelivery(ctx, query.TakeDeliveryParams{Until: millisOrNil(until), AccountID: key.AccountID, ID: key.ID})
			if err != nil {
				return err
			}
			d, err := parseDelivery(n)
			if err != nil {
				return err
			}
			taken = append(taken, d)
		}
		return nil
	})
	row.SortDeliveries(taken)
	return taken, err
}

// SaveDelivery implements engine.WebhookStore.
func (s *Store) SaveDelivery(ctx context.Context, d engine.Delivery) error {
	if err := row.CheckDelivery(d); err != nil {
		return err
	}
	return s.transact(ctx, "save delivery "+d.ID, func(ctx context.Context, q *query.Queries) error {
		saved, err := q.SaveDelivery(ctx, query.SaveDeliveryParams{
			Status: int64(d.Status), Error: d.Error, NextAt: millisOrNil(d.NextAt), DoneAt: millisOrNil(d.DoneAt),
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
	return s.transact(ctx, "retry delivery "+id, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.RetryDelivery(ctx, query.RetryDeliveryParams{
			NextAt: millisOrNil(at), AccountID: accountID, WebhookID: webhookID, ID: id,
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
	err = s.read(ctx, "list deliveries", func(ctx context.Context, q *query.Queries) error {
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
		return q.DropDeliveries(ctx, millis(before))
	})
}

func parseDelivery(n query.WebhookDelivery) (engine.Delivery, error) {
	return engine.Delivery{
		AccountID: n.AccountID, ID: n.ID, WebhookID: n.WebhookID, Kind: n.Kind, Payload: n.Payload, Tries: int(n.Tries),
		Status: int(n.Status), Error: n.Error, CreatedAt: instant(n.CreatedAt), NextAt: instantOrZero(n.NextAt),
		DoneAt: instantOrZero(n.DoneAt), TakenTill: instantOrZero(n.TakenUntil),
	}, nil
}
