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

// activate notes that a bucket is to be looked after. Its lock is held.
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
	exchangeTimeout = 5 * time.Second
	retryGone       = int64(250 * time.Millisecond)
)

// depart counts one more flight, unless leave has begun to wait for the last.
func (l *Limiter) depart() bool {
	l.leaveMu.Lock()
	defer l.leaveMu.Unlock()
	if l.leaving.Load() {
		return false
	}
	l.flights.Add(1)
	return true
}

// acquire gets more of what a request lacks, or waits for those who are about it. Once the leases are
// given back it does nothing.
func (l *Limiter) acquire(ctx context.Context, lacking []want, within time.Duration) error {
	if !l.depart() {
		return nil
	}
	flight := make(chan struct{})
	var mine []pending
	var all []chan struct{}
	for _, w := range lacking {
		b := w.bucket
		b.mu.Lock()
		if b.gone { // the next round looks for it again
			b.mu.Unlock()
			continue
		}
		le := b.lease
		le.need += w.n
		le.largest = max(le.largest, w.n)
		if le.flight == nil {
			le.flight = flight
			mine = append(mine, pending{b, b.claim(int64(l.cfg.Clock()))})
		} else {
			all = append(all, le.flight)
		}
		b.mu.Unlock()
	}
	if len(mine) > 0 {
		// Others wait for the answer too: the caller may go, or have waited for long already.
		l.flights.Go(func() {
			_ = engine.Contain(l.cfg.Logger, "exchange of limits", func() { l.exchange(ctx, mine, flight, exchangeTimeout) })
		})
		all = append(all, flight)
	}
	l.flights.Done()
	if len(all) == 0 {
		return nil
	}
	late := time.NewTimer(within)
	defer late.Stop()
	for _, answered := range all {
		select {
		case <-answered:
		case <-late.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// exchange sends claims and takes the grants in hand. Whatever happens, the buckets may be exchanged again.
func (l *Limiter) exchange(ctx context.Context, batch []pending, flight chan struct{}, within time.Duration) {
	defer close(flight)
	defer land(batch, flight)
	claims := make([]engine.LimitClaim, len(batch))
	for i := range batch {
		claims[i] = batch[i].claim
	}
	sent := int64(l.cfg.Clock())
	l.book.sent.Store(sent)
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
		if err == nil {
			l.granted(batch[i].bucket, &batch[i].claim, grants.Grants[i], sent+int64(grants.Late))
		}
	}
}

// land takes off the flight the buckets that still are on it, which were not answered.
func land(batch []pending, flight chan struct{}) {
	for i := range batch {
		b := batch[i].bucket
		b.mu.Lock()
		if b.lease.flight == flight {
			b.unanswered()
			b.lease.flight = nil
		}
		b.mu.Unlock()
	}
}

// granted takes a grant in hand. The lease is counted from before the store's clock was read, and
// ends earlier here than there: it is never spent after it was given to others.
func (l *Limiter) granted(b *bucket, c *engine.LimitClaim, g engine.LimitGrant, from int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	le := b.lease
	le.flight = nil
	le.epoch, le.settled = g.Epoch, c.Spent
	if b.spec.places {
		b.level.Whole = g.Held - le.inUse
	} else {
		b.level.Whole = g.Held - (le.spent - c.Spent)
	}
	le.until = 0
	if g.Epoch != 0 {
		le.until = from + int64(l.cfg.TTL) - int64(l.cfg.TTL)/6
	}
	le.heard, le.told, le.share = from, true, nil
	le.short = g.Held < c.Hold
	le.dry = g.WaitUS > 0 && g.WaitUS < math.MaxInt64
	le.store = engine.LimitLevel{Whole: g.Left, At: from}
	if le.dry {
		le.store = levelBefore(b.spec.rate, max(c.Need, 1)-g.Held, g.WaitUS, from)
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
