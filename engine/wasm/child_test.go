package wasm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// compilerMode makes this test binary the compiler: it says how it shall go.
const compilerMode = "POINTSMAN_TEST_COMPILER"

func compilerIn(mode, dir string) int {
	switch mode {
	case "hang":
		time.Sleep(time.Hour)
	case "spin":
		for {
		}
	case "starve":
		if err := limitSelf(compileMemory, compileTime); err != nil {
			return 1
		}
		b := make([]byte, 8<<30)
		return int(b[0])
	case "crash":
		return 2
	case "nothing":
		return 0
	}
	return CompileChild(os.Stdin, dir, os.Stderr)
}

// apart is a Config whose compiler is this binary, going as mode says.
func apart(t testing.TB, mode string) Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Config{CacheDir: t.TempDir(), CompileLimit: 10 * patience, Compiler: []string{self}, compilerEnv: []string{compilerMode + "=" + mode}}
}

// TestCompileApart: what the other process compiled runs here, and is found again by the
// next library with the same key, without a compiler.
func TestCompileApart(t *testing.T) {
	t.Parallel()
	cfg := apart(t, "work")
	cfg.CacheKey = []byte("one key")
	// A small one: a standard-Go guest takes a compiler under the race detector most of its limit.
	a := rule(seq(i32c(0), i32c(5), call(0), i32c(0)), "target")
	a.data = "gpt-5"
	module := a.build(t)
	decide := func(l *Library) {
		t.Helper()
		var answer engine.RuleAnswer
		if err := ruleGuestOf(t, l, "", "test").Decide(t.Context(), ruleCall(t, `{}`, ``), &answer); err != nil || len(answer.Targets) != 1 {
			t.Errorf("Decide() = %v, %v, want a target", answer.Targets, err)
		}
	}
	decide(offer(t, cfg, module))
	cfg.Compiler = []string{filepath.Join(t.TempDir(), "no-compiler")}
	decide(offer(t, cfg, module))
}

// TestCacheIsAuthenticated: an entry that was not written with this key, or was changed, is
// compiled anew and never loaded.
func TestCacheIsAuthenticated(t *testing.T) {
	t.Parallel()
	c, err := openCodeCache(t.TempDir(), []byte("key"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	other := c
	other.key = []byte("other")
	e := compiledEntry{file: strings.Repeat("a", nameSize), code: []byte("native code")}
	sum, wrong := [32]byte{1}, [32]byte{2}
	change := func(at int) func(*testing.T) {
		return func(t *testing.T) {
			b, err := os.ReadFile(c.path(sum))
			if err != nil {
				t.Fatal(err)
			}
			b[(at+len(b))%len(b)] ^= 1
			if err := os.WriteFile(c.path(sum), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name  string
		spoil func(*testing.T)
		get   func() (compiledEntry, bool)
		want  bool
	}{
		{"as it was", func(*testing.T) {}, func() (compiledEntry, bool) { return c.get(sum) }, true},
		{"another key", func(*testing.T) {}, func() (compiledEntry, bool) { return other.get(sum) }, false},
		{"another module", func(*testing.T) {}, func() (compiledEntry, bool) { return c.get(wrong) }, false},
		{"another module's place", func(t *testing.T) {
			if err := os.Rename(c.path(sum), c.path(wrong)); err != nil {
				t.Fatal(err)
			}
		}, func() (compiledEntry, bool) { return c.get(wrong) }, false},
		{"code changed", change(-1), func() (compiledEntry, bool) { return c.get(sum) }, false},
		{"name changed", change(32), func() (compiledEntry, bool) { return c.get(sum) }, false},
		{"code changed and authenticated by nobody", change(0), func() (compiledEntry, bool) { return c.get(sum) }, false},
		{"cut", func(t *testing.T) {
			if err := os.Truncate(c.path(sum), 20); err != nil {
				t.Fatal(err)
			}
		}, func() (compiledEntry, bool) { return c.get(sum) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := c.put(sum, e); err != nil {
				t.Fatal(err)
			}
			tt.spoil(t)
			got, ok := tt.get()
			if ok != tt.want || ok && (got.file != e.file || string(got.code) != string(e.code)) {
				t.Errorf("get() = %q %q, %v, want %v", got.file, got.code, ok, tt.want)
			}
		})
	}
}

// TestCacheIsBounded: what was used last stays.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c, err := openCodeCache(t.TempDir(), nil, 5_000)
	if err != nil {
		t.Fatal(err)
	}
	e := compiledEntry{file: strings.Repeat("a", nameSize), code: make([]byte, 1_000)}
	for i := range byte(10) {
		if err := c.put([32]byte{i}, e); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(time.Duration(int(i)-100) * time.Hour)
		if err := os.Chtimes(c.path([32]byte{i}), then, then); err != nil {
			t.Fatal(err)
		}
		if _, ok := c.get([32]byte{0}); !ok {
			t.Fatalf("entry 0, used all the time, is gone after %d more", i)
		}
	}
	if _, ok := c.get([32]byte{1}); ok {
		t.Error("entry 1, never used again, is still there")
	}
}

// TestCompilerIsKilled: a compiler that does not end, or takes all the memory there is,
// costs its upload and nothing else; calls go on meanwhile.
func TestCompilerIsKilled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode  string
		limit time.Duration
		want  string
		code  engine.Code
		// status is the error's own, as a refused module that is not malformed has.
		status int
	}{
		{"hang", time.Second, "takes longer than 1s to compile", engine.CodeInvalid, 422},
		{"spin", time.Second, "takes longer than 1s to compile", engine.CodeInvalid, 422},
		{"crash", patience, "needs more memory or time to compile", engine.CodeInvalid, 422},
		{"nothing", patience, "0 compiled files", engine.CodeInternal, 0},
		{"starve", patience, "needs more memory or time to compile", engine.CodeInvalid, 422},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			if tt.mode == "starve" && (raceDetector || !limitsMemory) {
				t.Skip("the race detector, or this system, leaves no limit on address space")
			}
			t.Parallel()
			cfg := apart(t, tt.mode)
			cfg.CompileLimit = tt.limit
			l := open(t, cfg)
			err := l.Prepare(t.Context(), engine.PluginVersion{Module: rule(i32c(0)).build(t)})
			if engine.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Prepare() = %v, want %s with %q", err, tt.code, tt.want)
			}
			var e *engine.Error
			if errors.As(err, &e) && e.Status != tt.status {
				t.Errorf("Prepare() has status %d, want %d", e.Status, tt.status)
			}
		})
	}
}

// TestStoredModulesHaveMoreTime: what compiled before is not refused because the machine is busy.
func TestStoredModulesHaveMoreTime(t *testing.T) {
	t.Parallel()
	cfg := apart(t, "hang")
	cfg.CompileLimit = 50 * time.Millisecond
	l := open(t, cfg)
	module := rule(i32c(0)).build(t)
	if err := l.Prepare(t.Context(), engine.PluginVersion{Module: module}); err == nil || !strings.Contains(err.Error(), "longer than 50ms") {
		t.Errorf("Prepare() of an upload = %v, want it killed after 50ms", err)
	}
	var s shelf
	s.add(t, "", module)
	if err := l.Sync(t.Context(), s.versions, s.load); err == nil || !strings.Contains(err.Error(), "longer than 300ms") {
		t.Errorf("Sync() of a stored module = %v, want it killed after 300ms", err)
	}
}

// TestCompilersAreFew: two compile at once, some uploads wait, the rest is told to come
// again; who waits may leave.
func TestCompilersAreFew(t *testing.T) {
	t.Parallel()
	c := newCompilers(Config{Compiler: []string{"x"}})
	for range maxCompiling {
		if err := c.enter(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	errs := make(chan error, maxWaiting)
	for range maxWaiting {
		waiting.Go(func() { errs <- c.enter(ctx, true) })
	}
	for c.uploads.Load() < maxWaiting {
		time.Sleep(time.Millisecond) // no signal tells that they wait
	}
	err := c.enter(t.Context(), true)
	var e *engine.Error
	if !errors.As(err, &e) || e.Code != engine.CodeRateLimited || e.After <= 0 {
		t.Errorf("enter() of one too many = %v, want %s with a time", err, engine.CodeRateLimited)
	}
	c.leave()
	if err := <-errs; err != nil {
		t.Errorf("enter() of one who waited = %v", err)
	}
	cancel()
	waiting.Wait()
	for range maxWaiting - 1 {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("enter() of one who left = %v, want %v", err, context.Canceled)
		}
	}
	if err := func() error { c.leave(); return c.enter(t.Context(), true) }(); err != nil {
		t.Errorf("enter() after all = %v", err)
	}
}

// TestStoredModulesDoNotTurnUploadsAway: however many stored modules wait for a compiler, so many
// uploads may wait beside them.
func TestStoredModulesDoNotTurnUploadsAway(t *testing.T) {
	t.Parallel()
	c := newCompilers(Config{Compiler: []string{"x"}})
	for range maxCompiling {
		if err := c.enter(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	const many = 10 * maxWaiting
	results := make(chan error)
	for range many {
		go func() { results <- c.enter(t.Context(), false) }()
	}
	for c.stored.Load() < many {
		runtime.Gosched() // no signal tells that they wait
	}
	for range maxWaiting {
		go func() { results <- c.enter(t.Context(), true) }()
	}
	for c.uploads.Load() < maxWaiting {
		runtime.Gosched()
	}
	if err := c.enter(t.Context(), true); engine.CodeOf(err) != engine.CodeRateLimited {
		t.Errorf("enter() of an upload too many = %v, want %s", err, engine.CodeRateLimited)
	}
	for range many + maxWaiting {
		c.leave()
		if err := <-results; err != nil {
			t.Errorf("enter() of one who waited = %v", err)
		}
	}
}

// TestCompileManyApart: different modules at the same time do not get into each other's way.
func TestCompileManyApart(t *testing.T) {
	t.Parallel()
	l := open(t, apart(t, "work"))
	var group sync.WaitGroup
	for i := range 6 {
		a := rule(i32c(0))
		a.name = fmt.Sprintf("test-%d", i)
		a.data = a.name
		module := a.build(t)
		group.Go(func() {
			if err := l.Prepare(context.Background(), engine.PluginVersion{Module: module}); err != nil {
				t.Errorf("Prepare(%s) = %v", a.name, err)
			}
		})
	}
	group.Wait()
}
