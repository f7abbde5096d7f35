package ratelimit

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

// goneRetry is when a caller is told to come again while the database is gone.
const goneRetry = time.Second

// lacksShare is lacks while the database is gone and the lease is spent.
func (l *Limiter) lacksShare(tk *take, now int64) int64 {
	b := tk.bucket
	le := b.lease
	if l.cfg.Absent != Share {
		return gone
	}
	replicas := max(l.book.replicas.Load(), 1)
	rate := b.spec.rate
	rate.Size = (rate.Size + replicas - 1) / replicas
	rate.Window *= replicas
	if tk.n > rate.Size {
		return gone
	}
	if b.spec.places {
		if le.inUse >= rate.Size {
			return int64(goneRetry)
		}
		tk.how = fromShare
		return 0
	}
	if le.share == nil {
		le.share = &engine.LimitLevel{At: now}
		if le.heard == 0 {
			le.share.Whole = rate.Size // it has not used any, as far as it knows
		}
	}
	le.share.Refill(rate, rate.Size, now)
	if le.share.Whole < tk.n {
		return max(le.share.Wait(rate, tk.n), 1)
	}
	tk.how = fromShare
	return 0
}
