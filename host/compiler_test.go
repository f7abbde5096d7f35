package host

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine/wasm"
)

// compiler is the command that compiles guests for the hosts of this test run, built at its
// first use; then compiledDir holds the binary's own guests.
// See RATIONALE.md, "Why do tests compile guests in another binary?".
var compiler = sync.OnceValues(func() ([]string, error) {
	path := filepath.Join(compiledDir, "compiler")
	cmd := exec.Command("go", "test", "-c", "-trimpath", "-o", path, "../sdk/testdata/conformance/compiler")
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go test -c: %w\n%s", err, said)
	}
	command := []string{path}
	return command, compileOwn(command)
})

// compileOwn compiles the binary's own guests, with a limit that a busy machine meets.
func compileOwn(command []string) error {
	ctx := context.Background()
	own, err := firstPartyPlugins()
	if err != nil {
		return err
	}
	h := &Host{firstParty: own}
	l, err := wasm.Open(ctx, wasm.Config{CacheDir: compiledDir, Compiler: command, CompileLimit: time.Minute, Logger: zerolog.Nop()})
	if err != nil {
		return err
	}
	if err := l.Sync(ctx, own, h.module); err != nil {
		return err
	}
	return l.Close(ctx)
}

// testCompiler is compiler for a test that opens hosts of its own.
func testCompiler(t *testing.T) []string {
	t.Helper()
	command, err := compiler()
	if err != nil {
		t.Fatal(err)
	}
	return command
}
