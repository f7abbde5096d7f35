// Package ratelimit says what the rate limits allow: token buckets for requests and
// tokens, and places in flight, on any combination of account, team, user, key, provider
// and model. It implements engine.Limiter.
//
// One process keeps its buckets in memory. Replicas share theirs in a database, from
// which each leases what it needs for the next moment; RATIONALE.md says how that stays
// exact. It is not for budgets in money, and it does not store or check limits: that is
// engine.LimitStore. Read Reserve in reserve.go first.
package ratelimit

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// Absence says what holds for requests that the leases in hand do not cover while the
// database is gone.
type Absence int

// Ways to get over it. The zero value refuses.
const (
	// Refuse answers that the limits cannot be checked.
	Refuse Absence = iota
	// Share lets every replica admit the limit divided by the replicas that it last knew of.
	Share
)

// Config is how a Limiter works. The zero value is a single process that forgets
// everything when it ends.
type Config struct {
	// Leases is where replicas share the limits; nil: this is the only process.
	Leases engine.LimitLeaseStore
	// Levels is where a single process keeps its buckets while it is down; nil: nowhere.
	// It is not used with Leases.
	Levels engine.LimitLevelStore

	Absent Absence
	// TTL is how long a lease lives: what a replica that died had in hand is free again
	// after it. Default 3 s.
	TTL time.Duration
	// Wait bounds how long a request waits for a lease of a database that answers. Once an exchange has
	// failed nobody waits. Default 10 s: an exchange that is under way, and one more.
	Wait time.Duration
	// MaxBuckets bounds the live buckets; beyond it the fullest of a sample is forgotten.
	// Default 1,048,576.
	MaxBuckets int
	// Every is how often Run looks after the leases. Default 50 ms.
	Every time.Duration
	// SaveEvery is how often Run writes to Levels. Default 10 s.
	SaveEvery time.Duration

	Logger zerolog.Logger // zero: silent

	// For tests.
	Clock     func() time.Duration // monotonic, from 1 ns on; nil: engine.Monotonic
	Wall      func() time.Time     // nil: time.Now
	StoreTime func() time.Time     // nil: the database's own clock
	Replica   string               // "": a new id
}

// Limiter is an engine.Limiter. Safe for concurrent use. Make one with New, give it the
// limits with Set, and let Run look after it.
type Limiter struct {
	cfg        Config
	seed       maphash.Seed
	table      atomic.Pointer[table]
	setMu      sync.Mutex // Set, one at a time
	shards     [shardCount]shard
	live       atomic.Int64 // buckets
	holds      sync.Pool    // of *hold
	selections selections

	announced announcements
	book      book
	flights   sync.WaitGroup // exchanges that requests wait for
	leaving   atomic.Bool    // none begins any more
	leaveMu   sync.Mutex     // held while leaving is set, and while one is added to flights
	reports   reports
	restored  restored
}

var _ engine.Limiter = (*Limiter)(nil)

// New returns a limiter without limits.
func New(cfg Config) (*Limiter, error) {
	if cfg.Leases != nil && cfg.Levels != nil {
		return nil, errors.New("ratelimit: levels are kept by a single process, which has no leases")
	}
	setDefault(&cfg.TTL, 3*time.Second)
	setDefault(&cfg.Wait, 2*exchangeTimeout)
	setDefault(&cfg.Every, 50*time.Millisecond)
	setDefault(&cfg.SaveEvery, 10*time.Second)
	if cfg.MaxBuckets <= 0 {
		cfg.MaxBuckets = 1 << 20
	}
	if cfg.Clock == nil {
		cfg.Clock = engine.Monotonic
	}
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	if cfg.StoreTime == nil {
		cfg.StoreTime = func() time.Time { return time.Time{} }
	}
	if cfg.Replica == "" {
		cfg.Replica = uuid.Must(uuid.NewV7()).String()
	}
	l := &Limiter{cfg: cfg, seed: maphash.MakeSeed()}
	l.table.Store(&table{})
	l.selections.slots = make([]slot, selectionSlots)
	l.book.active = map[*bucket]struct{}{}
	l.book.replicas.Store(1)
	l.reports.turn = make(chan struct{}, 1)
	l.holds.New = func() any { return &hold{limiter: l, takes: make([]take, 0, 16)} }
	return l, nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// Set puts other limits in force, for the next request on. Buckets of limits that stay
// keep what was used of them.
func (l *Limiter) Set(limits []engine.Limit) {
	l.setMu.Lock()
	defer l.setMu.Unlock()
	l.table.Store(compile(limits, l.table.Load(), l.seed, l.cfg.Leases != nil, int64(l.cfg.Clock())))
}

// Run looks after leases, forgets idle buckets and keeps levels, until ctx ends; then it
// gives back what it has, or writes it down. Errors: that last step's.
func (l *Limiter) Run(ctx context.Context) error {
	lease := time.NewTicker(l.cfg.Every)
	defer lease.Stop()
	if l.cfg.Leases == nil {
		lease.Stop()
	} else {
		reporting, stop := context.WithCancel(ctx)
		reported := make(chan struct{})
		go func() {
			defer close(reported)
			engine.Keep(reporting, l.cfg.Logger, "report on limits", l.keepReporting)
		}()
		defer func() {
			stop() // ctx goes on when this is a panic
			<-reported
		}()
	}
	save := time.NewTicker(l.cfg.SaveEvery)
	defer save.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			return l.Close(last)
		case <-lease.C:
			l.Renew(ctx)
		case <-save.C:
			l.Sweep(l.cfg.Clock())
			l.tidy(ctx)
		}
	}
}

const stopTimeout = 2 * exchangeTimeout

// tidy is what is done now and then, besides sweeping.
func (l *Limiter) tidy(ctx context.Context) {
	if l.cfg.Levels != nil {
		if err := l.Save(ctx); err != nil && ctx.Err() == nil {
			l.cfg.Logger.Warn().Err(err).Msg("the levels of rate limits could not be saved")
		}
	}
	var sweeper interface {
		SweepLimits(ctx context.Context, now time.Time, limit int) (int64, error)
	} = l.cfg.Levels
	if l.cfg.Leases != nil {
		sweeper = l.cfg.Leases
	}
	if sweeper != nil && l.book.sweepDue(l.cfg.Clock()) {
		if _, err := sweeper.SweepLimits(ctx, l.cfg.StoreTime(), sweepRows); err != nil && ctx.Err() == nil {
			l.cfg.Logger.Warn().Err(err).Msg("idle rate limit buckets could not be deleted")
		}
	}
}

// sweepRows is how many rows one replica deletes a minute.
const sweepRows = 10_000

// Close gives back every lease and writes levels down. Reservations that are still open
// may be settled after it, but are not reported any more; nothing is leased any more.
func (l *Limiter) Close(ctx context.Context) error {
	if l.cfg.Leases != nil {
		return l.leave(ctx)
	}
	if l.cfg.Levels != nil {
		return l.Save(ctx)
	}
	return nil
}
