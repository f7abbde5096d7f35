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
func (l *Library) keepHouse(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.tidy()
		case <-l.pressed:
			l.evict(nil)
		}
	}
}

// tidy is one round: the idle instances of what was not called for a minute go, but
// for one of each global plugin; then whole plugins while there are too many.
func (l *Library) tidy() {
	now := l.ticks.Add(1)
	for _, s := range l.current.Load().exact {
		p := s.filled.Load()
		if p == nil {
			continue
		}
		p.each(func(of *pool) {
			if now-of.used.Load() >= idleAfter {
				p.drop(of)
			}
		})
		if now-p.used.Load() < idleAfter {
			continue
		}
		keep := 0
		if s.version.AccountID == "" {
			keep = 1
		}
		p.own.shrink(keep)
	}
	l.evict(nil)
}

// loaded is what could be unloaded of an account: a plugin of its own, or its instances of
// a global one.
type loadedPlugin struct {
	slot  *slot
	p     *plugin
	pool  *pool // nil: the whole plugin
	bytes int64
}

// used is the tick when it was last called.
func (c loadedPlugin) used() int64 {
	if c.pool != nil {
		return c.pool.used.Load()
	}
	return c.p.used.Load()
}

// unload unloads it, unless that has happened.
func (c loadedPlugin) unload() {
	if c.pool != nil {
		if !c.p.drop(c.pool) {
			c.pool.shrink(0)
		}
		return
	}
	c.slot.mu.Lock()
	gone := !c.slot.retired && c.slot.filled.CompareAndSwap(c.p, nil)
	c.slot.mu.Unlock()
	if gone {
		c.p.letGo()
	}
}

// evict unloads what accounts have loaded while it is more than their budget: of the account
// that takes most, the one longest unused. So nobody who loads much is served at the
// cost of those who load little. The next call of one loads it again, from the cache.
// except stays.
func (l *Library) evict(except *slot) {
	accounts := map[string][]loadedPlugin{}
	sums, sum := map[string]int64{}, int64(0)
	add := func(account string, c loadedPlugin) {
		sum += c.bytes
		sums[account] += c.bytes
		if c.slot != except {
			accounts[account] = append(accounts[account], c)
		}
	}
	for _, s := range l.current.Load().exact {
		p := s.filled.Load()
		if p == nil {
			continue
		}
		if account := s.version.AccountID; account != "" {
			add(account, loadedPlugin{slot: s, p: p, bytes: p.code.bytes + s.telemetry.memory.Load()})
		}
		p.each(func(of *pool) { add(of.account, loadedPlugin{slot: s, p: p, pool: of, bytes: of.memory.Load()}) })
	}
	if sum <= l.cfg.TenantBytes {
		return
	}
	for _, list := range accounts { // the one that goes first stands last
		slices.SortFunc(list, func(a, b loadedPlugin) int { return cmp.Compare(b.used(), a.used()) })
	}
	for sum > l.cfg.TenantBytes && len(accounts) > 0 {
		var heaviest string
		for account, list := range accounts {
			if heaviest == "" || sums[account] > sums[heaviest] ||
				sums[account] == sums[heaviest] && list[len(list)-1].used() < accounts[heaviest][len(accounts[heaviest])-1].used() {
				heaviest = account
			}
		}
		list := accounts[heaviest]
		c := list[len(list)-1]
		if accounts[heaviest] = list[:len(list)-1]; len(list) == 1 {
			delete(accounts, heaviest)
		}
		sums[heaviest] -= c.bytes
		sum -= c.bytes
		c.unload()
	}
}
