package wasm

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Compiling takes whole processors for seconds: so many at once, so many uploads that
// wait. What is already stored waits for its turn, however long. In this process one at a
// time.
const (
	maxCompiling = 2
	maxWaiting   = 8
)

// storedPatience is how many times as long as an upload a stored module, or one of the binary's
// own, may take by the clock: it compiled before, and a start on a busy machine must not fail.
// Its processor time is bounded all the same.
const storedPatience = 6

// compilers hands out the right to compile.
type compilers struct {
	free    chan struct{}
	uploads atomic.Int64 // that wait
	stored  atomic.Int64 // likewise, and nobody is turned away for them
}

func newCompilers(cfg Config) *compilers {
	n := 1
	if len(cfg.Compiler) > 0 {
		n = maxCompiling
	}
	c := &compilers{free: make(chan struct{}, n)}
	for range n {
		c.free <- struct{}{}
	}
	return c
}

// enter waits for its turn; an upload is turned away when too many wait. The caller leaves.
func (c *compilers) enter(ctx context.Context, upload bool) error {
	select {
	case <-c.free:
		return nil
	default:
	}
	waiting := &c.stored
	if upload {
		waiting = &c.uploads
	}
	defer waiting.Add(-1)
	if waiting.Add(1) > maxWaiting && upload {
		return &engine.Error{Code: engine.CodeRateLimited, Message: "Too many plugins are being compiled. Try again in a few seconds.", After: 5 * time.Second}
	}
	select {
	case <-c.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *compilers) leave() { c.free <- struct{}{} }

// compileModule makes native code of a module: from the cache, else by the compiler
// in a process of its own, else in this one.
// Errors: the module does not compile within its limits; or what else went wrong.
func (l *Library) compileModule(ctx context.Context, u *upload) (*code, error) {
	// Others may wait for this, so that one who gives up must not end it.
	ctx = context.WithoutCancel(ctx)
	c := &code{
		sum:      u.sum,
		manifest: u.manifest,
		schema:   u.schema,
		initial:  uint64(u.structure.minPages) * abi.PageSize,
	}
	k := l.kinds[u.manifest.Kind]
	for _, e := range append([]entry{entryInitialize}, k.entries...) {
		_, c.entries[e] = u.structure.function(entryNames[e])
	}
	key := codeKey(u.structure)
	shell := hollow(u.structure, key)
	// What is kept is loaded at once, however many compile.
	kept, found := l.codeCache.get(key)
	var err error
	if found {
		c.guest, err = l.load(ctx, k, shell, kept)
		if err != nil && !errors.Is(err, errNotTaken) {
			return nil, err
		}
	}
	if c.guest == nil {
		if kept, err = l.compiledNow(ctx, u, shell); err != nil {
			return nil, err
		}
		if c.guest, err = l.load(ctx, k, shell, kept); err != nil {
			return nil, err
		}
		// That it cannot be kept costs only the next start.
		if err := l.codeCache.put(key, kept); err != nil {
			l.cfg.Logger.Warn().Err(err).Msg("a compiled plugin is not kept for the next start")
		}
	}
	c.bytes = int64(len(kept.code))
	return c, nil
}

// compiledNow meters the module, unless that was done, and compiles it when it is its turn.
func (l *Library) compiledNow(ctx context.Context, u *upload, shell []byte) (e compiledEntry, err error) {
	if u.metered == nil {
		if err := meterUpload(ctx, u); err != nil {
			return e, at("meter", err)
		}
	}
	if err := l.compilers.enter(ctx, u.fresh); err != nil {
		return e, err
	}
	defer l.compilers.leave()
	if len(l.cfg.Compiler) == 0 {
		return compileHere(ctx, u.metered, shell)
	}
	limit := l.cfg.CompileLimit
	if !u.fresh {
		limit *= storedPatience
	}
	return l.compileApart(ctx, u.metered, shell, limit)
}

// errNotTaken is of native code that wazero does not know as the module's, such as another
// processor's.
var errNotTaken = errors.New("native code is of another build or processor")

// load makes a module of a shell and the native code of what it is the shell of.
// Errors: errNotTaken.
func (l *Library) load(ctx context.Context, k *kind, shell []byte, e compiledEntry) (wazero.CompiledModule, error) {
	// Modules that differ in their manifests alone have one file: nobody may take it away
	// while it is loaded.
	l.docking.Lock()
	defer l.docking.Unlock()
	brought, err := l.dock.bring(e)
	if err != nil {
		return nil, fmt.Errorf("load native code: %w", err)
	}
	guest, err := k.runtime.CompileModule(ctx, shell)
	if taken := l.dock.clear(e, brought); err == nil && !taken {
		// What it compiled are the shell's functions, which do nothing but trap.
		err = errors.Join(errNotTaken, guest.Close(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("load native code: %w", err)
	}
	return guest, nil
}
