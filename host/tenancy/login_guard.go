package tenancy

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/pointsman/pointsman/engine"
)

// Of wrong keys from one source the first few cost nothing; each one after doubles the wait,
// up to a bound: whoever shares an address or a prefix with an attacker waits too.
const (
	guardFree    = 5
	guardFirst   = time.Second
	guardMost    = time.Minute
	guardForget  = 15 * time.Minute
	guardSources = 8192
)

// So many sessions a key opens in openWithin: as many as it can have at once.
const (
	openMost   = engine.MaxLogins
	openWithin = time.Minute
)

// guard slows those down who try keys. Safe for concurrent use.
type guard struct {
	mu      sync.Mutex
	sources *lru.Cache[string, attempts]
}

// attempts are wrong keys of a source and the last one's time, or what a key opened and since when.
type attempts struct {
	count int
	last  time.Time
}

func newGuard() (*guard, error) {
	sources, err := lru.New[string, attempts](guardSources)
	return &guard{sources: sources}, err
}

// wait is how long after the last failure nothing is tried.
func (a attempts) wait() time.Duration {
	if a.count < guardFree {
		return 0
	}
	return min(guardFirst<<min(a.count-guardFree, 10), guardMost)
}

// enter lets an attempt from these sources through, and counts it as failed until it is
// forgiven: attempts at one moment must not pass for one. after is how long to wait when it
// is not let through.
func (g *guard) enter(now time.Time, sources ...string) (after time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, source := range sources {
		if a, ok := g.sources.Get(source); ok && now.Sub(a.last) < guardForget {
			after = max(after, a.last.Add(a.wait()).Sub(now))
		}
	}
	if after > 0 {
		return after
	}
	for _, source := range sources {
		a, _ := g.sources.Get(source)
		if now.Sub(a.last) >= guardForget {
			a = attempts{}
		}
		g.sources.Add(source, attempts{a.count + 1, now})
	}
	return 0
}

// forgive takes back the attempt that enter counted.
func (g *guard) forgive(_ time.Time, sources ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, source := range sources {
		if a, ok := g.sources.Get(source); ok && a.count > 0 {
			g.sources.Add(source, attempts{a.count - 1, a.last})
		}
	}
}

// open counts a session of that key. after is how long to wait when it may not open one now.
func (g *guard) open(now time.Time, key string) (after time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, _ := g.sources.Get(key)
	if now.Sub(a.last).Abs() >= openWithin { // or the clock was turned back
		a = attempts{last: now}
	}
	if a.count >= openMost {
		return min(a.last.Add(openWithin).Sub(now), openWithin)
	}
	g.sources.Add(key, attempts{a.count + 1, a.last})
	return 0
}

// network is what one client can easily have of addresses: an IPv4 one, or a /64 of IPv6.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// beginning is the part of a key that is kept in clear.
func beginning(key string) string {
	n := shownChars
	if !strings.HasPrefix(key, keyPrefix) {
		n = 4
	}
	return key[:min(n, len(key))]
}

// failures are wrong keys that the audit log does not have yet.
type failures struct {
	mu     sync.Mutex
	count  int
	logged time.Time
}

// add counts one, and returns how many are to be logged now: 0 within a minute of the last
// time.
func (f *failures) add(now time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	if !f.logged.IsZero() && now.Sub(f.logged) < auditFailures {
		return 0
	}
	count := f.count
	f.count, f.logged = 0, now
	return count
}
