package wasm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// What compiling one module may take. Past any of these the child process is killed, and
// the module refused.
const (
	compileTime   = 20 * time.Second
	compileMemory = 4 << 30 // bytes of address space; a Go process uses little of it
)

// compileApart runs the compiler's command: shell and module go to its standard input, its
// last argument is the folder for what it makes. It gets no environment: it needs none, and
// ours holds keys.
func (l *Library) compileApart(ctx context.Context, metered, shell []byte, limit time.Duration) (e compiledEntry, err error) {
	dock, cache, err := openDock()
	if err != nil {
		return e, fmt.Errorf("compile plugin: %w", err)
	}
	defer dock.close()
	defer func() { _ = cache.Close(ctx) }()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	command := append(l.cfg.Compiler[1:len(l.cfg.Compiler):len(l.cfg.Compiler)], dock.dir)
	cmd := exec.CommandContext(ctx, l.cfg.Compiler[0], command...)
	cmd.Dir, cmd.Env = dock.dir, append([]string{"GOMEMLIMIT=1GiB"}, l.cfg.compilerEnv...)
	size := binary.LittleEndian.AppendUint32(nil, uint32(len(shell)))
	cmd.Stdin = io.MultiReader(bytes.NewReader(size), bytes.NewReader(shell), bytes.NewReader(metered))
	said := &tail{}
	cmd.Stderr = said
	cmd.WaitDelay = time.Second
	alone(cmd)
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return dock.take()
	case ctx.Err() != nil:
		return e, tooHard("takes longer than %v to compile", limit)
	case errors.As(err, &exit) && exit.ExitCode() == exitRefused:
		return e, refuse("does not compile: %s", truncate(strings.TrimSpace(said.String()), maxCause))
	case errors.As(err, &exit):
		// It died of a limit: Go tells of no memory with exit code 2, the kernel with a signal.
		return e, tooHard("needs more memory or time to compile than a plugin may")
	}
	return e, fmt.Errorf("compile plugin: %w", err)
}

// tooHard refuses a module that nothing is wrong with, except what compiling it takes.
func tooHard(format string, args ...any) *engine.Error {
	e := refuse(format, args...)
	e.Status = http.StatusUnprocessableEntity
	return e
}

// exitRefused is the child's exit code for a module that the compiler refuses.
const exitRefused = 3

// tail keeps the first few KiB of what is written.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p[:min(len(p), maxTrace-len(t.b))]...)
	return len(p), nil
}

func (t *tail) String() string { return string(t.b) }

// compileHere compiles in this process, which nothing can end.
func compileHere(ctx context.Context, metered, shell []byte) (e compiledEntry, err error) {
	dock, cache, err := openDock()
	if err != nil {
		return e, fmt.Errorf("compile plugin: %w", err)
	}
	defer dock.close()
	defer func() { _ = cache.Close(ctx) }()
	if e, err = dock.compile(ctx, cache, metered, shell); err != nil {
		return e, refuse("does not compile: %s", truncate(err.Error(), maxCause))
	}
	return e, nil
}

// compile makes native code of the module, and has it bear the name by which wazero looks for the
// shell's.
func (d loadingDock) compile(ctx context.Context, cache wazero.CompilationCache, metered, shell []byte) (e compiledEntry, err error) {
	ctx = experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0))
	r := wazero.NewRuntimeWithConfig(ctx, runtimeConfig(cache, abi.ProviderMemory))
	defer func() { _ = r.Close(ctx) }()
	for _, module := range [][]byte{metered, shell} {
		compiled, err := r.CompileModule(ctx, module)
		if err != nil {
			return e, err
		}
		_ = compiled.Close(ctx)
		made, err := d.take()
		if err != nil {
			return e, err
		}
		e.file = made.file
		if e.code == nil {
			e.code = made.code
		}
	}
	return e, nil
}

// CompileChild is the whole of the hidden verb "plugin compile": it bounds its own process,
// reads a shell and a metered module from in and writes native code below dir, for the parent that
// made the folder. It returns the process's exit code. Nothing else may run in the process.
func CompileChild(in io.Reader, dir string, stderr io.Writer) int {
	fail := func(code int, err error) int {
		fmt.Fprintln(stderr, err)
		return code
	}
	if err := limitSelf(compileMemory, compileTime); err != nil {
		return fail(1, err)
	}
	b, err := io.ReadAll(io.LimitReader(in, 8*abi.ProviderModule))
	if err != nil {
		return fail(1, err)
	}
	if len(b) < 4 || uint64(len(b)) < 4+uint64(binary.LittleEndian.Uint32(b)) {
		return fail(1, io.ErrUnexpectedEOF)
	}
	shell, module := b[4:4+binary.LittleEndian.Uint32(b)], b[4+binary.LittleEndian.Uint32(b):]
	dock, cache, err := dockAt(dir)
	if err != nil {
		return fail(1, err)
	}
	e, err := dock.compile(context.Background(), cache, module, shell)
	if err != nil {
		return fail(exitRefused, err)
	}
	if _, err := dock.bring(e); err != nil {
		return fail(1, err)
	}
	return 0
}
