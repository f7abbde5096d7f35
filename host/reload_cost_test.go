package host

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// ledgerOfReads counts what reloads read. What is not counted here is not read for writes of rules and tenants:
// the calls panic.
type ledgerOfReads struct {
	engine.Store
	strict atomic.Bool
	rules  atomic.Int64
	calls  atomic.Int64
}

func (s *ledgerOfReads) whole(what string) {
	if s.strict.Load() {
		panic("a reload reads every account's " + what)
	}
}

func (s *ledgerOfReads) ListRules(ctx context.Context) ([]engine.Rule, error) {
	s.whole("rules")
	return s.Store.ListRules(ctx)
}

func (s *ledgerOfReads) RuleSetVersions(ctx context.Context) (map[string]int64, error) {
	s.whole("versions of rules")
	return s.Store.RuleSetVersions(ctx)
}

func (s *ledgerOfReads) ListModels(ctx context.Context) ([]engine.Model, error) {
	s.whole("models")
	return s.Store.ListModels(ctx)
}

func (s *ledgerOfReads) ListPlugins(ctx context.Context) ([]engine.PluginVersion, error) {
	s.whole("plugins")
	return s.Store.ListPlugins(ctx)
}

func (s *ledgerOfReads) ListPreferences(ctx context.Context) ([]engine.Preferences, error) {
	s.whole("preferences")
	return s.Store.ListPreferences(ctx)
}

func (s *ledgerOfReads) ListLimits(ctx context.Context) ([]engine.Limit, error) {
	s.whole("limits")
	return s.Store.ListLimits(ctx)
}

func (s *ledgerOfReads) ListBudgets(ctx context.Context) ([]engine.Budget, error) {
	s.whole("budgets")
	return s.Store.ListBudgets(ctx)
}

func (s *ledgerOfReads) ListAccountRules(ctx context.Context, accountID string) ([]engine.Rule, error) {
	rules, err := s.Store.ListAccountRules(ctx, accountID)
	s.rules.Add(int64(len(rules)))
	s.calls.Add(1)
	return rules, err
}

// What a reload reads after a write of rules are the rules of their account, however many accounts
// there are; and what it reads decides.
func TestReloadReadsWhatChanged(t *testing.T) {
	g := openGateway(t)
	reads := &ledgerOfReads{Store: g.store}
	g.store = reads
	g.start()
	const rules = 3
	publish := func(account string, was int) {
		t.Helper()
		var list []map[string]any
		for i := range rules {
			list = append(list, map[string]any{
				"id": fmt.Sprint("r", i), "name": fmt.Sprint("r", i), "priority": 300 + i, "enabled": true, "target": "gpt-5", "fallbacks": []string{},
				"when": fmt.Sprintf("mentions('%s-%d-%d')", account, was, i), "account_id": account,
			})
		}
		if a := g.do(http.MethodPost, "/api/v1/rules/publish", map[string]any{"account_id": account, "rules": list, "was": was}); a.Status >= 300 {
			t.Fatalf("publish = %d\n%s", a.Status, a.Body)
		}
	}
	publish(engine.DefaultAccount, 0)
	reads.strict.Store(true)
	for i := range 10 {
		account := fmt.Sprint("tenant-", i)
		if a := g.do(http.MethodPost, "/api/v1/accounts", map[string]any{"id": account, "name": account}); a.Status >= 300 {
			t.Fatalf("create account = %d\n%s", a.Status, a.Body)
		}
		was, calls := reads.rules.Load(), reads.calls.Load()
		publish(account, 0)
		if n, of := reads.rules.Load()-was, reads.calls.Load()-calls; n > rules || of > 1 {
			t.Errorf("with %d accounts a write of %d rules reads %d in %d calls, want its own once", i, rules, n, of)
		}
	}
	publish(engine.DefaultAccount, 1)
	if a := g.chat("auto", engine.DefaultAccount+"-1-2"); a.Header.Get("x-pointsman-rule") != "r2" {
		t.Errorf("rule = %q, want r2: what was published decides", a.Header.Get("x-pointsman-rule"))
	}
	reads.strict.Store(false)
	g.stopSoon()
}

// A write that did not say what it was of, as one of an older release or of a person with the
// database's own tools, is in force after the next reload all the same.
func TestReloadReadsEverythingAfterAnUnknownWrite(t *testing.T) {
	g := openGateway(t)
	silent := &silentStore{Store: g.store}
	g.store = silent
	g.start()
	must(t, silent.CreateRule(t.Context(), engine.Rule{
		ID: "zebra", Name: "zebra", Priority: 300, When: `mentions("zebra")`, Target: "gpt-5", OnFailure: engine.FailureSkip,
		Enabled: true, CreatedAt: testNow, UpdatedAt: testNow,
	}))
	must(t, g.reload(t.Context()))
	if got := g.chat("auto", "a zebra").Header.Get("x-pointsman-rule"); got != "zebra" {
		t.Errorf("rule = %q, want zebra", got)
	}
	if silent.asked.Load() == 0 {
		t.Error("nobody asked what had changed")
	}
	g.stopSoon()
}

// silentStore never says what a write was of.
type silentStore struct {
	engine.Store
	asked atomic.Int64
}

func (s *silentStore) Changes(ctx context.Context, _ engine.Mark) (engine.Changes, error) {
	s.asked.Add(1)
	c, err := s.Store.Changes(ctx, engine.Mark{})
	c.Now.Write = ""
	return c, err
}
