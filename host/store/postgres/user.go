package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

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

// GetUser implements engine.TenantStore.
func (s *Store) GetUser(ctx context.Context, accountID, id string) (user engine.User, err error) {
	if !row.IsKey(accountID, id) {
		return engine.User{}, engine.ErrNotFound
	}
	err = s.readOf(ctx, accountID, "get user "+id, func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetUser(ctx, query.GetUserParams{AccountID: accountID, ID: id})
		if err == nil {
			user, err = parseUser(query.ListUsersRow(n))
		}
		return err
	})
	return user, err
}

// PageUsers implements engine.HierarchyStore.
func (s *Store) PageUsers(ctx context.Context, f engine.TenantFilter, p engine.Page) (users []engine.User, err error) {
	span, ok := row.ParsePage(f, p)
	if !ok {
		return nil, nil
	}
	err = s.readOf(ctx, f.AccountID, "page users", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.PageUsers(ctx, query.PageUsersParams{
			AfterAccount: span.AfterAccount, AfterID: span.AfterID, AccountID: f.AccountID, TeamID: f.TeamID, ID: f.UserID,
			Role: string(f.Role), Search: span.Search, Inactive: f.Inactive, Size: span.Size,
		})
		if err == nil {
			users, err = row.ParseAll(rows, func(n query.PageUsersRow) (engine.User, error) {
				return parseUser(query.ListUsersRow(n))
			})
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
	return s.writeOf(ctx, row.Changed(engine.AreaTenants, u.AccountID, "user/"+u.ID), "create user "+u.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateUser(ctx, query.CreateUserParams{
			AccountID: u.AccountID, ID: u.ID, TeamID: u.TeamID, Name: u.Name, Role: string(u.Role),
			CreatedAt: row.Time(u.CreatedAt), UpdatedAt: row.Time(u.UpdatedAt), SuspendedAt: row.TimeOrNil(u.SuspendedAt),
			DeletedAt: row.TimeOrNil(u.DeletedAt), SearchText: row.SearchText(u.ID, u.Name),
		})
	})
}

// UpdateUser implements engine.HierarchyStore.
func (s *Store) UpdateUser(ctx context.Context, u engine.User, was time.Time) error {
	if err := row.CheckUser(u); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaTenants, u.AccountID, "user/"+u.ID), "update user "+u.ID, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdateUser(ctx, query.UpdateUserParams{
			TeamID: u.TeamID, Name: u.Name, Role: string(u.Role), UpdatedAt: row.Time(u.UpdatedAt),
			SuspendedAt: row.TimeOrNil(u.SuspendedAt), DeletedAt: row.TimeOrNil(u.DeletedAt), SearchText: row.SearchText(u.ID, u.Name),
			AccountID: u.AccountID, ID: u.ID, Was: row.TimeOrNil(was),
		})
		if err != nil || changed > 0 {
			return err
		}
		return absent(q.HasUser(ctx, query.HasUserParams{AccountID: u.AccountID, ID: u.ID}))
	})
}

func parseUser(n query.ListUsersRow) (engine.User, error) {
	return engine.User{
		AccountID: n.AccountID, ID: n.ID, TeamID: n.TeamID, Name: n.Name, Role: engine.Role(n.Role),
		CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
		SuspendedAt: row.TimeOrZero(n.SuspendedAt), DeletedAt: row.TimeOrZero(n.DeletedAt),
	}, nil
}
