package wasm

import (
	"context"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tetratelabs/wazero"

	"github.com/pointsman/pointsman/engine"
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
	bytes    int64  // of native code, about
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
		if !u.fresh && engine.CodeOf(err) == engine.CodeRateLimited {
			continue // it waited with an upload that was turned away, as what is stored is not
		}
		if err != nil || u.code != nil {
			return err
		}
	}
}
