package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// ListTeams implements engine.HierarchyStore.
func (s *Store) ListTeams(ctx context.Context) (teams []engine.Team, err error) {
	err = s.read(ctx, "list teams", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListTeams(ctx)
		if err == nil {
			teams, err = row.ParseAll(rows, parseTeam)
		}
		return err
	})
	return teams, err
}

// GetTeam implements engine.HierarchyStore.
func (s *Store) GetTeam(ctx context.Context, accountID, id string) (team engine.Team, err error) {
	if !row.IsKey(accountID, id) {
		return engine.Team{}, engine.ErrNotFound
	}
	err = s.readOf(ctx, accountID, "get team "+id, func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetTeam(ctx, query.GetTeamParams{AccountID: accountID, ID: id})
		if err == nil {
			team, err = parseTeam(query.ListTeamsRow(n))
		}
		return err
	})
	return team, err
}

// PageTeams implements engine.HierarchyStore.
func (s *Store) PageTeams(ctx context.Context, f engine.TenantFilter, p engine.Page) (teams []engine.Team, err error) {
	span, ok := row.ParsePage(f, p)
	if !ok {
		return nil, nil
	}
	err = s.readOf(ctx, f.AccountID, "page teams", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.PageTeams(ctx, query.PageTeamsParams{
			AfterAccount: span.AfterAccount, AfterID: span.AfterID, AccountID: f.AccountID, ID: f.TeamID,
			Search: span.Search, Inactive: f.Inactive, Size: span.Size,
		})
		if err == nil {
			teams, err = row.ParseAll(rows, func(n query.PageTeamsRow) (engine.Team, error) {
				return parseTeam(query.ListTeamsRow(n))
			})
		}
		return err
	})
	return teams, err
}

// CreateTeam implements engine.HierarchyStore.
func (s *Store) CreateTeam(ctx context.Context, t engine.Team) error {
	if err := row.CheckTeam(t); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaTenants, t.AccountID, "team/"+t.ID), "create team "+t.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateTeam(ctx, query.CreateTeamParams{
			AccountID: t.AccountID, ID: t.ID, Name: t.Name, CreatedAt: row.Time(t.CreatedAt), UpdatedAt: row.Time(t.UpdatedAt),
			DeletedAt: row.TimeOrNil(t.DeletedAt), SearchText: row.SearchText(t.ID, t.Name),
		})
	})
}

// UpdateTeam implements engine.HierarchyStore.
func (s *Store) UpdateTeam(ctx context.Context, t engine.Team, was time.Time) error {
	if err := row.CheckTeam(t); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaTenants, t.AccountID, "team/"+t.ID), "update team "+t.ID, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdateTeam(ctx, query.UpdateTeamParams{
			Name: t.Name, UpdatedAt: row.Time(t.UpdatedAt), DeletedAt: row.TimeOrNil(t.DeletedAt),
			SearchText: row.SearchText(t.ID, t.Name), AccountID: t.AccountID, ID: t.ID, Was: row.TimeOrNil(was),
		})
		if err != nil || changed > 0 {
			return err
		}
		return absent(q.HasTeam(ctx, query.HasTeamParams{AccountID: t.AccountID, ID: t.ID}))
	})
}

func parseTeam(n query.ListTeamsRow) (engine.Team, error) {
	return engine.Team{
		AccountID: n.AccountID, ID: n.ID, Name: n.Name, CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
		DeletedAt: row.TimeOrZero(n.DeletedAt),
	}, nil
}
