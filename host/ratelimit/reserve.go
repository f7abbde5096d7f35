package ratelimit

import (
	"context"
	"math"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// take is what a reservation has of one bucket.
type take struct {
	spec   *spec
	bucket *bucket
	hash   uint64
	n      int64
	how    source
}

// source is where a take comes from, for replicas.
type source uint8

const (
	fromHand  source = iota // what is leased
	fromShare               // this replica's share while the database is gone
	fromStore               // the database itself, once takeExact has asked it
	taken                   // the database itself, which has agreed
)

// Reserve implements engine.Limiter.
func (l *Limiter) Reserve(ctx context.Context, q *engine.LimitRequest) (engine.LimitReservation, error) {
	t := l.table.Load()
	now := int64(q.Now)
	if now == 0 {
		now = int64(l.cfg.Clock())
	}
	var s subject
	s.set(l.seed, q)
	h := l.holds.Get().(*hold)
	h.takes = t.match(&s, q.Part, h.takes[:0])
	h.tokens = max(q.Tokens, 1)
	for i := range h.takes {
		tk := &h.takes[i]
		tk.hash = s.key(tk.spec)
		tk.n = 1
		if tk.spec.limit.Kind == engine.LimitTokens {
			tk.n = h.tokens
		}
	}
	h.order = inShardOrder(h.takes, h.order[:0])
	var err error
	if l.cfg.Leases == nil {
		if refusal := l.tryTake(h, &s, now); refusal != nil {
			err = refusal
		}
	} else {
		err = l.takeShared(ctx, h, &s, now)
	}
	if err == nil && q.Part != engine.LimitOfCaller {
		if refusal := l.announced.take(q, h, time.Duration(now)); refusal != nil {
			l.giveBack(h.takes, true, 0)
			err = refusal
		}
	}
	if err != nil || len(h.takes) == 0 && h.announced[0] == nil && h.announced[1] == nil {
		h.clear()
		l.holds.Put(h)
		return engine.LimitReservation{}, err
	}
	h.mu.Lock()
	ticket := h.ticket
	h.mu.Unlock()
	return engine.NewLimitReservation(h, ticket), nil
}

// inShardOrder lists the shards of the takes, each once, in the order in which locks are
// always taken.
func inShardOrder(takes []take, order []uint16) []uint16 {
	for i := range takes {
		at := uint16(shardOf(takes[i].hash))
		j := len(order)
		for j > 0 && order[j-1] > at {
			j--
		}
		if j > 0 && order[j-1] == at {
			continue
		}
		order = append(order, at)
		copy(order[j+1:], order[j:])
		order[j] = at
	}
	return order
}

func (l *Limiter) lock(order []uint16) {
	for _, at := range order {
		l.shards[at].mu.Lock()
	}
}

func (l *Limiter) unlock(order []uint16) {
	for _, at := range order {
		l.shards[at].mu.Unlock()
	}
}

// tryTake takes from all buckets at one moment, or from none. Where the leases in hand do
// not cover it but the database may have more, it lists the buckets in h.lacking and takes
// nothing; a refusal goes before that.
func (l *Limiter) tryTake(h *hold, s *subject, now int64) *engine.LimitRefusal {
	takes := h.takes
	h.lacking = h.lacking[:0]
	var worst *bucket
	wait, short := int64(-1), false
	l.lock(h.order)
	for i := range takes {
		tk := &takes[i]
		tk.bucket = l.bucket(tk.hash, tk.spec, s, now)
		b := tk.bucket
		tk.how = fromHand
		if b.lease == nil && b.level.Whole >= tk.n {
			continue
		}
		missing := int64(0)
		switch {
		case tk.n > b.spec.rate.Size:
			missing = math.MaxInt64
		case b.lease == nil:
			missing = b.level.Wait(b.spec.rate, tk.n)
		default:
			missing = l.lacks(tk, now, &h.lacking)
			if missing == unknown {
				short = true
				continue
			}
			if missing == 0 {
				continue
			}
		}
		b.refused++
		if missing > wait {
			worst, wait = b, missing
		}
	}
	var refusal *engine.LimitRefusal
	if worst != nil {
		refusal = l.refuse(worst, wait, takes)
	}
	if refusal == nil && !short {
		for i := range takes {
			l.spend(&takes[i], now)
		}
	}
	l.unlock(h.order)
	return refusal
}

// spend takes what tryTake has found to be there.
func (l *Limiter) spend(tk *take, now int64) {
	b := tk.bucket
	b.refs++
	b.admitted++
	if b.lease == nil {
		b.level.Whole -= tk.n
		return
	}
	l.spendLease(tk, now)
}

// refuse says why, under the locks.
func (l *Limiter) refuse(b *bucket, wait int64, takes []take) *engine.LimitRefusal {
	limit := &b.spec.limit
	r := &engine.LimitRefusal{
		AccountID: limit.AccountID, LimitID: limit.ID, Kind: limit.Kind, Amount: limit.Amount, Window: limit.Window,
		Remaining: max(b.left(), 0),
	}
	n := int64(0)
	for i := range takes {
		if takes[i].bucket == b {
			n = takes[i].n
		}
	}
	switch {
	case wait == gone:
		r.Unavailable, r.After = true, goneRetry
	case n > b.spec.rate.Size:
		r.TooLarge = true
	case !b.spec.places():
		r.After = time.Duration(wait)
	}
	return r
}

// giveBack ends takes: all of each when cancelled, else what of the tokens was not used.
// What was used beyond is taken now: a bucket that has filled up since does not cover it.
func (l *Limiter) giveBack(takes []take, cancelled bool, unused int64) {
	now := int64(0)
	if unused < 0 {
		now = int64(l.cfg.Clock())
	}
	for i := range takes {
		tk := &takes[i]
		back := int64(0)
		switch {
		case cancelled || tk.spec.places():
			back = tk.n
		case tk.spec.limit.Kind == engine.LimitTokens:
			back = unused
		}
		b := tk.bucket
		sh := &l.shards[shardOf(tk.hash)]
		sh.mu.Lock()
		b.refs--
		if cancelled {
			b.admitted--
		}
		if b.lease == nil {
			if back < 0 {
				b.refresh(b.spec, now)
			}
			b.level.Whole += back
		} else {
			l.returnLease(tk, back)
		}
		sh.mu.Unlock()
	}
}
