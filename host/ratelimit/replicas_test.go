package ratelimit_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
)

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
