package wasm

import (
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pointsman/pointsman/engine"
)

// Sync makes the library offer these versions (their modules may be nil) and no
// others. load fetches the module of one: at once for global ones that are active, on
// first use for the rest, then with a context of its own. What did not change stays as it is.
//
// The new generation is published at once, whole. What it no longer offers finishes
// its calls and open adapters, serves those who still hold it until the next Sync or for
// Config.Grace, and is then freed.
//
// Errors: those of the versions that could not be loaded, joined; the others are
// published all the same, and the next Sync tries again. When ctx ends, nothing is
// published. Syncs run one after the other.
func (l *Library) Sync(ctx context.Context, versions []engine.PluginVersion, load func(context.Context, engine.PluginVersion) ([]byte, error)) error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	if l.isClosed() {
		return engine.Errorf(engine.CodePluginFailed, "the plugin library is closed")
	}
	old := l.current.Load()
	next := &generation{active: map[activeKey]*slot{}, exact: map[exactKey]*slot{}, shares: map[string]*share{}}
	shares := sharing{old.shares, next.shares}
	var wanted []*slot
	for _, v := range versions {
		v.Module = nil
		key := exactKey{v.AccountID, v.Name, v.Version}
		s := old.keep(key, v)
		if s == nil {
			s = &slot{version: v, load: load, share: shares.of(v.AccountID), meter: l.meterOf(v)}
		}
		shares.of(v.AccountID)
		next.exact[key] = s
		if v.Active {
			next.active[activeKey{v.AccountID, v.Name}] = s
			if v.AccountID == "" || s.filled.Load() != nil || l.isCompiled(v.SHA256) {
				wanted = append(wanted, s)
			}
		}
	}

	failures := make([]error, len(wanted))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range wanted {
		group.Go(func() error {
			failures[i] = l.fill(ctx, s)
			return nil
		})
	}
	_ = group.Wait()
	if err := ctx.Err(); err != nil {
		l.retire(next.without(old))
		return err
	}

	l.current.Store(next)
	l.replace(old.without(next))
	l.releasePrepared()
	return errors.Join(failures...)
}

// keep returns the slot of the version if it can be carried over: it holds the same
// module, and the version is active or was asked for by its number.
func (g *generation) keep(key exactKey, v engine.PluginVersion) *slot {
	s := g.exact[key]
	if s == nil || s.version.SHA256 != v.SHA256 {
		return nil
	}
	if asked := s.asked.Swap(false); v.Active || asked || s.filled.Load() == nil {
		return s
	}
	return nil
}

// without returns the slots of g that next does not share.
func (g *generation) without(next *generation) []*slot {
	var gone []*slot
	for key, s := range g.exact {
		if next.exact[key] != s {
			gone = append(gone, s)
		}
	}
	return gone
}

// replace retires what the Sync before left behind and gives its own leavings their time.
func (l *Library) replace(leaving []*slot) {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.retire(l.leaving)
	l.leaving = leaving
	if len(leaving) > 0 {
		l.timer = time.AfterFunc(l.cfg.Grace, func() { l.retire(leaving) })
	}
}

func (l *Library) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// isCompiled reports whether the code with that hash is at hand, as after an upload.
func (l *Library) isCompiled(sum [32]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.codes[sum] != nil
}

// sharing carries the accounts' shares from one generation to the next.
type sharing struct{ old, next map[string]*share }

// of returns the account's share; nil for what is global.
func (s sharing) of(account string) *share {
	if account == "" {
		return nil
	}
	if s.next[account] == nil {
		s.next[account] = s.old[account]
	}
	if s.next[account] == nil {
		s.next[account] = newShare()
	}
	return s.next[account]
}
