package budget

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Left is what the tightest hard budget leaves of those that bound all that the principal
// does, and whether any budget prefers cost. It does not wait and does not allocate.
func (g *Guard) Left(p engine.Principal) (left engine.BudgetLeft) {
	w := who{account: p.AccountID, team: p.TeamID, user: p.UserID, key: p.KeyID}
	x := g.index.Load()
	if len(x.all) == 0 {
		return left
	}
	lists := x.lists(&w)
	now, clock := g.cfg.Now().UnixMilli(), g.cfg.Clock()
	for i := range lists {
		list := lists[i]
		for j := range list {
			if e := &list[j]; e.covers(&w) {
				e.c.leaves(&left, now, clock)
			}
		}
	}
	return left
}

func (c *counter) leaves(left *engine.BudgetLeft, now int64, clock time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at(now)
	left.PreferCheaper = left.PreferCheaper || c.cheaper > now
	if !c.b.Hard && c.stop <= now {
		return
	}
	nano := c.left(clock)
	if c.stop > now {
		nano = 0
	}
	if left.Bounded && nano >= left.NanoUSD {
		return
	}
	left.Bounded, left.NanoUSD, left.Fraction = true, nano, 0
	if c.b.NanoUSD > 0 {
		left.Fraction = min(float64(nano)/float64(c.b.NanoUSD), 1)
	}
}

// States returns what has become of budgets, in their order. Replicas ask the database.
// Budgets that are not in force have spent nothing. Errors: the database's.
func (g *Guard) States(ctx context.Context, budgets []engine.Budget) ([]engine.BudgetState, error) {
	x := g.index.Load()
	counters := map[name]*counter{}
	for i := range x.all {
		counters[name{x.all[i].b.AccountID, x.all[i].b.ID}] = x.all[i].c
	}
	if g.cfg.Leases != nil {
		var old []*counter
		for _, b := range budgets {
			if c := counters[name{b.AccountID, b.ID}]; c != nil && !c.recent(g.cfg.Clock()) {
				old = append(old, c)
			}
		}
		if err := g.refresh(ctx, old); err != nil {
			return nil, err
		}
	}
	states := make([]engine.BudgetState, len(budgets))
	now := g.cfg.Now()
	for i, b := range budgets {
		if c := counters[name{b.AccountID, b.ID}]; c != nil {
			states[i] = c.state(now)
			continue
		}
		s := spanAt(b.Period, now.UnixMilli())
		states[i] = engine.BudgetState{LeftNanoUSD: b.NanoUSD, From: time.UnixMilli(s.from).UTC(), ResetsAt: time.UnixMilli(resetAt(b.Period, s, 0)).UTC()}
	}
	return states, nil
}

// refresh exchanges with the database about counters, all that nobody else is at in one go, and
// waits for the answers. Errors: the database's.
func (g *Guard) refresh(ctx context.Context, counters []*counter) error {
	var list []*pending
	var waiting []*counter
	send := func() error {
		if len(list) == 0 {
			return nil
		}
		err := g.exchangeAll(ctx, list)
		list = nil
		return err
	}
	for _, c := range counters {
		c.mu.Lock()
		busy := c.busy
		c.busy = true
		c.mu.Unlock()
		if busy {
			waiting = append(waiting, c)
			continue
		}
		f, p := g.prepare(c, true)
		p.flight = f
		if list = append(list, p); len(list) == maxBatch {
			if err := send(); err != nil {
				return err
			}
		}
	}
	if err := send(); err != nil {
		return err
	}
	patience := g.cfg.Patience
	for _, c := range waiting {
		if err := g.ask(ctx, c, &patience); err != nil {
			return err
		}
	}
	return nil
}

// recent reports whether the store was asked within this moment.
func (c *counter) recent(clock time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked && clock-c.renewed < dryFor
}

func (c *counter) state(now time.Time) engine.BudgetState {
	c.mu.Lock()
	defer c.mu.Unlock()
	ms := now.UnixMilli()
	last := c.at(ms)
	spent, held := c.spent(), c.heldAll
	if c.shared {
		// Of what this replica holds, some is spent since it last said so.
		held = max(held-max(last.spent-last.settled, 0), 0)
	} else {
		_, held = c.used()
	}
	s := spanAt(c.b.Period, last.start)
	return engine.BudgetState{
		SpentNanoUSD: spent, HeldNanoUSD: held, LeftNanoUSD: max(add(c.b.NanoUSD, -add(spent, held)), 0), ProjectedNanoUSD: c.projected(ms),
		From: time.UnixMilli(s.from).UTC(), ResetsAt: time.UnixMilli(c.resets(ms)).UTC(), Stopped: c.stop > ms, PreferCheaper: c.cheaper > ms,
	}
}
