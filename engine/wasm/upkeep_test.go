package wasm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// TestSuspension: a version that fails five times in ten seconds steps back for the one
// before it, whoever asks by name; it is tried again after its pause, or when it is resumed.
func TestSuspension(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []engine.PluginSuspension
		l := open(t, Config{OnSuspend: func(e engine.PluginSuspension) { events = append(events, e) }})
		var s shelf
		add := func(a asm) {
			s.add(t, "acme", a.build(t))
			s.versions[len(s.versions)-1].CreatedAt = time.Now()
			time.Sleep(time.Second)
		}
		add(versioned("1.0.0"))
		add(versioned("2.0.0"))
		broken := rule(unreachable)
		broken.version = "3.0.0"
		add(broken)
		s.sync(t, l)
		ask := func(ref string) string { return decides(t, ruleGuestOf(t, l, "acme", ref)) }
		const failed, good = string(engine.CodePluginFailed), "2.0.0 2.0.0"

		for range tooManyFailures - 1 {
			if got := ask("test"); got != failed {
				t.Fatalf("a failing version decides %q", got)
			}
			time.Sleep(failureWindow / 3) // never five within the window
		}
		if got := ask("test"); got != failed || len(events) != 0 {
			t.Fatalf("a slowly failing version decides %q, events %v", got, events)
		}
		time.Sleep(time.Minute)
		for range tooManyFailures {
			if got := ask("test"); got != failed {
				t.Fatalf("a failing version decides %q", got)
			}
		}
		want := []engine.PluginSuspension{{AccountID: "acme", Name: "test", Version: "3.0.0", LastGood: "2.0.0", Until: time.Now().Add(suspendedFor)}}
		if !slices.Equal(events, want) {
			t.Errorf("events %+v, want %+v", events, want)
		}
		if got := ask("test"); got != good {
			t.Errorf("while 3.0.0 is suspended: decides %q, want %q", got, good)
		}
		if got := ask("test@3.0.0"); got != failed {
			t.Errorf("asked by its number: decides %q, want %s", got, failed)
		}
		if stats, ok := l.Stats("acme", "test", "3.0.0"); !ok || stats.SuspendedUntil.IsZero() || stats.Failures["unreachable"] != 2*tooManyFailures+1 {
			t.Errorf("Stats(3.0.0) = %+v, %v, want it suspended after %d failures", stats, ok, 2*tooManyFailures+1)
		}
		time.Sleep(suspendedFor)
		if got := ask("test"); got != failed {
			t.Errorf("after the pause: decides %q, want another try", got)
		}
		for range tooManyFailures {
			_ = ask("test")
		}
		if got := ask("test"); got != good {
			t.Errorf("suspended again: decides %q, want %q", got, good)
		}
		l.Resume("acme", "test", "3.0.0")
		if got := ask("test"); got != failed {
			t.Errorf("after Resume: decides %q, want another try", got)
		}
	})
}

// TestNoSuspension: without an older version there is nothing to go back to.
func TestNoSuspension(t *testing.T) {
	t.Parallel()
	l := offer(t, Config{OnSuspend: func(e engine.PluginSuspension) { t.Errorf("suspended: %+v", e) }}, rule(unreachable).build(t))
	for range 3 * tooManyFailures {
		if got := decides(t, ruleGuestOf(t, l, "", "test")); got != string(engine.CodePluginFailed) {
			t.Fatalf("decides %q", got)
		}
	}
}

// TestStats: calls, failures by kind, fuel, instances and memory are counted.
func TestStats(t *testing.T) {
	t.Parallel()
	body := seq(i32c(abi.DocContext), call(0), i32c(0), i32c(4), call(1), call(2), []byte{0x45, 0x04, 0x40}, unreachable, []byte{0x0b}, i32c(0))
	a := rule(body, "doc", "get", "kind")
	a.data, a.pages = "stop", 3
	l := offer(t, Config{}, a.build(t))
	g := ruleGuestOf(t, l, "", "test")
	var answer engine.RuleAnswer
	for range 9 {
		if err := g.Decide(t.Context(), &engine.RuleCall{Context: jsonNode(t, `{"stop":1}`)}, &answer); err != nil {
			t.Fatal(err)
		}
	}
	fuel := answer.Fuel
	if err := g.Decide(t.Context(), &engine.RuleCall{Context: jsonNode(t, `{}`)}, &answer); err == nil {
		t.Fatal("Decide({}) does not fail")
	}
	_ = g.Decide(t.Context(), &engine.RuleCall{Context: jsonNode(t, `{"stop":1}`)}, &answer)
	got, ok := l.Stats("", "test", "1.0.0")
	if !ok || got.Calls != 11 || len(got.Failures) != 1 || got.Failures["unreachable"] != 1 || got.Instances != 1 || got.MemoryBytes != 3*abi.PageSize ||
		got.FuelP50 < fuel || got.FuelP50 > fuel*9/8 {
		t.Errorf("Stats() = %+v, %v, want 11 calls of %d units, one unreachable, one instance of 3 pages", got, ok, fuel)
	}
	if _, ok := l.Stats("acme", "test", "1.0.0"); ok {
		t.Error("Stats() of another account's finds something")
	}
}

// TestQuantiles: at most an eighth above the truth.
func TestQuantiles(t *testing.T) {
	t.Parallel()
	var h histogram
	if got := h.quantiles(0.5); got[0] != 0 {
		t.Errorf("quantile of nothing = %d, want 0", got[0])
	}
	for v := range int64(10_000) {
		h.add(v)
	}
	for share, want := range map[float64]int64{0: 0, 0.5: 5_000, 0.99: 9_900, 1: 9_999} {
		if got := h.quantiles(share)[0]; got < want || got > want*9/8 {
			t.Errorf("quantile(%g) = %d, want %d to %d", share, got, want, want*9/8)
		}
	}
	h.add(1 << 62)
	if got := h.quantiles(1)[0]; got < abi.MaxProviderFuel {
		t.Errorf("quantile(1) with an enormous value = %d", got)
	}
}

// TestLogs: the newest lines are kept, and of a flood only some.
func TestLogs(t *testing.T) {
	t.Parallel()
	a := rule(seq(i32c(1), i32c(0), i32c(5), call(0), i32c(0)), "log")
	a.data = "hello"
	l := offer(t, Config{}, a.build(t))
	g := ruleGuestOf(t, l, "", "test")
	var answer engine.RuleAnswer
	if err := g.Decide(t.Context(), &engine.RuleCall{RequestID: "req-7"}, &answer); err != nil {
		t.Fatal(err)
	}
	lines, dropped, ok := l.Logs("", "test", "1.0.0")
	if !ok || dropped != 0 || len(lines) != 1 || lines[0].RequestID != "req-7" || lines[0].Text != "hello" || lines[0].At.IsZero() {
		t.Errorf("Logs() = %+v, %d, %v, want the one line", lines, dropped, ok)
	}
	var r logRing
	at := time.Unix(1_000_000, 0)
	for i := range 3 * logPerSecond {
		r.add(at, "", 0, fmt.Sprint(i))
	}
	if got := r.list(); len(got) != logPerSecond || got[logPerSecond-1].Text != fmt.Sprint(logPerSecond-1) || r.dropped != 2*logPerSecond {
		t.Errorf("a flood leaves %d lines and %d dropped", len(got), r.dropped)
	}
	for i := range 10 {
		for range logPerSecond {
			r.add(at.Add(time.Duration(i+1)*time.Second), "", 0, fmt.Sprint(i))
		}
	}
	if got := r.list(); len(got) != logLines || got[0].Text != "8" || got[logLines-1].Text != "9" {
		t.Errorf("a full ring has %d lines from %q to %q", len(got), got[0].Text, got[len(got)-1].Text)
	}
}

// TestHeaviestGoesFirst: who loads much makes room by its own plugins, however long
// others have been idle.
func TestHeaviestGoesFirst(t *testing.T) {
	t.Parallel()
	l := open(t, Config{TenantBytes: 12 * abi.PageSize})
	var s shelf
	s.add(t, "modest", versioned("1.0.0").build(t))
	for i := range 20 {
		a := versioned("1.0.0")
		a.name = fmt.Sprintf("test-%d", i)
		s.add(t, "greedy", a.build(t))
	}
	s.sync(t, l)
	if got := decides(t, ruleGuestOf(t, l, "modest", "test")); got != "1.0.0 1.0.0" {
		t.Fatalf("modest decides %q", got)
	}
	for i := range 20 {
		l.ticks.Add(1)
		if got := decides(t, ruleGuestOf(t, l, "greedy", fmt.Sprintf("test-%d", i))); got != "1.0.0 1.0.0" {
			t.Fatalf("greedy's %d decides %q", i, got)
		}
	}
	l.evict(nil)
	left := map[string]int{}
	for key, slot := range l.current.Load().exact {
		if slot.filled.Load() != nil {
			left[key.account]++
		}
	}
	if left["modest"] != 1 || left["greedy"] == 0 || left["greedy"] > 11 {
		t.Errorf("loaded are %v, want modest's one and some of greedy's", left)
	}
	if slot := l.current.Load().exact[exactKey{"greedy", "test-19", "1.0.0"}]; slot.filled.Load() == nil {
		t.Error("the plugin that was used last is unloaded")
	}
}

// TestTenantsAreLazySoak: accounts' plugins are loaded when they are first called, and
// unloaded again when they take too much; none of their calls fails for it.
func TestTenantsAreLazySoak(t *testing.T) {
	t.Parallel()
	accounts, cfg := 40, Config{CacheDir: t.TempDir(), TenantBytes: 1 << 20}
	if os.Getenv("POINTSMAN_SOAK") != "" {
		accounts, cfg.TenantBytes = 10_000, 64<<20
	}
	l := open(t, cfg)
	var s shelf
	for i := range accounts {
		a := versioned("1.0.0")
		a.pages = 4
		a.name = fmt.Sprintf("test-%d", i)
		s.add(t, fmt.Sprintf("acct-%d", i), a.build(t))
	}
	s.sync(t, l)
	if got := loaded(l); got != 0 {
		t.Errorf("%d plugins loaded before anybody called", got)
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range accounts {
				account := fmt.Sprintf("acct-%d", (i*7+worker*11)%accounts)
				if got := decides(t, ruleGuestOf(t, l, account, "test-"+account[len("acct-"):])); got != "1.0.0 1.0.0" {
					t.Errorf("%s decides %q", account, got)
				}
			}
		})
	}
	group.Wait()
	l.tidy()
	bytes := int64(0)
	for _, slot := range l.current.Load().exact {
		bytes += slot.telemetry.memory.Load()
	}
	if got := loaded(l); got == 0 || got == accounts || bytes > cfg.TenantBytes {
		t.Errorf("%d of %d plugins loaded with %d bytes, want some within %d", got, accounts, bytes, cfg.TenantBytes)
	}
}

// TestIdleInstancesGo: after a minute without calls an account's instances are freed, of a
// global plugin all but one.
func TestIdleInstancesGo(t *testing.T) {
	t.Parallel()
	l := open(t, Config{PoolSize: 3})
	var s shelf
	s.add(t, "", versioned("1.0.0").build(t))
	s.add(t, "acme", versioned("1.0.0").build(t))
	s.sync(t, l)
	for _, account := range []string{"", "acme"} {
		p, err := l.lookup(account, "test", abi.KindRule)
		if err != nil {
			t.Fatal(err)
		}
		var held []*instance
		for range 3 {
			in, err := p.take(t.Context(), p.own)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, in)
		}
		for _, in := range held {
			in.idle()
			p.own.warm <- in
		}
	}
	count := func(account string) int64 {
		stats, _ := l.Stats(account, "test", "1.0.0")
		return stats.Instances
	}
	for range idleAfter - 1 {
		l.tidy()
	}
	if a, b := count(""), count("acme"); a != 3 || b != 3 {
		t.Errorf("before a minute: %d and %d instances, want 3 and 3", a, b)
	}
	l.tidy()
	if a, b := count(""), count("acme"); a != 1 || b != 0 {
		t.Errorf("after a minute: %d and %d instances, want 1 and 0", a, b)
	}
	if got := decides(t, ruleGuestOf(t, l, "acme", "test")); got != "1.0.0 1.0.0" {
		t.Errorf("after that: decides %q", got)
	}
}

// TestShare: an account's plugins never take every processor, and its calls beyond that
// wait; another account's, and global ones, do not.
func TestShare(t *testing.T) {
	t.Parallel()
	s := newShare()
	n := max(runtime.GOMAXPROCS(0)-1, 1)
	for range n {
		if err := s.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.enter(gone); engine.CodeOf(err) != engine.CodeCanceled {
		t.Errorf("enter(cancelled) = %v, want %s", err, engine.CodeCanceled)
	}
	if err := newShare().enter(gone); err != nil {
		t.Errorf("enter() of another account's = %v", err)
	}
	if err := (*share)(nil).enter(gone); err != nil {
		t.Errorf("enter() of a global plugin = %v", err)
	}
	s.leave()
	if err := s.enter(gone); err != nil {
		t.Errorf("enter() after one left = %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		full := &share{free: make(chan struct{})}
		if err := full.enter(context.Background()); engine.CodeOf(err) != engine.CodePluginFailed || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("enter() in vain = %v, want %s", err, engine.CodePluginFailed)
		}
	})
}

// TestShareIsGivenBack: whatever becomes of a call, its turn is free again.
func TestShareIsGivenBack(t *testing.T) {
	t.Parallel()
	l := open(t, Config{})
	var s shelf
	broken := rule(seq(i32c(abi.DocContext), call(0), call(1), []byte{0x04, 0x40}, unreachable, []byte{0x0b}, i32c(9)), "doc", "kind")
	s.add(t, "acme", broken.build(t))
	s.sync(t, l)
	g := ruleGuestOf(t, l, "acme", "test")
	var answer engine.RuleAnswer
	for range 20 {
		_ = g.Decide(t.Context(), &engine.RuleCall{Context: jsonNode(t, `{}`)}, &answer) // traps
		_ = g.Decide(t.Context(), &engine.RuleCall{}, &answer)                           // an unknown verdict
		if err := g.Configure(t.Context(), nil); err != nil {
			t.Fatalf("Configure() = %v", err)
		}
	}
	allTurns(t, l.current.Load().shares["acme"])
}

// allTurns holds that every turn of a share comes back; those of calls that broke do so later.
func allTurns(t *testing.T, s *share) {
	t.Helper()
	for i := range cap(s.free) {
		if err := s.enter(t.Context()); err != nil {
			t.Errorf("%d of %d turns come back: %v", i, cap(s.free), err)
		}
	}
	if len(s.free) != 0 {
		t.Errorf("there are more turns than %d", cap(s.free))
	}
}
