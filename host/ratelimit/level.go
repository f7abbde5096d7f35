package ratelimit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// restored are the levels of before this process began, until their buckets are asked for.
type restored struct {
	n      atomic.Int64
	mu     sync.Mutex
	levels map[engine.LimitBucketKey]engine.StoredLimitLevel
	offset int64 // nanoseconds since 1970 less those of the clock
}

// Restore reads what Save wrote. Call it once, after Set and before the first request:
// without it every restart would give out a day's limit again.
func (l *Limiter) Restore(ctx context.Context) error {
	if l.cfg.Levels == nil {
		return nil
	}
	stored, err := l.cfg.Levels.ListLimitLevels(ctx)
	if err != nil {
		return err
	}
	levels := make(map[engine.LimitBucketKey]engine.StoredLimitLevel, len(stored))
	for _, s := range stored {
		levels[s.LimitBucketKey] = s
	}
	r := &l.restored
	r.mu.Lock()
	defer r.mu.Unlock()
	r.levels = levels
	r.n.Store(int64(len(levels)))
	r.offset = l.cfg.Wall().UnixNano() - int64(l.cfg.Clock())
	return nil
}

// into gives a new bucket the level that it had. The wall clock may have been set back
// meanwhile: then no time has passed.
func (r *restored) into(b *bucket, now int64) {
	if r.n.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := engine.LimitBucketKey{AccountID: b.spec.limit.AccountID, LimitID: b.spec.limit.ID, Digest: b.digest()}
	s, ok := r.levels[key]
	if !ok {
		return
	}
	delete(r.levels, key)
	r.n.Add(-1)
	if s.Resets < b.spec.limit.Resets || b.spec.places {
		return
	}
	rate := engine.LimitRate{Amount: s.Amount, Window: max(s.WindowUS, 1), Size: s.Size}
	level := s.Level
	level.Refill(rate, rate.Size, max(level.At, (now+r.offset)/1000))
	to := b.spec.rate
	to.Window = rate.Window // still in microseconds
	level.Scale(rate, to)
	b.level = engine.LimitLevel{Whole: level.Whole, Part: level.Part * 1000, At: now}
}

// Save writes down the buckets whose windows outlast a restart and that are not full.
func (l *Limiter) Save(ctx context.Context) error {
	if l.cfg.Levels == nil {
		return nil
	}
	now := int64(l.cfg.Clock())
	wall := l.cfg.Wall().UnixMicro()
	var rows []engine.StoredLimitLevel
	for i := range l.shards {
		sh := &l.shards[i]
		sh.mu.Lock()
		for _, b := range sh.slots {
			for ; b != nil; b = b.next {
				b.mu.Lock()
				if !b.spec.places && b.spec.limit.Window >= time.Minute {
					b.refresh(b.spec, now)
					if b.level.Whole < b.spec.rate.Size {
						rows = append(rows, engine.StoredLimitLevel{
							LimitBucket: b.stored(b.digest()),
							Level:       engine.LimitLevel{Whole: b.level.Whole, Part: b.level.Part / 1000, At: wall},
						})
					}
				}
				b.mu.Unlock()
			}
		}
		sh.mu.Unlock()
	}
	for from := 0; from < len(rows); from += saveRows {
		if err := l.cfg.Levels.SaveLimitLevels(ctx, rows[from:min(from+saveRows, len(rows))]); err != nil {
			return err
		}
	}
	return nil
}

// saveRows is how many rows one transaction writes.
const saveRows = 1_000
