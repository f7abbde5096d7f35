package httpapi

import (
	"math"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// The stages of memory, as shares of the limit: from memoryEasy on ever fewer requests are let
// in (at 85 %, four of ten), from memoryFull on next to none, and memory is collected so that what
// has ended is seen to have; from memoryOver on none at all.
const (
	memoryEasy = 0.70
	memoryFull = 0.95
	memoryOver = 0.98
	leastShare = 1.0 / 64
)

// memoryEvery is how old a measurement may be.
const memoryEvery = int64(50 * time.Millisecond)

// collectEvery is how often memory is collected for the sake of its measurement.
const collectEvery = int64(time.Second)

// memoryPressure measures how much live memory there is, now and then, when it is asked.
type memoryPressure struct {
	limit int64                // bytes
	live  func() uint64        // bytes; nil: measured
	clock func() time.Duration // monotonic
	at    atomic.Int64
	share atomic.Uint64 // bits of a float64

	collect    func() // brings live up to date; it may take long
	collected  atomic.Int64
	collecting atomic.Bool
}

func newMemoryPressure(limit int64) *memoryPressure {
	p := &memoryPressure{limit: limit, live: liveMemory, clock: engine.Monotonic, collect: runtime.GC}
	p.share.Store(math.Float64bits(1))
	return p
}

// room is what share of the usual requests there is memory for; 0: none.
func (p *memoryPressure) room() float64 {
	now, at := int64(p.clock()), p.at.Load()
	if (at == 0 || now-at >= memoryEvery) && p.at.CompareAndSwap(at, now) {
		used := float64(p.live()) / float64(p.limit)
		share := max(leastShare, min(1, (memoryFull-used)/(memoryFull-memoryEasy)))
		if used >= memoryOver {
			share = 0
		}
		p.share.Store(math.Float64bits(share))
		if used >= memoryFull {
			p.renew(now)
		}
	}
	return math.Float64frombits(p.share.Load())
}

// renew has memory collected: while next to nothing is let in, the next collection might be
// minutes off, and with it the news that there is room again. What it starts ends by itself.
func (p *memoryPressure) renew(now int64) {
	if last := p.collected.Load(); last != 0 && now-last < collectEvery || !p.collecting.CompareAndSwap(false, true) {
		return
	}
	p.collected.Store(now)
	go func() {
		defer p.collecting.Store(false)
		p.collect()
	}()
}

// liveMemory is what the last garbage collection has left, and the stacks. What it will
// collect is no pressure.
func liveMemory() uint64 {
	samples := [...]metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples[:])
	total := uint64(0)
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			total += s.Value.Uint64()
		}
	}
	return total
}
