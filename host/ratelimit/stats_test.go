package ratelimit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
)

// shown is what the statistics say of a limit's only bucket.
func (c *cluster) shown(r *replica, id string) engine.LimitStat {
	c.t.Helper()
	got := stats(c.t, r.Limiter, engine.LimitStatQuery{Keep: func(l engine.Limit) bool { return l.ID == id }, Most: 5})
	if len(got) != 1 {
		c.t.Fatalf("Stats() of %s = %+v, want one bucket", id, got)
	}
	return got[0]
}

func TestStatsAreOfAllReplicas(t *testing.T) {
	t.Parallel()
	limits := []engine.Limit{
		one("many", func(l *engine.Limit) { l.Amount, l.Window, l.Per = 3_600, time.Hour, engine.LimitByAccount }),
		one("few", func(l *engine.Limit) { l.Amount, l.Window = 50, time.Hour }),
		one("none", func(l *engine.Limit) { l.Amount, l.Scope.ModelID = 0, "m" }),
		one("places", func(l *engine.Limit) { l.Kind, l.Amount, l.Window = engine.LimitConcurrency, 9, 0 }),
	}
	cl := newCluster(t, 3, ratelimit.Config{}, limits...)
	var open []engine.LimitReservation
	want := map[string]*engine.LimitStat{}
	for _, l := range limits {
		want[l.ID] = &engine.LimitStat{LimitID: l.ID, Kind: l.Kind, Limit: l.Amount, Remaining: l.Amount}
	}
	want["many"].Scope, want["none"].Scope = "account=a", "model=m"
	for i, r := range cl.replicas {
		for n := range 10 + i {
			reservation, err := r.Reserve(t.Context(), &anybody)
			if err != nil {
				t.Fatalf("Reserve() = %v, want nil", err)
			}
			if n == 0 {
				open = append(open, reservation)
				continue
			}
			reservation.Settle(1)
		}
		cancelled, err := r.Reserve(t.Context(), &anybody)
		if err != nil {
			t.Fatalf("Reserve() = %v, want nil", err)
		}
		cancelled.Cancel()
		nothing := anybody
		nothing.ModelID = "m"
		if _, err := r.Reserve(t.Context(), &nothing); err == nil {
			t.Fatal("Reserve() of a limit of 0 = nil, want a refusal")
		}
	}
	const admitted = 10 + 11 + 12
	for _, id := range []string{"many", "few", "places"} {
		want[id].Admitted, want[id].Used, want[id].Remaining = admitted, admitted, want[id].Limit-admitted
	}
	want["places"].Used, want["places"].Remaining = 3, 6
	want["none"].Refused = 3
	for _, r := range cl.replicas {
		cl.now += 600 * time.Millisecond
		r.Renew(t.Context())
		if err := r.Report(t.Context()); err != nil {
			t.Fatalf("Report() = %v, want nil", err)
		}
	}
	for i, r := range cl.replicas {
		for id, w := range want {
			got := cl.shown(r, id)
			if id == "many" { // one comes in every second
				if got.Used < admitted-4 || got.Used > admitted || got.Used+got.Remaining != got.Limit {
					t.Errorf("replica %d: used of many = %d, %d remaining; want about %d of %d", i, got.Used, got.Remaining, admitted, got.Limit)
				}
				got.Used, got.Remaining = w.Used, w.Remaining
			}
			if got != *w {
				t.Errorf("replica %d: Stats() of %s = %+v, want %+v", i, id, got, *w)
			}
		}
	}
	for _, r := range open {
		r.Cancel()
	}
}

func TestReportsCountOnceAndSayTheirAge(t *testing.T) {
	t.Parallel()
	cl := newCluster(t, 2, ratelimit.Config{}, one("few", func(l *engine.Limit) { l.Amount, l.Window = 50, time.Hour }))
	r, other := cl.replicas[0], cl.replicas[1]
	for range 7 {
		cl.send(r, anybody)
	}
	r.lost = true
	for range 3 {
		if err := r.Report(t.Context()); err == nil {
			t.Fatal("Report() whose answer is lost = nil, want an error")
		}
		cl.send(r, anybody)
	}
	r.lost = false
	r.cut = true
	if err := r.Report(t.Context()); err == nil {
		t.Fatal("Report() without the database = nil, want an error")
	}
	r.cut = false
	if got := cl.shown(r, "few").Admitted; got != 10 {
		t.Errorf("admitted = %d, want 10", got)
	}
	if err := other.Report(t.Context()); err != nil {
		t.Fatalf("Report() = %v, want nil", err)
	}
	cl.send(r, anybody)
	cl.now += 1500 * time.Millisecond
	got, err := other.Stats(t.Context(), engine.LimitStatQuery{Most: 5})
	if err != nil || len(got.Buckets) != 1 || got.Buckets[0].Admitted != 10 || got.Replicas != 2 || got.Age != 1500*time.Millisecond {
		t.Errorf("Stats() before the other reports = %+v, %v; want 10 admitted as of 1.5s ago, by 2", got, err)
	}
	// One that stops tells the rest, and what was reset shows as unused before anybody asks.
	if err := r.Close(t.Context()); err != nil {
		t.Fatalf("Close() = %v, want nil", err)
	}
	if got := cl.shown(other, "few"); got.Admitted != 11 || got.Used != 11 {
		t.Errorf("Stats() after the other stopped = %+v, want 11 admitted and used", got)
	}
	reset := cl.limits[0]
	reset.Resets++
	other.Set([]engine.Limit{reset})
	if got := cl.shown(other, "few"); got.Used != 0 || got.Admitted != 11 {
		t.Errorf("Stats() after a reset = %+v, want none used", got)
	}
}

// Reports are bounded, and nothing is left out.
func TestReportsOfManyBuckets(t *testing.T) {
	t.Parallel()
	cl := newCluster(t, 1, ratelimit.Config{}, one("keys", func(l *engine.Limit) { l.Amount, l.Scope.AccountID, l.Per = 0, "a", engine.LimitByKey }))
	const keys = 1_100
	for i := range keys {
		cl.send(cl.replicas[0], engine.LimitRequest{AccountID: "a", KeyID: fmt.Sprint("k", i), Tokens: 1})
	}
	got := stats(t, cl.replicas[0].Limiter, engine.LimitStatQuery{AccountID: "a", Most: 2 * keys})
	if len(got) != keys || got[0].Refused != 1 {
		t.Errorf("Stats() = %d buckets, the first %+v; want %d with a refusal each", len(got), got[:min(1, len(got))], keys)
	}
}
