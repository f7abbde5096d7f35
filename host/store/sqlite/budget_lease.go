package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

var _ engine.BudgetLeaseStore = (*Store)(nil)

// ExchangeBudgets implements engine.BudgetLeaseStore. There is one writer: nothing needs a lock.
func (s *Store) ExchangeBudgets(ctx context.Context, x engine.BudgetExchange) (grants []engine.BudgetGrant, err error) {
	if err := row.CheckBudgetExchange(x); err != nil || len(x.Claims) == 0 {
		return nil, err
	}
	err = s.transact(ctx, "exchange budgets", func(ctx context.Context, q *query.Queries) error {
		grants = make([]engine.BudgetGrant, len(x.Claims))
		for i, c := range x.Claims {
			m, err := moveBudget(ctx, q, x, c)
			if err != nil {
				return err
			}
			grants[i] = m
		}
		return nil
	})
	return grants, err
}

func moveBudget(ctx context.Context, q *query.Queries, x engine.BudgetExchange, c engine.BudgetClaim) (none engine.BudgetGrant, err error) {
	l := row.BudgetLevel{Version: c.Version, NanoUSD: c.NanoUSD}
	head, err := q.LockBudgetHead(ctx, query.LockBudgetHeadParams{AccountID: c.AccountID, BudgetID: c.BudgetID})
	switch {
	case err == nil:
		l.Version, l.NanoUSD = head.Version, head.NanoUsd
	case !errors.Is(err, sql.ErrNoRows):
		return none, err
	case c.Opening == nil:
		return none, nil
	default:
		if err := openBudget(ctx, q, c); err != nil {
			return none, err
		}
		l.Opened = true
	}
	sum, err := q.SumBudgetWindows(ctx, query.SumBudgetWindowsParams{AccountID: c.AccountID, BudgetID: c.BudgetID, FromStart: millis(c.From)})
	if err != nil {
		return none, err
	}
	l.Spent, l.Held, l.Oldest = sum.Spent, sum.Held, instant(sum.Oldest)
	lease, err := q.GetBudgetLease(ctx, query.GetBudgetLeaseParams{AccountID: c.AccountID, BudgetID: c.BudgetID, WindowStart: millis(c.Step), ReplicaID: x.Replica})
	if err == nil {
		l.Leased, l.LeaseHeld, l.LeaseSpent = true, lease.Held, lease.Spent
	} else if !errors.Is(err, sql.ErrNoRows) {
		return none, err
	}
	m := row.MoveBudget(l, c)
	if m.Head {
		err = q.SetBudgetHead(ctx, query.SetBudgetHeadParams{Version: c.Version, NanoUsd: c.NanoUSD, AccountID: c.AccountID, BudgetID: c.BudgetID})
		if err != nil {
			return none, err
		}
	}
	err = q.AddToBudgetWindow(ctx, query.AddToBudgetWindowParams{AccountID: c.AccountID, BudgetID: c.BudgetID, WindowStart: millis(c.Step), Spent: m.Spent, Held: m.Held})
	if err != nil {
		return none, err
	}
	return m.Grant, q.PutBudgetLease(ctx, query.PutBudgetLeaseParams{
		AccountID: c.AccountID, BudgetID: c.BudgetID, WindowStart: millis(c.Step), ReplicaID: x.Replica,
		Held: m.LeaseHeld, Spent: c.Spent, ExpiresAt: millis(x.ExpiresAt),
	})
}

func openBudget(ctx context.Context, q *query.Queries, c engine.BudgetClaim) error {
	_, err := q.EnsureBudgetHead(ctx, query.EnsureBudgetHeadParams{AccountID: c.AccountID, BudgetID: c.BudgetID, Version: c.Version, NanoUsd: c.NanoUSD})
	for _, step := range c.Opening {
		if err != nil {
			return err
		}
		err = q.AddToBudgetWindow(ctx, query.AddToBudgetWindowParams{AccountID: c.AccountID, BudgetID: c.BudgetID, WindowStart: millis(step.Start), Spent: step.NanoUSD})
	}
	return err
}

// ExpireBudgetLeases implements engine.BudgetLeaseStore.
func (s *Store) ExpireBudgetLeases(ctx context.Context, replica string) error {
	return s.transact(ctx, "expire the leases of budgets", func(ctx context.Context, q *query.Queries) error {
		return q.ExpireBudgetLeases(ctx, replica)
	})
}

// DeadBudgetLeases implements engine.BudgetLeaseStore.
func (s *Store) DeadBudgetLeases(ctx context.Context, now time.Time, limit int) (leases []engine.BudgetLease, err error) {
	err = s.read(ctx, "list expired leases of budgets", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListDeadBudgetLeases(ctx, query.ListDeadBudgetLeasesParams{Now: millis(now), MaxRows: int64(limit)})
		for _, n := range rows {
			leases = append(leases, engine.BudgetLease{AccountID: n.AccountID, BudgetID: n.BudgetID, Step: instant(n.WindowStart), Replica: n.ReplicaID, Held: n.Held})
		}
		return err
	})
	return leases, err
}

// SettleBudgetLease implements engine.BudgetLeaseStore.
func (s *Store) SettleBudgetLease(ctx context.Context, l engine.BudgetLease, ledger int64, now time.Time) error {
	return s.transact(ctx, "settle an expired lease of budget "+l.BudgetID, func(ctx context.Context, q *query.Queries) error {
		step := millis(l.Step)
		stored, err := q.GetBudgetLease(ctx, query.GetBudgetLeaseParams{AccountID: l.AccountID, BudgetID: l.BudgetID, WindowStart: step, ReplicaID: l.Replica})
		if errors.Is(err, sql.ErrNoRows) || err == nil && stored.ExpiresAt >= now.UnixMilli() {
			return nil
		}
		if err != nil {
			return err
		}
		w, err := q.GetBudgetWindow(ctx, query.GetBudgetWindowParams{AccountID: l.AccountID, BudgetID: l.BudgetID, WindowStart: step})
		if err == nil {
			spent := max(ledger-w.Spent, 0)
			err = q.AddToBudgetWindow(ctx, query.AddToBudgetWindowParams{AccountID: l.AccountID, BudgetID: l.BudgetID, WindowStart: step, Spent: spent, Held: -stored.Held})
		} else if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		if err != nil {
			return err
		}
		return q.DeleteBudgetLease(ctx, query.DeleteBudgetLeaseParams{AccountID: l.AccountID, BudgetID: l.BudgetID, WindowStart: step, ReplicaID: l.Replica})
	})
}

// DropBudgetWindows implements engine.BudgetLeaseStore.
func (s *Store) DropBudgetWindows(ctx context.Context, windows, alerts time.Time) error {
	return s.transact(ctx, "drop old windows of budgets", func(ctx context.Context, q *query.Queries) error {
		if err := q.DropBudgetLeases(ctx, millis(windows)); err != nil {
			return err
		}
		if err := q.DropBudgetWindows(ctx, millis(windows)); err != nil {
			return err
		}
		return q.DropBudgetAlerts(ctx, millis(alerts))
	})
}
