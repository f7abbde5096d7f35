package rule

import (
	"runtime"
	"sync"
	"sync/atomic"
	"weak"
)

// programs finds what is compiled by its text, for as long as some table has it: tenants often
// have the same rules, and most rules stay as they are. The zero value is empty. Safe for
// concurrent use.
type programs struct {
	mu       sync.Mutex
	compiled map[string]weak.Pointer[program]
	made     int // how many were compiled

	lists atomic.Int64 // how many lists were made of them
}

// get compiles a text, unless somebody has it compiled.
func (p *programs) get(source string) (*program, error) {
	p.mu.Lock()
	found := p.compiled[source].Value()
	p.mu.Unlock()
	if found != nil {
		return found, nil
	}
	made, err := compile(source)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if other := p.compiled[source].Value(); other != nil {
		return other, nil
	}
	if p.compiled == nil {
		p.compiled = map[string]weak.Pointer[program]{}
	}
	p.compiled[source] = weak.Make(made)
	p.made++
	runtime.AddCleanup(made, p.forget, source)
	return made, nil
}

// forget drops a text whose program is gone, unless it was compiled again since.
func (p *programs) forget(source string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.compiled[source].Value() == nil {
		delete(p.compiled, source)
	}
}
