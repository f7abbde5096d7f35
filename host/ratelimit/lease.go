package ratelimit

import (
	"context"
	"math"
	"math/bits"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// lease is a replica's side of a bucket that is shared. The bucket's lock guards it.
// bucket.level.Whole is what is in hand.
//
// It always holds that what is in hand and what was spent since the last answer are
// together what the database has leased; so a token that comes back raises the one and
// lowers the other, whichever lease it was taken from.
type lease struct {
	digest  [16]byte
	epoch   int64
	until   int64 // what is in hand may be spent before then
	spent   int64 // ever
	settled int64 // of spent, what the database knows of
	inUse   int64 // places, of a limit on concurrency

	demand  int64   // taken since from
	from    int64   // 0: nothing yet
	pace    float64 // of demand, a nanosecond; it only sizes leases
	need    int64   // what requests wait for
	largest int64   // of those
	asked   bool    // requests were refused for want of it

	sent   int64             // when the last exchange began
	hold   int64             // what it asked for
	heard  int64             // when the database last answered; 0: never
	store  engine.LimitLevel // what was left there then, and has come in since
	told   bool              // store says something
	dry    bool              // store is known to the part: no request needs to ask before it has enough
	short  bool              // there was less than was asked for
	active bool              // in the book
	dirty  bool              // it has counted what is not reported
	flight chan struct{}     // closed when the exchange that runs has been answered

	admitted int64 // of the bucket's, what is reported
	refused  int64

	share *engine.LimitLevel // while the database is gone
}

// What lacks returns besides 0 and a wait in nanoseconds.
const (
	unknown = -1                // the database may have it
	gone    = math.MaxInt64 - 1 // the database cannot be asked
)

// goneRetry is when a caller is told to come again while the database is gone.
const goneRetry = time.Second

// trust is for how long a dry store is taken to be so: a reset or a return elsewhere is
// seen by then.
const trust = int64(time.Second)

// want is a bucket of which a request needs more than is in hand.
type want struct {
	bucket *bucket
	n      int64
}

// horizon is how far ahead a lease reaches: what a replica that dies can have spent
// without a word, so a small part of the window.
func (s *spec) horizon() int64 {
	if s.places {
		return int64(500 * time.Millisecond)
	}
	return min(max(int64(s.limit.Window)/120, int64(100*time.Millisecond)), int64(2*time.Second))
}

// gap is how soon a database that had too little is asked again.
func (s *spec) gap() int64 { return min(s.horizon()/4, int64(250*time.Millisecond)) }

// lacks reports what is in the way of a take: 0 nothing, unknown, gone, or a wait. It
// decides where the take comes from.
func (l *Limiter) lacks(tk *take, now int64, lacking *[]want) int64 {
	b := tk.bucket
	le, sp := b.lease, b.spec
	hand := int64(0)
	if sp.mode == leased && now < le.until {
		hand = max(b.level.Whole, 0)
		if hand >= tk.n {
			return 0
		}
	}
	if le.dry && now-le.heard < trust {
		le.store.Refill(sp.rate, sp.rate.Size, now)
		if hand+le.store.Whole < tk.n {
			le.asked = true
			return max(le.store.Wait(sp.rate, tk.n-hand), 1)
		}
	}
	if l.book.down.Load() {
		return l.lacksShare(tk, now)
	}
	if sp.mode == exact {
		tk.how = fromStore
		return 0
	}
	if le.short && now < le.sent+sp.gap() {
		le.asked = true
		le.store.Refill(sp.rate, sp.rate.Size, now)
		wait := le.sent + sp.gap() - now
		if more := le.store.Wait(sp.rate, tk.n-hand); more < math.MaxInt64 {
			wait = max(wait, more)
		}
		return wait
	}
	*lacking = append(*lacking, want{b, tk.n})
	return unknown
}

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

func (l *Limiter) spendLease(tk *take, now int64) {
	b := tk.bucket
	le := b.lease
	if le.from == 0 {
		le.from = now
	}
	le.demand += tk.n
	switch {
	case tk.how == fromStore:
		return
	case b.spec.places:
		le.inUse++
		b.level.Whole--
	case tk.how == fromShare:
		le.share.Whole -= tk.n
		le.spent += tk.n
	default:
		b.level.Whole -= tk.n
		le.spent += tk.n
	}
	l.activate(b)
}

// returnLease gives back what was taken and not used, which may be negative.
func (l *Limiter) returnLease(tk *take, back int64) {
	b := tk.bucket
	le := b.lease
	switch {
	case tk.how == fromStore:
		return
	case tk.spec.places:
		le.inUse--
		b.level.Whole++
	case tk.how == taken:
		le.spent -= back
	case tk.how == fromShare:
		le.spent -= back
		if le.share != nil {
			le.share.Whole += back
		}
	default:
		le.spent -= back
		b.level.Whole += back
	}
	if le.spent != le.settled {
		l.activate(b)
	}
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
		if now >= deadline {
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
		r.After = l.cfg.Wait
	}
	return r
}

// maxRounds is how often a request asks for more before it gives way.
const maxRounds = 8

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
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.cfg.Wait)
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
