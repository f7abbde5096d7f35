package ratelimit

import (
	"math"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Peek implements engine.Limiter. A bucket that is not there is full, and is not made.
func (l *Limiter) Peek(q *engine.LimitRequest) (left engine.LimitState) {
	now := int64(q.Now)
	if now == 0 {
		now = int64(l.cfg.Clock())
	}
	var s subject
	s.set(l.seed, q)
	var buf [16]take
	takes := l.table.Load().match(&s, q.Part, buf[:0])
	for i := range takes {
		l.look(&left, takes[i].spec, &s, now)
	}
	return left
}

// look makes left say what a limit has left for a subject where that is less.
func (l *Limiter) look(left *engine.LimitState, sp *spec, s *subject, now int64) {
	hash := s.key(sp)
	sh := &l.shards[shardOf(hash)]
	sh.mu.Lock()
	b := sh.find(hash, sp, s)
	sh.mu.Unlock()
	if b == nil {
		b = &bucket{spec: sp, level: engine.LimitLevel{Whole: sp.rate.Size, At: now}}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refresh(sp, now)
	tighten(left, b, now)
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
