package cost

import (
	"sync"

	"github.com/pointsman/pointsman/engine"
)

// Follow begins to refresh the sums, until stop is called for everybody who follows.
func (v *Live) Follow() (stop func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.followers++
	v.counting.Store(true) // before rows are flushed: what comes later is counted
	if v.base == nil {
		select {
		case v.awake <- struct{}{}:
		default: // it is on its way
		}
	}
	return sync.OnceFunc(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.followers--
	})
}

// Totals returns the sums of an account, "" for all of them, as they were at the last tick;
// ok is false before they were read. changed is closed when there may be others, at most
// once a tick. The map is shared: read only.
func (v *Live) Totals(accountID string) (totals engine.UsageTotals, ok bool, changed <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.base == nil {
		return totals, false, v.changed
	}
	if v.totals == nil {
		v.totals = v.sumUp()
	}
	totals = v.totals[accountID]
	totals.Day = v.day
	return totals, true, v.changed
}

// sumUp makes the sums of each account, and under "" those of all. The caller holds mu.
func (v *Live) sumUp() map[string]engine.UsageTotals {
	all := map[string]engine.UsageTotals{}
	add := func(account, model string, sums liveSums) {
		t, known := all[account]
		if !known {
			t.Models = map[string]engine.UsageSums{}
		}
		t.Total.Add(sums)
		if _, known := t.Models[model]; !known && len(t.Models) >= maxLiveModel {
			model = ""
		}
		of := t.Models[model]
		of.Add(sums)
		t.Models[model] = of
		all[account] = t
	}
	for _, part := range [...]map[liveKey]liveSums{v.base, v.delta} {
		for key, sums := range part {
			add("", key.model, sums)
			add(key.account, key.model, sums)
		}
	}
	return all
}
