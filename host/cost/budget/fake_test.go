package budget_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
)

// books are an engine.BudgetLeaseStore in memory. It decides as the databases do.
type books struct {
	mu      sync.Mutex
	heads   map[string]*row.BudgetLevel
	windows map[string]map[int64]*[2]int64 // by budget and step: spent, held
	leases  map[string]*lease
	calls   int
	err     error // of every call
}

type lease struct {
	engine.BudgetLease
	spent   int64
	expires time.Time
}

func newBooks() *books {
	return &books{heads: map[string]*row.BudgetLevel{}, windows: map[string]map[int64]*[2]int64{}, leases: map[string]*lease{}}
}

func leaseKey(account, id string, step time.Time, replica string) string {
	return strings.Join([]string{account, id, step.String(), replica}, "/")
}

func (b *books) window(key string, step time.Time) *[2]int64 {
	if b.windows[key] == nil {
		b.windows[key] = map[int64]*[2]int64{}
	}
	w := b.windows[key]
	if w[step.UnixMilli()] == nil {
		w[step.UnixMilli()] = &[2]int64{}
	}
	return w[step.UnixMilli()]
}

func (b *books) ExchangeBudgets(_ context.Context, x engine.BudgetExchange) ([]engine.BudgetGrant, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls++; b.err != nil {
		return nil, b.err
	}
	if err := row.CheckBudgetExchange(x); err != nil {
		return nil, err
	}
	grants := make([]engine.BudgetGrant, len(x.Claims))
	for i, c := range x.Claims {
		key := c.AccountID + "/" + c.BudgetID
		head, opened := b.heads[key], false
		if head == nil {
			if c.Opening == nil {
				continue
			}
			head = &row.BudgetLevel{Version: c.Version, NanoUSD: c.NanoUSD}
			b.heads[key], opened = head, true
			for _, s := range c.Opening {
				b.window(key, s.Start)[0] += s.NanoUSD
			}
		}
		l := *head
		l.Opened = opened
		for at, w := range b.windows[key] {
			if at >= c.From.UnixMilli() {
				l.Spent, l.Held = l.Spent+w[0], l.Held+w[1]
				if w[0] != 0 && (l.Oldest.IsZero() || at < l.Oldest.UnixMilli()) {
					l.Oldest = time.UnixMilli(at)
				}
			}
		}
		own := leaseKey(c.AccountID, c.BudgetID, c.Step, x.Replica)
		if old := b.leases[own]; old != nil {
			l.Leased, l.LeaseHeld, l.LeaseSpent = true, old.Held, old.spent
		}
		m := row.MoveBudget(l, c)
		if m.Head {
			head.Version, head.NanoUSD = c.Version, c.NanoUSD
		}
		w := b.window(key, c.Step)
		w[0], w[1] = w[0]+m.Spent, w[1]+m.Held
		b.leases[own] = &lease{engine.BudgetLease{AccountID: c.AccountID, BudgetID: c.BudgetID, Step: c.Step, Replica: x.Replica, Held: m.LeaseHeld}, c.Spent, x.ExpiresAt}
		grants[i] = m.Grant
	}
	return grants, nil
}

func (b *books) ExpireBudgetLeases(_ context.Context, replica string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.leases {
		if l.Replica == replica {
			l.expires = time.Time{}
		}
	}
	return nil
}

func (b *books) DeadBudgetLeases(_ context.Context, now time.Time, _ int) (dead []engine.BudgetLease, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.leases {
		if l.expires.Before(now) {
			dead = append(dead, l.BudgetLease)
		}
	}
	slices.SortFunc(dead, func(a, b engine.BudgetLease) int {
		return strings.Compare(leaseKey(a.AccountID, a.BudgetID, a.Step, a.Replica), leaseKey(b.AccountID, b.BudgetID, b.Step, b.Replica))
	})
	return dead, nil
}

func (b *books) SettleBudgetLease(_ context.Context, l engine.BudgetLease, ledger int64, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := leaseKey(l.AccountID, l.BudgetID, l.Step, l.Replica)
	old := b.leases[key]
	if old == nil || !old.expires.Before(now) {
		return nil
	}
	w := b.window(l.AccountID+"/"+l.BudgetID, l.Step)
	w[0] += max(ledger-w[0], 0)
	w[1] -= old.Held
	delete(b.leases, key)
	return nil
}

func (b *books) DropBudgetWindows(context.Context, time.Time, time.Time) error { return nil }

// ledger has rows, and sums them as the databases do.
type ledger struct {
	mu   sync.Mutex
	rows []engine.Usage
}

func (l *ledger) add(u engine.Usage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = append(l.rows, u)
}

func (l *ledger) Report(_ context.Context, q engine.ReportQuery) ([]engine.ReportRow, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	step := time.Hour
	if q.Grain == engine.GrainDay {
		step = 24 * time.Hour
	}
	sums := map[time.Time]int64{}
	for _, u := range l.rows {
		if (q.AccountID == "" || q.AccountID == u.AccountID) && (q.TeamID == "" || q.TeamID == u.TeamID) && (q.UserID == "" || q.UserID == u.UserID) &&
			(q.KeyID == "" || q.KeyID == u.KeyID) && (q.ModelID == "" || q.ModelID == u.ModelID) && !u.StartedAt.Before(q.From) && u.StartedAt.Before(q.To) {
			sums[u.StartedAt.UTC().Truncate(step)] += u.CostNanoUSD
		}
	}
	var rows []engine.ReportRow
	for at, sum := range sums {
		rows = append(rows, engine.ReportRow{At: at, CostNanoUSD: sum})
	}
	slices.SortFunc(rows, func(a, b engine.ReportRow) int { return a.At.Compare(b.At) })
	return rows, nil
}
