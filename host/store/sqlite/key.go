package sqlite

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// ListKeys implements engine.KeyStore.
func (s *Store) ListKeys(ctx context.Context) (keys []engine.Key, err error) {
	err = s.read(ctx, "list keys", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListKeys(ctx)
		if err == nil {
			keys, err = row.ParseAll(rows, parseKey)
		}
		return err
	})
	return keys, err
}

// CreateKey implements engine.KeyStore.
func (s *Store) CreateKey(ctx context.Context, k engine.Key) error {
	if err := row.CheckKey(k); err != nil {
		return err
	}
	return s.write(ctx, "create key "+k.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateKey(ctx, query.CreateKeyParams{
			AccountID: k.AccountID, ID: k.ID, UserID: k.UserID, Name: k.Name, Prefix: k.Prefix, Digest: k.Digest,
			CreatedAt: millis(k.CreatedAt), ExpiresAt: millisOrNil(k.ExpiresAt), RevokedAt: millisOrNil(k.RevokedAt),
		})
	})
}

// RevokeKey implements engine.KeyStore.
func (s *Store) RevokeKey(ctx context.Context, accountID, id string, at time.Time) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	revoked := millis(at)
	return s.write(ctx, "revoke key "+id, func(ctx context.Context, q *query.Queries) error {
		return found(q.RevokeKey(ctx, query.RevokeKeyParams{RevokedAt: &revoked, AccountID: accountID, ID: id}))
	})
}

// found is ErrNotFound when a statement changed no row.
func found(changed int64, err error) error {
	if err == nil && changed == 0 {
		return engine.ErrNotFound
	}
	return err
}

func parseKey(n query.Key) (engine.Key, error) {
	return engine.Key{
		AccountID: n.AccountID, ID: n.ID, UserID: n.UserID, Name: n.Name, Prefix: n.Prefix, Digest: n.Digest,
		CreatedAt: instant(n.CreatedAt), ExpiresAt: instantOrZero(n.ExpiresAt), RevokedAt: instantOrZero(n.RevokedAt),
	}, nil
}
