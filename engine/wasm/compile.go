package wasm

import (
	"context"
	"crypto/sha256"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/experimental"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Compiling takes whole processors for seconds: so many at once, so many uploads that
// wait. What is already stored waits for its turn, however long. In this process one at a
// time, as what it makes is only known by its being there.
const (
	maxCompiling = 2
	maxWaiting   = 8
)

// storedPatience is how many times as long as an upload a stored module, or one of the binary's
// own, may take by the clock: it compiled before, and a start on a busy machine must not fail.
// Its processor time is bounded all the same.
const storedPatience = 6

// nativePerByte is how much native code a byte of a module becomes, about: for code that
// was compiled in this process.
const nativePerByte = 4

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

// compileModule makes native code of a metered module: from the cache, else by the compiler
// in a process of its own, else in this one.
// Errors: the module does not compile within its limits; or what else went wrong.
func (l *Library) compileModule(ctx context.Context, u *upload) (*code, error) {
	// Others may wait for this, so that one who gives up must not end it.
	ctx = context.WithoutCancel(ctx)
	sum := sha256.Sum256(u.metered)
	kept, found := l.codeCache.get(sum)
	// What is kept is loaded at once, however many compile, unless they do so in this process
	// and share the dock.
	if !found || len(l.cfg.Compiler) == 0 {
		if err := l.compilers.enter(ctx, u.fresh); err != nil {
			return nil, err
		}
		defer l.compilers.leave()
	}
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

	var err error
	if !found && len(l.cfg.Compiler) > 0 {
		limit := l.cfg.CompileLimit
		if !u.fresh {
			limit *= storedPatience
		}
		if kept, err = l.compileApart(ctx, u.metered, limit); err != nil {
			return nil, err
		}
	}
	apart := kept.file != ""
	if apart {
		// Modules that differ in their manifests alone have one file: who took it away would have
		// the other compiled here.
		l.docking.Lock()
		defer l.docking.Unlock()
		if err := l.dock.bring(kept); err != nil {
			return nil, err
		}
		defer l.dock.drop(kept)
	}
	ctx = experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0))
	if c.guest, err = k.runtime.CompileModule(ctx, u.metered); err != nil {
		return nil, refuse("does not compile: %s", truncate(err.Error(), maxCause))
	}
	if !found {
		l.keep(sum, kept, apart)
	}
	if c.bytes = int64(len(kept.code)); c.bytes == 0 {
		c.bytes = int64(nativePerByte * len(u.metered))
	}
	return c, nil
}

// keep puts what was compiled into the cache. That it cannot costs only the next start.
func (l *Library) keep(sum [32]byte, e compiledEntry, apart bool) {
	var err error
	if !apart {
		e, err = l.dock.take()
	}
	if err == nil {
		err = l.codeCache.put(sum, e)
	}
	if err != nil {
		l.cfg.Logger.Warn().Err(err).Msg("a compiled plugin is not kept for the next start")
	}
}
