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

// GetKey implements engine.KeyStore.
func (s *Store) GetKey(ctx context.Context, accountID, id string) (key engine.Key, err error) {
	if !row.IsKey(accountID, id) {
		return engine.Key{}, engine.ErrNotFound
	}
	err = s.read(ctx, "get key "+id, func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetKey(ctx, query.GetKeyParams{AccountID: accountID, ID: id})
		if err == nil {
			key, err = parseKey(query.ListKeysRow(n))
		}
		return err
	})
	return key, err
}

// PageKeys implements engine.HierarchyStore.
func (s *Store) PageKeys(ctx context.Context, f engine.TenantFilter, p engine.Page) (keys []engine.Key, err error) {
	span, ok := row.ParsePage(f, p)
	if !ok {
		return nil, nil
	}
	err = s.read(ctx, "page keys", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.PageKeys(ctx, query.PageKeysParams{
			AfterAccount: span.AfterAccount, AfterID: span.AfterID, AccountID: f.AccountID, TeamID: f.TeamID,
			UserID: f.UserID, Role: string(f.Role), Search: span.Search, Inactive: f.Inactive, Now: millis(span.Now),
			Size: span.Size,
		})
		if err == nil {
			keys, err = row.ParseAll(rows, func(n query.PageKeysRow) (engine.Key, error) {
				return parseKey(query.ListKeysRow(n))
			})
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
	return s.write(ctx, row.Changed(engine.AreaTenants, k.AccountID, "key/"+k.ID), "create key "+k.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateKey(ctx, newKey(k))
	})
}

// UpdateKey implements engine.HierarchyStore.
func (s *Store) UpdateKey(ctx context.Context, k engine.Key, was time.Time) error {
	if err := row.CheckKeyChange(k); err != nil {
		return err
	}
	return s.write(ctx, row.Changed(engine.AreaTenants, k.AccountID, "key/"+k.ID), "update key "+k.ID, func(ctx context.Context, q *query.Queries) error {
		return updateKey(ctx, q, k, was)
	})
}

// RotateKey implements engine.HierarchyStore.
func (s *Store) RotateKey(ctx context.Context, old, next engine.Key, was time.Time) error {
	if err := row.CheckRotation(old, next); err != nil {
		return err
	}
	return s.write(ctx, row.Changed(engine.AreaTenants, old.AccountID, "key/"+old.ID), "rotate key "+old.ID, func(ctx context.Context, q *query.Queries) error {
		if err := updateKey(ctx, q, old, was); err != nil {
			return err
		}
		return q.CreateKey(ctx, newKey(next))
	})
}

// RevokeKey implements engine.KeyStore.
func (s *Store) RevokeKey(ctx context.Context, accountID, id string, at time.Time) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	return s.write(ctx, row.Changed(engine.AreaTenants, accountID, "key/"+id), "revoke key "+id, func(ctx context.Context, q *query.Queries) error {
		return found(q.RevokeKey(ctx, query.RevokeKeyParams{RevokedAt: millis(at), AccountID: accountID, ID: id}))
	})
}

func updateKey(ctx context.Context, q *query.Queries, k engine.Key, was time.Time) error {
	changed, err := q.UpdateKey(ctx, query.UpdateKeyParams{
		Name: k.Name, Scopes: string(row.Scopes(k.Scopes)), RotatedTo: k.RotatedTo, UpdatedAt: millis(k.UpdatedAt),
		ExpiresAt: millisOrNil(k.ExpiresAt), SearchText: row.SearchText(k.ID, k.Name), AccountID: k.AccountID, ID: k.ID, Was: millisOrNil(was),
	})
	if err != nil || changed > 0 {
		return err
	}
	return absent(q.HasKey(ctx, query.HasKeyParams{AccountID: k.AccountID, ID: k.ID}))
}

// found is ErrNotFound when a statement changed no row.
func found(changed int64, err error) error {
	if err == nil && changed == 0 {
		return engine.ErrNotFound
	}
	return err
}

func newKey(k engine.Key) query.CreateKeyParams {
	return query.CreateKeyParams{
		AccountID: k.AccountID, ID: k.ID, UserID: k.UserID, Name: k.Name, Prefix: k.Prefix, Digest: k.Digest,
		Scopes: string(row.Scopes(k.Scopes)), Role: string(k.Role), RotatedTo: k.RotatedTo, CreatedAt: millis(k.CreatedAt), UpdatedAt: millis(k.UpdatedAt),
		ExpiresAt: millisOrNil(k.ExpiresAt), RevokedAt: millisOrNil(k.RevokedAt), SearchText: row.SearchText(k.ID, k.Name),
	}
}

func parseKey(n query.ListKeysRow) (engine.Key, error) {
	scopes, err := row.ParseScopes([]byte(n.Scopes))
	return engine.Key{
		AccountID: n.AccountID, ID: n.ID, UserID: n.UserID, Name: n.Name, Prefix: n.Prefix, Digest: n.Digest,
		Scopes: scopes, Role: engine.Role(n.Role), RotatedTo: n.RotatedTo, CreatedAt: instant(n.CreatedAt), UpdatedAt: instant(n.UpdatedAt),
		ExpiresAt: instantOrZero(n.ExpiresAt), RevokedAt: instantOrZero(n.RevokedAt),
	}, err
}
