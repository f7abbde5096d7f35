package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// replicas are processes that share one Postgres, and the provider that they all call.
type replicas struct {
	t    *testing.T
	up   *provider
	env  []string
	all  []*process
	dirs []string

	limits int // that were set
}

func startReplicas(t *testing.T, n int) *replicas {
	t.Helper()
	r := &replicas{t: t, up: newProvider(t)}
	admin := strings.Repeat("admin-", 5)
	r.env = append(databases(t)["postgres"](t), "POINTSMAN_ADMIN_KEY="+admin, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL="+r.up.url)
	for range n {
		dir := t.TempDir()
		p := serveProgram(t, binary, dir, r.env...)
		p.key = admin
		r.all, r.dirs = append(r.all, p), append(r.dirs, dir)
	}
	return r
}

// ask is call for an answer in JSON.
func (p *process) ask(method, path string, body, out any) int {
	p.t.Helper()
	status, _, text := p.call(method, path, body)
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			p.t.Fatalf("%s %s = %s: %v", method, path, text, err)
		}
	}
	return status
}

// limit sets the limit on one process and returns when it is in force on all.
func (r *replicas) limit(body map[string]any) {
	r.t.Helper()
	if status := r.all[0].ask(http.MethodPost, "/api/v1/limits", body, nil); status != http.StatusCreated {
		r.t.Fatalf("POST /api/v1/limits = %d, want 201", status)
	}
	r.limits++
	for _, p := range r.all {
		r.follows(p)
	}
}

// follows waits until the process has all limits in force.
func (r *replicas) follows(p *process) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var shown struct{ Data []json.RawMessage }
		p.ask(http.MethodGet, "/api/v1/limits/effective", nil, &shown)
		if len(shown.Data) == r.limits {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatal("a limit did not reach the other process")
		}
	}
}

func (r *replicas) reached() int {
	r.up.mu.Lock()
	defer r.up.mu.Unlock()
	return len(r.up.reached)
}

// Two processes give out together what the limit says, to the request.
func TestReplicasShareASmallLimitExactly(t *testing.T) {
	const amount = 20
	r := startReplicas(t, 2)
	r.limit(map[string]any{"id": "few", "kind": "requests", "amount": amount, "window": "minute"})
	began := time.Now()
	var calls sync.WaitGroup
	for i := range 4 * amount {
		calls.Go(func() { r.all[i%2].completes(t.Context(), fmt.Sprintf("call-0-%d", i), i%4 < 2) })
	}
	calls.Wait()
	most := amount + int(time.Since(began)*amount/time.Minute)
	if got := r.reached(); got < amount || got > most {
		t.Errorf("%d of %d requests reached the provider, want %d to %d", got, 4*amount, amount, most)
	}
	// Each says what all did, as soon as all have reported.
	want := [2]int{r.reached(), 4*amount - r.reached()}
	for i, p := range r.all {
		var sum [2]int
		for deadline := time.Now().Add(20 * time.Second); sum != want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("process %d says that %d were admitted and %d refused, want %d and %d", i, sum[0], sum[1], want[0], want[1])
				break
			}
			var shown struct {
				Data []struct{ Admitted, Refused int }
			}
			p.ask(http.MethodGet, "/api/v1/limits/stats", nil, &shown)
			sum = [2]int{}
			for _, s := range shown.Data {
				sum[0], sum[1] = sum[0]+s.Admitted, sum[1]+s.Refused
			}
		}
	}
	// A reset by one is one for all.
	before := r.reached()
	if status := r.all[1].ask(http.MethodPost, "/api/v1/limits/few/reset", nil, nil); status != http.StatusOK {
		t.Fatalf("reset = %d, want 200", status)
	}
	deadline := time.Now().Add(20 * time.Second)
	for i := 0; r.reached() < before+amount/2 && time.Now().Before(deadline); i++ {
		r.all[0].completes(t.Context(), fmt.Sprintf("call-1-%d", i), false)
	}
	if got := r.reached() - before; got < amount/2 {
		t.Errorf("after a reset by the other process %d requests reached the provider, want it to begin anew", got)
	}
}

// load is requests of one model, and the limit that it has.
type load struct {
	model         string
	name          string // of its calls, without their numbers
	amount, burst int    // a minute
	times         int    // as many as the limit admits
	exact         bool
}

// offer sends the load open loop for so long, to one process after the other.
func (r *replicas) offer(ctx context.Context, mu *sync.Mutex, l load, lasts time.Duration) (sent time.Duration) {
	var calls sync.WaitGroup
	defer calls.Wait()
	began := time.Now()
	tick := time.NewTicker(time.Minute / time.Duration(l.times*l.amount))
	defer tick.Stop()
	for i := 0; time.Since(began) < lasts; i++ {
		<-tick.C
		mu.Lock()
		p := r.all[i%len(r.all)]
		mu.Unlock()
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			p.completesBy(ctx, l.model, fmt.Sprint(l.name, i), i%2 == 0)
		})
	}
	return time.Since(began)
}

// arrivals are when the calls of a load reached the provider, since the load began.
func (r *replicas) arrivals(l load, began time.Time) (all []time.Duration) {
	r.up.mu.Lock()
	defer r.up.mu.Unlock()
	for name, at := range r.up.arrived {
		if strings.HasPrefix(name, l.name) {
			all = append(all, at.Sub(began))
		}
	}
	slices.Sort(all)
	return all
}

// audit holds what reached the provider against a bucket that was full when the load began.
func (l load) audit(t *testing.T, arrivals []time.Duration, sent, all time.Duration, whole bool) {
	t.Helper()
	rate := float64(l.amount) / time.Minute.Seconds()
	level, worst, at := float64(l.burst), 0.0, time.Duration(0)
	for _, when := range arrivals {
		level = min(float64(l.burst), level+rate*(when-at).Seconds()) - 1
		worst, at = max(worst, -level), when
	}
	got := float64(len(arrivals))
	may := func(d time.Duration) float64 { return float64(l.burst) + rate*d.Seconds() }
	t.Logf("%d a minute: %.0f requests reached the provider, of %.0f to %.0f (%+.2f %%); ahead of one bucket by %.1f at most",
		l.amount, got, may(sent), may(all), 100*(got/may(all)-1), worst)
	most := 1.01 * may(all)
	if l.exact {
		most = may(all)
	}
	if got > most {
		t.Errorf("%d a minute: %.0f requests reached the provider in %v, want at most %.1f", l.amount, got, all, most)
	}
	if least := 0.95 * may(sent); whole && got < least {
		t.Errorf("%d a minute: %.0f requests reached the provider in %v, want at least %.1f", l.amount, got, sent, least)
	}
}

// A limit of 1,200 a minute and one of 30 hold over processes, of which one is killed and
// started again and one is stopped for a while, and are used up.
func TestReplicasShareALimitSoak(t *testing.T) {
	sizes, lasts, soak := []int{2}, 5*time.Second, false
	if long := os.Getenv("POINTSMAN_SOAK"); long != "" {
		sizes, lasts, soak = []int{1, 3, 5}, 3*time.Minute, true
		if d, err := time.ParseDuration(long); err == nil { // as POINTSMAN_SOAK=1m
			lasts = d
		}
	}
	for _, n := range sizes {
		t.Run(fmt.Sprintf("%d processes", n), func(t *testing.T) {
			loads := []load{
				{"gpt-4o", "call-1-", 1200, 60, 2, false},
				{"gpt-5-mini", "call-2-", 30, 5, 10, true},
			}
			r := startReplicas(t, n)
			for _, l := range loads {
				r.limit(map[string]any{
					"id": "of-" + l.model, "kind": "requests", "amount": l.amount, "window": "minute", "burst": l.burst, "scope": map[string]any{"model": l.model},
				})
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var mu sync.Mutex
			var disturb, offers sync.WaitGroup
			if soak {
				disturb.Go(func() { r.disturb(ctx, &mu, lasts) })
			}
			began := time.Now()
			for _, l := range loads {
				offers.Go(func() {
					sent := r.offer(ctx, &mu, l, lasts)
					l.audit(t, r.arrivals(l, began), sent, time.Since(began), soak)
				})
			}
			offers.Wait()
			disturb.Wait()
		})
	}
}

// disturb kills a process in the first half and starts it again, and stops another, if there
// is one, for a while in the second.
func (r *replicas) disturb(ctx context.Context, mu *sync.Mutex, lasts time.Duration) {
	wait := func(d time.Duration) bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(d):
			return true
		}
	}
	if !wait(lasts / 4) {
		return
	}
	r.all[0].kill()
	next := serveProgram(r.t, binary, r.dirs[0], r.env...)
	next.key = r.all[0].key
	mu.Lock()
	r.all[0] = next
	mu.Unlock()
	if !wait(lasts/4) || len(r.all) == 1 { // a pause of all is load that nobody could admit
		return
	}
	paused := r.all[1].cmd.Process
	if err := paused.Signal(syscall.SIGSTOP); err != nil {
		r.t.Error(err)
	}
	wait(6 * time.Second)
	if err := paused.Signal(syscall.SIGCONT); err != nil {
		r.t.Error(err)
	}
}
