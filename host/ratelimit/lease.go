package ratelimit

import (
	"math"
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
