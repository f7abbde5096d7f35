package wasm

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// A version that fails this often in this time steps back for the one before it. After
// the pause it is tried again.
const (
	tooManyFailures = 5
	failureWindow   = 10 * time.Second
	suspendedFor    = 5 * time.Minute
)

// suspension is the health of one version. Safe for concurrent use.
type suspension struct {
	until    atomic.Int64         // milliseconds since 1970; 0: not suspended
	lastGood atomic.Pointer[slot] // what serves in its place

	mu     sync.Mutex // guards what follows
	recent [tooManyFailures]time.Time
	next   int
}

// fail notes a failure and reports whether it is one too many.
func (s *suspension) fail(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent[s.next] = now
	s.next = (s.next + 1) % tooManyFailures
	first := s.recent[s.next]
	return !first.IsZero() && now.Sub(first) <= failureWindow
}

// begin suspends; false when it was suspended already.
func (s *suspension) begin(now time.Time, lastGood *slot) bool {
	before := s.until.Load()
	if before > now.UnixMilli() {
		return false
	}
	s.mu.Lock()
	s.recent = [tooManyFailures]time.Time{}
	s.mu.Unlock()
	s.lastGood.Store(lastGood)
	return s.until.CompareAndSwap(before, now.Add(suspendedFor).UnixMilli())
}

// holds reports whether the version is suspended.
func (s *suspension) holds() bool {
	until := s.until.Load()
	return until != 0 && time.Now().UnixMilli() < until
}

// failedOnce counts a version's failure, and suspends it where there is one to go back to:
// without, the rule's own policy says what becomes of its requests.
func (l *Library) failedOnce(s *slot, kind trapKind) {
	s.telemetry.traps[kind].Add(1)
	now := time.Now()
	if !s.suspension.fail(now) {
		return
	}
	g := l.current.Load()
	key := activeKey{s.version.AccountID, s.version.Name}
	if g.active[key] != s {
		return // somebody asked for it by number
	}
	before := g.before(s)
	if before == nil || !s.suspension.begin(now, before) {
		return
	}
	l.cfg.Logger.Error().Str("plugin", s.version.Name+"@"+s.version.Version).Str("tenant_id", s.version.AccountID).
		Str("serves", before.version.Version).Msg("plugin version suspended")
	if l.cfg.OnSuspend != nil {
		l.cfg.OnSuspend(engine.PluginSuspension{
			AccountID: s.version.AccountID, Name: s.version.Name, Version: s.version.Version,
			LastGood: before.version.Version, Until: now.Add(suspendedFor),
		})
	}
}

// before returns the slot of the newest version that is older than s and not suspended.
func (g *generation) before(s *slot) *slot {
	var best *slot
	for _, other := range g.exact {
		v := other.version
		if other == s || v.AccountID != s.version.AccountID || v.Name != s.version.Name || v.Kind != s.version.Kind || other.suspension.holds() {
			continue
		}
		older := v.CreatedAt.Before(s.version.CreatedAt) || v.CreatedAt.Equal(s.version.CreatedAt) && v.Version < s.version.Version
		if older && (best == nil || v.CreatedAt.After(best.version.CreatedAt)) {
			best = other
		}
	}
	return best
}

// Resume ends a suspension, as when somebody activates the version again.
func (l *Library) Resume(accountID, name, version string) {
	if s := l.current.Load().exact[exactKey{accountID, name, version}]; s != nil {
		s.suspension.until.Store(0)
	}
}
