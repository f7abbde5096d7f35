package sqlite

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// GetAccount implements engine.TenantStore.
func (s *Store) GetAccount(ctx context.Context, id string) (account engine.Account, err error) {
	if !row.IsKey(id) {
		return engine.Account{}, engine.ErrNotFound
	}
	err = s.read(ctx, "get account "+id, func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetAccount(ctx, id)
		if err == nil {
			account, err = parseAccount(query.ListAccountsRow(n))
		}
		return err
	})
	return account, err
}

// ListAccounts implements engine.HierarchyStore.
func (s *Store) ListAccounts(ctx context.Context) (accounts []engine.Account, err error) {
	err = s.read(ctx, "list accounts", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListAccounts(ctx)
		if err == nil {
			accounts, err = row.ParseAll(rows, parseAccount)
		}
		return err
	})
	return accounts, err
}

// PageAccounts implements engine.HierarchyStore.
func (s *Store) PageAccounts(ctx context.Context, f engine.TenantFilter, p engine.Page) (accounts []engine.Account, err error) {
	span, ok := row.ParsePage(f, p)
	if !ok {
		return nil, nil
	}
	err = s.read(ctx, "page accounts", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.PageAccounts(ctx, query.PageAccountsParams{
			After: span.AfterAccount, AccountID: f.AccountID, Search: span.Search, Inactive: f.Inactive, Size: span.Size,
		})
		if err == nil {
			accounts, err = row.ParseAll(rows, func(n query.PageAccountsRow) (engine.Account, error) {
				return parseAccount(query.ListAccountsRow(n))
			})
		}
		return err
	})
	return accounts, err
}

// CreateAccount implements engine.TenantStore.
func (s *Store) CreateAccount(ctx context.Context, a engine.Account) error {
	if err := row.CheckAccount(a); err != nil {
		return err
	}
	return s.write(ctx, row.Changed(engine.AreaTenants, a.ID, "account/"+a.ID), "create account "+a.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateAccount(ctx, query.CreateAccountParams{
			AccountID: a.ID, Name: a.Name, CreatedAt: millis(a.CreatedAt), UpdatedAt: millis(a.UpdatedAt),
			SuspendedAt: millisOrNil(a.SuspendedAt), DeletedAt: millisOrNil(a.DeletedAt), SearchText: row.SearchText(a.ID, a.Name),
		})
	})
}

// UpdateAccount implements engine.HierarchyStore.
func (s *Store) UpdateAccount(ctx context.Context, a engine.Account, was time.Time) error {
	if err := row.CheckAccount(a); err != nil {
		return err
	}
	return s.write(ctx, row.Changed(engine.AreaTenants, a.ID, "account/"+a.ID), "update account "+a.ID, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdateAccount(ctx, query.UpdateAccountParams{
			Name: a.Name, UpdatedAt: millis(a.UpdatedAt), SuspendedAt: millisOrNil(a.SuspendedAt), DeletedAt: millisOrNil(a.DeletedAt),
			SearchText: row.SearchText(a.ID, a.Name), AccountID: a.ID, Was: millisOrNil(was),
		})
		if err != nil || changed > 0 {
			return err
		}
		return absent(q.HasAccount(ctx, a.ID))
	})
}

func parseAccount(n query.ListAccountsRow) (engine.Account, error) {
	return engine.Account{
		ID: n.AccountID, Name: n.Name, CreatedAt: instant(n.CreatedAt), UpdatedAt: instant(n.UpdatedAt),
		SuspendedAt: instantOrZero(n.SuspendedAt), DeletedAt: instantOrZero(n.DeletedAt),
	}, nil
}
