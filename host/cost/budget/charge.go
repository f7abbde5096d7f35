package budget

import (
	"context"
	"slices"

	"github.com/pointsman/pointsman/engine"
)

// Charge counts rows for which nothing was held, and which may be negative: at once in this
// process. Among replicas the others hear of them with the next exchange, which Post waits for.
func (g *Guard) Charge(rows ...engine.Usage) {
	g.charge(rows)
	g.poke()
}

// Post is Charge, and tells the database before it returns: whoever asks it from then on knows.
// Errors: the database's; what was charged is told with the next exchange.
func (g *Guard) Post(ctx context.Context, rows []engine.Usage) error {
	counters := g.charge(rows)
	g.poke()
	if g.cfg.Leases == nil || len(counters) == 0 {
		return nil
	}
	return g.refresh(ctx, counters)
}

// charge returns what counts the rows.
func (g *Guard) charge(rows []engine.Usage) (counters []*counter) {
	now := g.cfg.Now().UnixMilli()
	for i := range rows {
		u := &rows[i]
		amount := min(max(g.cfg.Unit.of(u), -most), most)
		if amount == 0 {
			continue
		}
		w := who{u.AccountID, u.TeamID, u.UserID, u.KeyID, u.ModelID}
		lists := g.index.Load().lists(&w)
		for _, list := range lists {
			for i := range list {
				if e := &list[i]; e.covers(&w) {
					e.c.charge(u, amount, now)
					if !slices.Contains(counters, e.c) {
						counters = append(counters, e.c)
					}
				}
			}
		}
	}
	return counters
}

// charge counts a row that belongs to the window that is now, in its own step; others are not
// counted any more. Of replicas only the present step has a lease: what is of an earlier step
// of a rolling window counts in this one, and so for longer, unless it is less than nothing,
// which then must not count for longer.
func (c *counter) charge(u *engine.Usage, amount, now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.at(now)
	cell := last
	if at := u.StartedAt.UnixMilli(); !u.StartedAt.IsZero() && at < last.start {
		own := spanAt(c.b.Period, at)
		if own.start < spanAt(c.b.Period, last.start).from || c.shared && amount < 0 {
			return
		}
		if !c.shared {
			cell = c.step(own)
		}
	}
	cell.spent = add(cell.spent, amount)
	c.mark()
}

// step returns the cell of a step before the last one. c.mu is held.
func (c *counter) step(s span) *cell {
	at, found := slices.BinarySearchFunc(c.cells, s.start, func(x *cell, start int64) int {
		switch {
		case x.start < start:
			return -1
		case x.start > start:
			return 1
		}
		return 0
	})
	if !found {
		c.cells = slices.Insert(c.cells, at, &cell{start: s.start, end: s.end})
	}
	return c.cells[at]
}
