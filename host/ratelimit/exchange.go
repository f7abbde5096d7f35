package ratelimit

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// book is which buckets have dealings with the database.
type book struct {
	mu     sync.Mutex
	active map[*bucket]struct{}

	down     atomic.Bool  // the last exchange failed
	again    atomic.Int64 // when it is tried again
	sent     atomic.Int64 // when the last exchange began
	replicas atomic.Int64
	swept    atomic.Int64
}

// sweepEvery is how often a replica deletes idle rows.
const sweepEvery = int64(time.Minute)

func (b *book) sweepDue(now time.Duration) bool {
	last := b.swept.Load()
	return int64(now)-last >= sweepEvery && b.swept.CompareAndSwap(last, int64(now))
}

// activate notes that a bucket is to be looked after. Its shard is locked.
func (l *Limiter) activate(b *bucket) {
	if b.lease.active {
		return
	}
	b.lease.active = true
	l.book.mu.Lock()
	l.book.active[b] = struct{}{}
	l.book.mu.Unlock()
}

// pending is a claim on its way.
type pending struct {
	bucket *bucket
	claim  engine.LimitClaim
}

const (
	maxClaims       = 500 // of one transaction
	exchangeTimeout = 2 * time.Second
	retryGone       = int64(250 * time.Millisecond)
)

// acquire gets more of what a request lacks, or waits for those who are about it.
func (l *Limiter) acquire(ctx context.Context, lacking []want, within time.Duration) error {
	flight := make(chan struct{})
	var mine []pending
	var theirs []chan struct{}
	for _, w := range lacking {
		sh := &l.shards[shardOf(w.bucket.hash)]
		sh.mu.Lock()
		le := w.bucket.lease
		le.need += w.n
		le.largest = max(le.largest, w.n)
		if le.flight == nil {
			le.flight = flight
			mine = append(mine, pending{w.bucket, w.bucket.claim(int64(l.cfg.Clock()))})
		} else {
			theirs = append(theirs, le.flight)
		}
		sh.mu.Unlock()
	}
	if len(mine) > 0 {
		l.exchange(ctx, mine, flight, min(within, l.cfg.Wait))
	}
	if len(theirs) == 0 {
		return nil
	}
	late := time.NewTimer(within)
	defer late.Stop()
	for _, other := range theirs {
		select {
		case <-other:
		case <-late.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

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
	defer close(flight) // for those who came between due and board
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
		sh := &l.shards[shardOf(b.hash)]
		sh.mu.Lock()
		b.lease.flight = flight
		sh.mu.Unlock()
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
		sh := &l.shards[shardOf(b.hash)]
		sh.mu.Lock()
		if le := b.lease; le.flight == nil && (all || b.due(now, l.cfg.TTL)) {
			le.flight = flight
			c := b.claim(now)
			if all {
				c.Hold, c.Keep = 0, 0
				b.level.Whole = 0
			}
			batch = append(batch, pending{b, c})
		}
		sh.mu.Unlock()
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
	case sp.places():
		if le.need == 0 && recent > 0 {
			hold = max(hold, 1)
		}
		hold = min(le.inUse+max(le.need, min(hold, sp.rate.Size/4+1)), max(sp.rate.Size, le.inUse))
		c.Keep = le.inUse
		c.Need = le.inUse + max(le.largest, 1)
		b.level.Whole = min(b.level.Whole, hold-le.inUse)
	default:
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

// exchange sends claims and takes the grants in hand.
func (l *Limiter) exchange(ctx context.Context, batch []pending, flight chan struct{}, within time.Duration) {
	defer close(flight)
	claims := make([]engine.LimitClaim, len(batch))
	for i := range batch {
		claims[i] = batch[i].claim
	}
	sent := int64(l.cfg.Clock())
	l.book.sent.Store(sent)
	// The caller may go; others wait for the answer too.
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	x := engine.LimitExchange{Replica: l.cfg.Replica, TTL: l.cfg.TTL, Claims: claims}
	grants, err := l.cfg.Leases.ExchangeLimits(call, x, l.cfg.StoreTime())
	if err != nil {
		l.lost(err)
	} else {
		l.found(grants.Replicas)
	}
	for i := range batch {
		b := batch[i].bucket
		sh := &l.shards[shardOf(b.hash)]
		sh.mu.Lock()
		if err != nil {
			b.unanswered()
		} else {
			l.granted(b, &batch[i].claim, grants.Grants[i], sent)
		}
		b.lease.flight = nil
		sh.mu.Unlock()
	}
}

// granted takes a grant in hand. The lease is counted from before it was asked for, and
// ends earlier here than there: it is never spent after it was given to others.
func (l *Limiter) granted(b *bucket, c *engine.LimitClaim, g engine.LimitGrant, sent int64) {
	le := b.lease
	le.epoch, le.settled = g.Epoch, c.Spent
	if b.spec.places() {
		b.level.Whole = g.Held - le.inUse
	} else {
		b.level.Whole = g.Held - (le.spent - c.Spent)
	}
	le.until = 0
	if g.Epoch != 0 {
		le.until = sent + int64(l.cfg.TTL) - int64(l.cfg.TTL)/6
	}
	le.heard, le.told, le.share = sent, true, nil
	le.short = g.Held < c.Hold
	le.dry = g.WaitUS > 0 && g.WaitUS < math.MaxInt64
	le.store = engine.LimitLevel{Whole: g.Left, At: sent}
	if le.dry {
		le.store = levelBefore(b.spec.rate, max(c.Need, 1)-g.Held, g.WaitUS, sent)
	}
	if g.Epoch == 0 && le.spent == le.settled && le.inUse == 0 {
		le.pace, le.from, le.demand = 0, 0, 0
		le.active = false
		l.book.mu.Lock()
		delete(l.book.active, b)
		l.book.mu.Unlock()
	}
}

// unanswered is for an exchange of which nobody knows whether it took place.
func (b *bucket) unanswered() {
	le := b.lease
	if le.epoch == 0 && le.spent < le.settled {
		le.settled = le.spent // without a lease nothing tells that it was given back already
	}
}

// lost notes that the database cannot be reached.
func (l *Limiter) lost(err error) {
	l.book.again.Store(int64(l.cfg.Clock()) + retryGone)
	if !l.book.down.Swap(true) {
		l.cfg.Logger.Warn().Err(err).Msg("the database of the rate limits cannot be reached: the leases in hand are spent")
	}
}

func (l *Limiter) found(replicas int) {
	l.book.replicas.Store(int64(replicas))
	if l.book.down.Swap(false) {
		l.cfg.Logger.Info().Int("replicas", replicas).Msg("the database of the rate limits is back")
	}
}

// leave returns everything.
func (l *Limiter) leave(ctx context.Context) error {
	flight := make(chan struct{})
	batch := l.due(int64(l.cfg.Clock()), flight, true)
	l.exchangeAll(ctx, batch, flight)
	return l.cfg.Leases.LeaveLimits(ctx, l.cfg.Replica)
}
