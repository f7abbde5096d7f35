package wasm

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

func TestPrepare(t *testing.T) {
	t.Parallel()
	l := open(t, Config{})
	configure := func(body []byte, imports ...string) asm {
		a := rule(i32c(0), imports...)
		a.functions[abi.EntryConfigure] = body
		return a
	}
	strict := configure(unreachable)
	strict.schema = `{"type":"object","required":["model"]}`
	start := func(body []byte) asm {
		a := rule(i32c(0))
		a.functions[abi.Initialize] = body
		return a
	}
	leaves := start(seq(i32c(0), call(0)))
	leaves.wasi = []string{"proc_exit"}
	large := rule(i32c(0))
	large.data = strings.Repeat("x", abi.RuleModule)
	tests := []struct {
		name    string
		guest   asm
		version engine.PluginVersion
		want    string // "" for no error
	}{
		{"good", rule(i32c(0)), engine.PluginVersion{}, ""},
		{"as announced", rule(i32c(0)), engine.PluginVersion{Name: "test", Version: "1.0.0", Kind: abi.KindRule}, ""},
		{"of another name", rule(i32c(0)), engine.PluginVersion{Name: "other", Version: "1.0.0"}, "manifest is of test@1.0.0"},
		{"of another version", rule(i32c(0)), engine.PluginVersion{Name: "test", Version: "1.0.1"}, "manifest is of test@1.0.0"},
		{"of another kind", rule(i32c(0)), engine.PluginVersion{Name: "test", Version: "1.0.0", Kind: abi.KindProvider}, "a rule"},
		{"damaged", rule(i32c(0)), engine.PluginVersion{SHA256: sha256.Sum256([]byte("x"))}, "it was damaged"},
		{"too large", large, engine.PluginVersion{}, "at most 4194304 for a rule"},
		{"code that is none", rule([]byte{0xff}), engine.PluginVersion{}, "function 0, at byte 59: instruction 0xff is not known"},
		{"code of a wrong type", rule(i64c(0)), engine.PluginVersion{}, "does not compile"},
		{"data outside memory", asm{pages: 1, data: strings.Repeat("x", abi.PageSize+1), functions: rule(i32c(0)).functions}, engine.PluginVersion{}, "at its start: data[0]: out of bounds memory access"},
		{"start that traps", start(unreachable), engine.PluginVersion{}, "at its start: unreachable"},
		{"start that leaves", leaves, engine.PluginVersion{}, "exited with code 0"},
		{"config that traps", configure(unreachable), engine.PluginVersion{}, "with an empty config: unreachable"},
		{"config refused in silence", configure(i32c(-1)), engine.PluginVersion{}, "without saying why"},
		{"config refused", configure(seq(i32c(0), i32c(0), i32c(0), call(0), i32c(-1)), "fail"), engine.PluginVersion{}, ""},
		{"config that must not be empty", strict, engine.PluginVersion{}, ""},
	}
	stageOf := map[string]string{
		"of another name": "manifest", "of another version": "manifest", "of another kind": "manifest", "damaged": "size", "too large": "manifest",
		"code that is none": "meter", "code of a wrong type": "compile", "data outside memory": "try", "start that traps": "try", "start that leaves": "try",
		"config that traps": "try", "config refused in silence": "try",
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := tt.version
			v.Module = tt.guest.build(t)
			err := l.Prepare(t.Context(), v)
			if tt.want == "" {
				if err != nil {
					t.Errorf("Prepare() = %v, want nil", err)
				}
				return
			}
			if engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Prepare() = %v, want %q", err, tt.want)
			}
			var e *engine.Error
			if want := "module." + stageOf[tt.name]; !errors.As(err, &e) || e.Param != want {
				t.Errorf("Prepare() = %+v, want the stage %q", e, want)
			}
		})
	}
}

// TestPreparedIsNotCompiledAgain: what passed the gate is what the next Sync offers,
// without asking for its bytes.
func TestPreparedIsNotCompiledAgain(t *testing.T) {
	t.Parallel()
	l := open(t, Config{})
	var s shelf
	module := hello("gpt-5").build(t)
	v := s.add(t, "", module)
	v.Module = module
	if err := l.Prepare(t.Context(), v); err != nil {
		t.Fatalf("Prepare() = %v", err)
	}
	asked := 0
	err := l.Sync(t.Context(), s.versions, func(context.Context, engine.PluginVersion) ([]byte, error) {
		asked++
		return nil, engine.ErrNotFound
	})
	if err != nil || asked != 0 {
		t.Errorf("Sync() = %v after %d loads, want none", err, asked)
	}
	if got := holders(l); got != 1 {
		t.Errorf("%d hold code, want the plugin alone", got)
	}
}

func holders(l *Library) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.codes {
		n += c.holders
	}
	return n
}

// TestUnsyncedCodeIsBounded: uploads that nobody activates do not pile up.
func TestUnsyncedCodeIsBounded(t *testing.T) {
	t.Parallel()
	l := open(t, Config{})
	for i := range 3 * maxPrepared {
		if err := l.Prepare(t.Context(), engine.PluginVersion{Module: hello(strings.Repeat("x", i+1)).build(t)}); err != nil {
			t.Fatalf("Prepare() = %v", err)
		}
	}
	if got := holders(l); got != maxPrepared {
		t.Errorf("%d hold code, want %d", got, maxPrepared)
	}
}

func TestStages(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range new(Library).stages() {
		names = append(names, s.name)
	}
	if got := strings.Join(names, " "); got != "size structure manifest meter compile try fixtures" {
		t.Errorf("stages are %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pass(ctx, inspectStages(), &upload{}); err != context.Canceled {
		t.Errorf("pass(cancelled) = %v, want %v", err, context.Canceled)
	}
}

func TestCacheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	count := func() (files int) {
		_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files++
			}
			return nil
		})
		return files
	}
	cfg := Config{CacheDir: dir}
	module := hello("gpt-5").build(t)
	offer(t, cfg, module)
	first := count()
	if first == 0 {
		t.Fatal("nothing is cached")
	}
	l := offer(t, cfg, module)
	if again := count(); again != first {
		t.Errorf("%d files in the cache, then %d", first, again)
	}
	var answer engine.RuleAnswer
	if err := ruleGuestOf(t, l, "", "test").Decide(t.Context(), &engine.RuleCall{}, &answer); err != nil || answer.Targets[0] != "gpt-5" {
		t.Errorf("from the cache: %v, %v, want gpt-5", answer.Targets, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !strings.Contains(entries[0].Name(), "go1.") {
		t.Errorf("cache folder holds %v, %v, want one folder of this build", entries, err)
	}
}

func BenchmarkInspect(b *testing.B) {
	module := goGuest(b, abi.KindProvider)
	b.SetBytes(int64(len(module)))
	for b.Loop() {
		if _, err := inspect(module); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad is what a start costs for each plugin: its code comes from the cache.
func BenchmarkLoad(b *testing.B) {
	module := goGuest(b, abi.KindProvider)
	var s shelf
	s.add(b, "", module)
	open(b, cached()) // makes the folder
	for b.Loop() {
		l, err := Open(b.Context(), cached())
		if err != nil {
			b.Fatal(err)
		}
		s.sync(b, l)
		if err := l.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
