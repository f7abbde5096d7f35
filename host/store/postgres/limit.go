package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

var _ engine.LimitStore = (*Store)(nil)

// ListLimits implements engine.LimitStore.
func (s *Store) ListLimits(ctx context.Context) (limits []engine.Limit, err error) {
	err = s.read(ctx, "list limits", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListLimits(ctx)
		if err == nil {
			limits, err = row.ParseAll(rows, parseLimit)
		}
		return err
	})
	return limits, err
}

// GetLimit implements engine.LimitStore.
func (s *Store) GetLimit(ctx context.Context, accountID, id string) (limit engine.Limit, err error) {
	if !row.IsKey(accountID, id) {
		return engine.Limit{}, engine.ErrNotFound
	}
	err = s.readOf(ctx, accountID, "get limit "+id, func(ctx context.Context, q *query.Queries) error {
		l, err := q.GetLimit(ctx, query.GetLimitParams{AccountID: accountID, ID: id})
		if err == nil {
			limit, err = parseLimit(l)
		}
		return err
	})
	return limit, err
}

// CreateLimit implements engine.LimitStore.
func (s *Store) CreateLimit(ctx context.Context, l engine.Limit) error {
	if err := row.CheckRateLimit(l); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaLimits, l.AccountID, ""), "create limit "+l.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateLimit(ctx, query.CreateLimitParams(limitRow(l)))
	})
}

// UpdateLimit implements engine.LimitStore.
func (s *Store) UpdateLimit(ctx context.Context, l engine.Limit, was time.Time) error {
	if err := row.CheckRateLimit(l); err != nil {
		return err
	}
	n := limitRow(l)
	return s.writeOf(ctx, row.Changed(engine.AreaLimits, l.AccountID, ""), "update limit "+l.ID, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdateLimit(ctx, query.UpdateLimitParams{
			Name: n.Name, Scope: n.Scope, SplitBy: n.SplitBy, Kind: n.Kind, Amount: n.Amount, WindowMs: n.WindowMs,
			Burst: n.Burst, IsOverride: n.IsOverride, Enabled: n.Enabled, Resets: n.Resets, LeastRole: n.LeastRole, UpdatedAt: n.UpdatedAt,
			AccountID: n.AccountID, ID: n.ID, Was: row.TimeOrNil(was),
		})
		if err != nil || changed > 0 {
			return err
		}
		found, err := q.HasLimit(ctx, query.HasLimitParams{AccountID: l.AccountID, ID: l.ID})
		switch {
		case err != nil:
			return err
		case found == 0:
			return engine.ErrNotFound
		}
		return engine.ErrConflict
	})
}

// DeleteLimit implements engine.LimitStore.
func (s *Store) DeleteLimit(ctx context.Context, accountID, id string) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	return s.writeOf(ctx, row.Changed(engine.AreaLimits, accountID, ""), "delete limit "+id, func(ctx context.Context, q *query.Queries) error {
		deleted, err := q.DeleteLimit(ctx, query.DeleteLimitParams{AccountID: accountID, ID: id})
		if err == nil && deleted == 0 {
			err = engine.ErrNotFound
		}
		if err != nil {
			return err
		}
		return q.DeleteLimitBuckets(ctx, query.DeleteLimitBucketsParams{AccountID: accountID, LimitID: id})
	})
}

func limitRow(l engine.Limit) query.Limit {
	return query.Limit{
		AccountID: l.AccountID, ID: l.ID, Name: l.Name, Scope: row.LimitScope(l.Scope), SplitBy: row.List(l.Per.Names()),
		Kind: string(l.Kind), Amount: l.Amount, WindowMs: l.Window.Milliseconds(), Burst: l.Burst, IsOverride: l.Override,
		Enabled: l.Enabled, Resets: l.Resets, LeastRole: string(l.LeastRole), CreatedAt: row.Time(l.CreatedAt), UpdatedAt: row.Time(l.UpdatedAt),
	}
}

func parseLimit(n query.Limit) (engine.Limit, error) {
	scope, err := row.ParseLimitScope(n.Scope)
	if err != nil {
		return engine.Limit{}, err
	}
	per, err := row.ParseLimitDimensions(n.SplitBy)
	return engine.Limit{
		AccountID: n.AccountID, ID: n.ID, Name: n.Name, Scope: scope, Per: per, Kind: engine.LimitKind(n.Kind),
		Amount: n.Amount, Window: time.Duration(n.WindowMs) * time.Millisecond, Burst: n.Burst, Override: n.IsOverride,
		Enabled: n.Enabled, Resets: n.Resets, LeastRole: engine.Role(n.LeastRole), CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
	}, err
}
