package ratelimit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// Everything at once, and afterwards nothing may be missing or left over.
func TestHammer(t *testing.T) {
	t.Parallel()
	const places = 5
	limits := []engine.Limit{
		one("places", func(l *engine.Limit) { l.Kind, l.Window, l.Amount = engine.LimitConcurrency, 0, places }),
		one("tokens", func(l *engine.Limit) {
			l.Kind, l.Window, l.Amount, l.Per = engine.LimitTokens, 24*time.Hour, 10_000, engine.LimitByUser
		}),
		one("keys", func(l *engine.Limit) { l.Per, l.Amount = engine.LimitByKey, 1_000_000 }),
	}
	// Time stands still, so that tokens can be counted.
	l := newLimiter(t, ratelimit.Config{Clock: func() time.Duration { return time.Hour }, MaxBuckets: 1024}, limits...)
	var inFlight, used atomic.Int64
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 3))
			for range 2_000 {
				q := engine.LimitRequest{AccountID: "a", UserID: "u", KeyID: fmt.Sprint("k", r.IntN(5000)), Tokens: 1 + r.Int64N(50)}
				reservation, err := l.Reserve(context.Background(), &q)
				if err != nil {
					continue
				}
				if n := inFlight.Add(1); n > places {
					t.Errorf("%d requests in flight, want at most %d", n, places)
				}
				reservation.Left()
				inFlight.Add(-1)
				if r.IntN(3) == 0 {
					reservation.Cancel()
				} else {
					spent := r.Int64N(q.Tokens + 1)
					used.Add(spent)
					reservation.Settle(spent)
				}
				reservation.Cancel()
				if r.IntN(100) == 0 {
					l.Sweep(time.Hour)
					l.Set(limits)
					if _, err := l.Stats(t.Context(), engine.LimitStatQuery{Most: 5}); err != nil {
						t.Errorf("Stats() = %v, want nil", err)
					}
				}
			}
		})
	}
	all.Wait()
	if sent := stats(t, l, engine.LimitStatQuery{Keep: func(m engine.Limit) bool { return m.ID == "tokens" }, Most: 1}); len(sent) != 1 || sent[0].Admitted == 0 {
		t.Errorf("Stats() = %+v, want what was admitted", sent)
	}
	left := l.Peek(&engine.LimitRequest{AccountID: "a", UserID: "u"})
	if left.Concurrency.Remaining != places || left.Tokens.Remaining != 10_000-used.Load() {
		t.Errorf("left = %+v, want %d places and %d tokens", left, places, 10_000-used.Load())
	}
	if l.Live() > 1024+256 { // a part of the table that has nothing to forget may have one more
		t.Errorf("%d live buckets, want about 1024", l.Live())
	}
}

// Replicas in real time, each with its own loop, under the race detector in `make test`.
func TestHammerReplicas(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), storetest.PostgresURL(t), store.Options{})
	if err != nil {
		t.Fatalf("Open() = %v, want nil", err)
	}
	defer s.Close()
	limits := []engine.Limit{
		one("requests", func(l *engine.Limit) { l.Amount, l.Burst = 6000, 50 }),
		one("small", func(l *engine.Limit) { l.Amount, l.Per = 20, engine.LimitByUser }),
		one("places", func(l *engine.Limit) { l.Kind, l.Window, l.Amount = engine.LimitConcurrency, 0, 40 }),
	}
	ctx, stop := context.WithCancel(context.Background())
	var loops, clients sync.WaitGroup
	var mu sync.Mutex
	var admitted []time.Duration
	users := map[string]int{}
	until := engine.Monotonic() + time.Second*soak()
	for n := range 3 {
		l := newLimiter(t, ratelimit.Config{Leases: s, Wait: 5 * time.Second}, limits...)
		loops.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
		})
		for g := range 4 {
			clients.Go(func() {
				for i := 0; engine.Monotonic() < until; i++ {
					user := fmt.Sprint("u", (n*4+g+i)%97)
					r, err := l.Reserve(context.Background(), &engine.LimitRequest{AccountID: "a", UserID: user, Tokens: 1})
					if err != nil {
						if engine.AsLimitRefusal(err) == nil {
							t.Errorf("Reserve() = %v, want a refusal", err)
						}
						continue
					}
					r.Settle(1)
					mu.Lock()
					admitted = append(admitted, engine.Monotonic())
					users[user]++
					mu.Unlock()
				}
			})
		}
	}
	began := engine.Monotonic()
	clients.Wait()
	lasted := engine.Monotonic() - began
	stop()
	loops.Wait()
	slices.Sort(admitted)
	if most := 50 + 6000*(lasted.Seconds()+0.5)/60; float64(len(admitted)) > most*1.01 {
		t.Errorf("%d admitted in %v, want at most %.0f", len(admitted), lasted, most)
	}
	for user, n := range users {
		if most := 20 + int((lasted.Seconds()+0.5)/3); n > most {
			t.Errorf("%d admitted of user %s, want at most %d", n, user, most)
		}
	}
	// Everything has been given back.
	g, err := s.ExchangeLimits(t.Context(), engine.LimitExchange{Replica: "auditor", TTL: time.Second}, time.Time{})
	if err != nil || g.Replicas != 1 {
		t.Errorf("ExchangeLimits() = %+v, %v, want the auditor alone", g, err)
	}
	t.Logf("%d admitted, %d users", len(admitted), len(users))
}
