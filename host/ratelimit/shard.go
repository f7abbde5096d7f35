package ratelimit

import (
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const (
	shardBits  = 8
	shardCount = 1 << shardBits
)

// shard is a part of all buckets: a hash table with chains. Its lock is taken before a
// bucket's.
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
		if b.hash == hash && b.id == sp.id && s.is(b.text, sp.keyed) {
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

// bucket returns the bucket of a limit; it makes one that is not there, with grow in
// addition to however many there are.
func (l *Limiter) bucket(hash uint64, sp *spec, s *subject, now int64, grow bool) *bucket {
	sh := &l.shards[shardOf(hash)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if b := sh.find(hash, sp, s); b != nil {
		return b
	}
	// Two for one, until those that came in addition are made up for.
	for i := 0; i < 2 && !grow && l.live.Load() >= int64(l.cfg.MaxBuckets); i++ {
		l.evict(sh, now)
	}
	b := &bucket{id: sp.id, spec: sp, hash: hash, text: s.text(sp.keyed)}
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

// held locks the bucket, or the one that has taken its place. One that was forgotten
// without a successor is put back: what is returned to it is not lost.
func (l *Limiter) held(b *bucket) *bucket {
	for {
		b.mu.Lock()
		if !b.gone {
			return b
		}
		b.mu.Unlock()
		b = l.revive(b)
	}
}

func (l *Limiter) revive(b *bucket) *bucket {
	sh := &l.shards[shardOf(b.hash)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if len(sh.slots) > 0 {
		for other := sh.slots[b.hash&uint64(len(sh.slots)-1)]; other != nil; other = other.next {
			if other.hash == b.hash && other.id == b.id && other.text == b.text {
				return other
			}
		}
	}
	b.mu.Lock()
	b.gone = false
	b.mu.Unlock()
	sh.add(b)
	l.live.Add(1)
	return b
}

// Sweep forgets the buckets that are as good as new, and returns how many there were.
func (l *Limiter) Sweep(now time.Duration) (forgotten int) {
	for i := range l.shards {
		sh := &l.shards[i]
		sh.mu.Lock()
		before := sh.n
		for at := range sh.slots {
			for link := &sh.slots[at]; *link != nil; {
				b := *link
				b.mu.Lock()
				b.gone = b.idle(int64(now))
				if b.gone {
					*link, b.next = b.next, nil
					sh.n--
				} else {
					link = &b.next
				}
				b.mu.Unlock()
			}
		}
		if sh.n == 0 {
			sh.slots = nil
		}
		forgotten += before - sh.n
		l.live.Add(int64(sh.n - before))
		sh.mu.Unlock()
	}
	l.selections.sweep(l.table.Load())
	return forgotten
}

// sample is how many buckets are looked at for one to forget.
const sample = 32

// evict forgets the fullest of some buckets of a shard. One that has places in flight, or
// a lease, is not.
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
			b.mu.Lock()
			// Of a choice among equals nothing depends on exactness.
			full := float64(b.level.Whole) / float64(max(b.spec.rate.Size, 1))
			stays := b.spec.places || b.lease != nil
			if stays && b.idle(now) {
				stays, full = false, 1
			}
			b.mu.Unlock()
			if !stays && (fullest == nil || full > share) {
				fullest, share = b, full
			}
		}
		if seen >= sample {
			break
		}
	}
	// Rather too many for a while than one forgotten of which much is used.
	if fullest == nil || share < 0.5 && l.live.Load() < 2*int64(l.cfg.MaxBuckets) {
		return
	}
	fullest.mu.Lock()
	fullest.gone = fullest.lease == nil && !fullest.spec.places || fullest.idle(now)
	gone := fullest.gone
	fullest.mu.Unlock()
	if gone {
		sh.remove(fullest)
		l.live.Add(-1)
	}
}

// Live is how many buckets there are.
func (l *Limiter) Live() int { return int(l.live.Load()) }
