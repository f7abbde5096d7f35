package wasm

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/pointsman/pointsman/engine"
)

// pool is a plugin's instances for one account: what a guest keeps in its memory no other
// account's call may see. A plugin of an account has one pool, as has a first-party adapter,
// whose code is ours; a global rule plugin has one for each account that calls it.
// See RATIONALE.md, "Who may be served by the same instance?".
type pool struct {
	account string // that its instances are counted for; "": nobody
	// A call takes an instance from warm or, when there is none, the right to make
	// one from cold, and returns one of the two. Their numbers add up to the pool's size.
	warm chan *instance
	cold chan struct{}

	users  atomic.Int64 // calls that hold the pool or wait for an instance
	used   atomic.Int64 // the library's tick when it was last asked for
	memory atomic.Int64 // bytes of its instances
}

func newPool(account string, size int) *pool {
	l := &pool{account: account, warm: make(chan *instance, size), cold: make(chan struct{}, size)}
	for range size {
		l.cold <- struct{}{}
	}
	return l
}

// divided reports whether each account has instances of its own.
func (p *plugin) divided() bool { return p.version.AccountID == "" && p.kind.divided }

// enter returns the account's pool, made if there is none, and keeps it from being dropped
// until the caller leaves. "" is whoever has no account, as the gate's own tries.
func (p *plugin) enter(account string) *pool {
	if account == "" || !p.divided() {
		p.own.users.Add(1)
		return p.own
	}
	p.mu.RLock()
	l := p.pools[account]
	if l != nil {
		l.users.Add(1)
	}
	p.mu.RUnlock()
	if l == nil {
		p.mu.Lock()
		if l = p.pools[account]; l == nil {
			l = newPool(account, p.lib.cfg.PoolSize)
			if p.pools == nil {
				p.pools = map[string]*pool{}
			}
			p.pools[account] = l
		}
		l.users.Add(1)
		p.mu.Unlock()
	}
	if now := p.lib.ticks.Load(); l.used.Load() != now {
		l.used.Store(now)
	}
	return l
}

func (l *pool) leave() { l.users.Add(-1) }

// take takes an idle instance of the pool, or makes one, or waits until one of those is possible.
func (p *plugin) take(ctx context.Context, from *pool) (*instance, error) {
	p.touch()
	select {
	case in := <-from.warm:
		return in, nil
	default:
	}
	select {
	case in := <-from.warm:
		return in, nil
	case <-from.cold:
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, &engine.Error{Code: engine.CodeCanceled, Message: "the caller is gone", Err: ctx.Err()}
		}
		return nil, &engine.Error{Code: engine.CodePluginFailed, Message: "plugin " + p.ref + ": all instances are busy", Err: ctx.Err()}
	}
	in, err := p.instantiate(from)
	if err != nil {
		from.cold <- struct{}{}
		return nil, p.failed(err)
	}
	return in, nil
}

// shrink frees idle instances until so many are left.
func (l *pool) shrink(keep int) {
	for len(l.warm) > keep {
		select {
		case in := <-l.warm:
			in.discard()
		default:
			return
		}
	}
}

// drop forgets the account's pool and frees its instances, unless a call has it.
func (p *plugin) drop(l *pool) bool {
	p.mu.Lock()
	gone := p.pools[l.account] == l && l.users.Load() == 0
	if gone {
		delete(p.pools, l.account)
	}
	p.mu.Unlock()
	if gone {
		l.shrink(0)
	}
	return gone
}

// each calls f with every account's pool; f may drop it.
func (p *plugin) each(f func(*pool)) {
	p.mu.RLock()
	all := make([]*pool, 0, len(p.pools))
	for _, l := range p.pools {
		all = append(all, l)
	}
	p.mu.RUnlock()
	for _, l := range all {
		f(l)
	}
}
