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
	x := g.index.Load()
	first, err := g.look(ctx, x)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	pause := time.NewTimer(g.cfg.Pause)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-pause.C:
	}
	if err := g.cfg.Flush(ctx); err != nil {
		return nil, err
	}
	second, err := g.look(ctx, x)
	if err != nil {
		return nil, err
	}
	var repairs []Repair
	for i := range x.all {
		e := &x.all[i]
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
func (g *Guard) look(ctx context.Context, x *index) (map[*counter]look, error) {
	if g.cfg.Ledger == nil {
		return nil, errors.New("there is no ledger")
	}
	found := make(map[*counter]look, len(x.all))
	if g.cfg.Leases != nil {
		counters := make([]*counter, len(x.all))
		for i := range x.all {
			counters[i] = x.all[i].c
		}
		if err := g.refresh(ctx, counters); err != nil {
			return nil, err
		}
	}
	now := g.cfg.Now().UnixMilli()
	for i := range x.all {
		c := x.all[i].c
		c.mu.Lock()
		last := c.at(now)
		found[c] = look{from: spanAt(c.b.Period, last.start).from, spent: c.spent()}
		c.mu.Unlock()
	}
	for i := range x.all {
		e := &x.all[i]
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
