package budget

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const (
	maxBatch   = 200           // counters of one exchange
	sweepEvery = time.Minute   // for leases that expired
	dropEvery  = 6 * time.Hour // for old steps
	keepSteps  = 62 * 24 * time.Hour
	keepAlerts = 400 * 24 * time.Hour
	pokeGap    = 20 * time.Millisecond // between two looks, whoever asks for one
)

// Run reports what was spent, tops up slices and tells of thresholds until ctx ends, then
// gives back what is in hand. It logs what fails and tries again.
func (g *Guard) Run(ctx context.Context) {
	tick := time.NewTicker(g.cfg.Every)
	defer tick.Stop()
	go g.recountBegun(ctx)
	swept, dropped := g.cfg.Clock(), g.cfg.Clock()
	for {
		whole := true
		select {
		case <-ctx.Done():
			g.Close(context.WithoutCancel(ctx))
			return
		case <-tick.C:
		case <-g.signal:
			whole = false
		}
		g.Tick(ctx, whole)
		if clock := g.cfg.Clock(); g.cfg.Leases != nil && whole {
			if clock-swept >= sweepEvery {
				swept = clock
				g.Sweep(ctx)
			}
			if clock-dropped >= dropEvery {
				dropped = clock
				g.drop(ctx)
			}
		}
		if !whole {
			select {
			case <-ctx.Done():
			case <-time.After(pokeGap):
			}
		}
	}
}

// Tick looks after every budget once. whole: a second (Config.Every) has gone since the last
// such look, by which the size of slices is measured.
func (g *Guard) Tick(ctx context.Context, whole bool) {
	x := g.index.Load()
	if g.cfg.Leases != nil {
		var list []*pending
		for i := range x.all {
			c := x.all[i].c
			if !c.turnOf(g.cfg.Clock(), g.cfg.TTL, whole, g.closing.Load()) {
				continue
			}
			f, p := g.prepare(c, true)
			p.flight = f
			if list = append(list, p); len(list) == maxBatch {
				_ = g.exchangeAll(ctx, list) // it is made again
				list = nil
			}
		}
		_ = g.exchangeAll(ctx, list) // it is made again
	}
	g.tell(ctx, x)
}

// turnOf reports whether the counter has something to say to the store, and takes its turn.
func (c *counter) turnOf(clock, ttl time.Duration, whole, closing bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if whole {
		c.rate = c.rate/2 + c.taken/2
		if c.taken == 0 { // what is not used is another replica's soon
			c.rate, c.largest = c.rate/4, c.largest/2
		}
		c.taken = 0
	}
	if c.busy || len(c.cells) == 0 {
		return false
	}
	last := c.cells[len(c.cells)-1]
	inHand := add(last.right, -add(last.spent, last.held))
	slice := c.slice(false)
	speak := inHand > 2*slice || c.asked && inHand < slice/2 || last.right > last.spent && clock-c.renewed > ttl/4
	for _, x := range c.cells {
		speak = speak || whole && (x.settled != x.spent || x.lent > x.right) || (closing || x != last) && x.owes()
	}
	c.busy = speak
	return speak
}

// exchangeAll makes one exchange and gives the counters' turns on. An error is logged, too.
func (g *Guard) exchangeAll(ctx context.Context, list []*pending) error {
	if len(list) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	err := g.exchange(ctx, list)
	if err != nil && !errors.Is(err, context.Canceled) {
		g.cfg.Log.Warn().Err(err).Int("budgets", len(list)).Msg("what was spent could not be reported, it will be again")
	}
	for _, p := range list {
		if p.flight != nil {
			p.flight.err = err
			close(p.flight.done)
		}
		p.c.mu.Lock()
		p.c.busy = p.c.next != nil && g.depart()
		switch f := p.c.next; {
		case p.c.busy:
			go g.fly(p.c)
		case f != nil: // nobody else will
			p.c.next, f.err = nil, errClosing
			close(f.done)
		}
		p.c.mu.Unlock()
	}
	return err
}

// Sweep settles what replicas held that died, by what the ledger has.
func (g *Guard) Sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	now := g.cfg.Now()
	dead, err := g.cfg.Leases.DeadBudgetLeases(ctx, now, 1000)
	if err != nil {
		g.cfg.Log.Warn().Err(err).Msg("expired slices of budgets are not known")
		return
	}
	x := g.index.Load()
	budgets := map[name]*engine.Budget{}
	for i := range x.all {
		budgets[name{x.all[i].b.AccountID, x.all[i].b.ID}] = &x.all[i].b
	}
	for _, lease := range dead {
		if !g.cfg.Unit.Owns(lease.BudgetID) {
			continue
		}
		ledger := int64(0)
		if b := budgets[name{lease.AccountID, lease.BudgetID}]; b != nil {
			s := spanAt(b.Period, lease.Step.UnixMilli())
			cells, err := g.opening(ctx, b, span{from: s.start, start: s.start, end: s.end})
			if err != nil {
				g.cfg.Log.Warn().Err(err).Str("budget", lease.BudgetID).Msg("an expired slice is not settled")
				continue
			}
			for _, c := range cells {
				ledger += c.spent
			}
		}
		if err := g.cfg.Leases.SettleBudgetLease(ctx, lease, ledger, now); err != nil {
			g.cfg.Log.Warn().Err(err).Str("budget", lease.BudgetID).Msg("an expired slice is not settled")
		}
	}
}

func (g *Guard) drop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	now := g.cfg.Now()
	if err := g.cfg.Leases.DropBudgetWindows(ctx, now.Add(-keepSteps), now.Add(-keepAlerts)); err != nil {
		g.cfg.Log.Warn().Err(err).Msg("old windows of budgets are not dropped")
	}
}

// Recover settles at once what a process held that died, and whose rows are in the ledger
// now, as it is known when a process takes over its spool.
func (g *Guard) Recover(ctx context.Context, replica string) error {
	if g.cfg.Leases == nil || replica == "" || replica == g.cfg.Replica {
		return nil
	}
	if err := g.cfg.Leases.ExpireBudgetLeases(ctx, replica); err != nil {
		return err
	}
	g.Sweep(ctx)
	return nil
}

// closeTimeout bounds Close, closePause is between two of its tries.
const (
	closeTimeout = 15 * time.Second
	closePause   = 250 * time.Millisecond
)

// Close waits for exchanges under way, reports the last that was spent and gives back what
// is in hand, for up to 15 s, and logs what became of it. Holds that are not settled are kept for; what others need
// beyond what is in hand they do not get any more.
func (g *Guard) Close(ctx context.Context) {
	g.departures.Lock()
	g.closing.Store(true)
	g.departures.Unlock()
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	g.flights.Wait()
	first, _ := g.debts()
	for {
		g.Tick(ctx, true)
		g.flights.Wait()
		owed, held := g.debts()
		switch {
		case owed > 0 && pause(ctx, closePause):
			continue
		case owed > 0:
			g.cfg.Log.Warn().Int("budgets", owed).Msg("budgets were not given back: what is held of them counts as spent until the next start here, or the end of the lease")
		case first > 0:
			g.cfg.Log.Info().Int("budgets", first).Msg("what was in hand of budgets is given back")
		}
		g.leave(ctx)
		if held > 0 {
			g.cfg.Log.Warn().Int("budgets", held).Msg("attempts did not end: what they hold of budgets counts as spent until the next start here, or the end of the lease")
		}
		return
	}
}

// leave ends the leases of which the store knows all: nobody needs to settle them by the ledger, which
// has rows of others already that those have not reported yet, and would count them twice.
func (g *Guard) leave(ctx context.Context) {
	if g.cfg.Leases == nil {
		return
	}
	x := g.index.Load()
	ended := g.cfg.Now().Add(2 * g.cfg.TTL) // whatever was asked for lasts less
	for i := range x.all {
		for _, lease := range x.all[i].c.leases(g.cfg.Replica) {
			if err := g.cfg.Leases.SettleBudgetLease(ctx, lease, 0, ended); err != nil {
				g.cfg.Log.Warn().Err(err).Msg("the leases of budgets, of which nothing is held, were not all ended")
				return
			}
		}
	}
}

// leases are those that the counter may have in the store, and of which nothing is left to say.
func (c *counter) leases(replica string) (list []engine.BudgetLease) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.renewed == 0 {
		return nil
	}
	for _, x := range c.cells {
		if x.done() {
			list = append(list, engine.BudgetLease{AccountID: c.b.AccountID, BudgetID: c.b.ID, Step: time.UnixMilli(x.start).UTC(), Replica: replica})
		}
	}
	return list
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// debts counts the budgets of which something is to be told or given back to the store, and those
// of which attempts hold something.
func (g *Guard) debts() (owed, held int) {
	if g.cfg.Leases == nil {
		return 0, 0
	}
	x := g.index.Load()
	for i := range x.all {
		c := x.all[i].c
		c.mu.Lock()
		if slices.ContainsFunc(c.cells, (*cell).owes) {
			owed++
		}
		if c.b.Hard && slices.ContainsFunc(c.cells, func(x *cell) bool { return x.held > 0 }) {
			held++
		}
		c.mu.Unlock()
	}
	return owed, held
}
