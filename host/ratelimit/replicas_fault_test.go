package ratelimit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
)

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
