package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

var _ engine.IdempotencyStore = (*Store)(nil)

// ClaimIdempotencyKey implements engine.IdempotencyStore.
func (s *Store) ClaimIdempotencyKey(ctx context.Context, k engine.IdempotencyKey, expired time.Time) (stored engine.IdempotencyKey, err error) {
	if err := row.CheckIdempotencyKey(k); err != nil {
		return engine.IdempotencyKey{}, err
	}
	claim := query.ClaimIdempotencyKeyParams{
		AccountID: k.AccountID, Digest: k.Digest, Fingerprint: k.Fingerprint, ClaimID: k.ClaimID, RequestID: k.RequestID,
		Sealed: []byte{}, CreatedAt: row.Time(k.CreatedAt), LeaseUntil: row.Time(k.LeaseUntil),
	}
	err = s.transactOf(ctx, k.AccountID, "claim an idempotency key", func(ctx context.Context, q *query.Queries) error {
		claimed, err := q.ClaimIdempotencyKey(ctx, claim)
		if err != nil {
			return err
		}
		n, err := q.GetIdempotencyKey(ctx, query.GetIdempotencyKeyParams{AccountID: k.AccountID, Digest: k.Digest})
		if err == nil && claimed == 0 && !n.CreatedAt.After(row.Time(expired)) {
			if err := q.ForgetIdempotencyKey(ctx, query.ForgetIdempotencyKeyParams{AccountID: k.AccountID, Digest: k.Digest, Expired: row.Time(expired)}); err != nil {
				return err
			}
			if _, err := q.ClaimIdempotencyKey(ctx, claim); err != nil {
				return err
			}
			n, err = q.GetIdempotencyKey(ctx, query.GetIdempotencyKeyParams{AccountID: k.AccountID, Digest: k.Digest})
		}
		stored = engine.IdempotencyKey{
			AccountID: n.AccountID, Digest: n.Digest, Fingerprint: n.Fingerprint, ClaimID: n.ClaimID, RequestID: n.RequestID,
			State: engine.IdempotencyState(n.State), SealKey: n.SealKey, Sealed: n.Sealed,
			CreatedAt: n.CreatedAt.UTC(), LeaseUntil: n.LeaseUntil.UTC(),
		}
		if len(n.Sealed) == 0 {
			stored.Sealed = nil // drivers differ
		}
		return err
	})
	if err != nil {
		return engine.IdempotencyKey{}, err
	}
	return stored, nil
}

// RetakeIdempotencyKey implements engine.IdempotencyStore.
func (s *Store) RetakeIdempotencyKey(ctx context.Context, k engine.IdempotencyKey, was string) error {
	if err := row.CheckIdempotencyKey(k); err != nil {
		return err
	}
	return s.changeIdempotencyKey(ctx, k, "retake an idempotency key", func(ctx context.Context, q *query.Queries) (int64, error) {
		return q.RetakeIdempotencyKey(ctx, query.RetakeIdempotencyKeyParams{
			ClaimID: k.ClaimID, RequestID: k.RequestID, CreatedAt: row.Time(k.CreatedAt), LeaseUntil: row.Time(k.LeaseUntil),
			AccountID: k.AccountID, Digest: k.Digest, Was: was,
		})
	})
}

// EndIdempotencyKey implements engine.IdempotencyStore.
func (s *Store) EndIdempotencyKey(ctx context.Context, k engine.IdempotencyKey) error {
	if err := row.CheckIdempotencyKey(k); err != nil {
		return err
	}
	sealed := k.Sealed
	if sealed == nil {
		sealed = []byte{}
	}
	return s.changeIdempotencyKey(ctx, k, "end an idempotency key", func(ctx context.Context, q *query.Queries) (int64, error) {
		return q.EndIdempotencyKey(ctx, query.EndIdempotencyKeyParams{
			State: string(k.State), SealKey: k.SealKey, Sealed: sealed, Size: int64(len(sealed)),
			AccountID: k.AccountID, Digest: k.Digest, ClaimID: k.ClaimID,
		})
	})
}

// ReleaseIdempotencyKey implements engine.IdempotencyStore.
func (s *Store) ReleaseIdempotencyKey(ctx context.Context, k engine.IdempotencyKey) error {
	return s.changeIdempotencyKey(ctx, k, "release an idempotency key", func(ctx context.Context, q *query.Queries) (int64, error) {
		return q.ReleaseIdempotencyKey(ctx, query.ReleaseIdempotencyKeyParams{AccountID: k.AccountID, Digest: k.Digest, ClaimID: k.ClaimID})
	})
}

// changeIdempotencyKey runs a change of one row, which must be there.
func (s *Store) changeIdempotencyKey(ctx context.Context, k engine.IdempotencyKey, doing string, change func(context.Context, *query.Queries) (int64, error)) error {
	return s.transactOf(ctx, k.AccountID, doing, func(ctx context.Context, q *query.Queries) error {
		n, err := change(ctx, q)
		if err == nil && n == 0 {
			err = engine.ErrNotFound
		}
		return err
	})
}

// CountIdempotencyKeys implements engine.IdempotencyStore.
func (s *Store) CountIdempotencyKeys(ctx context.Context, accountID string) (keys, bytes int64, err error) {
	err = s.readOf(ctx, accountID, "count idempotency keys", func(ctx context.Context, q *query.Queries) error {
		n, err := q.CountIdempotencyKeys(ctx, accountID)
		keys, bytes = n.Keys, n.Bytes
		return err
	})
	return keys, bytes, err
}

// DropIdempotencyKeys implements engine.IdempotencyStore.
func (s *Store) DropIdempotencyKeys(ctx context.Context, before time.Time, limit int) (dropped int64, err error) {
	if err := row.CheckListLimit(limit); err != nil {
		return 0, err
	}
	err = s.transact(ctx, "drop idempotency keys", func(ctx context.Context, q *query.Queries) error {
		dropped, err = q.DropIdempotencyKeys(ctx, query.DropIdempotencyKeysParams{Before: row.Time(before), MaxRows: int64(limit)})
		return err
	})
	return dropped, err
}
