package ratelimit

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Renew settles what was spent, asks for what is about to be needed, and returns what is
// not. Run calls it; tests call it by their own clock.
func (l *Limiter) Renew(ctx context.Context) {
	now := int64(l.cfg.Clock())
	if l.book.down.Load() && now < l.book.again.Load() {
		return
	}
	flight := make(chan struct{})
	batch := l.due(now, flight, false)
	if len(batch) == 0 {
		if now-l.book.sent.Load() < int64(l.cfg.TTL)/3 && !l.book.down.Load() {
			return
		}
		l.exchange(ctx, nil, flight, exchangeTimeout) // to be counted among the replicas
		return
	}
	l.exchangeAll(ctx, batch, flight)
}

// exchangeAll sends a batch, which due has put on one flight, in parts. When one fails, the
// rest would too.
func (l *Limiter) exchangeAll(ctx context.Context, batch []pending, flight chan struct{}) {
	defer close(flight)       // for those who came between due and board
	defer land(batch, flight) // those that were not boarded
	for from := 0; from < len(batch); from += maxClaims {
		part := batch[from:min(from+maxClaims, len(batch))]
		own := make(chan struct{})
		if from > 0 && l.book.down.Load() {
			l.board(part, nil)
			continue
		}
		l.board(part, own)
		l.exchange(ctx, part, own, exchangeTimeout)
	}
}

// board gives a part of a batch a flight of its own, so that nobody waits for the rest;
// nil: none.
func (l *Limiter) board(part []pending, flight chan struct{}) {
	for i := range part {
		b := part[i].bucket
		b.mu.Lock()
		b.lease.flight = flight
		b.mu.Unlock()
	}
}

// due makes claims of the buckets that it is time for. all: of every one, for nothing more.
func (l *Limiter) due(now int64, flight chan struct{}, all bool) (batch []pending) {
	l.book.mu.Lock()
	active := make([]*bucket, 0, len(l.book.active))
	for b := range l.book.active {
		active = append(active, b)
	}
	l.book.mu.Unlock()
	for _, b := range active {
		b.mu.Lock()
		if le := b.lease; le.flight == nil && (all || b.due(now, l.cfg.TTL)) {
			le.flight = flight
			c := b.claim(now)
			if all {
				c.Hold, c.Keep = 0, 0
				b.level.Whole = 0
			}
			batch = append(batch, pending{b, c})
		}
		b.mu.Unlock()
	}
	return batch
}

// due reports whether the database should hear of the bucket.
func (b *bucket) due(now int64, ttl time.Duration) bool {
	le, sp := b.lease, b.spec
	age := now - le.sent
	horizon := sp.horizon()
	switch {
	case age >= int64(ttl)/3:
		return true
	case age >= horizon:
		return sp.mode != exact || le.spent != le.settled || le.epoch != 0
	case sp.mode == exact:
		return false
	case le.short:
		return age >= sp.gap() && (le.asked || le.demand > 0)
	}
	return le.demand > 0 && b.level.Whole < le.hold/2 && age >= horizon/8
}

// claim is what the replica says of the bucket and asks for. What is to be returned is
// out of hand from now on.
func (b *bucket) claim(now int64) engine.LimitClaim {
	le, sp := b.lease, b.spec
	horizon := sp.horizon()
	passed := now - le.from
	if le.from == 0 {
		passed = 0
	}
	recent := le.demand
	if passed >= horizon/2 {
		pace := float64(le.demand) / float64(passed)
		if pace > 0 {
			pace = max(pace, (pace+le.pace)/2) // faster at once, slower by and by
		}
		le.pace = pace
		le.from, le.demand = now, 0
	}
	hold := int64(math.Ceil(min(le.pace*float64(horizon)*1.25, engine.MaxLimitAmount)))
	c := engine.LimitClaim{LimitBucket: b.stored(le.digest), Epoch: le.epoch, Spent: le.spent, Settled: le.settled, Need: le.largest}
	switch {
	case sp.mode == exact:
		hold = 0
	case sp.places:
		if le.need == 0 && recent > 0 {
			hold = max(hold, 1)
		}
		hold = min(le.inUse+max(le.need, min(hold, sp.rate.Size/4+1)), max(sp.rate.Size, le.inUse))
		c.Keep = le.inUse
		c.Need = le.inUse + max(le.largest, 1)
		b.level.Whole = min(b.level.Whole, hold-le.inUse)
	default:
		if recent > 0 && passed < horizon/2 {
			hold = max(hold, le.hold) // what requests have raised it to stays until the pace is known
		}
		if le.need > 0 {
			hold = max(hold, le.need+max(b.level.Whole, 0))
			if !le.short {
				hold = max(hold, 2*le.hold)
			}
		}
		hold = min(hold, sp.rate.Size)
		b.level.Whole = min(b.level.Whole, hold)
	}
	c.Hold = max(hold, 0)
	le.hold = c.Hold
	le.need, le.largest, le.asked = 0, 0, false
	le.sent = now
	return c
}

// leave returns everything.
func (l *Limiter) leave(ctx context.Context) error {
	l.leaveMu.Lock()
	l.leaving.Store(true)
	l.leaveMu.Unlock()
	l.flights.Wait()
	flight := make(chan struct{})
	batch := l.due(int64(l.cfg.Clock()), flight, true)
	l.exchangeAll(ctx, batch, flight)
	err := l.Report(ctx)
	return errors.Join(err, l.cfg.Leases.LeaveLimits(ctx, l.cfg.Replica))
}
