package postgres

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

var _ engine.BudgetLeaseStore = (*Store)(nil)

// ExchangeBudgets implements engine.BudgetLeaseStore. Every statement is sent for all
// claims at once, so that the budgets are locked for a few round trips.
func (s *Store) ExchangeBudgets(ctx context.Context, x engine.BudgetExchange) (grants []engine.BudgetGrant, err error) {
	if err := row.CheckBudgetExchange(x); err != nil || len(x.Claims) == 0 {
		return nil, err
	}
	rounds := row.BudgetRounds(x.Claims)
	err = s.lease(ctx, "exchange budgets", func(ctx context.Context, q *query.Queries) error {
		grants = make([]engine.BudgetGrant, len(x.Claims))
		for _, round := range rounds {
			if err := (&budgetRound{q: q, x: &x, at: round, grants: grants}).run(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return grants, err
}

// budgetRound is the claims of one exchange that are on different budgets.
type budgetRound struct {
	q      *query.Queries
	x      *engine.BudgetExchange
	at     []int // places of the claims, in the order of their keys
	grants []engine.BudgetGrant
	known  []bool
	levels []row.BudgetLevel
}

func (r *budgetRound) claim(i int) *engine.BudgetClaim { return &r.x.Claims[r.at[i]] }

func (r *budgetRound) run(ctx context.Context) error {
	r.known, r.levels = make([]bool, len(r.at)), make([]row.BudgetLevel, len(r.at))
	if err := r.lock(ctx); err != nil {
		return err
	}
	// In statements after the lock: they see what those wrote who were waited for.
	if err := r.read(ctx); err != nil {
		return err
	}
	return r.write(ctx)
}

func (r *budgetRound) lock(ctx context.Context) error {
	missing, err := r.tryLock(ctx)
	if err != nil || !missing {
		return err
	}
	opened := false
	for i, known := range r.known {
		c := r.claim(i)
		if known || c.Opening == nil {
			continue
		}
		opened = true
		made, err := r.q.EnsureBudgetHead(ctx, query.EnsureBudgetHeadParams{AccountID: c.AccountID, BudgetID: c.BudgetID, Version: c.Version, NanoUsd: c.NanoUSD})
		if err != nil {
			return err
		}
		if made == 0 {
			continue // another replica opened it meanwhile
		}
		r.levels[i].Opened = true
		steps := make([]query.AddToBudgetWindowParams, len(c.Opening))
		for j, step := range c.Opening {
			steps[j] = query.AddToBudgetWindowParams{AccountID: c.AccountID, BudgetID: c.BudgetID, WindowStart: row.Time(step.Start), Spent: step.NanoUSD}
		}
		if err := r.add(ctx, steps); err != nil {
			return err
		}
	}
	if opened {
		_, err = r.tryLock(ctx)
	}
	return err
}

// tryLock locks the heads that are there.
func (r *budgetRound) tryLock(ctx context.Context) (missing bool, err error) {
	heads := make([]query.LockBudgetHeadParams, len(r.at))
	for i := range heads {
		c := r.claim(i)
		heads[i] = query.LockBudgetHeadParams{AccountID: c.AccountID, BudgetID: c.BudgetID}
	}
	r.q.LockBudgetHead(ctx, heads).QueryRow(func(i int, n query.LockBudgetHeadRow, failed error) {
		switch {
		case failed == nil:
			r.known[i], r.levels[i].Version, r.levels[i].NanoUSD = true, n.Version, n.NanoUsd
		case errors.Is(failed, pgx.ErrNoRows):
			missing = true
		default:
			err = cmp.Or(err, failed)
		}
	})
	return missing, err
}

func (r *budgetRound) read(ctx context.Context) (err error) {
	sums, leases := make([]query.SumBudgetWindowsParams, len(r.at)), make([]query.GetBudgetLeaseParams, len(r.at))
	for i := range r.at {
		c := r.claim(i)
		sums[i] = query.SumBudgetWindowsParams{AccountID: c.AccountID, BudgetID: c.BudgetID, FromStart: row.Time(c.From)}
		leases[i] = query.GetBudgetLeaseParams{AccountID: c.AccountID, BudgetID: c.BudgetID, WindowStart: row.Time(c.Step), ReplicaID: r.x.Replica}
	}
	r.q.SumBudgetWindows(ctx, sums).QueryRow(func(i int, n query.SumBudgetWindowsRow, failed error) {
		l := &r.levels[i]
		l.Spent, l.Held, l.Oldest = n.Spent, n.Held, n.Oldest
		err = cmp.Or(err, failed)
	})
	if err != nil {
		return err
	}
	r.q.GetBudgetLease(ctx, leases).QueryRow(func(i int, n query.GetBudgetLeaseRow, failed error) {
		if errors.Is(failed, pgx.ErrNoRows) {
			return
		}
		l := &r.levels[i]
		l.Leased, l.LeaseHeld, l.LeaseSpent = true, n.Held, n.Spent
		err = cmp.Or(err, failed)
	})
	return err
}

func (r *budgetRound) write(ctx context.Context) (err error) {
	var heads []query.SetBudgetHeadParams
	var windows []query.AddToBudgetWindowParams
	var leases []query.PutBudgetLeaseParams
	for i, at := range r.at {
		if !r.known[i] {
			continue
		}
		c := r.claim(i)
		m := row.MoveBudget(r.levels[i], *c)
		r.grants[at] = m.Grant
		if m.Head {
			heads = append(heads, query.SetBudgetHeadParams{Version: c.Version, NanoUsd: c.NanoUSD, AccountID: c.AccountID, BudgetID: c.BudgetID})
		}
		if m.Spent != 0 || m.Held != 0 {
			windows = append(windows, query.AddToBudgetWindowParams{AccountID: c.AccountID, BudgetID: c.BudgetID, WindowStart: row.Time(c.Step), Spent: m.Spent, Held: m.Held})
		}
		leases = append(leases, query.PutBudgetLeaseParams{
			AccountID: c.AccountID, BudgetID: c.BudgetID, WindowStart: row.Time(c.Step), ReplicaID: r.x.Replica,
			Held: m.LeaseHeld, Spent: c.Spent, ExpiresAt: row.Time(r.x.ExpiresAt),
		})
	}
	note := func(_ int, failed error) { err = cmp.Or(err, failed) }
	if len(heads) > 0 {
		r.q.SetBudgetHead(ctx, heads).Exec(note)
	}
	if err == nil {
		err = r.add(ctx, windows)
	}
	if err == nil && len(leases) > 0 {
		r.q.PutBudgetLease(ctx, leases).Exec(note)
	}
	return err
}

func (r *budgetRound) add(ctx context.Context, windows []query.AddToBudgetWindowParams) (err error) {
	if len(windows) > 0 {
		r.q.AddToBudgetWindow(ctx, windows).Exec(func(_ int, failed error) { err = cmp.Or(err, failed) })
	}
	return err
}

// ExpireBudgetLeases implements engine.BudgetLeaseStore.
func (s *Store) ExpireBudgetLeases(ctx context.Context, replica string) error {
	return s.lease(ctx, "expire the leases of budgets", func(ctx context.Context, q *query.Queries) error {
		return q.ExpireBudgetLeases(ctx, replica)
	})
}

// DeadBudgetLeases implements engine.BudgetLeaseStore.
func (s *Store) DeadBudgetLeases(ctx context.Context, now time.Time, limit int) (leases []engine.BudgetLease, err error) {
	err = s.read(ctx, "list expired leases of budgets", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListDeadBudgetLeases(ctx, query.ListDeadBudgetLeasesParams{Now: row.Time(now), MaxRows: int64(limit)})
		for _, n := range rows {
			leases = append(leases, engine.BudgetLease{AccountID: n.AccountID, BudgetID: n.BudgetID, Step: n.WindowStart.UTC(), Replica: n.ReplicaID, Held: n.Held})
		}
		return err
	})
	return leases, err
}

// SettleBudgetLease implements engine.BudgetLeaseStore.
func (s *Store) SettleBudgetLease(ctx context.Context, l engine.BudgetLease, ledger int64, now time.Time) error {
	return s.lease(ctx, "settle an expired lease of budget "+l.BudgetID, func(ctx context.Context, q *query.Queries) error {
		r := &budgetRound{q: q, x: &engine.BudgetExchange{Replica: l.Replica, Claims: []engine.BudgetClaim{{
			AccountID: l.AccountID, BudgetID: l.BudgetID, From: l.Step, Step: l.Step,
		}}}, at: []int{0}, known: make([]bool, 1), levels: make([]row.BudgetLevel, 1)}
		if _, err := r.tryLock(ctx); err != nil {
			return err
		}
		var stored query.GetBudgetLeaseRow
		var err error
		q.GetBudgetLease(ctx, []query.GetBudgetLeaseParams{{AccountID: l.AccountID, BudgetID: l.BudgetID, WindowStart: row.Time(l.Step), ReplicaID: l.Replica}}).
			QueryRow(func(_ int, n query.GetBudgetLeaseRow, failed error) { stored, err = n, failed })
		if errors.Is(err, pgx.ErrNoRows) || err == nil && !stored.ExpiresAt.Before(now) {
			return nil
		}
		if err != nil {
			return err
		}
		w, err := q.GetBudgetWindow(ctx, query.GetBudgetWindowParams{AccountID: l.AccountID, BudgetID: l.BudgetID, WindowStart: row.Time(l.Step)})
		if err == nil {
			spent := max(ledger-w.Spent, 0)
			err = r.add(ctx, []query.AddToBudgetWindowParams{{AccountID: l.AccountID, BudgetID: l.BudgetID, WindowStart: row.Time(l.Step), Spent: spent, Held: -stored.Held}})
		} else if errors.Is(err, pgx.ErrNoRows) {
			err = nil
		}
		if err != nil {
			return err
		}
		return q.DeleteBudgetLease(ctx, query.DeleteBudgetLeaseParams{AccountID: l.AccountID, BudgetID: l.BudgetID, WindowStart: row.Time(l.Step), ReplicaID: l.Replica})
	})
}

// DropBudgetWindows implements engine.BudgetLeaseStore.
func (s *Store) DropBudgetWindows(ctx context.Context, windows, alerts time.Time) error {
	return s.lease(ctx, "drop old windows of budgets", func(ctx context.Context, q *query.Queries) error {
		if err := q.DropBudgetLeases(ctx, row.Time(windows)); err != nil {
			return err
		}
		if err := q.DropBudgetWindows(ctx, row.Time(windows)); err != nil {
			return err
		}
		return q.DropBudgetAlerts(ctx, row.Time(alerts))
	})
}
