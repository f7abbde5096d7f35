package ratelimit

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// bucket is what is left of one limit for one combination of values. Its shard's lock
// guards it.
type bucket struct {
	next *bucket // of the same slot
	spec *spec   // the limit when the bucket was last looked at
	hash uint64
	text string // subject.text
	// level is what may be used: of the whole limit where this process is alone, else of
	// what is in hand, which does not rise by itself.
	level    engine.LimitLevel
	admitted int64
	refused  int64
	lease    *lease // nil where this process is alone
	refs     int32  // open reservations
}

const (
	shardBits  = 8
	shardCount = 1 << shardBits
)

// shard is a part of all buckets: a hash table with chains.
type shard struct {
	mu    sync.Mutex
	slots []*bucket // a power of two of them
	n     int
	_     [24]byte // a cache line of its own
}

func shardOf(hash uint64) int { return int(hash >> (64 - shardBits)) }

func (sh *shard) find(hash uint64, sp *spec, s *subject) *bucket {
	if len(sh.slots) == 0 {
		return nil
	}
	for b := sh.slots[hash&uint64(len(sh.slots)-1)]; b != nil; b = b.next {
		if b.hash == hash && b.spec.id == sp.id && s.is(b.text, sp.keyed) {
			return b
		}
	}
	return nil
}

func (sh *shard) add(b *bucket) {
	if sh.n >= len(sh.slots) {
		grown := make([]*bucket, max(8, 2*len(sh.slots)))
		for _, old := range sh.slots {
			for old != nil {
				next := old.next
				at := old.hash & uint64(len(grown)-1)
				old.next, grown[at] = grown[at], old
				old = next
			}
		}
		sh.slots = grown
	}
	at := b.hash & uint64(len(sh.slots)-1)
	b.next, sh.slots[at] = sh.slots[at], b
	sh.n++
}

func (sh *shard) remove(b *bucket) {
	for at := &sh.slots[b.hash&uint64(len(sh.slots)-1)]; *at != nil; at = &(*at).next {
		if *at == b {
			*at, b.next = b.next, nil
			sh.n--
			return
		}
	}
}

// bucket returns the bucket of a limit, at the time now; it makes one that is not there.
func (l *Limiter) bucket(hash uint64, sp *spec, s *subject, now int64) *bucket {
	sh := &l.shards[shardOf(hash)]
	b := sh.find(hash, sp, s)
	if b != nil {
		b.refresh(sp, now)
		return b
	}
	if l.live.Load() >= int64(l.cfg.MaxBuckets) {
		l.evict(sh, now)
	}
	b = &bucket{spec: sp, hash: hash, text: s.text(sp.keyed)}
	b.level = engine.LimitLevel{Whole: sp.rate.Size, At: now}
	if sp.mode != alone {
		b.level.Whole = 0
		b.lease = &lease{digest: b.digest()}
	} else {
		l.restored.into(b, now)
	}
	sh.add(b)
	l.live.Add(1)
	return b
}

// refresh lets time pass, first under the limit as it was and then as it is.
func (b *bucket) refresh(sp *spec, now int64) {
	if sp.since < b.spec.since {
		sp = b.spec // the request began before the change
	}
	if b.spec == sp {
		if sp.mode == alone {
			b.level.Refill(sp.rate, sp.rate.Size, now)
		}
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
	case sp.places():
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
	if b.spec.places() {
		s.Amount, s.WindowUS = 0, 1
	}
	return s
}

// idle reports whether the bucket is as good as new.
func (b *bucket) idle(now int64) bool {
	if b.refs > 0 {
		return false
	}
	if b.lease != nil {
		return !b.lease.active && b.lease.spent == b.lease.settled && b.lease.heard+int64(idleLease) < now
	}
	b.level.Refill(b.spec.rate, b.spec.rate.Size, now)
	return b.level.Whole >= b.spec.rate.Size
}

// idleLease is for how long what the database last said is remembered.
const idleLease = 10 * time.Second

// Sweep forgets the buckets that are as good as new, and returns how many there were.
func (l *Limiter) Sweep(now time.Duration) (forgotten int) {
	for i := range l.shards {
		sh := &l.shards[i]
		sh.mu.Lock()
		before := sh.n
		for at := range sh.slots {
			for link := &sh.slots[at]; *link != nil; {
				if b := *link; b.idle(int64(now)) {
					*link, b.next = b.next, nil
					sh.n--
				} else {
					link = &b.next
				}
			}
		}
		if sh.n == 0 {
			sh.slots = nil
		}
		forgotten += before - sh.n
		l.live.Add(int64(sh.n - before))
		sh.mu.Unlock()
	}
	return forgotten
}

// sample is how many buckets are looked at for one to forget.
const sample = 32

// evict forgets the fullest of some buckets of a shard. One that is in use is not.
func (l *Limiter) evict(sh *shard, now int64) {
	var fullest *bucket
	seen, share := 0, 0.0
	if len(sh.slots) == 0 {
		return
	}
	from := int(uint64(now)*0x9E3779B97F4A7C15>>32) % len(sh.slots)
	for i := range sh.slots {
		for b := sh.slots[(from+i)%len(sh.slots)]; b != nil && seen < sample; b = b.next {
			seen++
			if b.refs > 0 || b.lease != nil && !b.idle(now) {
				continue
			}
			// Of a choice among equals nothing depends on exactness.
			full := float64(b.level.Whole) / float64(max(b.spec.rate.Size, 1))
			if fullest == nil || full > share {
				fullest, share = b, full
			}
		}
		if seen >= sample {
			break
		}
	}
	// Rather too many for a while than one forgotten of which much is used.
	if fullest != nil && (share >= 0.5 || l.live.Load() >= 2*int64(l.cfg.MaxBuckets)) {
		sh.remove(fullest)
		l.live.Add(-1)
	}
}

// Live is how many buckets there are.
func (l *Limiter) Live() int { return int(l.live.Load()) }
