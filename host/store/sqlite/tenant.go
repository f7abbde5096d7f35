package sqlite

import (
	"context"

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
		account = engine.Account{ID: n.AccountID, Name: n.Name, CreatedAt: instant(n.CreatedAt)}
		return err
	})
	return account, err
}

// CreateAccount implements engine.TenantStore.
func (s *Store) CreateAccount(ctx context.Context, a engine.Account) error {
	if err := row.CheckAccount(a); err != nil {
		return err
	}
	return s.write(ctx, "create account "+a.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateAccount(ctx, query.CreateAccountParams{AccountID: a.ID, Name: a.Name, CreatedAt: millis(a.CreatedAt)})
	})
}

// ListUsers implements engine.TenantStore.
func (s *Store) ListUsers(ctx context.Context) (users []engine.User, err error) {
	err = s.read(ctx, "list users", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListUsers(ctx)
		if err == nil {
			users, err = row.ParseAll(rows, parseUser)
		}
		return err
	})
	return users, err
}

// CreateUser implements engine.TenantStore.
func (s *Store) CreateUser(ctx context.Context, u engine.User) error {
	if err := row.CheckUser(u); err != nil {
		return err
	}
	return s.write(ctx, "create user "+u.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateUser(ctx, query.CreateUserParams{
			AccountID: u.AccountID, ID: u.ID, TeamID: u.TeamID, Name: u.Name, Role: string(u.Role), CreatedAt: millis(u.CreatedAt),
		})
	})
}

func parseUser(n query.User) (engine.User, error) {
	return engine.User{
		AccountID: n.AccountID, ID: n.ID, TeamID: n.TeamID, Name: n.Name, Role: engine.Role(n.Role), CreatedAt: instant(n.CreatedAt),
	}, nil
}
