package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

var _ engine.RolloutStore = (*Store)(nil)

// ListRollouts implements engine.RolloutStore.
func (s *Store) ListRollouts(ctx context.Context) (list []engine.Rollout, err error) {
	err = s.read(ctx, "list rollouts", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListRollouts(ctx)
		if err == nil {
			list, err = row.ParseAll(rows, parseRollout)
		}
		return err
	})
	return list, err
}

// PageRollouts implements engine.RolloutStore.
func (s *Store) PageRollouts(ctx context.Context, accountID, before string, limit int) (list []engine.Rollout, err error) {
	if !row.IsKey(accountID) {
		return nil, nil
	}
	if before == "" {
		before = "~" // after every id
	}
	err = s.readOf(ctx, accountID, "page rollouts", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.PageRollouts(ctx, query.PageRolloutsParams{AccountID: accountID, Before: before, Size: row.AuditLimit(limit)})
		if err == nil {
			list, err = row.ParseAll(rows, parseRollout)
		}
		return err
	})
	return list, err
}

// GetRollout implements engine.RolloutStore.
func (s *Store) GetRollout(ctx context.Context, accountID, id string) (r engine.Rollout, err error) {
	if !row.IsKey(accountID, id) {
		return r, engine.ErrNotFound
	}
	err = s.readOf(ctx, accountID, "get rollout "+id, func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetRollout(ctx, query.GetRolloutParams{AccountID: accountID, ID: id})
		if err == nil {
			r, err = parseRollout(n)
		}
		return err
	})
	return r, err
}

// CreateRollout implements engine.RolloutStore.
func (s *Store) CreateRollout(ctx context.Context, r engine.Rollout) error {
	if err := row.CheckRollout(r); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaRollouts, r.AccountID, ""), "create rollout "+r.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateRollout(ctx, query.CreateRolloutParams{
			AccountID: r.AccountID, ID: r.ID, Kind: string(r.Kind), Status: string(r.Status),
			Rules: row.DraftBody(r.Draft), Plugin: r.Draft.Plugin, Version: r.Draft.Version, Base: r.Base, Share: int64(r.Share),
			Guards: row.Guards(r.Guards), Note: r.Note, Reason: r.Reason, MadeBy: r.By,
			CreatedAt: row.Time(r.CreatedAt), UpdatedAt: row.Time(r.UpdatedAt), EndedAt: row.TimeOrNil(r.EndedAt),
		})
	})
}

// UpdateRollout implements engine.RolloutStore.
func (s *Store) UpdateRollout(ctx context.Context, r engine.Rollout, was time.Time) error {
	if err := row.CheckRollout(r); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaRollouts, r.AccountID, ""), "update rollout "+r.ID, func(ctx context.Context, q *query.Queries) error {
		n, err := q.UpdateRollout(ctx, query.UpdateRolloutParams{
			Status: string(r.Status), Share: int64(r.Share), Reason: r.Reason, UpdatedAt: row.Time(r.UpdatedAt), EndedAt: row.TimeOrNil(r.EndedAt),
			AccountID: r.AccountID, ID: r.ID, Was: row.Time(was),
		})
		if err != nil || n > 0 {
			return err
		}
		if _, err := q.GetRollout(ctx, query.GetRolloutParams{AccountID: r.AccountID, ID: r.ID}); err != nil {
			return err
		}
		return engine.ErrConflict
	})
}

// PutRolloutStats implements engine.RolloutStore.
func (s *Store) PutRolloutStats(ctx context.Context, accountID, id, process string, at time.Time, stats engine.RolloutStats) error {
	if !row.IsKey(accountID, id, process) {
		return engine.ErrNotFound
	}
	return s.transactOf(ctx, accountID, "put counts of rollout "+id, func(ctx context.Context, q *query.Queries) error {
		if _, err := q.GetRollout(ctx, query.GetRolloutParams{AccountID: accountID, ID: id}); err != nil {
			return err
		}
		return q.PutRolloutStats(ctx, query.PutRolloutStatsParams{
			AccountID: accountID, RolloutID: id, Process: process, Stats: row.RolloutStats(stats), UpdatedAt: row.Time(at),
		})
	})
}

// RolloutStats implements engine.RolloutStore.
func (s *Store) RolloutStats(ctx context.Context, accountID, id string, since time.Time) (list []engine.RolloutStats, err error) {
	if !row.IsKey(accountID, id) {
		return nil, nil
	}
	err = s.readOf(ctx, accountID, "read counts of rollout "+id, func(ctx context.Context, q *query.Queries) error {
		texts, err := q.ListRolloutStats(ctx, query.ListRolloutStatsParams{AccountID: accountID, RolloutID: id, Since: row.Time(since)})
		if err == nil {
			list, err = row.ParseRolloutStats(texts)
		}
		return err
	})
	return list, err
}

func parseRollout(n query.Rollout) (engine.Rollout, error) {
	r := engine.Rollout{
		AccountID: n.AccountID, ID: n.ID, Kind: engine.RolloutKind(n.Kind), Status: engine.RolloutStatus(n.Status),
		Draft: engine.RuleDraft{Plugin: n.Plugin, Version: n.Version}, Base: n.Base, Share: int(n.Share), Note: n.Note, Reason: n.Reason, By: n.MadeBy,
		CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(), EndedAt: row.TimeOrZero(n.EndedAt),
	}
	var err error
	if r.Draft.Rules, err = row.ParseDraftBody(n.AccountID, n.Rules); err != nil {
		return r, err
	}
	r.Guards, err = row.ParseGuards(n.Guards)
	return r, err
}
