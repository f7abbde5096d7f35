package budget

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Hold is money that is held of every budget that applies to one attempt. Used by one
// goroutine; Settle ends it.
type Hold struct {
	at    int64
	held  int64 // of each budget
	parts []part
}

// part is what is held of one budget. cell is nil until something is.
type part struct {
	c    *counter
	cell *cell
}

// tries bounds how often a hold asks for money, when others are quicker to take it.
const tries = 4

// Hold takes worst, in the unit, from every budget that applies to the attempt, or nothing.
// nil: no budget does. It waits only where what is in hand does not cover it.
// Errors: CodeBudgetExceeded naming the budget, with After until its reset; CodeNoTarget with
// status 503 when it cannot be known what is left; CodeCanceled.
func (g *Guard) Hold(ctx context.Context, u *engine.Usage, worst int64) (*Hold, error) {
	w := who{u.AccountID, u.TeamID, u.UserID, u.KeyID, u.ModelID}
	h := g.holds.Get().(*Hold)
	h.held, h.at = 0, u.StartedAt.UnixMilli()
	if u.StartedAt.IsZero() {
		h.at = g.cfg.Now().UnixMilli()
	}
	if h.parts = g.index.Load().find(&w, h.parts[:0]); len(h.parts) == 0 {
		g.holds.Put(h)
		return nil, nil
	}
	if err := g.raise(ctx, h, min(max(worst, 0), most), g.cfg.Patience); err != nil {
		g.holds.Put(h)
		return nil, err
	}
	return h, nil
}

// Spent reports what a stream has cost so far. Beyond what is held, more is taken, and waited for no
// longer than Config.Wait: its caller, who may leave meanwhile, has an answer that stands still.
// Errors: those of Hold; a refusal ends the stream.
func (g *Guard) Spent(h *Hold, nanoUSD int64) error {
	if h == nil || nanoUSD <= h.held {
		return nil
	}
	return g.raise(context.Background(), h, min(nanoUSD, most), g.cfg.Wait)
}

// Settle ends the hold: nanoUSD is what it came to, more or less than what was held.
func (g *Guard) Settle(h *Hold, nanoUSD int64) {
	if h == nil {
		return
	}
	nanoUSD = min(max(nanoUSD, 0), most)
	tell := false
	for i := range h.parts {
		p := &h.parts[i]
		p.c.mu.Lock()
		p.cell.held -= h.held
		p.cell.spent = add(p.cell.spent, nanoUSD)
		if p.c.over {
			p.cell.right = min(p.cell.right, add(p.cell.spent, p.cell.held))
		}
		p.c.mark()
		tell = tell || p.c.untold || p.c.shared && p.c.scarce()
		p.c.mu.Unlock()
		p.c, p.cell = nil, nil
	}
	h.parts = h.parts[:0]
	g.holds.Put(h)
	if tell {
		g.poke()
	}
}

// raise makes it so that to is held of every budget, or leaves what is held as it is. patience is as
// that of ask.
func (g *Guard) raise(ctx context.Context, h *Hold, to int64, patience time.Duration) error {
	short, dry := h.take(g.cfg.Clock(), to)
	if short == nil {
		return nil
	}
	var asked wishes
	defer func() { asked.end() }()
	for n := 1; short != nil; n++ {
		if !short.shared || dry || n > tries+len(h.parts) {
			return g.exceeded(short, h.at)
		}
		asked.add(short, to-h.held)
		if err := g.ask(ctx, short, &patience); err != nil && (engine.CodeOf(err) == engine.CodeCanceled || !short.forgoes()) {
			return err
		}
		short, dry = h.take(g.cfg.Clock(), to)
	}
	return nil
}

// wishes is what one hold wants of the counters that it has asked for.
type wishes []wish

type wish struct {
	c    *counter
	nano int64
}

func (w *wishes) add(c *counter, nano int64) {
	if slices.ContainsFunc(*w, func(x wish) bool { return x.c == c }) {
		return
	}
	c.mu.Lock()
	nano = max(min(nano, most-c.wanted), 0)
	c.wanted += nano
	c.mu.Unlock()
	*w = append(*w, wish{c, nano})
}

func (w wishes) end() {
	for _, x := range w {
		x.c.mu.Lock()
		x.c.wanted -= x.nano
		x.c.mu.Unlock()
	}
}

// take does it where what is in hand covers it. Else it returns the first counter that does
// not, and whether to ask for more is in vain.
func (h *Hold) take(clock time.Duration, to int64) (short *counter, dry bool) {
	more := to - h.held
	// All are locked at once, in the order that everybody locks them in: nobody sees a part taken.
	for i := range h.parts {
		h.parts[i].c.mu.Lock()
	}
	for i := range h.parts {
		c, x := h.parts[i].c, h.parts[i].cell
		if x == nil {
			x = c.at(h.at)
		}
		if c.stop > h.at && h.parts[i].cell == nil {
			short, dry = c, true
			break
		}
		if c.shared && !c.met {
			short = c
			break
		}
		if c.b.Hard && more > 0 && c.room(x, clock) < more {
			short, dry = c, clock < c.dry && more > c.dryRoom && clock < c.lease
			break
		}
	}
	for i := range h.parts {
		p := &h.parts[i]
		if short == nil {
			if p.cell == nil {
				p.cell = p.c.at(h.at)
			}
			p.cell.held += more
			p.c.taken = add(p.c.taken, more)
			p.c.largest = max(p.c.largest, to)
		}
		p.c.mu.Unlock()
	}
	if short == nil {
		h.held = to
	}
	return short, dry
}

func (c *counter) hard() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.Hard
}

// forgoes reports whether spending goes on though nobody knows what is left: a soft budget
// is told later what was spent.
func (c *counter) forgoes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.b.Hard {
		return false
	}
	c.met = true
	return true
}

// exceeded is the refusal by a budget.
func (g *Guard) exceeded(c *counter, at int64) error {
	c.mu.Lock()
	id, resets := c.b.ID, c.resets(max(at, g.cfg.Now().UnixMilli()))
	if c.stop > at && !rolls(c.b.Period) {
		resets = c.stop
	}
	c.mu.Unlock()
	reset := time.UnixMilli(resets).UTC()
	return &engine.Error{
		Code: engine.CodeBudgetExceeded, After: max(reset.Sub(g.cfg.Now()), time.Second),
		Message: "The budget '" + id + "' is used up. It resets at " + reset.Format(time.RFC3339) + ".",
	}
}

// errLate: nobody answered in time.
var errLate = errors.New("the database did not say in time what is left of a budget")

// errClosing: nothing is asked for any more, since what is in hand is given back.
var errClosing = errors.New("the process stops")

// unknown is the refusal when nobody can say what is left.
func unknown(err error) error {
	return &engine.Error{
		Code: engine.CodeNoTarget, Status: 503, After: time.Second, Err: err,
		Message: "What is left of a budget cannot be checked now. Try again later.",
	}
}
