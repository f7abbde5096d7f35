package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// soak says how many times longer than in an ordinary run replicas are watched.
func soak() time.Duration {
	if os.Getenv("POINTSMAN_SOAK") != "" {
		return 20
	}
	return 1
}

// cluster is replicas that share one real database, on one clock that the test moves.
type cluster struct {
	t        *testing.T
	store    engine.LimitLeaseStore
	now      time.Duration
	origin   time.Time
	replicas []*replica
	limits   []engine.Limit
	random   *rand.Rand
	admitted []time.Duration // when
	refused  int
	used     int64 // tokens of each request; 0: as many as it asked for
}

type replica struct {
	*ratelimit.Limiter
	paused   bool // its process stands still
	cut      bool // the database does not answer it
	lost     bool // the database's answers to its reports are lost
	renewing bool
	during   func()       // what happens here while the database's answer is on its way
	waited   atomic.Int64 // round trips that a request waited for
	admitted int
	next     time.Duration // of Renew
}

// cutStore is the database as one replica sees it.
type cutStore struct {
	engine.LimitLeaseStore
	of *replica
}

var errCut = errors.New("no route to the database")

func (s cutStore) ExchangeLimits(ctx context.Context, x engine.LimitExchange, now time.Time) (engine.LimitGrants, error) {
	if s.of.cut {
		return engine.LimitGrants{}, errCut
	}
	if !s.of.renewing {
		s.of.waited.Add(1)
	}
	grants, err := s.LimitLeaseStore.ExchangeLimits(ctx, x, now)
	if s.of.during != nil {
		s.of.during()
	}
	return grants, err
}

func (s cutStore) TakeLimit(ctx context.Context, b engine.LimitBucket, n int64, now time.Time) (engine.LimitTaken, error) {
	if s.of.cut {
		return engine.LimitTaken{}, errCut
	}
	return s.LimitLeaseStore.TakeLimit(ctx, b, n, now)
}

func (s cutStore) ReportLimits(ctx context.Context, r engine.LimitReport, now time.Time) (int, error) {
	if s.of.cut {
		return 0, errCut
	}
	replicas, err := s.LimitLeaseStore.ReportLimits(ctx, r, now)
	if s.of.lost {
		return 0, errCut
	}
	return replicas, err
}

func newCluster(t *testing.T, replicas int, cfg ratelimit.Config, limits ...engine.Limit) *cluster {
	t.Helper()
	s, err := store.Open(t.Context(), storetest.PostgresURL(t), store.Options{})
	if err != nil {
		t.Fatalf("Open() = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
	c := &cluster{
		t: t, store: s, now: time.Second, origin: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), limits: limits,
		random: rand.New(rand.NewPCG(uint64(replicas), 11)),
	}
	for range replicas {
		c.start(cfg)
	}
	return c
}

// start adds a replica.
func (c *cluster) start(cfg ratelimit.Config) *replica { return c.startSkewed(cfg, 0) }

// startSkewed adds one whose clock is ahead of the others'.
func (c *cluster) startSkewed(cfg ratelimit.Config, skew time.Duration) *replica {
	r := &replica{}
	cfg.Leases = cutStore{c.store, r}
	cfg.Clock = func() time.Duration { return c.now + skew }
	cfg.StoreTime = func() time.Time { return c.origin.Add(c.now) }
	if cfg.Wait == 0 {
		cfg.Wait = 5 * time.Second // of the test's machine
	}
	r.Limiter = newLimiter(c.t, cfg, c.limits...)
	c.replicas = append(c.replicas, r)
	return r
}

// run offers so many requests a second for so long, spread over the replicas by chance.
func (c *cluster) run(long time.Duration, aSecond float64, q engine.LimitRequest) {
	c.t.Helper()
	const step = 5 * time.Millisecond
	due := 0.0
	for end := c.now + long; c.now < end; c.now += step {
		for _, r := range c.replicas {
			if !r.paused && c.now >= r.next {
				r.renewing = true
				r.Renew(c.t.Context())
				r.renewing = false
				r.next = c.now + 40*time.Millisecond + time.Duration(c.random.IntN(20))*time.Millisecond
			}
		}
		for due += aSecond * step.Seconds(); due >= 1; due-- {
			if r := c.replicas[c.random.IntN(len(c.replicas))]; !r.paused {
				c.send(r, q)
			}
		}
	}
}

func (c *cluster) send(r *replica, q engine.LimitRequest) bool {
	c.t.Helper()
	reservation, err := r.Reserve(c.t.Context(), &q)
	if err != nil {
		if engine.AsLimitRefusal(err) == nil {
			c.t.Fatalf("Reserve() = %v, want a refusal", err)
		}
		c.refused++
		return false
	}
	used := c.used
	if used == 0 {
		used = q.Tokens
	}
	reservation.Settle(used)
	r.admitted++
	c.admitted = append(c.admitted, c.now)
	return true
}

// overshoot is the most by which what was admitted ever exceeded what one bucket would have.
func (c *cluster) overshoot(l engine.Limit) float64 {
	level, worst, at := float64(l.Size()), 0.0, time.Duration(0)
	for _, when := range c.admitted {
		level = min(float64(l.Size()), level+float64(l.Amount)*float64(when-at)/float64(l.Window))
		level--
		at = when
		worst = max(worst, -level)
	}
	return worst
}

func perMinute(amount, burst int64) engine.Limit {
	return engine.Limit{
		ID: "l", Kind: engine.LimitRequests, Amount: amount, Window: time.Minute, Burst: burst, Enabled: true,
		UpdatedAt: time.UnixMilli(1),
	}
}

var anybody = engine.LimitRequest{AccountID: "a", UserID: "u", Tokens: 1}

// audit asks for the bounds of the promise: at most 1 % more, nothing more where it is exact,
// and at least 95 % of what there was.
func (c *cluster) audit(t *testing.T, l engine.Limit, long time.Duration, exact bool) {
	t.Helper()
	over := c.overshoot(l)
	there := min(float64(l.Size())+float64(l.Amount)*float64(long)/float64(l.Window), float64(len(c.admitted)+c.refused))
	shares := ""
	for _, r := range c.replicas {
		shares += fmt.Sprint(r.admitted, " ")
	}
	t.Logf("admitted %d of %.0f, refused %d, over by at most %.2f; by replica %s", len(c.admitted), there, c.refused, over, shares)
	most := float64(l.Amount) / 100
	if exact {
		most = 0.000001
	}
	if over > most {
		t.Errorf("admitted %.2f more than one bucket would have, want at most %.2f", over, most)
	}
	if float64(len(c.admitted)) < 0.95*there-1 {
		t.Errorf("admitted %d, want at least 95 %% of %.0f", len(c.admitted), there)
	}
}
