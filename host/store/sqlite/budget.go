package sqlite

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

var (
	_ engine.BudgetStore      = (*Store)(nil)
	_ engine.BudgetAlertStore = (*Store)(nil)
)

// ListBudgets implements engine.BudgetStore.
func (s *Store) ListBudgets(ctx context.Context) (budgets []engine.Budget, err error) {
	err = s.read(ctx, "list budgets", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListBudgets(ctx)
		if err == nil {
			budgets, err = row.ParseAll(rows, parseBudget)
		}
		return err
	})
	return budgets, err
}

// GetBudget implements engine.BudgetStore.
func (s *Store) GetBudget(ctx context.Context, accountID, id string) (budget engine.Budget, err error) {
	if !row.IsKey(accountID, id) {
		return engine.Budget{}, engine.ErrNotFound
	}
	err = s.read(ctx, "get budget "+id, func(ctx context.Context, q *query.Queries) error {
		b, err := q.GetBudget(ctx, query.GetBudgetParams{AccountID: accountID, ID: id})
		if err == nil {
			budget, err = parseBudget(b)
		}
		return err
	})
	return budget, err
}

// CreateBudget implements engine.BudgetStore.
func (s *Store) CreateBudget(ctx context.Context, b engine.Budget) error {
	if err := row.CheckBudget(b); err != nil {
		return err
	}
	return s.write(ctx, row.Changed(engine.AreaBudgets, b.AccountID, ""), "create budget "+b.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateBudget(ctx, query.CreateBudgetParams(budgetRow(b)))
	})
}

// UpdateBudget implements engine.BudgetStore.
func (s *Store) UpdateBudget(ctx context.Context, b engine.Budget, was time.Time) error {
	if err := row.CheckBudget(b); err != nil {
		return err
	}
	n := budgetRow(b)
	return s.write(ctx, row.Changed(engine.AreaBudgets, b.AccountID, ""), "update budget "+b.ID, func(ctx context.Context, q *query.Queries) error {
		stored, err := q.GetBudget(ctx, query.GetBudgetParams{AccountID: b.AccountID, ID: b.ID})
		if err != nil {
			return err
		}
		old, err := parseBudget(stored)
		if err != nil {
			return err
		}
		changed, err := q.UpdateBudget(ctx, query.UpdateBudgetParams{
			Name: n.Name, TeamID: n.TeamID, UserID: n.UserID, KeyID: n.KeyID, ModelID: n.ModelID, Period: n.Period,
			NanoUsd: n.NanoUsd, Hard: n.Hard, Thresholds: n.Thresholds, Enabled: n.Enabled, LeastRole: n.LeastRole,
			UpdatedBy: n.UpdatedBy, UpdatedAt: n.UpdatedAt, AccountID: n.AccountID, ID: n.ID, Was: millisOrNil(was),
		})
		switch {
		case err != nil:
			return err
		case changed == 0:
			return engine.ErrConflict
		case row.Recounted(old, b):
			return forgetBudget(ctx, q, b.AccountID, b.ID)
		}
		return nil
	})
}

// DeleteBudget implements engine.BudgetStore.
func (s *Store) DeleteBudget(ctx context.Context, accountID, id string) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	return s.write(ctx, row.Changed(engine.AreaBudgets, accountID, ""), "delete budget "+id, func(ctx context.Context, q *query.Queries) error {
		deleted, err := q.DeleteBudget(ctx, query.DeleteBudgetParams{AccountID: accountID, ID: id})
		if err == nil && deleted == 0 {
			err = engine.ErrNotFound
		}
		if err != nil {
			return err
		}
		return forgetBudget(ctx, q, accountID, id)
	})
}

// forgetBudget drops what was counted. The head goes first: whoever counts waits for it.
func forgetBudget(ctx context.Context, q *query.Queries, accountID, id string) error {
	if err := q.DeleteBudgetHead(ctx, query.DeleteBudgetHeadParams{AccountID: accountID, BudgetID: id}); err != nil {
		return err
	}
	if err := q.DeleteBudgetLeases(ctx, query.DeleteBudgetLeasesParams{AccountID: accountID, BudgetID: id}); err != nil {
		return err
	}
	return q.DeleteBudgetWindows(ctx, query.DeleteBudgetWindowsParams{AccountID: accountID, BudgetID: id})
}

// AddBudgetAlert implements engine.BudgetAlertStore.
func (s *Store) AddBudgetAlert(ctx context.Context, a engine.BudgetAlert) (fired bool, err error) {
	if !row.IsKey(a.AccountID, a.BudgetID) {
		return false, engine.ErrNotFound
	}
	err = s.transact(ctx, "add an alert of budget "+a.BudgetID, func(ctx context.Context, q *query.Queries) error {
		added, err := q.AddBudgetAlert(ctx, query.AddBudgetAlertParams{
			AccountID: a.AccountID, BudgetID: a.BudgetID, WindowStart: millis(a.WindowStart), Percent: int64(a.Threshold.Percent),
			Projected: a.Threshold.Projected, TeamID: a.TeamID, UserID: a.UserID, KeyID: a.KeyID, ModelID: a.ModelID,
			Actions: string(row.List(a.Threshold.Actions)), NanoUsd: a.NanoUSD, Spent: a.Spent, FiredAt: millis(a.FiredAt),
		})
		fired = added > 0
		return err
	})
	return fired, err
}

// ListBudgetAlerts implements engine.BudgetAlertStore.
func (s *Store) ListBudgetAlerts(ctx context.Context, accountID string, limit int) (alerts []engine.BudgetAlert, err error) {
	if !row.IsKey(accountID) {
		return nil, nil
	}
	err = s.read(ctx, "list alerts", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListBudgetAlerts(ctx, query.ListBudgetAlertsParams{AccountID: accountID, MaxRows: int64(min(max(limit, 1), 1000))})
		if err == nil {
			alerts, err = row.ParseAll(rows, parseBudgetAlert)
		}
		return err
	})
	return alerts, err
}

func budgetRow(b engine.Budget) query.Budget {
	return query.Budget{
		AccountID: b.AccountID, ID: b.ID, Name: b.Name, TeamID: b.TeamID, UserID: b.UserID, KeyID: b.KeyID, ModelID: b.ModelID,
		Period: string(b.Period), NanoUsd: b.NanoUSD, Hard: b.Hard, Thresholds: string(row.Thresholds(b.Thresholds)), Enabled: b.Enabled,
		LeastRole: string(b.LeastRole), UpdatedBy: b.UpdatedBy, CreatedAt: millis(b.CreatedAt), UpdatedAt: millis(b.UpdatedAt),
	}
}

func parseBudget(n query.Budget) (engine.Budget, error) {
	thresholds, err := row.ParseThresholds([]byte(n.Thresholds))
	return engine.Budget{
		AccountID: n.AccountID, ID: n.ID, Name: n.Name, TeamID: n.TeamID, UserID: n.UserID, KeyID: n.KeyID, ModelID: n.ModelID,
		Period: engine.BudgetPeriod(n.Period), NanoUSD: n.NanoUsd, Hard: n.Hard, Thresholds: thresholds, Enabled: n.Enabled,
		LeastRole: engine.Role(n.LeastRole), UpdatedBy: n.UpdatedBy, CreatedAt: instant(n.CreatedAt), UpdatedAt: instant(n.UpdatedAt),
	}, err
}

func parseBudgetAlert(n query.BudgetAlert) (engine.BudgetAlert, error) {
	actions, err := row.ParseList[string]([]byte(n.Actions))
	return engine.BudgetAlert{
		AccountID: n.AccountID, BudgetID: n.BudgetID, TeamID: n.TeamID, UserID: n.UserID, KeyID: n.KeyID, ModelID: n.ModelID,
		WindowStart: instant(n.WindowStart), Threshold: engine.Threshold{Percent: int(n.Percent), Projected: n.Projected, Actions: actions},
		NanoUSD: n.NanoUsd, Spent: n.Spent, FiredAt: instant(n.FiredAt),
	}, err
}
