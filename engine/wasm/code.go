package wasm

import (
	"context"
	"runtime"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// code is a compiled module, shared by all versions with the same bytes, in
// whichever account. The library counts who holds it.
type code struct {
	sum      [32]byte
	manifest engine.Manifest
	schema   *jsonschema.Schema // of config; nil: none
	guest    wazero.CompiledModule
	entries  [entryCount]bool
	initial  uint64 // bytes of memory at the start
	holders  int    // guarded by Library.mu
}

// compiled returns the code with that hash if it is loaded, with one more holder.
func (l *Library) compiled(sum [32]byte) *code {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.codes[sum]
	if c != nil {
		c.holders++
	}
	return c
}

// letGo gives back what compiled and compile returned.
func (l *Library) letGo(c *code) {
	l.mu.Lock()
	c.holders--
	last := c.holders == 0
	if last {
		delete(l.codes, c.sum)
	}
	l.mu.Unlock()
	if last {
		_ = c.guest.Close(context.Background())
	}
}

// compile is a stage of the gate: native code for what the earlier stages passed.
// The same bytes are compiled once however many ask.
func (l *Library) compile(ctx context.Context, u *upload) error {
	for {
		if u.code = l.compiled(u.sum); u.code != nil {
			return nil
		}
		_, err, _ := l.loading.Do("compile "+string(u.sum[:]), func() (any, error) {
			c, err := l.compileModule(ctx, u)
			if err != nil {
				return nil, err
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			c.holders = 1 // this one; those who waited find it in codes
			l.codes[u.sum] = c
			u.code = c
			return nil, nil
		})
		if err != nil || u.code != nil {
			return err
		}
	}
}

func (l *Library) compileModule(ctx context.Context, u *upload) (*code, error) {
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
	// Others may wait for this, so that one who gives up must not end it.
	ctx = experimental.WithCompilationWorkers(context.WithoutCancel(ctx), runtime.GOMAXPROCS(0))
	var err error
	if c.guest, err = k.runtime.CompileModule(ctx, u.metered); err != nil {
		return nil, refuse("does not compile: %s", truncate(err.Error(), maxCause))
	}
	return c, nil
}
