package wasm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// The guest of testdata is compiled once for all tests, and native code for it is kept
// in one cache folder, as a server keeps it.
var scratch string // removed by TestMain

func TestMain(m *testing.M) {
	if mode := os.Getenv(compilerMode); mode != "" {
		os.Exit(compilerIn(mode, os.Args[1]))
	}
	dir, err := os.MkdirTemp("", "pointsman-wasm-test-")
	if err != nil {
		panic(err)
	}
	scratch = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var builtGuest = sync.OnceValues(func() ([]byte, error) {
	out := filepath.Join(scratch, "guest.wasm")
	if err := BuildGo(context.Background(), "testdata/guest", "testdata/guest/rule.json", out); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
})

// goGuest returns the guest of testdata with one of its two manifests, rule or provider.
func goGuest(t testing.TB, kind string) []byte {
	t.Helper()
	module, err := builtGuest()
	if err != nil {
		t.Fatalf("BuildGo(testdata/guest) = %v", err)
	}
	manifest, err := os.ReadFile(filepath.Join("testdata/guest", kind+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if module, err = EmbedManifest(module, manifest); err != nil {
		t.Fatalf("EmbedManifest(%s) = %v", kind, err)
	}
	return module
}

// kitCompiler is the compiler of the conformance kit, which is not under the race detector: that
// makes wazero's ten times slower. See sdk/RATIONALE.md.
var kitCompiler = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "compiler")
	said, err := exec.Command("go", "test", "-c", "-trimpath", "-o", path, "../../sdk/testdata/conformance/compiler").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go test -c: %w\n%s", err, said)
	}
	return path, err
})

// cached is a Config with the tests' cache folder and limits that no test meets by chance.
func cached() Config {
	compiler, err := kitCompiler()
	if err != nil {
		panic(err)
	}
	return Config{
		CacheDir: filepath.Join(scratch, "cache"), RuleLimit: patience, ProviderLimit: patience,
		Compiler: []string{compiler}, CompileLimit: patience,
	}
}
