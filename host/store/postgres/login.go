package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

var _ engine.LoginStore = (*Store)(nil)

// CreateLogin implements engine.LoginStore.
func (s *Store) CreateLogin(ctx context.Context, l engine.Login) error {
	if err := row.CheckLogin(l); err != nil {
		return err
	}
	return s.transactOf(ctx, l.AccountID, "create login "+l.ID, func(ctx context.Context, q *query.Queries) error {
		err := q.CreateLogin(ctx, query.CreateLoginParams{
			AccountID: l.AccountID, ID: l.ID, KeyID: l.KeyID, Digest: l.Digest,
			CreatedAt: row.Time(l.CreatedAt), SeenAt: row.Time(l.SeenAt), ExpiresAt: row.Time(l.ExpiresAt),
		})
		if err != nil {
			return err
		}
		return q.TrimLogins(ctx, query.TrimLoginsParams{AccountID: l.AccountID, KeyID: l.KeyID, Most: engine.MaxLogins})
	})
}

// FindLogin implements engine.LoginStore.
func (s *Store) FindLogin(ctx context.Context, digest []byte) (l engine.Login, err error) {
	err = s.read(ctx, "find login", func(ctx context.Context, q *query.Queries) error {
		n, err := q.FindLogin(ctx, digest)
		l = engine.Login{
			AccountID: n.AccountID, ID: n.ID, KeyID: n.KeyID, Digest: n.Digest,
			CreatedAt: n.CreatedAt.UTC(), SeenAt: n.SeenAt.UTC(), ExpiresAt: n.ExpiresAt.UTC(),
		}
		return err
	})
	if err != nil {
		return engine.Login{}, err
	}
	return l, nil
}

// SeeLogin implements engine.LoginStore.
func (s *Store) SeeLogin(ctx context.Context, accountID, id string, at time.Time) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	return s.transactOf(ctx, accountID, "see login "+id, func(ctx context.Context, q *query.Queries) error {
		seen, err := q.SeeLogin(ctx, query.SeeLoginParams{SeenAt: row.Time(at), AccountID: accountID, ID: id})
		if err == nil && seen == 0 {
			err = engine.ErrNotFound
		}
		return err
	})
}

// DeleteLogin implements engine.LoginStore.
func (s *Store) DeleteLogin(ctx context.Context, accountID, id string) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	return s.transactOf(ctx, accountID, "delete login "+id, func(ctx context.Context, q *query.Queries) error {
		deleted, err := q.DeleteLogin(ctx, query.DeleteLoginParams{AccountID: accountID, ID: id})
		if err == nil && deleted == 0 {
			err = engine.ErrNotFound
		}
		return err
	})
}

// DropLogins implements engine.LoginStore.
func (s *Store) DropLogins(ctx context.Context, now, idle time.Time, limit int) (dropped int64, err error) {
	if err := row.CheckListLimit(limit); err != nil {
		return 0, err
	}
	err = s.transact(ctx, "drop logins", func(ctx context.Context, q *query.Queries) error {
		dropped, err = q.DropLogins(ctx, query.DropLoginsParams{Now: row.Time(now), Idle: row.Time(idle), MaxRows: int64(limit)})
		return err
	})
	return dropped, err
}
