package ratelimit_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
)

// sixScopes are limits of six levels that all apply to one request, none of which refuses.
func sixScopes(shared bool) []engine.Limit {
	limits := []engine.Limit{}
	for i, per := range []engine.LimitDimensions{
		engine.LimitByAccount, engine.LimitByTeam, engine.LimitByUser, engine.LimitByKey,
		engine.LimitByAccount | engine.LimitByProvider, engine.LimitByUser | engine.LimitByModel,
	} {
		l := engine.Limit{
			ID: fmt.Sprintf("l%d", i), Per: per, Kind: engine.LimitRequests, Amount: engine.MaxLimitAmount,
			Window: time.Minute, Enabled: true,
		}
		if i%2 == 1 {
			l.Kind = engine.LimitTokens
		}
		limits = append(limits, l)
	}
	if shared {
		limits = append(limits, engine.Limit{ID: "all", Kind: engine.LimitRequests, Amount: engine.MaxLimitAmount, Window: time.Minute, Enabled: true})
	}
	return limits
}

func request(n int) *engine.LimitRequest {
	return &engine.LimitRequest{
		AccountID: fmt.Sprintf("account-%d", n%100), TeamID: "team", UserID: fmt.Sprintf("user-%d", n), KeyID: fmt.Sprintf("key-%d", n),
		ProviderID: "openai", ModelID: "gpt-4o", UpstreamID: "gpt-4o", Credential: "c1", Tokens: 1000,
	}
}

func newLimiter(t testing.TB, cfg ratelimit.Config, limits ...engine.Limit) *ratelimit.Limiter {
	t.Helper()
	l, err := ratelimit.New(cfg)
	if err != nil {
		t.Fatalf("New() = %v, want nil", err)
	}
	l.Set(limits)
	return l
}

// slice is how many calls are timed at once: so few that the machine's other work leaves some
// of them alone. The best of a run is what a call costs.
const slice = 20_000

// bestSlice times calls by so many workers at once.
func bestSlice(b *testing.B, workers int, call func(worker, n int)) {
	b.ReportAllocs()
	best := time.Duration(math.MaxInt64)
	for done := 0; done < b.N; done += slice * workers {
		n := min(slice, b.N)
		var all sync.WaitGroup
		began := time.Now()
		for worker := range workers - 1 {
			all.Go(func() { call(worker+1, n) })
		}
		call(0, n)
		all.Wait()
		best = min(best, time.Since(began)/time.Duration(n*workers))
	}
	b.ReportMetric(float64(best), "ns/op")
}

func BenchmarkReserveSettle(b *testing.B) {
	reserve := func(b *testing.B, l *ratelimit.Limiter, q *engine.LimitRequest) {
		r, err := l.Reserve(b.Context(), q)
		if err != nil {
			b.Fatal(err)
		}
		r.Settle(800)
	}
	for _, c := range []struct {
		name   string
		cfg    ratelimit.Config
		shared bool
	}{
		{"6_scopes", ratelimit.Config{}, false},
		{"6_scopes_and_a_shared_one", ratelimit.Config{}, true},
		{"6_scopes_leased", ratelimit.Config{Leases: generous{}, TTL: time.Hour}, false}, // as in a replica
	} {
		run := func(b *testing.B, workers int) {
			l := newLimiter(b, c.cfg, sixScopes(c.shared)...)
			// Callers whose buckets lie between each other's in memory.
			const callers = 4
			var of [16][callers]*engine.LimitRequest
			for i := range callers {
				for worker := range workers {
					q := request(i*workers + worker)
					reserve(b, l, q)
					reserve(b, l, q)
					of[worker%len(of)][i] = q
				}
			}
			b.ResetTimer()
			bestSlice(b, workers, func(worker, n int) {
				for i := range n {
					reserve(b, l, of[worker%len(of)][i%callers])
				}
			})
		}
		b.Run(c.name, func(b *testing.B) { run(b, 1) })
		b.Run(c.name+"/parallel", func(b *testing.B) { run(b, runtime.GOMAXPROCS(0)) })
	}
}

// generous is a database that lends whatever it is asked for.
type generous struct{ engine.LimitLeaseStore }

func (generous) ExchangeLimits(_ context.Context, x engine.LimitExchange, _ time.Time) (engine.LimitGrants, error) {
	g := engine.LimitGrants{Replicas: 1}
	for range x.Claims {
		g.Grants = append(g.Grants, engine.LimitGrant{Epoch: 1, Held: engine.MaxLimitAmount, Left: engine.MaxLimitAmount})
	}
	return g, nil
}

// What the same costs at the least where each scope is looked up and counted by itself: six
// lookups in maps, six atomic counts, six more at the end, and two readings of the clock.
func BenchmarkReserveSettleReference(b *testing.B) {
	q := request(1)
	names := [6]string{q.AccountID, q.TeamID, q.UserID, q.KeyID, q.ProviderID, q.ModelID}
	var maps [6]map[string]*atomic.Int64
	for i, name := range names {
		maps[i] = map[string]*atomic.Int64{name: {}}
		for n := range 100 {
			maps[i][fmt.Sprint("other-", n)] = &atomic.Int64{}
		}
	}
	bestSlice(b, 1, func(_, n int) {
		for range n {
			var counts [6]*atomic.Int64
			for i, name := range names {
				c := maps[i][name]
				counts[i] = c
				for was := c.Load(); !c.CompareAndSwap(was, was-1); was = c.Load() {
				}
			}
			for _, c := range counts {
				c.Add(1)
			}
			engine.Monotonic()
			engine.Monotonic()
		}
	})
}

// A pool may be emptied at any moment, and under the race detector it drops at random what
// it is given: the best of many runs says what a call needs.
func TestReserveDoesNotAllocate(t *testing.T) {
	for name, cfg := range map[string]ratelimit.Config{"alone": {}, "leased": {Leases: generous{}, TTL: time.Hour}} {
		l := newLimiter(t, cfg, sixScopes(true)...)
		q := request(1)
		least := math.Inf(1)
		for range 200 {
			least = min(least, testing.AllocsPerRun(1, func() {
				r, err := l.Reserve(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				r.Settle(800)
			}))
		}
		if least != 0 {
			t.Errorf("%s: Reserve and Settle over 7 scopes allocate %v times at best, want 0", name, least)
		}
	}
}

// Not parallel: it reads the heap.
func TestBucketsAreSmallAndForgotten(t *testing.T) {
	buckets := 50_000
	if os.Getenv("POINTSMAN_SOAK") != "" {
		buckets = 1_000_000
	}
	var now atomic.Int64
	now.Store(1)
	l := newLimiter(t, ratelimit.Config{Clock: func() time.Duration { return time.Duration(now.Load()) }},
		engine.Limit{ID: "l", Per: engine.LimitByKey, Kind: engine.LimitRequests, Amount: 60, Window: time.Minute, Enabled: true})
	before := heap()
	for i := range buckets {
		r, err := l.Reserve(t.Context(), &engine.LimitRequest{AccountID: "account-1234", KeyID: fmt.Sprintf("0199f3a2-7b1c-7000-8000-%012d", i)})
		if err != nil {
			t.Fatal(err)
		}
		r.Settle(0)
	}
	each := (heap() - before) / int64(buckets)
	t.Logf("%d buckets take %d bytes each", l.Live(), each)
	if l.Live() != buckets || each > 256 {
		t.Errorf("%d live buckets take %d bytes each, want %d that take at most 256", l.Live(), each, buckets)
	}
	now.Add(int64(time.Second))
	if got := l.Sweep(time.Duration(now.Load())); got != buckets || l.Live() != 0 {
		t.Errorf("Sweep() when all are full again = %d and leaves %d, want %d and 0", got, l.Live(), buckets)
	}
	if left := heap() - before; left > int64(buckets)*8 {
		t.Errorf("%d bytes are left of %d forgotten buckets", left, buckets)
	}
	runtime.KeepAlive(l)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkPeek is what a request asks of each model that its rules look at.
func BenchmarkPeek(b *testing.B) {
	for _, c := range []struct {
		name   string
		limits []engine.Limit
	}{{"no limits", nil}, {"6 scopes", sixScopes(false)}} {
		b.Run(c.name, func(b *testing.B) {
			l := newLimiter(b, ratelimit.Config{}, c.limits...)
			q := request(1)
			r, err := l.Reserve(b.Context(), q)
			if err != nil {
				b.Fatal(err)
			}
			r.Settle(800)
			b.ReportAllocs()
			for b.Loop() {
				l.Peek(q)
			}
		})
	}
}
