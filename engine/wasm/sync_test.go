package wasm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// versioned is a rule that names its own version twice, with host calls between.
func versioned(version string) asm {
	say := seq(i32c(0), i32c(int32(len(version))), call(0))
	a := rule(seq(say, repeat(20, seq(call(1), drop)), say, i32c(abi.Decided)), "target", "now_ms")
	a.version, a.data = version, version
	return a
}

func decides(t *testing.T, g engine.RuleGuest) string {
	t.Helper()
	var answer engine.RuleAnswer
	if err := g.Decide(t.Context(), &engine.RuleCall{}, &answer); err != nil {
		return string(engine.CodeOf(err))
	}
	return strings.Join(answer.Targets, " ")
}

func TestLookup(t *testing.T) {
	t.Parallel()
	l := open(t, Config{})
	var s shelf
	s.add(t, "", versioned("1.0.0").build(t))
	s.add(t, "", versioned("2.0.0").build(t))
	s.add(t, "acme", versioned("3.0.0").build(t))
	s.add(t, "acme", versioned("4.0.0").build(t))
	provider := adapter(abi.EntryEvent, i32c(0))
	provider.name = "vendor"
	s.add(t, "", provider.build(t))
	s.sync(t, l)

	tests := []struct{ account, ref, want string }{
		{"", "test", "2.0.0 2.0.0"},
		{"", "test@1.0.0", "1.0.0 1.0.0"},
		{"", "test@2.0.0", "2.0.0 2.0.0"},
		{"", "test@4.0.0", ""},
		{"acme", "test", "4.0.0 4.0.0"},
		{"acme", "test@3.0.0", "3.0.0 3.0.0"},
		{"acme", "test@1.0.0", "1.0.0 1.0.0"},
		{"other", "test", "2.0.0 2.0.0"},
		{"other", "test@3.0.0", ""},
		{"", "none", ""},
		{"", "", ""},
		{"", "test@", ""},
		{"", "vendor", ""},
	}
	for _, tt := range tests {
		g, err := l.RuleGuest(tt.account, tt.ref)
		if tt.want == "" {
			if !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("RuleGuest(%q, %q) = %v, want %v", tt.account, tt.ref, err, engine.ErrNotFound)
			}
			continue
		}
		if err != nil {
			t.Errorf("RuleGuest(%q, %q) = %v", tt.account, tt.ref, err)
		} else if got := decides(t, g); got != tt.want {
			t.Errorf("RuleGuest(%q, %q) decides %q, want %q", tt.account, tt.ref, got, tt.want)
		}
	}
	a, err := l.OpenAdapter("acme", "vendor", engine.AdapterAttempt{})
	if err != nil {
		t.Fatalf("OpenAdapter(vendor) = %v", err)
	}
	a.Close()
}

// TestReplace: a holder of the old version is served until the next Sync, an open
// adapter until it is closed, and nothing stays behind.
func TestReplace(t *testing.T) {
	t.Parallel()
	l := open(t, Config{Grace: time.Hour})
	var s shelf
	s.add(t, "", versioned("1.0.0").build(t))
	old := adapter(abi.EntryEvent, seq(i32c(0), i32c(1), call(0), i32c(0)), "emit")
	old.name, old.data = "vendor", "1"
	s.add(t, "", old.build(t))
	s.sync(t, l)
	held := ruleGuestOf(t, l, "", "test")
	session, err := l.OpenAdapter("", "vendor", engine.AdapterAttempt{})
	if err != nil {
		t.Fatalf("OpenAdapter() = %v", err)
	}
	says := func() string {
		reply, err := session.Event(t.Context(), nil, "", nil)
		if err != nil {
			return err.Error()
		}
		return strings.Join(texts(reply), " ")
	}

	s.add(t, "", versioned("2.0.0").build(t))
	next := old
	next.version, next.data = "2.0.0", "2"
	s.add(t, "", next.build(t))
	s.sync(t, l)
	if got := decides(t, ruleGuestOf(t, l, "", "test")); got != "2.0.0 2.0.0" {
		t.Errorf("after Sync: decides %q, want 2.0.0", got)
	}
	if got := decides(t, held); got != "1.0.0 1.0.0" {
		t.Errorf("held over Sync: decides %q, want 1.0.0", got)
	}

	s.sync(t, l)
	if got := decides(t, held); got != string(engine.CodePluginFailed) {
		t.Errorf("held over two Syncs: decides %q, want %s", got, engine.CodePluginFailed)
	}
	if got := says(); got != "1" {
		t.Errorf("open adapter says %q, want 1", got)
	}
	if got := loaded(l); got != 3 {
		t.Errorf("%d plugins loaded, want the two new ones and the open adapter's", got)
	}
	session.Close()
	session.Close()
	if got := loaded(l); got != 2 {
		t.Errorf("%d plugins loaded after the adapter was closed, want 2", got)
	}
	if got := holders(l); got != 2 {
		t.Errorf("%d hold code, want 2", got)
	}
}

func loaded(l *Library) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.live
}

func TestGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, Config{Grace: 5 * time.Second})
		var s shelf
		s.add(t, "", versioned("1.0.0").build(t))
		s.sync(t, l)
		held := ruleGuestOf(t, l, "", "test")
		s.add(t, "", versioned("2.0.0").build(t))
		s.sync(t, l)
		time.Sleep(4 * time.Second)
		if got := decides(t, held); got != "1.0.0 1.0.0" {
			t.Errorf("after 4 s: decides %q, want 1.0.0", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := decides(t, held); got != string(engine.CodePluginFailed) || loaded(l) != 1 {
			t.Errorf("after 6 s: decides %q with %d plugins loaded, want %s and 1", got, loaded(l), engine.CodePluginFailed)
		}
	})
}

// TestAskedVersionStays: a version that is in use by its number is not loaded anew
// by every Sync, and is dropped when nobody asks any more.
func TestAskedVersionStays(t *testing.T) {
	t.Parallel()
	l := open(t, Config{Grace: time.Hour})
	var s shelf
	s.add(t, "", versioned("1.0.0").build(t))
	s.add(t, "", versioned("2.0.0").build(t))
	loads := 0
	load := func(ctx context.Context, v engine.PluginVersion) ([]byte, error) {
		loads++
		return s.load(ctx, v)
	}
	sync := func(wantLoads, wantLoaded int) {
		t.Helper()
		if err := l.Sync(t.Context(), s.versions, load); err != nil {
			t.Fatalf("Sync() = %v", err)
		}
		if got := loaded(l); loads != wantLoads || got != wantLoaded {
			t.Errorf("%d loads and %d plugins, want %d and %d", loads, got, wantLoads, wantLoaded)
		}
	}
	sync(1, 1)
	for range 3 {
		if got := decides(t, ruleGuestOf(t, l, "", "test@1.0.0")); got != "1.0.0 1.0.0" {
			t.Errorf("test@1.0.0 decides %q", got)
		}
		sync(2, 2)
	}
	sync(2, 2) // dropped, but still served to its holders
	sync(2, 1)
}

func TestSyncWithBrokenVersions(t *testing.T) {
	t.Parallel()
	l := open(t, Config{})
	var s shelf
	s.add(t, "", versioned("1.0.0").build(t))
	traps := rule(i32c(0))
	traps.name = "traps"
	traps.functions[abi.Initialize] = unreachable
	s.add(t, "", traps.build(t))
	lost := rule(i32c(0))
	lost.name = "lost"
	v := s.add(t, "", lost.build(t))
	module := s.modules[v.SHA256]
	delete(s.modules, v.SHA256)

	err := l.Sync(t.Context(), s.versions, s.load)
	if err == nil || !strings.Contains(err.Error(), "load plugin traps@1.0.0") || !strings.Contains(err.Error(), "load plugin lost@1.0.0") {
		t.Fatalf("Sync() = %v, want both failures", err)
	}
	if got := decides(t, ruleGuestOf(t, l, "", "test")); got != "1.0.0 1.0.0" {
		t.Errorf("beside broken ones: decides %q, want 1.0.0", got)
	}
	for _, name := range []string{"traps", "lost"} {
		if _, err := l.RuleGuest("", name); err == nil || errors.Is(err, engine.ErrNotFound) && name == "traps" {
			t.Errorf("RuleGuest(%s) = %v, want why it did not load", name, err)
		}
	}
	s.modules[v.SHA256] = module
	if err := l.Sync(t.Context(), s.versions, s.load); err == nil || strings.Contains(err.Error(), "lost") {
		t.Errorf("second Sync() = %v, want the failure of traps alone", err)
	}
	ruleGuestOf(t, l, "", "lost")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Sync(ctx, nil, s.load); !errors.Is(err, context.Canceled) {
		t.Errorf("Sync(cancelled) = %v, want %v", err, context.Canceled)
	}
	ruleGuestOf(t, l, "", "test")
}

// TestHammer is W17: versions change under calls of both kinds; every call is wholly
// of one version, and at the end nothing is left.
func TestHammer(t *testing.T) {
	t.Parallel()
	l, err := Open(t.Context(), Config{PoolSize: 3, RuleLimit: patience, ProviderLimit: patience})
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	vendor := func(version string) asm {
		a := adapter(abi.EntryEvent, seq(i32c(0), i32c(1), call(0), i32c(0)), "emit")
		a.name, a.version, a.data = "vendor", version, version[:1]
		return a
	}
	var both [3]shelf
	for i, version := range []string{"1.0.0", "2.0.0"} {
		both[i].add(t, "", versioned(version).build(t))
		both[i].add(t, "", vendor(version).build(t))
	}
	both[0].sync(t, l)

	var (
		done  atomic.Bool
		group sync.WaitGroup
		calls atomic.Int64
	)
	for range 4 {
		group.Go(func() {
			var answer engine.RuleAnswer
			for !done.Load() {
				g, err := l.RuleGuest("", "test")
				if errors.Is(err, engine.ErrNotFound) {
					continue
				}
				if err != nil {
					t.Errorf("RuleGuest() = %v", err)
					return
				}
				for range 10 {
					if err := g.Decide(context.Background(), &engine.RuleCall{}, &answer); err != nil {
						if !strings.Contains(err.Error(), "was replaced") {
							t.Errorf("Decide() = %v", err)
						}
						break
					}
					want := g.Ref()[len("test@"):]
					if !slices.Equal(answer.Targets, []string{want, want}) {
						t.Errorf("%s decides %q", g.Ref(), answer.Targets)
					}
					calls.Add(1)
				}
			}
		})
		group.Go(func() {
			for !done.Load() {
				s, err := l.OpenAdapter("", "vendor", engine.AdapterAttempt{})
				if errors.Is(err, engine.ErrNotFound) {
					continue
				}
				if err != nil {
					t.Errorf("OpenAdapter() = %v", err)
					return
				}
				first := ""
				for range 10 {
					reply, err := s.Event(context.Background(), nil, "", nil)
					if err != nil {
						t.Errorf("Event() = %v", err)
						break
					}
					if got := texts(reply)[0]; first == "" {
						first = got
					} else if got != first {
						t.Errorf("one attempt got %s and %s", first, got)
					}
					calls.Add(1)
				}
				s.Close()
			}
		})
	}
	for i := range 60 {
		both[i%3].sync(t, l) // the third is empty
	}
	done.Store(true)
	group.Wait()
	if calls.Load() == 0 {
		t.Error("no call was made")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if loaded(l) != 0 || holders(l) != 0 || len(l.watchdog.instances) != 0 {
		t.Errorf("%d plugins, %d holds on code and %d instances are left", loaded(l), holders(l), len(l.watchdog.instances))
	}
	if err := l.Sync(t.Context(), nil, nil); engine.CodeOf(err) != engine.CodePluginFailed {
		t.Errorf("Sync() after Close = %v, want %s", err, engine.CodePluginFailed)
	}
}
