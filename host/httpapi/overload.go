package httpapi

import (
	"errors"
	"net/http"
	"sync"
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
		if share := g.memory(); share > 0 {
			most = max(int(float64(most)*share), 1)
		} else {
			most = 0
		}
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

// faltered reports whether a request failed for want of what the server itself needs: the
// database of limits or budgets, or room to write usage down. No caller can bring that about:
// neither its own limits nor its providers count, whose errors have no status of their own.
func faltered(err error) bool {
	if err == nil {
		return false
	}
	if r := engine.AsLimitRefusal(err); r != nil {
		return r.Unavailable
	}
	var e *engine.Error
	return errors.As(err, &e) && e.Code == engine.CodeNoTarget && e.Status == http.StatusServiceUnavailable
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
