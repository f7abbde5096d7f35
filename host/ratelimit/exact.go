package ratelimit

import (
	"context"
	"math"
	"math/bits"

	"github.com/pointsman/pointsman/engine"
)

// takeExact asks the database for what it decides itself. The rest has been taken; when
// one refuses, all of it goes back.
func (l *Limiter) takeExact(ctx context.Context, takes []take) error {
	for i := range takes {
		tk := &takes[i]
		if tk.how != fromStore {
			continue
		}
		b := l.held(tk.bucket)
		tk.bucket = b
		stored := b.stored(b.lease.digest)
		b.mu.Unlock()
		asked := int64(l.cfg.Clock())
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(l.cfg.Wait, exchangeTimeout))
		answer, err := l.cfg.Leases.TakeLimit(within, stored, tk.n, l.cfg.StoreTime())
		cancel()
		b = l.held(b)
		tk.bucket = b
		var refusal *engine.LimitRefusal
		le := b.lease
		if err != nil {
			l.lost(err)
			if wait := l.lacksShare(tk, asked); wait != 0 {
				refusal = refuse(tk, wait)
			} else {
				le.share.Whole -= tk.n
				le.spent += tk.n
				l.activate(b)
			}
		} else {
			le.heard, le.told, le.dry = asked, true, !answer.OK
			le.store = engine.LimitLevel{Whole: answer.Left, At: asked}
			if answer.OK {
				tk.how = taken
				le.share = nil
			} else {
				le.store = levelBefore(b.spec.rate, tk.n, answer.WaitUS, asked)
				refusal = refuse(tk, max(le.store.Wait(b.spec.rate, tk.n), 1))
			}
		}
		if refusal != nil {
			l.refused(b)
		}
		b.mu.Unlock()
		if refusal != nil {
			l.giveBack(takes, true, 0)
			return refusal
		}
	}
	return nil
}

// levelBefore is the level that reaches n after waitUS.
func levelBefore(rate engine.LimitRate, n, waitUS, now int64) engine.LimitLevel {
	level := engine.LimitLevel{At: now}
	if waitUS <= 0 || waitUS > math.MaxInt64/1000 || rate.Window <= 0 {
		return level
	}
	high, low := bits.Mul64(uint64(waitUS*1000), uint64(rate.Amount))
	if high >= uint64(rate.Window) {
		return level
	}
	whole, part := bits.Div64(high, low, uint64(rate.Window))
	level.Whole = n - int64(min(whole, math.MaxInt64/2))
	if part > 0 {
		level.Whole--
		level.Part = rate.Window - int64(part)
	}
	return level
}
