package ratelimit

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// bucket is what is left of one limit for one combination of values.
type bucket struct {
	next *bucket // of the same slot; its shard's lock guards it
	id   *identity
	hash uint64 // subject.key
	text string // subject.text

	mu   sync.Mutex
	spec *spec // the limit when the bucket was last looked at
	// level is what may be used: of the whole limit where this process is alone, else of
	// what is in hand, which does not rise by itself.
	level    engine.LimitLevel
	admitted int64
	refused  int64
	lease    *lease // nil where this process is alone; the pointer never changes
	gone     bool   // forgotten: it is not in the table
}

// orderOf says in which order the buckets of a request are locked, the same for all
// requests: those that many of them share last, for the shortest time.
func orderOf(keyed engine.LimitDimensions, hash uint64) uint64 {
	return uint64(dimensionCount-bits.OnesCount8(uint8(keyed)))<<60 | hash>>4
}

// refresh lets time pass, first under the limit as it was and then as it is.
func (b *bucket) refresh(sp *spec, now int64) {
	if b.spec == sp {
		if sp.mode == alone {
			b.level.Refill(sp.rate, sp.rate.Size, now)
		}
		return
	}
	if sp.since < b.spec.since {
		b.refresh(b.spec, now) // the request began before the change
		return
	}
	was := b.spec
	b.spec = sp
	if b.lease != nil {
		// What was last heard is of the limit as it was: after a change or a reset here the
		// next request asks.
		b.lease.told, b.lease.dry, b.lease.short = false, false, false
		return
	}
	if sp.since > b.level.At {
		b.level.Refill(was.rate, was.rate.Size, min(sp.since, now))
	}
	switch {
	case sp.places:
		b.level.Whole += sp.rate.Size - was.rate.Size
	case sp.limit.Resets > was.limit.Resets:
		b.level.Whole, b.level.Part = sp.rate.Size, 0
	default:
		b.level.Scale(was.rate, sp.rate)
	}
	b.level.Refill(sp.rate, sp.rate.Size, now)
}

// digest names the bucket in the database, the same in every replica.
func (b *bucket) digest() (d [16]byte) {
	h := sha256.New()
	l := b.spec.limit
	var head [9]byte
	head[0] = byte(b.spec.keyed)
	binary.BigEndian.PutUint64(head[1:], uint64(l.Window))
	h.Write(head[:])
	h.Write([]byte(string(l.Kind) + "\x00" + b.text))
	copy(d[:], h.Sum(nil))
	return d
}

// stored is the bucket as the database knows it.
func (b *bucket) stored(digest [16]byte) engine.LimitBucket {
	l := b.spec.limit
	s := engine.LimitBucket{
		LimitBucketKey: engine.LimitBucketKey{AccountID: l.AccountID, LimitID: l.ID, Digest: digest},
		Scope:          scopeText(b.text, b.spec.keyed), Amount: l.Amount, WindowUS: l.Window.Microseconds(), Size: l.Size(),
		Version: l.UpdatedAt.UnixMicro(), Resets: l.Resets,
	}
	if b.spec.places {
		s.Amount, s.WindowUS = 0, 1
	}
	return s
}

// idle reports whether the bucket is as good as new.
func (b *bucket) idle(now int64) bool {
	if le := b.lease; le != nil {
		return !le.active && !le.dirty && le.flight == nil && le.spent == le.settled && le.heard+int64(idleLease) < now
	}
	b.level.Refill(b.spec.rate, b.spec.rate.Size, now)
	return b.level.Whole >= b.spec.rate.Size
}

// idleLease is for how long what the database last said is remembered.
const idleLease = 10 * time.Second

// refused counts a refusal. The bucket's lock is held.
func (l *Limiter) refused(b *bucket) {
	b.refused++
	l.counted(b)
}
