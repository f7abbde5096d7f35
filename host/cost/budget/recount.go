package budget

import (
	"context"
	"errors"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const (
	pauseAlone  = 2 * time.Second
	pauseShared = 15 * time.Second
)

// Repair is what a budget was found to count too little, or, below 0, too much.
type Repair struct {
	Budget engine.Budget
	Amount int64
}

// look is what is counted of a budget, and what the ledger has of it.
type look struct {
	from          int64 // of the window
	spent, ledger int64
}

// Recount compares what is counted of each budget with the ledger, whose sums are right, and
// counts the difference. Both grow while it looks, neither at once: so it looks twice. What was
// spent before the first look is in both at the second. If even then one has less than the
// other had at first, that much is wrong; less cannot be told, and is told another night.
// Errors: the ledger's and the database's.
func (g *Guard) Recount(ctx context.Context) ([]Repair, error) {
	return g.recount(ctx, g.index.Load().all)
}

func (g *Guard) recount(ctx context.Context, all []entry) ([]Repair, error) {
	if len(all) == 0 {
		return nil, nil
	}
	first, err := g.look(ctx, all)
	if err != nil {
		return nil, err
	}
	if !pause(ctx, g.cfg.Pause) {
		return nil, ctx.Err()
	}
	if err := g.cfg.Flush(ctx); err != nil {
		return nil, err
	}
	second, err := g.look(ctx, all)
	if err != nil {
		return nil, err
	}
	var repairs []Repair
	for i := range all {
		e := &all[i]
		a, b := first[e.c], second[e.c]
		// Less than before is a correction, or another window: there is nothing to compare.
		if a.from != b.from || b.spent < a.spent || b.ledger < a.ledger {
			continue
		}
		wrong := int64(0)
		switch {
		case b.spent < a.ledger:
			wrong = a.ledger - b.spent
		case b.ledger < a.spent:
			wrong = b.ledger - a.spent
		}
		if wrong != 0 && e.c.amend(wrong, b.from) {
			repairs = append(repairs, Repair{e.b, wrong})
		}
	}
	g.poke()
	return repairs, nil
}

// look reads the counters first and the ledger then.
func (g *Guard) look(ctx context.Context, all []entry) (map[*counter]look, error) {
	if g.cfg.Ledger == nil {
		return nil, errors.New("there is no ledger")
	}
	found := make(map[*counter]look, len(all))
	if g.cfg.Leases != nil {
		counters := make([]*counter, len(all))
		for i := range all {
			counters[i] = all[i].c
		}
		if err := g.refresh(ctx, counters); err != nil {
			return nil, err
		}
	}
	now := g.cfg.Now().UnixMilli()
	for i := range all {
		c := all[i].c
		c.mu.Lock()
		last := c.at(now)
		found[c] = look{from: spanAt(c.b.Period, last.start).from, spent: c.spent()}
		c.mu.Unlock()
	}
	for i := range all {
		e := &all[i]
		cells, err := g.opening(ctx, &e.b, spanAt(e.b.Period, now))
		if err != nil {
			return nil, err
		}
		l := found[e.c]
		for _, cell := range cells {
			l.ledger = add(l.ledger, cell.spent)
		}
		found[e.c] = l
	}
	return found, nil
}

// amend counts what was not, in the present step, if the window is still that one.
func (c *counter) amend(wrong, from int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.cells[len(c.cells)-1]
	if spanAt(c.b.Period, last.start).from != from {
		return false
	}
	last.spent = add(last.spent, wrong)
	c.mark()
	return true
}

// begin has a budget recounted that has just begun at what the ledger had.
func (g *Guard) begin(c *counter) {
	c.mu.Lock()
	c.begun = max(g.cfg.Clock(), 1)
	c.mu.Unlock()
	g.signBegun()
}

func (g *Guard) signBegun() {
	select {
	case g.begun <- struct{}{}:
	default:
	}
}

// recountBegun recounts, until ctx ends, each budget a while after it began: what was answered just
// before, and what was under way, is in the ledger by then, and in no hold. An error is logged, and it
// is tried again.
func (g *Guard) recountBegun(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.begun:
		}
		if !pause(ctx, g.cfg.Pause) {
			return
		}
		list, more := g.ripe()
		if more {
			g.signBegun()
		}
		if _, err := g.recount(ctx, list); err != nil && ctx.Err() == nil {
			g.cfg.Log.Warn().Err(err).Int("budgets", len(list)).Msg("budgets that are new were not recounted, will try again")
			for _, e := range list {
				g.begin(e.c)
			}
		}
	}
}

// ripe takes the budgets that began long enough ago, and reports whether others began since.
func (g *Guard) ripe() (list []entry, more bool) {
	x, clock := g.index.Load(), g.cfg.Clock()
	for i := range x.all {
		c := x.all[i].c
		c.mu.Lock()
		switch {
		case c.begun == 0:
		case clock-c.begun >= g.cfg.Pause:
			c.begun, list = 0, append(list, x.all[i])
		default:
			more = true
		}
		c.mu.Unlock()
	}
	return list, more
}
