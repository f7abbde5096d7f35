// Package budget keeps spending within budgets, however many requests come at once and
// however many replicas serve them.
//
// A process that has the database to itself counts in memory and asks nobody. Replicas share
// what is left through an engine.BudgetLeaseStore: each holds a slice to spend without asking,
// and what is spent and held together is never more than the amount. RATIONALE.md of
// host/cost says why. It is not for rate limits (host/ratelimit) and does not manage budgets
// (host/tenancy). Read Hold in hold.go first, then counter.go.
package budget

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// Config is how a Guard works. The zero value is a single process that begins at nothing.
type Config struct {
	Unit Unit // what is counted
	// Leases is where replicas share budgets; nil: this is the only process.
	Leases engine.BudgetLeaseStore
	// Ledger says what was spent before; nil: nothing was.
	Ledger Ledger
	// Flush writes down every row that waits for the ledger; nil: none does.
	Flush func(context.Context) error
	// Alerts decides which process tells of a threshold; nil: this one.
	Alerts  engine.BudgetAlertStore
	Notices *engine.NoticeFeed // nil: nobody is told

	// TTL is how long a slice may be spent without news from the database, and how long the
	// slice of a replica that died counts as spent. Default 20 min.
	TTL time.Duration
	// Patience bounds how long a request waits for money of a database that answers, however late.
	// Default 10 s: an exchange that is under way, and one of its own.
	Patience time.Duration
	// Wait bounds it while the database does not answer, and for soft budgets. Default 250 ms.
	Wait time.Duration
	// Every is how often Run reports and tops up. Default 1 s.
	Every time.Duration
	// Pause is how long Recount waits between its two looks, and how long after a budget was begun it
	// is recounted: by then, what was spent before is counted everywhere. Default 15 s among replicas, 2 s in a single process.
	Pause time.Duration

	Now     func() time.Time     // nil: time.Now
	Clock   func() time.Duration // monotonic; nil: engine.Monotonic
	Replica string               // "": a new id
	Log     zerolog.Logger       // zero: silent
}

// Ledger sums what is in the ledger. An engine.Store is one.
type Ledger interface {
	Report(ctx context.Context, q engine.ReportQuery) ([]engine.ReportRow, error)
}

// Guard keeps budgets. Make one with New, give it the budgets with Set, and let Run look
// after it. Safe for concurrent use.
type Guard struct {
	cfg   Config
	index atomic.Pointer[index]
	holds sync.Pool // of *Hold

	setMu    sync.Mutex // Set, one at a time
	counters map[name]*counter

	signal chan struct{} // 1 slot: something is to be told or returned now
	begun  chan struct{} // 1 slot: a budget was begun, and is to be recounted
	silent atomic.Bool   // the last exchange got no answer

	departures sync.Mutex // of flights: none is added once closing is set
	flights    sync.WaitGroup
	closing    atomic.Bool
}

// name is a budget's key.
type name struct{ account, id string }

const (
	defaultTTL      = 20 * time.Minute
	defaultPatience = 2 * exchangeTimeout
	defaultWait     = 250 * time.Millisecond
	defaultEvery    = time.Second
)

// New returns a Guard without budgets.
func New(cfg Config) *Guard {
	if cfg.TTL <= 0 {
		cfg.TTL = defaultTTL
	}
	if cfg.Patience <= 0 {
		cfg.Patience = defaultPatience
	}
	if cfg.Wait <= 0 {
		cfg.Wait = defaultWait
	}
	if cfg.Every <= 0 {
		cfg.Every = defaultEvery
	}
	if cfg.Pause <= 0 {
		cfg.Pause = pauseAlone
		if cfg.Leases != nil {
			cfg.Pause = pauseShared
		}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Clock == nil {
		cfg.Clock = engine.Monotonic
	}
	if cfg.Replica == "" {
		cfg.Replica = uuid.Must(uuid.NewV7()).String()
	}
	if cfg.Flush == nil {
		cfg.Flush = func(context.Context) error { return nil }
	}
	g := &Guard{cfg: cfg, counters: map[name]*counter{}, signal: make(chan struct{}, 1), begun: make(chan struct{}, 1)}
	g.holds.New = func() any { return &Hold{} }
	g.index.Store(&index{})
	return g
}

// Replica is the id under which this process holds slices.
func (g *Guard) Replica() string { return g.cfg.Replica }

// Set puts budgets in force in place of all others; revision rises with every change of
// any. A single process reads from the ledger what was spent of those that are new or
// count something else than before. Errors: the ledger's; then what was in force stays so.
func (g *Guard) Set(ctx context.Context, revision int64, budgets []engine.Budget) error {
	g.setMu.Lock()
	defer g.setMu.Unlock()
	old := g.index.Load()
	next := newIndex()
	fresh := map[*counter][]*cell{} // and what is counted of them already
	now := g.cfg.Now().UnixMilli()
	flushed := false
	serving := old.set
	for i := range budgets {
		b := budgets[i]
		if !b.Enabled {
			continue
		}
		key := name{b.AccountID, b.ID}
		c := g.counters[key]
		if c == nil {
			c = &counter{shared: g.cfg.Leases != nil}
		}
		if !old.has[c] || c.recounts(&b) {
			fresh[c] = nil
			if g.cfg.Leases == nil {
				if !flushed {
					if err := g.cfg.Flush(ctx); err != nil {
						return fmt.Errorf("write down what was spent: %w", err)
					}
					flushed = true
				}
				cells, err := g.opening(ctx, &b, spanAt(b.Period, now))
				if err != nil {
					return err
				}
				fresh[c] = cells
			}
		}
		next.add(c, b)
	}
	for _, e := range next.all {
		cells, renewed := fresh[e.c]
		e.c.change(&e.b, revision, cells, renewed)
		if renewed && serving && g.cfg.Leases == nil {
			g.begin(e.c)
		}
		g.counters[name{e.b.AccountID, e.b.ID}] = e.c
	}
	g.index.Store(next)
	g.poke()
	return nil
}

// opening asks the ledger what was spent in each step of a window.
func (g *Guard) opening(ctx context.Context, b *engine.Budget, s span) ([]*cell, error) {
	if g.cfg.Ledger == nil {
		return nil, nil
	}
	rows, err := g.cfg.Ledger.Report(ctx, reportOf(b, s.from, s.end, b.Period))
	if err != nil {
		return nil, fmt.Errorf("sum what was spent of budget %s: %w", b.ID, err)
	}
	var cells []*cell
	for _, r := range rows {
		own := spanAt(b.Period, r.At.UnixMilli())
		if n := len(cells); n == 0 || cells[n-1].start != own.start {
			cells = append(cells, &cell{start: own.start, end: own.end})
		}
		cells[len(cells)-1].spent += g.cfg.Unit.sum(&r)
	}
	return cells, nil
}

// reportOf asks for the sums of a budget by step, in [from, to).
func reportOf(b *engine.Budget, from, to int64, p engine.BudgetPeriod) engine.ReportQuery {
	grain := engine.GrainDay
	if p == engine.PeriodDay || p == engine.PeriodRollingDay {
		grain = engine.GrainHour
	}
	return engine.ReportQuery{
		AccountID: b.AccountID, TeamID: b.TeamID, UserID: b.UserID, KeyID: b.KeyID, ModelID: b.ModelID,
		From: time.UnixMilli(from).UTC(), To: time.UnixMilli(to).UTC(), Grain: grain, Series: true,
	}
}

// poke lets Run look after the budgets now. It does not block.
func (g *Guard) poke() {
	select {
	case g.signal <- struct{}{}:
	default:
	}
}

// most bounds every amount, so that no sum of a few overflows.
const most = engine.MaxBudgetNanoUSD

// add is a + b, within an int64.
func add(a, b int64) int64 {
	switch s := a + b; {
	case a > 0 && b > 0 && s < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && s >= 0:
		return math.MinInt64
	default:
		return s
	}
}
