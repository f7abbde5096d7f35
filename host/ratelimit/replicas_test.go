package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
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

func TestReplicasShareALimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		replicas int
		limit    engine.Limit
		load     float64 // times the limit
		exact    bool
	}{
		{1, perMinute(600, 60), 2, false},
		{3, perMinute(600, 60), 2, false},
		{5, perMinute(600, 60), 2, false},
		{5, perMinute(6000, 600), 3, false},
		{3, perMinute(60, 10), 3, false},
		{3, perMinute(59, 10), 3, true},
		{5, perMinute(30, 5), 10, true},
		{3, engine.Limit{ID: "l", Kind: engine.LimitRequests, Amount: 20, Window: time.Second, Enabled: true}, 2, false},
		{3, engine.Limit{ID: "l", Kind: engine.LimitRequests, Amount: 36_000, Window: time.Hour, Burst: 50, Enabled: true}, 2, false},
	} {
		t.Run(fmt.Sprintf("%d replicas, %d in %v", c.replicas, c.limit.Amount, c.limit.Window), func(t *testing.T) {
			t.Parallel()
			cl := newCluster(t, c.replicas, ratelimit.Config{}, c.limit)
			long := 20 * time.Second * soak()
			cl.run(long, c.load*float64(c.limit.Amount)/c.limit.Window.Seconds(), anybody)
			cl.audit(t, c.limit, long, c.exact)
		})
	}
}

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

func TestReplicasKilledPausedRestarted(t *testing.T) {
	t.Parallel()
	limit := perMinute(600, 60)
	load := 20.0
	for _, c := range []struct {
		name    string
		disturb func(cl *cluster)
	}{
		{"killed and replaced", func(cl *cluster) {
			cl.replicas = cl.replicas[1:] // it takes with it what it has in hand
			cl.run(4*time.Second, load, anybody)
			cl.start(ratelimit.Config{})
		}},
		{"paused for a minute", func(cl *cluster) {
			cl.replicas[0].paused = true
			cl.run(60*time.Second, load*3/2, anybody)
			cl.replicas[0].paused = false
			for range 30 { // at once, before anything else of it runs
				cl.send(cl.replicas[0], anybody)
			}
		}},
		{"stopped in order", func(cl *cluster) {
			if err := cl.replicas[0].Close(cl.t.Context()); err != nil {
				cl.t.Fatalf("Close() = %v, want nil", err)
			}
			cl.replicas = cl.replicas[1:]
		}},
		{"cut from the database for 10 s", func(cl *cluster) {
			cl.replicas[0].cut = true
			cl.run(10*time.Second, load*3/2, anybody)
			cl.replicas[0].cut = false
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cl := newCluster(t, 3, ratelimit.Config{}, limit)
			began := cl.now
			cl.run(10*time.Second, load, anybody)
			c.disturb(cl)
			cl.run(10*time.Second, load, anybody)
			cl.audit(t, limit, cl.now-began, false)
		})
	}
}

// One account at a hundred times its limit costs another, which stays within its own, nothing.
func TestOneAccountBeyondItsLimitHarmsNoOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount int64
		rounds int // of half a second, after which the other account sends
		sends  int
	}{{600, 1, 4}, {30, 5, 1}} {
		limit := perMinute(c.amount, 10)
		limit.Per = engine.LimitByAccount
		cl := newCluster(t, 3, ratelimit.Config{}, limit)
		quiet := anybody
		quiet.AccountID = "quiet"
		for round := range 20 {
			cl.run(500*time.Millisecond, 100*float64(c.amount)/60, anybody)
			if round%c.rounds > 0 {
				continue
			}
			for n := range c.sends {
				if !cl.send(cl.replicas[n%3], quiet) {
					t.Errorf("%d a minute, round %d: a request of the account within its limit was refused", c.amount, round)
				}
			}
		}
		if cl.refused == 0 {
			t.Errorf("%d a minute: nothing was refused, want the account beyond its limit to be", c.amount)
		}
	}
}

// Replicas never compare their clocks with each other's or with the database's, which may be
// set: forward it gives out at most what a bucket holds, back nothing.
func TestReplicasWhoseClocksDiffer(t *testing.T) {
	t.Parallel()
	for _, limit := range []engine.Limit{perMinute(600, 60), perMinute(59, 10)} {
		t.Run(fmt.Sprint(limit.Amount), func(t *testing.T) {
			t.Parallel()
			cl := newCluster(t, 1, ratelimit.Config{}, limit)
			for _, skew := range []time.Duration{30 * time.Second, 24 * time.Hour} {
				cl.startSkewed(ratelimit.Config{}, skew)
			}
			began, steps := cl.now, 0
			for _, step := range []time.Duration{0, time.Hour, -time.Hour, -24 * time.Hour, 24 * time.Hour} {
				cl.origin = cl.origin.Add(step)
				if step > 0 {
					steps++
				}
				cl.run(8*time.Second, 3*float64(limit.Amount)/60, anybody)
			}
			long := (cl.now - began).Seconds()
			flowed := float64(limit.Amount) * long / 60
			got, most := float64(len(cl.admitted)), float64(limit.Size())*float64(1+steps)+flowed*1.01+1
			if got > most || got < 0.9*flowed {
				t.Errorf("%.0f admitted in %.0f s, want %.0f to %.0f", got, long, 0.9*flowed, most)
			}
		})
	}
}

func TestReplicasDoNotMultiplyAFirstRequest(t *testing.T) {
	t.Parallel()
	for _, limit := range []engine.Limit{perMinute(5, 0), perMinute(6, 0), {
		ID: "l", Kind: engine.LimitRequests, Amount: 5, Window: time.Second, Enabled: true,
	}, {ID: "l", Kind: engine.LimitConcurrency, Amount: 5, Enabled: true}} {
		t.Run(fmt.Sprint(limit.Kind, limit.Amount, limit.Window), func(t *testing.T) {
			t.Parallel()
			cl := newCluster(t, 5, ratelimit.Config{}, limit)
			admitted := int64(0)
			for range 4 {
				for _, r := range cl.replicas {
					if _, err := r.Reserve(t.Context(), &anybody); err == nil { // not settled
						admitted++
					}
				}
			}
			if admitted > limit.Amount || admitted < limit.Amount-1 {
				t.Errorf("20 first requests at 5 replicas: admitted %d, want %d", admitted, limit.Amount)
			}
		})
	}
}

func TestReplicasTakeUpAChange(t *testing.T) {
	t.Parallel()
	limit := perMinute(600, 60)
	cl := newCluster(t, 3, ratelimit.Config{}, limit)
	cl.run(10*time.Second, 30, anybody)
	set := func(change func(*engine.Limit)) {
		change(&limit)
		limit.UpdatedAt = limit.UpdatedAt.Add(time.Millisecond)
		for i, r := range cl.replicas { // one after the other, as a change arrives
			r.Set([]engine.Limit{limit})
			if i < 2 {
				cl.run(200*time.Millisecond, 30, anybody)
			}
		}
		cl.admitted = nil
	}
	set(func(l *engine.Limit) { l.Amount, l.Burst = 1200, 10 })
	cl.run(10*time.Second, 60, anybody)
	if n := len(cl.admitted); n < 190 || n > 212 {
		t.Errorf("10 s at 1,200 a minute admitted %d, want 200 and what was left", n)
	}
	set(func(l *engine.Limit) { l.Amount, l.Burst = 60, 60 })
	cl.run(10*time.Second, 30, anybody)
	if n := len(cl.admitted); n < 9 || n > 80 {
		t.Errorf("10 s at 60 a minute admitted %d, want 10 and at most what was left of the burst", n)
	}
	cl.run(60*time.Second, 2, anybody)
	cl.admitted = nil
	cl.run(10*time.Second, 30, anybody)
	if n := len(cl.admitted); n < 9 || n > 11 {
		t.Errorf("10 s at 60 a minute admitted %d, want 10", n)
	}
	set(func(l *engine.Limit) { l.Resets++ })
	cl.run(2*time.Second, 60, anybody)
	if n := len(cl.admitted); n < 55 || n > 64 {
		t.Errorf("2 s after a reset admitted %d, want the burst of 60 and 2", n)
	}
}

func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		absent  ratelimit.Absence
		limit   engine.Limit
		atLeast int
		atMost  int
	}{
		{"refuse", ratelimit.Refuse, perMinute(600, 60), 0, 8},
		{"refuse, small limit", ratelimit.Refuse, perMinute(30, 0), 0, 0},
		{"a share", ratelimit.Share, perMinute(600, 60), 90, 108},
		{"a share, small limit", ratelimit.Share, perMinute(30, 30), 3, 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cl := newCluster(t, 3, ratelimit.Config{Absent: c.absent}, c.limit)
			cl.run(10*time.Second, 30, anybody)
			for _, r := range cl.replicas {
				r.cut = true
			}
			cl.admitted = nil
			cl.run(10*time.Second, 30, anybody)
			if n := len(cl.admitted); n < c.atLeast || n > c.atMost {
				t.Errorf("10 s without the database admitted %d, want %d to %d", n, c.atLeast, c.atMost)
			}
			_, err := cl.replicas[0].Reserve(t.Context(), &anybody)
			if r := engine.AsLimitRefusal(err); c.absent == ratelimit.Refuse && (r == nil || !r.Unavailable || r.AsError().Status != 503) {
				t.Errorf("Reserve() without the database = %v, want a refusal that says so", err)
			}
			for _, r := range cl.replicas {
				r.cut = false
			}
			cl.run(5*time.Second, 30, anybody)
			cl.admitted = nil
			cl.run(10*time.Second, 30, anybody)
			if want := int(c.limit.Amount) / 6; len(cl.admitted) < want*9/10 || len(cl.admitted) > want*11/10+1 {
				t.Errorf("10 s with the database again admitted %d, want about %d", len(cl.admitted), want)
			}
		})
	}
}

// Requests larger than any slice, which use less than their estimate, or more.
func TestReplicasShareTokens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		estimate, used int64
		over           float64
	}{
		{"less than estimated", 4000, 2500, 0},
		{"as estimated", 1000, 1000, 0},
		{"more than estimated", 1000, 1500, 0.05}, // only afterwards does anybody know
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			limit := engine.Limit{ID: "l", Kind: engine.LimitTokens, Amount: 240_000, Window: time.Minute, Burst: 24_000, Enabled: true}
			cl := newCluster(t, 3, ratelimit.Config{}, limit)
			q := anybody
			q.Tokens = c.estimate
			began := cl.now
			cl.used = c.used
			cl.run(60*time.Second*soak(), 2*4000/float64(c.used), q)
			tokens := float64(len(cl.admitted)) * float64(c.used)
			there := 24_000 + 4000*(cl.now-began).Seconds()
			t.Logf("admitted %.0f tokens of %.0f", tokens, there)
			if tokens > there*1.01+c.over*float64(limit.Amount) || tokens < there*0.95 {
				t.Errorf("admitted %.0f tokens, want 95 to 101 %% of %.0f", tokens, there)
			}
		})
	}
}

func TestReplicasSharePlaces(t *testing.T) {
	t.Parallel()
	const places = 12
	limit := engine.Limit{ID: "l", Kind: engine.LimitConcurrency, Amount: places, Per: engine.LimitByAccount, Enabled: true}
	cl := newCluster(t, 3, ratelimit.Config{}, limit)
	type open struct {
		engine.LimitReservation
		of    *replica
		until time.Duration
	}
	var inFlight []open
	most, admitted := 0, 0
	run := func(long time.Duration) {
		for end := cl.now + long; cl.now < end; cl.now += 10 * time.Millisecond {
			kept := inFlight[:0]
			for _, o := range inFlight {
				if cl.now >= o.until && !o.of.paused {
					o.Settle(0)
				} else {
					kept = append(kept, o)
				}
			}
			inFlight = kept
			for _, r := range cl.replicas {
				if r.paused {
					continue
				}
				if cl.now >= r.next {
					r.Renew(t.Context())
					r.next = cl.now + 50*time.Millisecond
				}
				if cl.random.IntN(4) == 0 { // 75 a second, of 300 ms each: twice as many as there is room for
					if reservation, err := r.Reserve(t.Context(), &anybody); err == nil {
						inFlight = append(inFlight, open{reservation, r, cl.now + 300*time.Millisecond})
						admitted++
					}
				}
			}
			most = max(most, len(inFlight))
		}
	}
	run(10 * time.Second)
	if ideal := places * 10_000 / 300; admitted < ideal*85/100 {
		t.Errorf("10 s admitted %d, want at least 85 %% of %d", admitted, ideal)
	}
	// One stands still with what it has in flight; the others get its free places only.
	cl.replicas[0].paused = true
	run(2 * time.Second)
	if most > places {
		t.Errorf("%d in flight, want at most %d", most, places)
	}
	cl.replicas[0].paused = false
	run(time.Second)
	for _, o := range inFlight {
		o.Cancel()
	}
	inFlight = nil
	run(0)
	cl.replicas = cl.replicas[1:] // killed: what it had is free when its lease ends
	most, admitted = 0, 0
	run(10 * time.Second)
	if ideal := places * 6_500 / 300; admitted < ideal*80/100 || most > places {
		t.Errorf("10 s without one replica admitted %d, at most %d at once; want at least 80 %% of %d, and %d", admitted, most, ideal, places)
	}
}

func TestReplicasChangeWhereALimitIsDecided(t *testing.T) {
	t.Parallel()
	limit := perMinute(600, 10)
	cl := newCluster(t, 3, ratelimit.Config{}, limit)
	for i, c := range []struct{ amount, atLeast, atMost int64 }{{600, 105, 112}, {30, 5, 16}, {600, 95, 112}, {59, 9, 20}, {60, 9, 21}} {
		limit.Amount = c.amount
		limit.UpdatedAt = limit.UpdatedAt.Add(time.Duration(i) * time.Millisecond)
		for _, r := range cl.replicas {
			r.Set([]engine.Limit{limit})
		}
		cl.admitted = nil
		cl.run(10*time.Second, 30, anybody)
		if n := int64(len(cl.admitted)); n < c.atLeast || n > c.atMost {
			t.Errorf("change %d: 10 s at %d a minute admitted %d, want %d to %d", i, c.amount, n, c.atLeast, c.atMost)
		}
	}
}

func TestReplicasSpendWithoutARoundTrip(t *testing.T) {
	t.Parallel()
	cl := newCluster(t, 3, ratelimit.Config{}, perMinute(6000, 0))
	cl.run(3*time.Second, 50, anybody)
	for _, r := range cl.replicas {
		r.waited.Store(0)
	}
	cl.admitted, cl.refused = nil, 0
	cl.run(10*time.Second, 50, anybody)
	waited := int64(0)
	for _, r := range cl.replicas {
		waited += r.waited.Load()
	}
	if cl.refused > 0 || waited*100 > int64(len(cl.admitted)) {
		t.Errorf("half the limit: %d refused, %d of %d waited for the database; want none refused and at most 1 %% to wait", cl.refused, waited, len(cl.admitted))
	}
	cl.run(5*time.Second, 0, anybody)
	if levels, err := cl.store.(engine.LimitLevelStore).ListLimitLevels(t.Context()); err != nil || len(levels) != 1 || levels[0].Level.Whole < 5_900 {
		t.Errorf("levels after 5 idle seconds = %v, %v; want the leases to be back", levels, err)
	}
}

func TestReplicasAskOnceForAll(t *testing.T) {
	t.Parallel()
	cl := newCluster(t, 1, ratelimit.Config{}, perMinute(6000, 0))
	r := cl.replicas[0]
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			reservation, err := r.Reserve(t.Context(), &anybody)
			if err != nil {
				t.Errorf("Reserve() = %v, want nil", err)
			}
			reservation.Settle(1)
		})
	}
	all.Wait()
	if n := r.waited.Load(); n < 1 || n > 20 {
		t.Errorf("100 first requests at once made %d exchanges, want a few", n)
	}
}

// The lease ends here before it ends there: what is in hand is not spent after that, even
// when nobody can be asked.
func TestAPausedReplicaSpendsNothingStale(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		paused time.Duration
		want   bool
	}{{2400 * time.Millisecond, true}, {2500 * time.Millisecond, false}, {time.Minute, false}} {
		t.Run(c.paused.String(), func(t *testing.T) {
			t.Parallel()
			cl := newCluster(t, 1, ratelimit.Config{}, perMinute(6000, 0))
			cl.run(2*time.Second, 50, anybody)
			r := cl.replicas[0]
			for range 5 {
				cl.send(r, anybody)
			}
			cl.now += 600 * time.Millisecond
			r.Renew(t.Context())
			r.cut = true
			cl.now += c.paused
			_, err := r.Reserve(t.Context(), &anybody)
			if (err == nil) != c.want {
				t.Errorf("Reserve() %v after the last word = %v, want admitted: %v", c.paused, err, c.want)
			}
		})
	}
}

// What is spent while an answer is on its way is not in hand when it comes, and what is
// being returned is not spent.
func TestReplicasSpendDuringAnExchange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		returning bool
	}{{"one that renews", false}, {"one that returns", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cl := newCluster(t, 2, ratelimit.Config{}, perMinute(6000, 300))
			r, other := cl.replicas[0], cl.replicas[1]
			for range 10 {
				cl.send(r, anybody)
			}
			cl.now += 600 * time.Millisecond
			if c.returning { // once more with nothing to do in between
				r.Renew(t.Context())
				cl.now += 600 * time.Millisecond
			}
			during := duringExchange(t, r)
			r.Renew(t.Context())
			r.during = nil
			if !c.returning && *during == 0 {
				t.Error("nothing was admitted during the exchange, want what is in hand")
			}
			// The bucket was full; from here on time stands still.
			cl.admitted = nil
			for range 400 {
				cl.send(other, anybody)
			}
			for range 400 {
				cl.send(r, anybody)
			}
			if total := *during + len(cl.admitted); total > 300 || total < 290 {
				t.Errorf("%d admitted, %d of them during an exchange, want 300", total, *during)
			}
		})
	}
}

// duringExchange makes the replica send requests while its exchanges are on their way, and
// counts those that are admitted.
func duringExchange(t *testing.T, r *replica) *int {
	left, stop := context.WithCancel(t.Context())
	stop() // nobody waits for the exchange that he is in
	admitted := 0
	r.during = func() {
		for range 7 {
			if reservation, err := r.Reserve(left, &anybody); err == nil {
				reservation.Settle(1)
				admitted++
			}
		}
	}
	return &admitted
}
