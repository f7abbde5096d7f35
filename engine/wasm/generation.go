package wasm

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// loadTimeout bounds loading a version that is not active when it is first asked for.
const loadTimeout = 30 * time.Second

// retryAfter is how long a version that could not be loaded is not tried again, by
// others than Sync.
const retryAfter = 5 * time.Second

// loader fetches a version's module.
type loader func(context.Context, engine.PluginVersion) ([]byte, error)

// generation is what the library offers at one time. Immutable, except that its
// slots may be filled later.
type generation struct {
	active map[activeKey]*slot
	exact  map[exactKey]*slot
	shares map[string]*share // by account
}

type activeKey struct{ account, name string }
type exactKey struct{ account, name, version string }

// slot is the place of one version. Generations that both offer it share it.
type slot struct {
	version engine.PluginVersion // without module
	load    loader
	asked   atomic.Bool // for name@version, since the last Sync

	filled atomic.Pointer[plugin] // nil: not loaded

	share      *share             // of the account; nil for a global version
	meter      engine.PluginMeter // nil: nobody counts
	telemetry  telemetry
	suspension suspension

	mu      sync.Mutex // guards what follows
	retired bool       // no longer to be filled
	failure error      // of the last attempt to fill it
	failed  time.Time
}

func (g *generation) slots() []*slot {
	var all []*slot
	for _, s := range g.exact {
		all = append(all, s)
	}
	return all
}

// offers reports whether the slot is one of g's; it may be nil.
func (g *generation) offers(s *slot) bool {
	return s != nil && g.exact[exactKey{s.version.AccountID, s.version.Name, s.version.Version}] == s
}

// find returns the slot that ref names, the account's own before a global one.
func (g *generation) find(account, ref string) (*slot, error) {
	name, version, exact := strings.Cut(ref, "@")
	for _, a := range []string{account, ""} {
		var s *slot
		if exact {
			s = g.exact[exactKey{a, name, version}]
		} else {
			s = g.active[activeKey{a, name}]
		}
		if s == nil {
			continue
		}
		if exact {
			s.asked.Store(true)
		} else if s.suspension.holds() {
			if before := s.suspension.lastGood.Load(); g.offers(before) {
				before.asked.Store(true)
				return before, nil
			}
		}
		return s, nil
	}
	return nil, fmt.Errorf("plugin %q: %w", ref, engine.ErrNotFound)
}

// lookup returns the loaded plugin that ref names; it loads one that is not active.
func (l *Library) lookup(account, ref, kind string) (*plugin, error) {
	s, err := l.current.Load().find(account, ref)
	if err != nil {
		return nil, err
	}
	if s.version.Kind != kind {
		return nil, fmt.Errorf("plugin %q is a %s, not a %s: %w", ref, s.version.Kind, kind, engine.ErrNotFound)
	}
	if p := s.filled.Load(); p != nil {
		return p, nil
	}
	if err := s.recent(time.Now()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	return l.filledNow(ctx, s)
}

// filledNow returns what fills the slot, loading it as often as it is unloaded again for
// want of room before it can be returned.
func (l *Library) filledNow(ctx context.Context, s *slot) (*plugin, error) {
	for range 10 {
		if p := s.filled.Load(); p != nil {
			return p, nil
		}
		if err := l.fill(ctx, s); err != nil {
			return nil, err
		}
	}
	return nil, engine.Errorf(engine.CodePluginFailed, "plugin %s@%s: too many plugins are in use", s.version.Name, s.version.Version)
}

// recent returns the failure to load the slot's plugin while it is too early to try again.
func (s *slot) recent(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil || now.Sub(s.failed) >= retryAfter {
		return nil
	}
	return s.failure
}

func (s *slot) remember(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure, s.failed = err, time.Now()
}

// fill loads the slot's plugin unless it is loaded. It is done once however many ask.
func (l *Library) fill(ctx context.Context, s *slot) error {
	key := fmt.Sprintf("load %p", s)
	_, err, _ := l.loading.Do(key, func() (any, error) {
		if s.filled.Load() != nil {
			return nil, nil
		}
		var err error
		broken := engine.Contain(l.cfg.Logger, "load of a plugin", func() {
			var c *code
			if c, err = l.codeOf(ctx, s); err == nil {
				err = l.place(s, c)
			}
			if err == nil && s.version.AccountID != "" {
				l.evict(s)
			}
		})
		if broken != nil {
			err = broken
		}
		if err != nil {
			err = fmt.Errorf("load plugin %s@%s: %w", s.version.Name, s.version.Version, err)
		}
		s.remember(err)
		return nil, err
	})
	return err
}

// codeOf returns the slot's compiled code, held for the caller.
func (l *Library) codeOf(ctx context.Context, s *slot) (*code, error) {
	if c := l.compiled(s.version.SHA256); c != nil {
		return c, nil
	}
	module, err := s.load(ctx, s.version)
	if err != nil {
		return nil, err
	}
	// What is stored passed the gate of the day; it is tried again when it is first used.
	u := &upload{version: s.version, module: module}
	err = pass(ctx, loadStages(l), u)
	return u.code, err
}

// place makes a plugin of the code and puts it into the slot. A global one is given
// its first instance at once, so that nobody waits for it; a tenant's waits for its first call.
func (l *Library) place(s *slot, c *code) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		l.letGo(c)
		return engine.Errorf(engine.CodePluginFailed, "the plugin library is closed")
	}
	l.live++
	l.mu.Unlock()
	p := l.newPlugin(s.version, c)
	p.slot, p.share = s, s.share
	if s.version.AccountID == "" {
		in, err := p.borrow(context.Background(), "")
		if err != nil {
			p.letGo()
			return err
		}
		l.file(in.guest)
		in.idle()
		p.own.warm <- in
		p.own.leave()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired {
		p.letGo()
		return fmt.Errorf("plugin %s was replaced: %w", p.ref, engine.ErrNotFound)
	}
	s.filled.Store(p)
	p.touch()
	return nil
}

// retire lets go of the slots' plugins, which close after their last call.
func (l *Library) retire(slots []*slot) {
	for _, s := range slots {
		s.mu.Lock()
		already := s.retired
		s.retired = true
		s.mu.Unlock()
		if p := s.filled.Load(); p != nil && !already {
			p.letGo()
		}
	}
}
