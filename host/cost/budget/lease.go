package budget

import (
	"context"
	"errors"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const (
	// exchangeTimeout bounds one exchange with the database.
	exchangeTimeout = 5 * time.Second
	// dryFor is how long an answer that nothing is left holds: a budget that is used up does
	// not cost a query for each request that it refuses.
	dryFor = 25 * time.Millisecond
	// A slice is what lately was held in sliceSeconds, so that requests go on while the database is late
	// or away for a moment, at most a sliceShare of what is left, and nothing at all when that is less than sliceLeast of the largest holds: near its end
	// a budget is given out hold by hold, so that no replica keeps what another one needs.
	sliceSeconds = 30
	sliceShare   = 16
	sliceLeast   = 4
)

// flight is one exchange that several holds wait for.
type flight struct {
	done chan struct{} // closed by the exchange
	err  error
}

// ask waits until an exchange that began after this call has brought what there is. patience is how
// much longer the caller waits of a database that answers; what was waited is taken off. Once Close has
// begun nothing is asked.
func (g *Guard) ask(ctx context.Context, c *counter, patience *time.Duration) error {
	c.mu.Lock()
	if g.closing.Load() || !c.busy && !g.depart() {
		c.mu.Unlock()
		return unknown(errClosing)
	}
	if c.next == nil {
		c.next = &flight{done: make(chan struct{})}
	}
	f := c.next
	if !c.busy {
		c.busy = true
		go g.fly(c)
	}
	c.mu.Unlock()
	look := time.NewTicker(g.cfg.Wait)
	defer look.Stop()
	for {
		select {
		case <-f.done:
			if f.err != nil {
				return unknown(f.err)
			}
			return nil
		case <-look.C:
			if *patience -= g.cfg.Wait; *patience <= 0 || g.silent.Load() || !c.hard() {
				return unknown(errLate)
			}
		case <-ctx.Done():
			return &engine.Error{Code: engine.CodeCanceled, Message: "The client closed the request.", Err: ctx.Err()}
		}
	}
}

// depart makes room for a fly, which is to follow, unless Close has begun to wait for the last.
func (g *Guard) depart() bool {
	g.departures.Lock()
	defer g.departures.Unlock()
	if g.closing.Load() {
		return false
	}
	g.flights.Add(1)
	return true
}

// fly makes exchanges of one counter until nobody waits for one. depart goes before it.
func (g *Guard) fly(c *counter) {
	defer g.flights.Done()
	for {
		f, p := g.prepare(c, false)
		if f == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), exchangeTimeout)
		f.err = g.exchange(ctx, []*pending{p})
		cancel()
		if f.err != nil {
			g.cfg.Log.Warn().Err(f.err).Msg("a budget could not be asked for")
		}
		// The turn is given up first: who is woken may want to report at once.
		c.mu.Lock()
		c.busy = c.next != nil
		more := c.busy
		c.mu.Unlock()
		close(f.done)
		if !more {
			return
		}
	}
}

// pending is one counter's part of an exchange.
type pending struct {
	c      *counter
	cells  []*cell
	claims []engine.BudgetClaim
	flight *flight // those who wait for it; nil: nobody
}

// prepare takes what waits for the next exchange. With nothing that waits it gives up the
// counter's turn and returns nil, unless idle says that the exchange is made anyway.
func (g *Guard) prepare(c *counter, idle bool) (*flight, *pending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.next
	c.next = nil
	if f == nil && !idle {
		c.busy = false
		return nil, nil
	}
	p := &pending{c: c}
	c.at(g.cfg.Now().UnixMilli())
	for i, x := range c.cells {
		hold := x.held
		if i == len(c.cells)-1 {
			hold = min(add(hold, add(c.wanted, c.slice(g.closing.Load()))), most)
		} else if !x.owes() && x.right == x.spent+x.held {
			continue
		}
		if !c.b.Hard {
			hold = 0
		}
		// From here on no more than that is spent, whether the answer comes or not.
		x.right = min(x.right, add(x.spent, hold))
		x.lent = max(x.lent, add(x.spent, hold))
		s := spanAt(c.b.Period, x.start)
		keep := x.held
		if !c.b.Hard {
			keep = 0
		}
		p.cells = append(p.cells, x)
		p.claims = append(p.claims, engine.BudgetClaim{
			AccountID: c.b.AccountID, BudgetID: c.b.ID, Version: c.version, NanoUSD: c.b.NanoUSD,
			From: time.UnixMilli(s.from).UTC(), Step: time.UnixMilli(s.start).UTC(),
			Spent: x.spent, Settled: x.settled, Hold: hold, Keep: keep,
		})
	}
	return f, p
}

// slice is how much is held beyond what attempts hold. c.mu is held.
func (c *counter) slice(closing bool) int64 {
	if closing || !c.asked || !c.b.Hard {
		return 0
	}
	last := c.cells[len(c.cells)-1]
	left := add(c.free, max(add(last.right, -add(last.spent, last.held)), 0))
	s := left / sliceShare
	if c.rate <= s/sliceSeconds {
		s = c.rate * sliceSeconds
	}
	if s < sliceLeast*c.largest {
		return 0
	}
	return s
}

// scarce reports whether more is in hand than a slice: others may need it. c.mu is held.
func (c *counter) scarce() bool {
	if !c.b.Hard || len(c.cells) == 0 {
		return false
	}
	last := c.cells[len(c.cells)-1]
	return add(last.right, -add(last.spent, last.held)) > 2*c.slice(false)
}

// exchange tells the store what was spent and applies what it grants. The counters' turns
// are the caller's, who must give them on whatever happens here.
func (g *Guard) exchange(ctx context.Context, list []*pending) (err error) {
	if broken := engine.Contain(g.cfg.Log, "exchange of budgets", func() { err = g.trade(ctx, list) }); broken != nil {
		return broken
	}
	if !errors.Is(err, context.Canceled) { // it was not waited for
		g.silent.Store(err != nil)
	}
	return err
}

func (g *Guard) trade(ctx context.Context, list []*pending) error {
	x := engine.BudgetExchange{Replica: g.cfg.Replica, ExpiresAt: g.cfg.Now().Add(g.cfg.TTL).UTC()}
	for _, p := range list {
		x.Claims = append(x.Claims, p.claims...)
	}
	sent := g.cfg.Clock()
	grants, err := g.cfg.Leases.ExchangeBudgets(ctx, x)
	if err != nil {
		return err
	}
	var fresh []*pending
	for _, p := range list {
		own := grants[:len(p.claims)]
		grants = grants[len(p.claims):]
		if own[len(own)-1].Known {
			p.apply(own, sent, sent+g.cfg.TTL-g.cfg.TTL/20)
			continue
		}
		fresh = append(fresh, p)
	}
	for _, p := range fresh {
		if err := g.open(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// open makes a budget known to the store, with what the ledger has of it.
func (g *Guard) open(ctx context.Context, p *pending) error {
	last := &p.claims[len(p.claims)-1]
	p.c.mu.Lock()
	b := p.c.b
	p.c.mu.Unlock()
	cells, err := g.opening(ctx, &b, spanAt(b.Period, last.Step.UnixMilli()))
	if err != nil {
		return err
	}
	last.Opening = []engine.BudgetStep{}
	last.Settled = last.Spent // the ledger has it
	for _, x := range cells {
		last.Opening = append(last.Opening, engine.BudgetStep{Start: time.UnixMilli(x.start).UTC(), NanoUSD: x.spent})
	}
	sent := g.cfg.Clock()
	grants, err := g.cfg.Leases.ExchangeBudgets(ctx, engine.BudgetExchange{
		Replica: g.cfg.Replica, ExpiresAt: g.cfg.Now().Add(g.cfg.TTL).UTC(), Claims: []engine.BudgetClaim{*last},
	})
	if err != nil {
		return err
	}
	last.Opening = nil
	if grants[0].Opened {
		g.begin(p.c)
	}
	p.cells, p.claims = p.cells[len(p.cells)-1:], p.claims[len(p.claims)-1:]
	p.apply(grants, sent, sent+g.cfg.TTL-g.cfg.TTL/20)
	return nil
}

// apply puts grants in force.
func (p *pending) apply(grants []engine.BudgetGrant, sent, until time.Duration) {
	c := p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, grant := range grants {
		x, claim := p.cells[i], &p.claims[i]
		x.settled = claim.Spent
		x.right = add(claim.Spent, grant.Held)
		x.lent = x.right
		if len(c.cells) == 0 || x != c.cells[len(c.cells)-1] {
			continue
		}
		c.asked, c.all, c.allAt, c.heldAll = true, grant.Spent, claim.Spent, grant.HeldAll
		c.free = add(grant.NanoUSD, -add(grant.Spent, grant.HeldAll))
		c.oldest = 0
		if !grant.Oldest.IsZero() {
			c.oldest = grant.Oldest.UnixMilli()
		}
		c.over = c.free < 0
		c.dry = 0
		if grant.Held < claim.Hold {
			c.dry, c.dryRoom = sent+dryFor, max(add(x.right, -add(x.spent, x.held)), 0)
		}
	}
	c.met, c.renewed, c.lease = true, sent, until
	c.mark()
}
