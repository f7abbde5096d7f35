package wasm

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// TestTrialsTakeTurns: what an upload runs counts as its account's, so that uploads are no
// way around the account's share; other accounts' go on.
func TestTrialsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, Config{})
		var s shelf
		s.add(t, "acme", versioned("1.0.0").build(t))
		s.sync(t, l)
		fixtures := []byte(`[{"name":"a","want":{}}]`)
		prepare := func(account string) error {
			return l.Prepare(t.Context(), engine.PluginVersion{AccountID: account, Module: versioned("2.0.0").build(t), Fixtures: fixtures})
		}
		take := func(sh *share) {
			for range cap(sh.free) {
				if err := sh.enter(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		give := func(sh *share) {
			for range cap(sh.free) {
				sh.leave()
			}
		}
		acme := l.current.Load().shares["acme"]
		for _, tt := range []struct {
			full    *share
			account string
			want    engine.Code // "": accepted
		}{{acme, "acme", engine.CodeRateLimited}, {acme, "rival", ""}, {acme, "", ""}, {l.newcomers, "rival", engine.CodeRateLimited}, {l.newcomers, "acme", ""}} {
			take(tt.full)
			err := prepare(tt.account)
			var e *engine.Error
			if tt.want == "" && err != nil || tt.want != "" && (!errors.As(err, &e) || e.Code != tt.want || e.After <= 0) {
				t.Errorf("Prepare(%q) beside a busy account = %v, want %q", tt.account, err, tt.want)
			}
			give(tt.full)
		}
		if err := prepare("acme"); err != nil {
			t.Errorf("Prepare() once it is free = %v", err)
		}
		if len(acme.free) != cap(acme.free) || len(l.newcomers.free) != cap(l.newcomers.free) {
			t.Errorf("%d and %d turns are free", len(acme.free), len(l.newcomers.free))
		}
	})
}

// TestStoredIsNotTurnedAway: what waits for the same bytes with an upload that is told to come
// again is compiled all the same.
func TestStoredIsNotTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, Config{})
		var s shelf
		v := s.add(t, "", versioned("1.0.0").build(t))
		full, uploaded, synced := make(chan struct{}), make(chan error), make(chan error)
		go func() {
			_, err, _ := l.loading.Do("compile "+string(v.SHA256[:]), func() (any, error) {
				<-full
				return nil, &engine.Error{Code: engine.CodeRateLimited, Message: "too many"}
			})
			uploaded <- err
		}()
		synctest.Wait()
		go func() { synced <- l.Sync(context.Background(), s.versions, s.load) }()
		synctest.Wait() // until both wait
		close(full)
		if err := <-uploaded; engine.CodeOf(err) != engine.CodeRateLimited {
			t.Errorf("the upload = %v, want %s", err, engine.CodeRateLimited)
		}
		if err := <-synced; err != nil {
			t.Errorf("Sync() = %v", err)
		}
		if got := decides(t, ruleGuestOf(t, l, "", "test")); got != "1.0.0 1.0.0" {
			t.Errorf("decides %q, want 1.0.0", got)
		}
	})
}

// TestSpoiltCache is U17: code in the cache that was changed, or put there by somebody else, is
// compiled anew and written again.
func TestSpoiltCache(t *testing.T) {
	t.Parallel()
	cfg := Config{CacheDir: t.TempDir(), CacheKey: []byte("one key")}
	module := versioned("1.0.0").build(t)
	kept := func() (file string, b []byte) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(cfg.CacheDir, "*", "*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("the cache holds %q, %v, want one file", files, err)
		}
		if b, err = os.ReadFile(files[0]); err != nil {
			t.Fatal(err)
		}
		return files[0], b
	}
	decide := func(name string) {
		t.Helper()
		if got := decides(t, ruleGuestOf(t, offer(t, cfg, module), "", "test")); got != "1.0.0 1.0.0" {
			t.Errorf("%s: decides %q, want 1.0.0", name, got)
		}
	}
	decide("nothing there")
	file, good := kept()
	changed := bytes.Clone(good)
	changed[len(changed)-1] ^= 1
	for name, b := range map[string][]byte{"changed": changed, "cut": good[:len(good)/2], "empty": {}, "of no key": bytes.Clone(good[32:])} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		decide(name)
		again, now := kept()
		sum := [32]byte{}
		if _, err := hex.Decode(sum[:], []byte(filepath.Base(again))); err != nil {
			t.Fatal(err)
		}
		c := codeCache{dir: filepath.Dir(again), key: cfg.CacheKey, bytes: 1 << 30}
		if _, ok := c.get(sum); !ok || bytes.Equal(now, b) {
			t.Errorf("%s: the file is still what it was", name)
		}
	}
}

// TestFixturesEnd: an upload's cases have a time in all, not only each for itself.
func TestFixturesEnd(t *testing.T) {
	t.Parallel()
	l := open(t, Config{fixtureTime: time.Nanosecond})
	v := engine.PluginVersion{AccountID: "acme", Module: versioned("1.0.0").build(t), Fixtures: []byte(`[{"name":"a","want":{}}]`)}
	if err := l.Prepare(t.Context(), v); engine.CodeOf(err) != engine.CodeInvalid || !strings.Contains(err.Error(), "fixtures take longer than 1ns") {
		t.Errorf("Prepare() = %v, want it refused", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Prepare(ctx, v); !errors.Is(err, context.Canceled) {
		t.Errorf("Prepare(cancelled) = %v, want %v", err, context.Canceled)
	}
}

// TestCachedCodeDoesNotWait: what was compiled before is loaded while every compiler is busy
// with somebody's bombs.
func TestCachedCodeDoesNotWait(t *testing.T) {
	t.Parallel()
	cfg := apart(t, "work")
	cfg.CacheKey = []byte("one key")
	module := versioned("1.0.0").build(t)
	if got := decides(t, ruleGuestOf(t, offer(t, cfg, module), "", "test")); got != "1.0.0 1.0.0" {
		t.Fatalf("decides %q", got)
	}
	l := open(t, cfg)
	for range maxCompiling {
		if err := l.compilers.enter(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	var s shelf
	s.add(t, "", module)
	synced := make(chan error, 1)
	go func() { synced <- l.Sync(context.Background(), s.versions, s.load) }()
	select {
	case err := <-synced:
		if err != nil {
			t.Errorf("Sync() = %v", err)
		}
	case <-time.After(patience / 3):
		t.Error("a module in the cache waits for a compiler")
	}
	for range maxCompiling {
		l.compilers.leave()
	}
}
