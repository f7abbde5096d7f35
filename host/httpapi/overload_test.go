package httpapi

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func TestGateShares(t *testing.T) {
	t.Parallel()
	const most = 400
	fill := func(g *gate, account string) (n int) {
		for g.enter(account) == nil {
			n++
		}
		return n
	}
	for _, test := range []struct {
		name     string
		accounts []string
		want     []int
	}{
		{"one alone gets three quarters", []string{"a"}, []int{300}},
		{"who comes next gets three quarters of the rest", []string{"a", "b"}, []int{300, 75}},
		{"and again", []string{"a", "b", "c"}, []int{300, 75, 19}},
		{"trying again gets nothing more", []string{"a", "a"}, []int{300, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := gate{most: most}
			for i, account := range test.accounts {
				if got := fill(&g, account); got != test.want[i] {
					t.Errorf("%s got in %d times, want %d", account, got, test.want[i])
				}
			}
			for account, n := range g.of {
				for range n {
					g.leave(account)
				}
			}
			if g.all != 0 || len(g.of) != 0 {
				t.Errorf("after all have left there are %d, of %v", g.all, g.of)
			}
		})
	}
}

func TestGateIsNeverOver(t *testing.T) {
	t.Parallel()
	g := gate{most: 64}
	var over, in atomic.Int64
	var all sync.WaitGroup
	for i := range 32 {
		account := string(rune('a' + i%5))
		all.Go(func() {
			for range 500 {
				if g.enter(account) != nil {
					continue
				}
				if in.Add(1) > 64 {
					over.Add(1)
				}
				in.Add(-1)
				g.leave(account)
			}
		})
	}
	all.Wait()
	if over.Load() != 0 || g.inFlight() != 0 {
		t.Errorf("over the limit %d times, and %d are left, want 0 and 0", over.Load(), g.inFlight())
	}
}

func TestMemoryPressureNarrowsTheGate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		live uint64
		want int
	}{
		{"plenty", 100, 64 * 3 / 4}, {"at the knee", 700, 64 * 3 / 4}, {"half way", 825, 24},
		{"85 %", 850, 19}, {"full", 950, 1}, {"below 98 %", 979, 1}, {"98 %", 980, 0}, {"beyond", 5000, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			now := time.Duration(1)
			p := newMemoryPressure(1000)
			collected := make(chan struct{}, 10)
			p.live, p.clock, p.collect = func() uint64 { return test.live }, func() time.Duration { return now }, func() { collected <- struct{}{} }
			g := gate{most: 64, memory: p.room}
			got := 0
			for g.enter("a") == nil {
				got++
			}
			if got != test.want {
				t.Errorf("with %d of 1000 bytes live %d got in, want %d", test.live, got, test.want)
			}
			p.live = func() uint64 { return 0 }
			if g.enter("b") == nil && test.live >= 950 {
				t.Error("memory was measured again at once")
			}
			now += time.Duration(memoryEvery)
			if f := g.enter("c"); f != nil {
				t.Errorf("with memory again = %v, want room", f)
			}
			if test.live >= 950 {
				<-collected // or nobody would soon know that there is memory again
			} else if len(collected) > 0 {
				t.Error("memory was collected, want that only when it is full")
			}
		})
	}
	if liveMemory() == 0 {
		t.Error("liveMemory() = 0, want what there is")
	}
}

// While memory is full it is collected once a second, one collection at a time.
func TestMemoryIsCollectedWhileItIsFull(t *testing.T) {
	t.Parallel()
	now := time.Duration(1)
	p := newMemoryPressure(1000)
	began, end := make(chan struct{}), make(chan struct{})
	p.live, p.clock = func() uint64 { return 990 }, func() time.Duration { return now }
	var collections atomic.Int64
	p.collect = func() { collections.Add(1); began <- struct{}{}; <-end }
	for round := range 3 {
		p.room()
		<-began
		for range 30 { // it takes longer than it may wait for the next
			now += time.Duration(memoryEvery)
			p.room()
		}
		end <- struct{}{}
		for p.collecting.Load() {
			runtime.Gosched()
		}
		now += time.Duration(collectEvery) / 2
		if round == 0 { // that of the first is too lately over
			p.collected.Store(int64(now))
			if p.room(); p.collecting.Load() {
				t.Error("memory was collected twice within a second")
			}
			now += time.Duration(collectEvery)
		}
	}
	if n := collections.Load(); n != 3 {
		t.Errorf("%d collections, want 3: never two at once", n)
	}
}

// What was turned away comes back all at once, and is let in by and by.
func TestGateWidensAfterAnOutage(t *testing.T) {
	t.Parallel()
	const most = 1024
	for _, test := range []struct {
		name   string
		outage func(g *gate, share *float64)
		want   []int // let in at once, second by second from then on
	}{
		{"none", func(*gate, *float64) {}, []int{1024, 1024}},
		{"the server could not serve", func(g *gate, _ *float64) { g.falter() }, []int{64, 128, 256, 512, 1024, 1024}},
		{"twice", func(g *gate, _ *float64) { g.falter(); g.falter() }, []int{64, 128, 256}},
		{"memory was full", func(g *gate, share *float64) {
			*share = 1.0 / 64
			g.widenNow()
			*share = 1
		}, []int{64, 128, 256, 512, 1024, 1024}},
		{"memory was half full", func(g *gate, share *float64) {
			*share = 0.5
			g.widenNow()
			*share = 1
		}, []int{512, 1024, 1024}},
		{"memory is full", func(_ *gate, share *float64) { *share = 1.0 / 64 }, []int{16, 16, 16}},
		{"memory is full after an outage", func(g *gate, share *float64) { g.falter(); *share = 1.0 / 64 }, []int{16, 16, 16}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			now, share := time.Hour, 1.0
			g := gate{most: most, memory: func() float64 { return share }, clock: func() time.Duration { return now }}
			test.outage(&g, &share)
			for second, want := range test.want {
				// Each of an account of its own, so that nobody's share is in the way.
				got := 0
				for got <= most && g.enter("account-"+itoa(got)) == nil {
					got++
				}
				if got != want {
					t.Errorf("second %d: %d of many were let in at once, want %d", second, got, want)
				}
				for i := range got {
					g.leave("account-" + itoa(i))
				}
				now += time.Second
			}
		})
	}
	if faltered(&engine.LimitRefusal{}) || faltered(engine.ErrNotFound) || faltered(nil) {
		t.Error("a refusal by a limit narrows the gate, want what the server itself lacks alone")
	}
	if !faltered((&engine.LimitRefusal{Unavailable: true}).AsError()) {
		t.Error("limits that cannot be checked do not narrow the gate")
	}
	if faltered(&engine.Error{Code: engine.CodeNoTarget}) || !faltered(&engine.Error{Code: engine.CodeNoTarget, Status: 503}) {
		t.Error("a ledger that cannot write does not narrow the gate, or providers that are down do")
	}
}

// widenNow is what an attempt to enter does to the gate's width.
func (g *gate) widenNow() {
	if g.enter("a") == nil {
		g.leave("a")
	}
}

// Whatever one account sends, every request of another that stays in its share is served,
// streams included, and what is shed is told at once, with a time.
func TestOneAccountCannotShutOutAnother(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var under atomic.Int64
	serve := func(ctx context.Context) error {
		under.Add(1)
		defer under.Add(-1)
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f := &fake{
		complete: func(ctx context.Context, r *engine.Request) (engine.Completion, error) {
			if r.Principal.AccountID == "hog" {
				if err := serve(ctx); err != nil {
					return engine.Completion{}, err
				}
			}
			return engine.Completion{Body: []byte(`{"id":"c"}`)}, nil
		},
	}
	u := start(t, f, func(c *Config) { c.MaxInFlight = 40 })
	ask := func(key string) (status int, after string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.url+"/v1/chat/completions", strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"x"}]}`))
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	var hog sync.WaitGroup
	var served, shed, odd atomic.Int64
	const asked = 400
	answered := make(chan struct{}, asked)
	for range asked {
		hog.Go(func() {
			status, after := ask("tenant-key-hog")
			switch {
			case status == http.StatusOK:
				served.Add(1)
			case status == http.StatusServiceUnavailable && after == "1":
				shed.Add(1)
				answered <- struct{}{}
			default:
				odd.Add(1)
				answered <- struct{}{}
			}
		})
	}
	// What is beyond the share is answered while the rest waits.
	for range asked - 30 {
		<-answered
	}
	for range 4 {
		var others sync.WaitGroup
		for range 5 {
			others.Go(func() {
				if status, _ := ask("tenant-key-quiet"); status != http.StatusOK {
					t.Errorf("a request of another account = %d, want 200", status)
				}
			})
		}
		others.Wait()
	}
	if status, _ := ask("tenant-key-hog"); status != http.StatusServiceUnavailable {
		t.Errorf("one more of the busy account = %d, want 503", status)
	}
	for _, path := range []string{"/healthz", "/api/v1/rules"} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, u.url+path, nil)
		req.Header.Set("Authorization", "Bearer tenant-key-hog")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("GET %s meanwhile = %d, want 200", path, resp.StatusCode)
		}
	}
	close(release)
	hog.Wait()
	if served.Load() != 30 || shed.Load() != asked-30 || odd.Load() != 0 {
		t.Errorf("of %d requests %d were served, %d shed, %d neither; want 30 of a limit of 40, and the rest shed", asked, served.Load(), shed.Load(), odd.Load())
	}
	if n := u.gate.inFlight(); n != 0 {
		t.Errorf("%d are still counted after all were answered", n)
	}
}
