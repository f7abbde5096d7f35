package ratelimit_test

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
)

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
