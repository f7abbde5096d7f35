package wasm

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Upkeep of what is loaded.
const (
	tick      = 5 * time.Second
	idleAfter = 12 // ticks without a call after which idle instances are freed
)

// keepHouse frees what is not used, until ctx ends.
func (l *Library) keepHouse(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.tidy()
		}
	}
}

// tidy is one round: the idle instances of what was not called for a minute go, but
// for one of each global plugin; then whole plugins while there are too many.
func (l *Library) tidy() {
	now := l.ticks.Add(1)
	for _, s := range l.current.Load().exact {
		p := s.filled.Load()
		if p == nil || now-p.used.Load() < idleAfter {
			continue
		}
		keep := 0
		if s.version.AccountID == "" {
			keep = 1
		}
		p.shrink(keep)
	}
	l.evict(nil)
}

// shrink frees idle instances until so many are left.
func (p *plugin) shrink(keep int) {
	for len(p.warm) > keep {
		select {
		case in := <-p.warm:
			p.discard(in)
		default:
			return
		}
	}
}

// evict unloads accounts' plugins, the one longest unused first, while they take more
// than their budget. The next call of one loads it again, from the cache. except stays.
func (l *Library) evict(except *slot) {
	type candidate struct {
		slot  *slot
		p     *plugin
		bytes int64
	}
	var loaded []candidate
	sum := int64(0)
	for _, s := range l.current.Load().exact {
		if p := s.filled.Load(); p != nil && s.version.AccountID != "" {
			c := candidate{s, p, p.code.bytes + s.telemetry.memory.Load()}
			sum += c.bytes
			if s != except {
				loaded = append(loaded, c)
			}
		}
	}
	if sum <= l.cfg.TenantBytes {
		return
	}
	slices.SortFunc(loaded, func(a, b candidate) int { return cmp.Compare(a.p.used.Load(), b.p.used.Load()) })
	for _, c := range loaded {
		if sum <= l.cfg.TenantBytes {
			return
		}
		c.slot.mu.Lock()
		gone := !c.slot.retired && c.slot.filled.CompareAndSwap(c.p, nil)
		c.slot.mu.Unlock()
		if gone {
			c.p.letGo()
			sum -= c.bytes
		}
	}
}
