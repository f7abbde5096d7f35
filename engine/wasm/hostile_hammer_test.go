package wasm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// TestHammerTenants: accounts' versions are replaced, activated, suspended, resumed, evicted
// and idled under calls of rules, by name and by number, and of a provider. Calls of good
// versions succeed and are wholly of one; at the end every count is zero and every turn free.
func TestHammerTenants(t *testing.T) {
	t.Parallel()
	rounds := 60
	if os.Getenv("POINTSMAN_SOAK") != "" {
		rounds = 3_000
	}
	l, err := Open(t.Context(), Config{
		PoolSize: 3, RuleLimit: patience, ProviderLimit: patience, TenantBytes: 200 << 10, CacheDir: t.TempDir(), CacheKey: []byte("key"),
	})
	if err != nil {
		t.Fatal(err)
	}
	accounts := []string{"acme", "rival", "mallory"}
	epoch := time.Now()
	var shelves [2]shelf
	for i := range shelves {
		s := &shelves[i]
		vendor := adapter(abi.EntryEvent, seq(i32c(0), i32c(1), call(0), i32c(0)), "emit")
		vendor.name, vendor.version, vendor.data = "vendor", fmt.Sprintf("%d.0.0", i+1), fmt.Sprint(i+1)
		s.add(t, "", vendor.build(t))
		for _, account := range accounts {
			versions := []string{"1.0.0", "2.0.0"}
			if i == 1 {
				versions = []string{"2.0.0", "1.0.0"} // the other one is active
			}
			for _, version := range versions {
				a := versioned(version)
				if account == "mallory" && version == "2.0.0" {
					a = rich(seq(forever, i32c(0)))
					a.version = version
				}
				s.add(t, account, a.build(t))
			}
		}
		for k := range s.versions {
			s.versions[k].CreatedAt = epoch.Add(time.Duration(s.versions[k].Version[0]) * time.Second)
		}
	}
	shelves[0].sync(t, l)

	var done atomic.Bool
	var good, stopped atomic.Int64
	var group sync.WaitGroup
	until := func(work func()) {
		group.Go(func() {
			for !done.Load() {
				work()
			}
		})
	}
	for _, account := range accounts {
		for _, ref := range []string{"test", "test@1.0.0"} {
			until(func() {
				var answer engine.RuleAnswer
				g, err := l.RuleGuest(account, ref)
				if err == nil {
					err = g.Decide(context.Background(), &engine.RuleCall{}, &answer)
				}
				switch {
				case err == nil:
					want := strings.TrimPrefix(g.Ref(), "test@")
					if len(answer.Targets) != 2 || answer.Targets[0] != want || answer.Targets[1] != want || account == "mallory" && want == "2.0.0" {
						t.Errorf("%s, %s: %s decides %q", account, ref, g.Ref(), answer.Targets)
					}
					good.Add(1)
				case errors.Is(err, engine.ErrNotFound), strings.Contains(err.Error(), "was replaced"), strings.Contains(err.Error(), "too many plugins are in use"):
				case account == "mallory" && (strings.Contains(err.Error(), errFuel.Error()) || errors.Is(err, context.DeadlineExceeded)):
					stopped.Add(1)
				default:
					t.Errorf("%s, %s: %v", account, ref, err)
				}
			})
		}
	}
	until(func() {
		s, err := l.OpenAdapter("acme", "vendor", engine.AdapterAttempt{})
		if err != nil {
			if !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("OpenAdapter() = %v", err)
			}
			return
		}
		defer s.Close()
		for range 5 {
			if reply, err := s.Event(context.Background(), nil, "", nil); err != nil || len(reply.Chunks) != 1 {
				t.Errorf("Event() = %v", err)
			}
		}
	})
	until(func() { l.tidy(); l.evict(nil) })
	until(func() { l.Resume("mallory", "test", "2.0.0"); _, _ = l.Stats("mallory", "test", "2.0.0") })
	until(func() {
		v := engine.PluginVersion{AccountID: "acme", Module: versioned("1.0.0").build(t), Fixtures: []byte(`[{"name":"a","want":{}}]`)}
		if err := l.Prepare(context.Background(), v); err != nil && engine.CodeOf(err) != engine.CodeRateLimited {
			t.Errorf("Prepare() = %v", err)
		}
	})
	for i := range rounds {
		shelves[i%2].sync(t, l)
		for before := good.Load(); good.Load() < before+10 && !t.Failed(); {
			time.Sleep(time.Millisecond) // no signal tells of calls
		}
	}
	done.Store(true)
	group.Wait()
	if good.Load() == 0 || stopped.Load() == 0 {
		t.Errorf("%d good calls and %d stopped ones, want some of each", good.Load(), stopped.Load())
	}
	for _, share := range l.current.Load().shares {
		allTurns(t, share)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if loaded(l) != 0 || holders(l) != 0 || len(l.watchdog.instances) != 0 {
		t.Errorf("%d plugins, %d holds on code and %d instances are left", loaded(l), holders(l), len(l.watchdog.instances))
	}
}
