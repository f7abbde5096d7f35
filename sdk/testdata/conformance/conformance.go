// Package conformance holds a guest to what every SDK must do, through the runtime
// of the server. The guests are one program in each language (package every in Go) that
// calls every function of the boundary and reports what it was told; fixtures.json says what
// that has to be. It is for the SDKs' tests only.
package conformance

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

//go:embed fixtures.json
var fixtures []byte

// Check runs the cases of fixtures.json, and a stream of two events, on the guest. module
// exports the entry points of a rule and of a provider, and may have a manifest.
func Check(t *testing.T, module []byte) {
	t.Helper()
	checkImports(t, module)
	library := open(t)
	for _, kind := range []string{abi.KindRule, abi.KindProvider} {
		var cases []wasm.Fixture
		for _, f := range parse(t, "fixtures.json", fixtures) {
			if (f.Entry == "decide") == (kind == abi.KindRule) || f.Entry == "configure" {
				cases = append(cases, f)
			}
		}
		run(t, library, embed(t, module, kind), cases)
	}
	checkStream(t, library, embed(t, module, abi.KindProvider))
}

// Fixtures reads a file of cases; without any it is an error of the test.
func Fixtures(t *testing.T, path string) []wasm.Fixture {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, path, file)
}

func parse(t *testing.T, path string, file []byte) []wasm.Fixture {
	t.Helper()
	cases, err := wasm.ParseFixtures(file)
	if err != nil || len(cases) == 0 {
		t.Fatalf("ParseFixtures(%s) = %d cases, %v", path, len(cases), err)
	}
	return cases
}

// Run runs the cases on a module that has its manifest.
func Run(t *testing.T, module []byte, cases []wasm.Fixture) {
	t.Helper()
	run(t, open(t), module, cases)
}

// Open opens a library for RunOn and Serve, which then compile no module twice.
func Open(t *testing.T) *wasm.Library {
	t.Helper()
	return open(t)
}

// RunOn is Run with that library.
func RunOn(t *testing.T, library *wasm.Library, module []byte, cases []wasm.Fixture) {
	t.Helper()
	run(t, library, module, cases)
}

func run(t *testing.T, library *wasm.Library, module []byte, cases []wasm.Fixture) {
	t.Helper()
	results, err := library.RunFixtures(t.Context(), module, cases)
	if err != nil || len(results) != len(cases) {
		t.Fatalf("RunFixtures() = %d results of %d, %v", len(results), len(cases), err)
	}
	for _, r := range results {
		if len(r.Problems) > 0 {
			t.Errorf("%s: %s", r.Name, strings.Join(r.Problems, "\n\t"))
		}
	}
}

// Embed gives the module the manifest in a file.
func Embed(t *testing.T, module []byte, manifestPath string) []byte {
	t.Helper()
	manifest, err := os.ReadFile(manifestPath)
	if err != nil {
		t.Fatal(err)
	}
	module, err = wasm.EmbedManifest(module, manifest)
	if err != nil {
		t.Fatalf("EmbedManifest(%s) = %v", manifestPath, err)
	}
	return module
}

// Command runs a program in a folder, with variables added to its environment, and returns
// what it printed; when it fails, so does the test.
func Command(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said)
	}
	return string(said)
}

// Missing ends a test whose compiler is not there: where CI is set it fails, elsewhere it
// is skipped. sdk/toolchains.sh installs what is missing.
func Missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing (sdk/toolchains.sh installs it)", what)
	}
	t.Skipf("%s is missing (sdk/toolchains.sh installs it)", what)
}

func embed(t *testing.T, module []byte, kind string) []byte {
	t.Helper()
	module, err := wasm.EmbedManifest(module, fmt.Appendf(nil, `{"name":"every","version":"1.0.0","kind":%q,"abi":1}`, kind))
	if err != nil {
		t.Fatalf("EmbedManifest(%s) = %v", kind, err)
	}
	return module
}

func open(t *testing.T) *wasm.Library {
	t.Helper()
	// A busy machine is no reason to fail: fuel is what bounds a guest here.
	library, err := wasm.Open(t.Context(), wasm.Config{
		CacheDir: t.TempDir(), Compiler: compiler(t), CompileLimit: time.Minute, RuleLimit: time.Minute, ProviderLimit: time.Minute,
	})
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	t.Cleanup(func() {
		if err := library.Close(context.Background()); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return library
}

// checkImports wants the guest to name every function of the boundary. That it names no
// other, and gives each its type, is the gate's to see.
func checkImports(t *testing.T, module []byte) {
	t.Helper()
	for _, f := range abi.Functions() {
		imported := append([]byte{byte(len(abi.Module))}, abi.Module...)
		imported = append(append(append(imported, byte(len(f.Name))), f.Name...), 0)
		if !bytes.Contains(module, imported) {
			t.Errorf("the guest does not import %s", f.Name)
		}
	}
}

// Trap runs a rule, which has its manifest, with a context that makes it trap, and returns what the
// host logged of it.
func Trap(t *testing.T, module []byte, requestContext string) (lines []string) {
	t.Helper()
	library := open(t)
	m := load(t, library, module)
	rule, err := library.RuleGuest("", m.Name)
	if err != nil {
		t.Fatalf("RuleGuest(%s) = %v", m.Name, err)
	}
	var answer engine.RuleAnswer
	if err := rule.Decide(t.Context(), &engine.RuleCall{Context: sdktest.JSON(t, requestContext)}, &answer); err == nil {
		t.Errorf("Decide(%.80s) does not trap", requestContext)
	}
	logs, _, _ := library.Logs("", m.Name, m.Version)
	for _, l := range logs {
		lines = append(lines, l.Text)
	}
	return lines
}

// Serve makes the library serve modules that have their manifests, by the names in them.
func Serve(t *testing.T, library *wasm.Library, modules [][]byte) {
	t.Helper()
	var versions []engine.PluginVersion
	stored := map[string][]byte{}
	for _, module := range modules {
		m, err := wasm.ReadManifest(module)
		if err != nil {
			t.Fatalf("ReadManifest() = %v", err)
		}
		stored[m.Name] = module
		versions = append(versions, engine.PluginVersion{
			Name: m.Name, Version: m.Version, Kind: m.Kind, Manifest: m, Active: true, Size: int64(len(module)), SHA256: sha256.Sum256(module),
		})
	}
	if err := library.Sync(t.Context(), versions, func(_ context.Context, v engine.PluginVersion) ([]byte, error) { return stored[v.Name], nil }); err != nil {
		t.Fatalf("Sync() = %v", err)
	}
}

// load makes the library serve the module.
func load(t *testing.T, library *wasm.Library, module []byte) engine.Manifest {
	t.Helper()
	m, err := wasm.ReadManifest(module)
	if err != nil {
		t.Fatalf("ReadManifest() = %v", err)
	}
	err = library.Sync(t.Context(), []engine.PluginVersion{{
		Name: m.Name, Version: m.Version, Kind: m.Kind, Manifest: m, Active: true, Module: module, Size: int64(len(module)),
	}}, func(context.Context, engine.PluginVersion) ([]byte, error) { return module, nil })
	if err != nil {
		t.Fatalf("Sync() = %v", err)
	}
	return m
}

// checkStream shows a guest two events of one response: what it saved in the first is there
// in the second.
func checkStream(t *testing.T, library *wasm.Library, module []byte) {
	t.Helper()
	m := load(t, library, module)
	adapter, err := library.OpenAdapter("", m.Name, engine.AdapterAttempt{RequestID: "r", Attempt: 1})
	if err != nil {
		t.Fatalf("OpenAdapter() = %v", err)
	}
	defer adapter.Close()
	from := &engine.UpstreamResponse{Status: 200, Field: func(string) string { return "" }}
	long := strings.Repeat("n", 3000)
	for i, want := range []string{`"` + long + `" ""`, `"" "` + long + `"`} {
		name := []string{long, ""}[i]
		reply, err := adapter.Event(t.Context(), from, name, []byte("1"))
		var chunks []string
		for _, c := range reply.Chunks {
			chunks = append(chunks, string(c.Bytes()))
		}
		if got := strings.Join(chunks, " "); err != nil || got != want {
			t.Errorf("Event(%d) = %.80s, %v, want %.80s", i, got, err, want)
		}
	}
}
