package ratelimit_test

import (
	"fmt"
	"math"
	"os"
	"runtime"
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

func BenchmarkReserveSettle(b *testing.B) {
	for _, c := range []struct {
		name   string
		shared bool
	}{{"6_scopes", false}, {"6_scopes_and_a_shared_one", true}} {
		b.Run(c.name, func(b *testing.B) {
			l := newLimiter(b, ratelimit.Config{}, sixScopes(c.shared)...)
			q := request(1)
			b.ReportAllocs()
			for b.Loop() {
				r, err := l.Reserve(b.Context(), q)
				if err != nil {
					b.Fatal(err)
				}
				r.Settle(800)
			}
		})
		b.Run(c.name+"/parallel", func(b *testing.B) {
			l := newLimiter(b, ratelimit.Config{}, sixScopes(c.shared)...)
			var next atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				q := request(int(next.Add(1)))
				for pb.Next() {
					r, err := l.Reserve(b.Context(), q)
					if err != nil {
						b.Fatal(err)
					}
					r.Settle(800)
				}
			})
		})
	}
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
	for b.Loop() {
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
}

// A pool may be emptied at any moment, and under the race detector it drops at random what
// it is given: the best of many runs says what a call needs.
func TestReserveDoesNotAllocate(t *testing.T) {
	l := newLimiter(t, ratelimit.Config{}, sixScopes(true)...)
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
		t.Errorf("Reserve and Settle over 7 scopes allocate %v times at best, want 0", least)
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
