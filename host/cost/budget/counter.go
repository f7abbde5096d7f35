package budget

import (
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// counter counts one budget. It outlives changes of the budget.
type counter struct {
	shared bool

	mu      sync.Mutex
	b       engine.Budget
	version int64 // the revision of b
	marks   []mark
	cells   []*cell // rising; the last one is that of now

	// Of replicas, as of the last grant.
	met     bool  // the store knows of the budget, or could not be reached: what was spent before is in the ledger
	asked   bool  // there was one
	all     int64 // spent by everybody, since the window's begin
	allAt   int64 // the last cell's spent that is in it
	heldAll int64
	free    int64 // neither spent nor held by anybody
	oldest  int64 // the first step in which something was spent; 0: none
	lease   time.Duration
	renewed time.Duration
	over    bool          // more is spent and held than there is: what comes free is not spent again
	dry     time.Duration // until then, nothing is left that is more than dryRoom
	dryRoom int64
	busy    bool          // an exchange is under way
	next    *flight       // what waits for the one after it
	wanted  int64         // by holds that wait, or were woken and have not taken it yet: no exchange gives it back
	taken   int64         // since the last look, for the size of the slice
	rate    int64         // nano-USD that are held in a second, lately
	largest int64         // lately held at once
	stop    int64         // until then nothing is to be spent
	cheaper int64         // until then cost is preferred
	untold  bool          // a mark was reached that nobody was told of
	begun   time.Duration // when it began at what the ledger had: attempts were under way that it does not have; 0: long ago
}

// cell is one step of a counter.
type cell struct {
	start, end int64
	spent      int64
	held       int64 // by attempts under way
	// Of replicas: spent and held may come to right; settled is the spent that the store has, and lent
	// what right may be in its books: more than right where an answer was lost.
	right   int64
	settled int64
	lent    int64
}

// recounts reports whether the budget counts something else than before.
func (c *counter) recounts(b *engine.Budget) bool {
	o := &c.b
	return o.TeamID != b.TeamID || o.UserID != b.UserID || o.KeyID != b.KeyID || o.ModelID != b.ModelID || o.Period != b.Period
}

// change puts a new version in force. renewed: it is new, or counts something else, and
// cells is what was spent of it.
func (c *counter) change(b *engine.Budget, version int64, cells []*cell, renewed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	less := b.NanoUSD < c.b.NanoUSD
	if renewed && !c.shared {
		c.cells = cells
	}
	if renewed && c.b.Period != b.Period {
		c.cells = cells
	}
	if renewed || less {
		// What this replica has in hand beyond what is out, it must ask for again.
		c.over = c.shared
		for _, cell := range c.cells {
			cell.right = min(cell.right, cell.spent+cell.held)
		}
	}
	if renewed || b.NanoUSD != c.b.NanoUSD || b.Hard != c.b.Hard {
		c.dry = 0
	}
	if renewed || b.NanoUSD != c.b.NanoUSD || !sameThresholds(b.Thresholds, c.b.Thresholds) {
		c.stop, c.cheaper = 0, 0
		c.marks = marksOf(b)
	}
	if renewed {
		c.met, c.asked, c.all, c.allAt, c.heldAll, c.free, c.oldest = false, false, 0, 0, 0, 0, 0
	}
	c.b, c.version = *b, version
	c.mark()
}

// at returns the cell of a moment. A moment before the last cell's is of the last: a clock
// that goes back opens no window again. c.mu is held.
func (c *counter) at(now int64) *cell {
	if n := len(c.cells); n > 0 && now < c.cells[n-1].end {
		return c.cells[n-1]
	}
	return c.turn(now)
}

// turn opens the step of a moment and drops those that are over.
func (c *counter) turn(now int64) *cell {
	s := spanAt(c.b.Period, now)
	kept := c.cells[:0]
	for _, old := range c.cells {
		if !c.shared && old.start >= s.from || c.shared && !old.done() {
			kept = append(kept, old)
		}
	}
	clear(c.cells[len(kept):])
	last := &cell{start: s.start, end: s.end}
	c.cells = append(kept, last)
	if c.shared {
		// The store hears of this replica before it spends: else what it spends is lost with it.
		c.met = c.met && c.b.Hard
		c.all, c.allAt, c.heldAll = 0, 0, 0
		if rolls(c.b.Period) {
			c.asked = false
		}
	}
	c.dry = 0
	return last
}

// done reports whether everything of a cell is told to the store, and nothing is in hand.
func (x *cell) done() bool { return x.held == 0 && !x.owes() }

// owes reports whether the store does not know of all that was spent, or lends more than attempts hold.
func (x *cell) owes() bool { return x.settled != x.spent || x.lent > add(x.spent, x.held) }

// used is what a single process has spent and holds in the window. c.mu is held.
func (c *counter) used() (spent, held int64) {
	from := spanAt(c.b.Period, c.cells[len(c.cells)-1].start).from
	for _, x := range c.cells {
		if x.start >= from {
			spent, held = add(spent, x.spent), add(held, x.held)
		}
	}
	return spent, held
}

// spent is what is known to be spent in the window, by everybody. c.mu is held.
func (c *counter) spent() int64 {
	if len(c.cells) == 0 {
		return 0
	}
	if !c.shared {
		spent, _ := c.used()
		return spent
	}
	return add(c.all, c.cells[len(c.cells)-1].spent-c.allAt)
}

// room is how much may be held without asking. c.mu is held.
func (c *counter) room(x *cell, clock time.Duration) int64 {
	if !c.shared {
		spent, held := c.used()
		return add(c.b.NanoUSD, -add(spent, held))
	}
	if clock >= c.lease {
		return 0
	}
	return add(x.right, -add(x.spent, x.held))
}

// left is what the budget leaves as far as it is known. c.mu is held.
func (c *counter) left(clock time.Duration) int64 {
	if len(c.cells) == 0 {
		return c.b.NanoUSD
	}
	last := c.cells[len(c.cells)-1]
	if c.shared {
		if !c.asked {
			return max(c.b.NanoUSD, 0)
		}
		return max(add(max(c.free, 0), max(c.room(last, clock), 0)), 0)
	}
	return max(c.room(last, clock), 0)
}

// resets is when some of what was spent ceases to count. c.mu is held.
func (c *counter) resets(now int64) int64 {
	oldest := c.oldest
	if !c.shared {
		oldest = 0
		from := spanAt(c.b.Period, now).from
		for _, x := range c.cells {
			if x.start >= from && add(x.spent, x.held) > 0 {
				oldest = x.start
				break
			}
		}
	}
	return resetAt(c.b.Period, spanAt(c.b.Period, now), oldest)
}
