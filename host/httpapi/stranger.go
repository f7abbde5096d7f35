package httpapi

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

const (
	strangerSources = 8192        // addresses that are remembered, each of about 150 bytes
	strangerGuesses = 8           // unknown keys that are remembered of each
	strangerFriends = 1024        // right keys, each from an address
	friendEvery     = time.Second // each is noted anew so often
	friendFor       = 24 * time.Hour
	warnEvery       = time.Minute
)

// madePrefix begins the keys that were made at random, which nobody guesses. Others were chosen
// by an operator.
const madePrefix = "pm_"

// strangers bounds how many unknown keys an address may try, without harm to those who share it.
// See RATIONALE.md, "Who is told to stop trying keys?". Safe for concurrent use. The zero value,
// or a nil one, bounds nothing.
type strangers struct {
	most int // unknown keys of one address in a minute
	seed maphash.Seed

	wary   atomic.Int64 // until then, Unix nanoseconds, some address may try nothing
	warned atomic.Int64

	mu      sync.Mutex
	sources *lru.Cache[netip.Prefix, tries]
	friends *lru.Cache[friend, time.Time] // when it was right last
}

// tries are what an address may still try, as of a moment, and what it tried last.
type tries struct {
	left float64
	at   time.Time
	last [strangerGuesses]uint64
	next int // place in last
}

// friend is a chosen key that was right from an address.
type friend struct {
	network        netip.Prefix
	account, keyID string
}

// newStrangers returns nil, which bounds nothing, when most is not positive.
func newStrangers(most int) (*strangers, error) {
	if most <= 0 {
		return nil, nil
	}
	sources, err := lru.New[netip.Prefix, tries](strangerSources)
	if err != nil {
		return nil, err
	}
	friends, err := lru.New[friend, time.Time](strangerFriends)
	if err != nil {
		return nil, err
	}
	return &strangers{most: most, seed: maphash.MakeSeed(), sources: sources, friends: friends}, nil
}

// refill brings what may be tried up to now.
func (g *strangers) refill(t tries, known bool, now time.Time) tries {
	if !known {
		t.left = float64(g.most)
	} else if passed := now.Sub(t.at); passed > 0 { // or the clock was turned back
		t.left = min(t.left+passed.Minutes()*float64(g.most), float64(g.most))
	}
	t.at = now
	return t
}

// wait is how long until one more may be tried; 0: now.
func (g *strangers) wait(t tries) time.Duration {
	if t.left >= 1 {
		return 0
	}
	return time.Duration((1 - t.left) / float64(g.most) * float64(time.Minute))
}

// tried counts an unknown key. after is how long its sender is to wait when it was too many. The
// same key again is no new guess: it is a program with an old key, which is to be told so.
func (g *strangers) tried(now time.Time, network netip.Prefix, key string) (after time.Duration) {
	if g == nil {
		return 0
	}
	guess := maphash.String(g.seed, key)
	g.mu.Lock()
	defer g.mu.Unlock()
	t, known := g.sources.Get(network)
	t = g.refill(t, known, now)
	if !slices.Contains(t.last[:], guess) {
		if after = g.wait(t); after > 0 {
			g.wary.Store(max(g.wary.Load(), now.Add(after).UnixNano()))
		} else {
			t.left--
			t.last[t.next], t.next = guess, (t.next+1)%strangerGuesses
			if w := g.wait(t); w > 0 {
				g.wary.Store(max(g.wary.Load(), now.Add(w).UnixNano()))
			}
		}
	}
	g.sources.Add(network, t)
	return after
}

// right is asked about a chosen key that is right: where too many were tried it counts only if it
// was right there before, or trying would find it. network is called when it is needed.
func (g *strangers) right(now time.Time, network func() netip.Prefix, account, keyID string) (after time.Duration) {
	if g == nil {
		return 0
	}
	f := friend{network(), account, keyID}
	seen, ok := g.friends.Peek(f)
	since := now.Sub(seen)
	if ok && since >= 0 && since < friendEvery {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if (!ok || since > friendFor) && g.alarmed(now) > 0 {
		if t, known := g.sources.Get(f.network); known {
			after = g.wait(g.refill(t, known, now))
		}
	}
	if after == 0 {
		g.friends.Add(f, now)
	}
	return after
}

// alarmed is how long some address may try nothing, at most 0 when all may.
func (g *strangers) alarmed(now time.Time) time.Duration {
	if g == nil {
		return 0
	}
	return time.Duration(g.wary.Load() - now.UnixNano())
}

// admitted is what becomes of a request after authenticate said f of the key: f, or that its sender
// tries too many keys.
func (s *Server) admitted(fctx *fasthttp.RequestCtx, now time.Time, key string, p engine.Principal, f *failure) *failure {
	network := func() netip.Prefix { return networkOf(s.client(fctx)) }
	var after time.Duration
	switch {
	case key == "" || f == nil && strings.HasPrefix(key, madePrefix):
		return f
	case f == nil:
		after = s.strangers.right(now, network, p.AccountID, p.KeyID)
	case f == unauthorized || f.code == string(engine.CodeDatabaseUnavailable) && !strings.HasPrefix(key, madePrefix):
		after = s.strangers.tried(now, network(), key)
	}
	if after <= 0 {
		return f
	}
	s.warnOfGuessing(now, network())
	refused := failed(http.StatusTooManyRequests, string(engine.CodeRateLimited), "Too many unknown API keys came from this address. Wait, then try again.")
	refused.after = after
	return refused
}

// warnOfGuessing says so in the log, once a minute for all addresses together.
func (s *Server) warnOfGuessing(now time.Time, network netip.Prefix) {
	last := s.strangers.warned.Load()
	if now.UnixNano()-last < int64(warnEvery) || !s.strangers.warned.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	s.cfg.Logger.Warn().Stringer("network", network).Msg("unknown API keys are being tried; what is too many is answered 429")
}

// networkOf is what one client can easily have of addresses: an IPv4 one, or a /64 of IPv6.
func networkOf(from netip.Addr, _ bool) netip.Prefix {
	from = from.Unmap().WithZone("")
	bits := 64
	if from.Is4() {
		bits = 32
	}
	p, err := from.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address: those share one bound
	}
	return p
}
