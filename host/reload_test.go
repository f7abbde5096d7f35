package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/plugins"
)

// storedBefore writes to a data folder's store as an earlier process did, and returns
// the setting that starts a gateway on it.
func storedBefore(t *testing.T, write func(s engine.Store)) func(*Config, *Options) {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "pointsman.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return func(c *Config, _ *Options) { c.DataDir = dir }
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stopSoon stops the gateway and fails the test when that hangs.
func (g *gateway) stopSoon() {
	g.t.Helper()
	done := make(chan error, 1)
	go func() { done <- g.stop() }()
	select {
	case err := <-done:
		if err != nil {
			g.t.Errorf("Run = %v, want nil", err)
		}
	case <-time.After(time.Minute):
		g.t.Fatal("the gateway did not stop within a minute")
	}
}

// One stored row that does not work any more costs no more than itself.
func TestBrokenRowsAreLeftOut(t *testing.T) {
	plugin := func(account, name, kind string) engine.PluginVersion {
		module := []byte("\x00asm\x01\x00\x00\x00 no longer valid")
		return engine.PluginVersion{
			AccountID: account, Name: name, Version: "1.0.0", Kind: kind, Module: module, Size: int64(len(module)), SHA256: sha256.Sum256(module),
			Manifest: engine.Manifest{Name: name, Version: "1.0.0", Kind: kind, ABI: 1}, Active: true, CreatedAt: testNow,
		}
	}
	rule := func(id string) engine.Rule {
		return engine.Rule{ID: id, Name: id, Priority: 500, Target: "gpt-5", OnFailure: engine.FailureSkip, Enabled: true, CreatedAt: testNow, UpdatedAt: testNow}
	}
	before := storedBefore(t, func(s engine.Store) {
		ctx := context.Background()
		must(t, s.CreatePlugin(ctx, plugin("", "broken-rule", "rule")))
		must(t, s.CreatePlugin(ctx, plugin(engine.DefaultAccount, "broken-adapter", "provider")))
		text, byPlugin, byNobody := rule("broken-text"), rule("broken-plugin"), rule("no-plugin")
		text.When, byPlugin.Plugin, byNobody.Plugin = "mentions(", "broken-rule", "never-uploaded"
		for _, r := range []engine.Rule{text, byPlugin, byNobody} {
			must(t, s.CreateRule(ctx, r))
		}
	})
	g := startGateway(t, before)
	if a := g.chat("auto", "explain tides"); a.Status != 200 || a.Header.Get("x-pointsman-rule") != "complex-reasoning" {
		t.Errorf("completion = %d by rule %q, want 200 by complex-reasoning\n%s", a.Status, a.Header.Get("x-pointsman-rule"), a.Body)
	}
	if a := g.do(http.MethodPost, "/api/v1/rules", ruleBody("zebra", `mentions("zebra")`, "gpt-5")); a.Status != 201 {
		t.Errorf("a rule created beside broken rows = %d, want 201\n%s", a.Status, a.Body)
	}
	if a := g.chat("auto", "a zebra"); a.Header.Get("x-pointsman-rule") != "zebra" {
		t.Errorf("rule = %q, want zebra: a reload must go on without what is broken", a.Header.Get("x-pointsman-rule"))
	}
	if a := g.do(http.MethodDelete, "/api/v1/rules/broken-plugin", nil); a.Status != 204 {
		t.Errorf("delete the broken rule = %d, want 204\n%s", a.Status, a.Body)
	}
	if a := g.do(http.MethodDelete, "/api/v1/plugins/broken-rule/1.0.0", nil); a.Status != 204 {
		t.Errorf("delete the broken plugin = %d, want 204\n%s", a.Status, a.Body)
	}
	g.stopSoon()
}

// A built-in adapter may be uploaded too; the stored one then stands in for it, also
// after a restart, and none of the two outlives the process.
func TestUploadedAdapterStandsIn(t *testing.T) {
	own, err := firstPartyPlugins()
	if err != nil {
		t.Fatal(err)
	}
	var again func(*Config, *Options)
	g := startGateway(t, func(c *Config, _ *Options) {
		dir := c.DataDir
		again = func(c *Config, _ *Options) { c.DataDir = dir }
	})
	for _, v := range own {
		module, err := plugins.Module(v.Name)
		if err != nil {
			t.Fatal(err)
		}
		if a := g.upload(module, ""); a.Status != 201 {
			t.Fatalf("upload of %s = %d, want 201\n%s", v.Name, a.Status, a.Body)
		}
	}
	works := func(when string) {
		t.Helper()
		if a := g.chat("gpt-4o", "hello"); a.Status != 200 {
			t.Errorf("%s: completion = %d, want 200\n%s", when, a.Status, a.Body)
		}
	}
	works("uploaded")
	g.stopSoon()
	g = startGateway(t, again)
	works("restarted")
	for _, v := range own {
		if a := g.do(http.MethodDelete, "/api/v1/plugins/"+v.Name+"/"+v.Version, nil); a.Status != 204 {
			t.Errorf("delete the stored %s = %d, want 204\n%s", v.Name, a.Status, a.Body)
		}
	}
	works("deleted")
	g.stopSoon()
}

func TestOffered(t *testing.T) {
	t.Parallel()
	v := func(account, name, version string, active bool, sum byte) engine.PluginVersion {
		return engine.PluginVersion{AccountID: account, Name: name, Version: version, Active: active, SHA256: [32]byte{sum}}
	}
	own := []engine.PluginVersion{v("", "a", "1", true, 1), v("", "b", "1", true, 1)}
	tests := []struct {
		name   string
		stored []engine.PluginVersion
		want   string
	}{
		{"nothing stored", nil, "a@1#1* b@1#1*"},
		{"the same, active", []engine.PluginVersion{v("", "a", "1", true, 1)}, "a@1#1* b@1#1*"},
		{"the same, inactive", []engine.PluginVersion{v("", "a", "1", false, 1)}, "a@1#1* b@1#1*"},
		{"other bytes, active", []engine.PluginVersion{v("", "a", "1", true, 2)}, "a@1#2* b@1#1*"},
		{"other bytes, inactive", []engine.PluginVersion{v("", "a", "1", false, 2)}, "a@1#1* b@1#1*"},
		{"another version, active", []engine.PluginVersion{v("", "a", "2", true, 2)}, "a@1#1 b@1#1* a@2#2*"},
		{"another version, inactive", []engine.PluginVersion{v("", "a", "2", false, 2)}, "a@1#1* b@1#1* a@2#2"},
		{"both, the other active", []engine.PluginVersion{v("", "a", "1", false, 2), v("", "a", "2", true, 2)}, "a@1#1 b@1#1* a@2#2*"},
		{"an account's", []engine.PluginVersion{v("acme", "a", "1", true, 2)}, "a@1#1* b@1#1* acme/a@1#2*"},
	}
	for _, tt := range tests {
		var got []string
		for _, v := range offered(own, tt.stored) {
			text := fmt.Sprintf("%s@%s#%d", v.Name, v.Version, v.SHA256[0])
			if v.AccountID != "" {
				text = v.AccountID + "/" + text
			}
			if v.Active {
				text += "*"
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: offered = %v, want %s", tt.name, got, tt.want)
		}
	}
	if !own[0].Active {
		t.Error("offered changed the binary's own list")
	}
}

// hiccup is a store whose reads of rules fail for a while.
type hiccup struct {
	engine.Store
	failures atomic.Int64
}

func (s *hiccup) ListRules(ctx context.Context) ([]engine.Rule, error) {
	if s.failures.Add(-1) >= 0 {
		return nil, errors.New("database is restarting")
	}
	return s.Store.ListRules(ctx)
}

func (s *hiccup) ListAccountRules(ctx context.Context, accountID string) ([]engine.Rule, error) {
	if s.failures.Add(-1) >= 0 {
		return nil, errors.New("database is restarting")
	}
	return s.Store.ListAccountRules(ctx, accountID)
}

// Another process's write comes into force also when the first reloads fail: the change
// feed tells of it once.
func TestFailedReloadIsTriedAgain(t *testing.T) {
	g := openGateway(t)
	feed := &hiccup{Store: g.store}
	g.store = feed
	g.start()
	if a := g.chat("auto", "a zebra"); a.Header.Get("x-pointsman-rule") != "default" {
		t.Fatalf("rule = %q, want default", a.Header.Get("x-pointsman-rule"))
	}
	feed.failures.Store(3)
	must(t, feed.CreateRule(t.Context(), engine.Rule{
		ID: "zebra", Name: "zebra", Priority: 300, When: `mentions("zebra")`, Target: "gpt-5", OnFailure: engine.FailureSkip,
		Enabled: true, CreatedAt: testNow, UpdatedAt: testNow,
	}))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if g.chat("auto", "a zebra").Header.Get("x-pointsman-rule") == "zebra" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the rule is not in force after 20 s, %d failures left", feed.failures.Load())
		}
	}
	if n := feed.failures.Load(); n >= 0 {
		t.Errorf("the reload did not fail as it should have, %d failures left", n)
	}
	g.stopSoon()
}

// Whoever writes finds the own write in force, however many others write at the time.
func TestWritesAreInForceUnderLoad(t *testing.T) {
	g := startGateway(t)
	var writers sync.WaitGroup
	for w := range 6 {
		writers.Go(func() {
			for i := range 5 {
				id := fmt.Sprintf("w%d-%d", w, i)
				word := fmt.Sprintf("zebra%dx%d", w, i)
				if a := g.do(http.MethodPost, "/api/v1/rules", ruleBody(id, fmt.Sprintf("mentions(%q)", word), "gpt-5")); a.Status != 201 {
					t.Errorf("create %s = %d\n%s", id, a.Status, a.Body)
					return
				}
				if got := g.chat("auto", word).Header.Get("x-pointsman-rule"); got != id {
					t.Errorf("after the reply to its creation %s does not decide, %q does", id, got)
				}
				if a := g.do(http.MethodDelete, "/api/v1/rules/"+id, nil); a.Status != 204 {
					t.Errorf("delete %s = %d\n%s", id, a.Status, a.Body)
				}
				if got := g.chat("auto", word).Header.Get("x-pointsman-rule"); got != "default" {
					t.Errorf("after the reply to its deletion of %s %q decides", id, got)
				}
			}
		})
	}
	writers.Wait()
}
