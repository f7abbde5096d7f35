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

// loaded is an account's plugin that could be unloaded.
type loadedPlugin struct {
	slot  *slot
	p     *plugin
	bytes int64
}

// evict unloads accounts' plugins while they take more than their budget: of the account
// that takes most, the one longest unused. So nobody who loads much is served at the
// cost of those who load little. The next call of one loads it again, from the cache.
// except stays.
func (l *Library) evict(except *slot) {
	accounts := map[string][]loadedPlugin{}
	sums, sum := map[string]int64{}, int64(0)
	for _, s := range l.current.Load().exact {
		if p := s.filled.Load(); p != nil && s.version.AccountID != "" {
			c := loadedPlugin{s, p, p.code.bytes + s.telemetry.memory.Load()}
			sum += c.bytes
			sums[s.version.AccountID] += c.bytes
			if s != except {
				accounts[s.version.AccountID] = append(accounts[s.version.AccountID], c)
			}
		}
	}
	if sum <= l.cfg.TenantBytes {
		return
	}
	for _, list := range accounts { // the one that goes first stands last
		slices.SortFunc(list, func(a, b loadedPlugin) int { return cmp.Compare(b.p.used.Load(), a.p.used.Load()) })
	}
	for sum > l.cfg.TenantBytes && len(accounts) > 0 {
		var heaviest string
		for account, list := range accounts {
			if heaviest == "" || sums[account] > sums[heaviest] ||
				sums[account] == sums[heaviest] && list[len(list)-1].p.used.Load() < accounts[heaviest][len(accounts[heaviest])-1].p.used.Load() {
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
		c.slot.mu.Lock()
		gone := !c.slot.retired && c.slot.filled.CompareAndSwap(c.p, nil)
		c.slot.mu.Unlock()
		if gone {
			c.p.letGo()
		}
	}
}
