package ratelimit

import (
	"math"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Peek implements engine.Limiter. A bucket that is not there is full, and is not made.
func (l *Limiter) Peek(q *engine.LimitRequest) (left engine.LimitState) {
	t := l.table.Load()
	if t.empty() {
		return left
	}
	now := int64(q.Now)
	if now == 0 {
		now = int64(l.cfg.Clock())
	}
	spot := spotOf(l.seed, q)
	if known := l.selections.find(spot, t, q); known == nil || !known.look(&left, now) {
		left = l.lookAt(t, spot, q, now)
	}
	return left
}

// look makes left say what the buckets have left. It is false when one of them was forgotten.
func (s *selection) look(left *engine.LimitState, now int64) bool {
	for i := range s.picks {
		p := &s.picks[i]
		p.bucket.mu.Lock()
		if p.bucket.gone {
			p.bucket.mu.Unlock()
			return false
		}
		p.bucket.refresh(p.spec, now)
		tighten(left, p.bucket, now)
		p.bucket.mu.Unlock()
	}
	return true
}

// lookAt is Peek for a caller of whom nothing is kept. Unlike a reservation it makes no buckets: one
// that is not there is full.
func (l *Limiter) lookAt(t *table, spot uint64, q *engine.LimitRequest, now int64) (left engine.LimitState) {
	var s subject
	s.set(l.seed, q)
	var buf [16]take
	takes, whole := t.match(&s, q.Part, buf[:0]), true
	for i := range takes {
		takes[i].bucket = l.look(&left, takes[i].spec, &s, now)
		whole = whole && takes[i].bucket != nil
	}
	if whole {
		sortTakes(takes)
		l.selections.keep(spot, t, q.Part, &s, takes)
	}
	return left
}

// look makes left say what a limit has left for a subject where that is less. It returns the bucket,
// nil when there is none.
func (l *Limiter) look(left *engine.LimitState, sp *spec, s *subject, now int64) *bucket {
	hash := s.key(sp)
	sh := &l.shards[shardOf(hash)]
	sh.mu.Lock()
	b := sh.find(hash, sp, s)
	sh.mu.Unlock()
	if b == nil {
		full := bucket{spec: sp, level: engine.LimitLevel{Whole: sp.rate.Size, At: now}}
		tighten(left, &full, now)
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refresh(sp, now)
	tighten(left, b, now)
	return b
}

// left is what of the bucket may be used now, as far as this process knows. It may be negative.
func (b *bucket) left() int64 {
	if b.lease == nil {
		return b.level.Whole
	}
	if !b.lease.told {
		return b.level.Whole
	}
	return b.level.Whole + max(b.lease.store.Whole, 0)
}

// tighten makes left say this bucket's where there is less in it.
func tighten(left *engine.LimitState, b *bucket, now int64) {
	limit := &b.spec.limit
	into := &left.Requests
	switch limit.Kind {
	case engine.LimitTokens:
		into = &left.Tokens
	case engine.LimitConcurrency:
		into = &left.Concurrency
	}
	if b.lease != nil && b.lease.told {
		b.lease.store.Refill(b.spec.rate, b.spec.rate.Size, now)
	}
	remaining := max(min(b.left(), b.spec.rate.Size), 0)
	if into.Set && into.Remaining <= remaining {
		return
	}
	*into = engine.LimitLeft{Set: true, AccountID: limit.AccountID, LimitID: limit.ID, Limit: limit.Amount, Remaining: remaining}
	level := b.level
	level.Whole = min(b.left(), b.spec.rate.Size)
	if wait := level.Wait(b.spec.rate, b.spec.rate.Size); wait < math.MaxInt64 {
		into.Reset = time.Duration(wait)
	}
}
