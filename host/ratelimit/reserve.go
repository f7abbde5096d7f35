package ratelimit

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// take is what a reservation has of one bucket.
type take struct {
	spec   *spec
	bucket *bucket
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
	if l.table.Load().empty() && l.announced.n.Load() == 0 {
		return engine.LimitReservation{}, nil
	}
	now := int64(q.Now)
	if now == 0 {
		now = int64(l.cfg.Clock())
	}
	h := l.holds.Get().(*hold)
	h.tokens = max(q.Tokens, 1)
	l.choose(q, h, now)
	var err error
	if l.cfg.Leases == nil {
		if refusal := l.tryTake(q, h, now); refusal != nil {
			err = refusal
		}
	} else {
		err = l.takeShared(ctx, q, h, now)
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
	// Nobody else changes it until this reservation ends.
	return engine.NewLimitReservation(h, h.ticket), nil
}

// choose lists the buckets that count the request in h.takes, in the order in which they
// are locked.
func (l *Limiter) choose(q *engine.LimitRequest, h *hold, now int64) {
	t := l.table.Load()
	spot := spotOf(l.seed, q)
	if known := l.selections.find(spot, t, q); known != nil {
		h.takes = h.takes[:0]
		for _, p := range known.picks {
			h.takes = append(h.takes, take{spec: p.spec, bucket: p.bucket, n: h.units(p.spec)})
		}
		return
	}
	l.lookUp(t, spot, q, h, now, false)
}

// lookUp is choose for a caller of whom nothing is kept. grow is as in bucket.
func (l *Limiter) lookUp(t *table, spot uint64, q *engine.LimitRequest, h *hold, now int64, grow bool) {
	var s subject
	s.set(l.seed, q)
	h.takes = t.match(&s, q.Part, h.takes[:0])
	for i := range h.takes {
		tk := &h.takes[i]
		tk.bucket = l.bucket(s.key(tk.spec), tk.spec, &s, now, grow)
		tk.n = h.units(tk.spec)
	}
	sortTakes(h.takes)
	l.selections.keep(spot, t, q.Part, &s, h.takes)
}

// sortTakes puts takes in the order in which their buckets are locked.
func sortTakes(takes []take) {
	slices.SortStableFunc(takes, func(a, b take) int {
		return cmp.Compare(orderOf(a.spec.keyed, a.bucket.hash), orderOf(b.spec.keyed, b.bucket.hash))
	})
}

// units is what the request takes of a limit.
func (h *hold) units(sp *spec) int64 {
	if sp.tokens {
		return h.tokens
	}
	return 1
}

// lock locks the buckets of all takes. Where one was forgotten meanwhile it locks none and
// returns false.
func lock(takes []take) bool {
	for i := range takes {
		b := takes[i].bucket
		b.mu.Lock()
		if b.gone {
			unlock(takes[:i+1])
			return false
		}
	}
	return true
}

// unlock goes the other way round: what many requests share is free first.
func unlock(takes []take) {
	for i := len(takes) - 1; i >= 0; i-- {
		takes[i].bucket.mu.Unlock()
	}
}

// tryTake takes from all buckets at one moment, or from none. Where the leases in hand do
// not cover it but the database may have more, it lists the buckets in h.lacking and takes
// nothing; a refusal goes before that.
func (l *Limiter) tryTake(q *engine.LimitRequest, h *hold, now int64) *engine.LimitRefusal {
	for again := false; !lock(h.takes); again = true {
		// Where the table is full, one of its buckets must not make room for another for ever.
		l.lookUp(l.table.Load(), spotOf(l.seed, q), q, h, now, again)
	}
	takes := h.takes
	h.lacking = h.lacking[:0]
	var worst *take
	wait, short := int64(-1), false
	for i := range takes {
		tk := &takes[i]
		b := tk.bucket
		b.refresh(tk.spec, now)
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
		l.refused(b)
		if missing > wait {
			worst, wait = tk, missing
		}
	}
	var refusal *engine.LimitRefusal
	if worst != nil {
		refusal = refuse(worst, wait)
	}
	if refusal == nil && !short {
		for i := range takes {
			l.spend(&takes[i], now)
		}
	}
	unlock(takes)
	return refusal
}

// takeShared reserves where replicas share the limits.
func (l *Limiter) takeShared(ctx context.Context, q *engine.LimitRequest, h *hold, now int64) error {
	deadline := now + int64(l.cfg.Wait)
	for range maxRounds {
		if refusal := l.tryTake(q, h, now); refusal != nil {
			return refusal
		}
		if len(h.lacking) == 0 {
			return l.takeExact(ctx, h.takes)
		}
		if now >= deadline || l.leaving.Load() {
			break
		}
		if err := l.acquire(ctx, h.lacking, time.Duration(deadline-now)); err != nil {
			return err
		}
		now = int64(l.cfg.Clock())
	}
	// Others were quicker each time, or the database is slow.
	late := h.lacking[0].bucket
	late.mu.Lock()
	limit := late.spec.limit
	late.mu.Unlock()
	r := &engine.LimitRefusal{
		AccountID: limit.AccountID, LimitID: limit.ID, Kind: limit.Kind, Amount: limit.Amount, Window: limit.Window,
	}
	if limit.Kind != engine.LimitConcurrency {
		r.After = goneRetry
	}
	return r
}

// maxRounds is how often a request asks for more before it gives way.
const maxRounds = 8

// spend takes what tryTake has found to be there.
func (l *Limiter) spend(tk *take, now int64) {
	b := tk.bucket
	b.admitted++
	l.counted(b)
	if b.lease == nil {
		b.level.Whole -= tk.n
		return
	}
	l.spendLease(tk, now)
}

// refuse says why, under the bucket's lock.
func refuse(tk *take, wait int64) *engine.LimitRefusal {
	b := tk.bucket
	limit := &b.spec.limit
	r := &engine.LimitRefusal{
		AccountID: limit.AccountID, LimitID: limit.ID, Kind: limit.Kind, Amount: limit.Amount, Window: limit.Window,
		Remaining: max(b.left(), 0),
	}
	switch {
	case wait == gone:
		r.Unavailable, r.After = true, goneRetry
	case tk.n > b.spec.rate.Size:
		r.TooLarge = true
	case !b.spec.places:
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
		case cancelled || tk.spec.places:
			back = tk.n
		case tk.spec.tokens:
			back = unused
		}
		if back == 0 {
			continue
		}
		b := l.held(tk.bucket)
		tk.bucket = b
		if cancelled {
			b.admitted--
			l.counted(b)
		}
		if b.lease == nil {
			if back < 0 {
				b.refresh(b.spec, now)
			}
			b.level.Whole += back
		} else {
			l.returnLease(tk, back)
		}
		b.mu.Unlock()
	}
}
