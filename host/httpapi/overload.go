package httpapi

import (
	"math"
	"net/http"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// gate bounds how many requests are served at one moment. Nobody waits at it: what does
// not fit is refused at once. See RATIONALE.md, "Who is refused when there is too much?".
// Safe for concurrent use. The zero value of most lets nobody in.
type gate struct {
	most   int                    // when memory is plenty
	memory func() (share float64) // of most that there is memory for, 0–1; nil: all of it
	clock  func() time.Duration   // monotonic; nil: it widens at once
	mu     sync.Mutex
	all    int
	of     map[string]int // by account; no entry is 0
	// width is how many are let in since it was narrowed, and widened when; 0: as many as
	// there is room for.
	width   int
	widened time.Duration
}

// After it was narrowed the gate is twice as wide every widenEvery, from narrowest on: whoever
// was turned away comes back all at once.
const (
	widenEvery = time.Second
	narrowest  = 64
)

// greed is how many times as much as what is still free one account may hold: with 3, one
// alone gets three quarters, and whoever comes then always finds room.
const greed = 3

// enter lets one request of the account in; it must leave. The failure is for who may not.
func (g *gate) enter(account string) *failure {
	most := g.most
	if g.memory != nil {
		most = max(int(float64(most)*g.memory()), 1)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	most = g.widen(most)
	held := g.of[account]
	if g.all >= most || held > 0 && held >= greed*(most-g.all) {
		return overloaded(held, most-g.all)
	}
	if g.of == nil {
		g.of = map[string]int{}
	}
	g.of[account] = held + 1
	g.all++
	return nil
}

// widen returns how many of most there is room for may be under way now.
func (g *gate) widen(most int) int {
	if g.clock == nil {
		return most
	}
	if most < g.most && (g.width == 0 || most <= g.width) {
		g.width, g.widened = max(most, narrowest), g.clock()
		return most
	}
	if g.width == 0 {
		return most
	}
	for now := g.clock(); now-g.widened >= widenEvery && g.width < g.most; g.widened += widenEvery {
		g.width *= 2
	}
	if g.width >= g.most {
		g.width = 0
		return most
	}
	return min(most, g.width)
}

// falter narrows the gate: the server itself could not serve a request, so that what is
// refused now will come again.
func (g *gate) falter() {
	if g.clock == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.width, g.widened = narrowest, g.clock()
}

// faltered reports whether a request failed for want of what the server itself needs. No
// caller can bring that about: neither its own limits nor its providers count.
func faltered(err error) bool {
	r := engine.AsLimitRefusal(err)
	return r != nil && r.Unavailable
}

// leave ends what enter let in.
func (g *gate) leave(account string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.of[account]--; g.of[account] <= 0 {
		delete(g.of, account)
	}
}

func (g *gate) inFlight() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all
}

// overloaded is the answer to who is not let in. When there will be room depends on others'
// requests: a second is an invitation, longer for an account that has much under way.
func overloaded(held, free int) *failure {
	message := "The server is at its limit of requests. Try again shortly."
	if free > 0 {
		message = "The server is busy, and this account has its share of it: " + itoa(held) + " requests are under way. Try again shortly."
	}
	f := failed(http.StatusServiceUnavailable, codeOverloaded, message)
	f.after = time.Second
	return f
}

// inference reports whether a request of that route occupies a model, and is therefore let
// in by the one gate; the rest, which is short, has a pool of its own.
func (a access) inference() bool { return a.scope == engine.ScopeInference }

// Where memory begins to count, and where next to nothing is let in, as shares of the limit.
const (
	memoryEasy = 0.70
	memoryFull = 0.95
	leastShare = 1.0 / 64
)

// memoryEvery is how old a measurement may be.
const memoryEvery = int64(50 * time.Millisecond)

// memoryPressure measures how much live memory there is, now and then, when it is asked.
type memoryPressure struct {
	limit int64                // bytes
	live  func() uint64        // bytes; nil: measured
	clock func() time.Duration // monotonic
	at    atomic.Int64
	share atomic.Uint64 // bits of a float64
}

func newMemoryPressure(limit int64) *memoryPressure {
	p := &memoryPressure{limit: limit, live: liveMemory, clock: engine.Monotonic}
	p.share.Store(math.Float64bits(1))
	return p
}

// room is what share of the usual requests there is memory for.
func (p *memoryPressure) room() float64 {
	now, at := int64(p.clock()), p.at.Load()
	if (at == 0 || now-at >= memoryEvery) && p.at.CompareAndSwap(at, now) {
		used := float64(p.live()) / float64(p.limit)
		share := (memoryFull - used) / (memoryFull - memoryEasy)
		p.share.Store(math.Float64bits(max(leastShare, min(1, share))))
	}
	return math.Float64frombits(p.share.Load())
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
