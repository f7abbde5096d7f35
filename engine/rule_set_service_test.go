package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// wording decides by words: a rule that is enabled matches a request that holds its id.
type wording struct{ rules []engine.Rule }

func (w wording) Explain(_ context.Context, r *engine.Request) (engine.Decision, []engine.RuleStep, error) {
	for _, rule := range w.rules {
		if rule.Enabled && strings.Contains(string(r.Doc.Root().Raw()), rule.ID) {
			return engine.Decision{Source: rule.ID, Models: []string{rule.Target}}, nil, nil
		}
	}
	return engine.Decision{Source: engine.SourceDefault}, nil, nil
}

func (w wording) Steps(*engine.Request) []engine.RuleStep { return nil }

// Decide and Draft make it a drafter.
func (w wording) Decide(ctx context.Context, r *engine.Request) (engine.Decision, error) {
	d, _, err := w.Explain(ctx, r)
	return d, err
}

func (w wording) Draft(_ string, d engine.RuleDraft) (engine.DraftRules, error) {
	return wording{d.Rules}, nil
}

func oddFindings(_ string, rules []engine.Rule) (found []engine.RuleFinding) {
	for _, r := range rules {
		if r.Name == "odd" {
			found = append(found, engine.RuleFinding{RuleID: r.ID, Kind: "odd", Message: "odd"})
		}
	}
	return found
}

func (o *office) ruleSets() *engine.RuleSetService {
	o.guarded = o.rules()
	return engine.NewRuleSetService(engine.RuleSetServiceConfig{
		Store: o, Rules: o.guarded, Drafter: wording{}, Findings: oddFindings, Catalogue: o.catalogue.Load, Reload: o.reload, Now: o.clock,
		Explain: func(ctx context.Context, r *engine.Request, w engine.WhatIf) (engine.Explanation, error) {
			if o.onExplain != nil {
				o.onExplain(ctx)
			}
			if err := ctx.Err(); err != nil {
				return engine.Explanation{}, err
			}
			if w.Explainer == nil { // those in force
				list, err := o.ListRules(ctx)
				if err != nil {
					return engine.Explanation{}, err
				}
				w.Explainer = wording{list}
			}
			d, _, err := w.Explainer.Explain(ctx, r)
			out := engine.Explanation{Source: d.Source}
			for _, m := range d.Models {
				out.Candidates = append(out.Candidates, engine.Candidate{Model: m})
			}
			return out, err
		},
	})
}

func plainRule(id, target string) engine.Rule {
	return engine.Rule{ID: id, Name: id, When: "false", Target: target, Enabled: true, OnFailure: engine.FailureSkip}
}

func caseOf(id, word, rule, model string) engine.RuleCase {
	return engine.RuleCase{
		AccountID: "acme", ID: id, Request: []byte(`{"model":"auto","messages":[{"role":"user","content":"` + word + `"}]}`),
		Want: engine.RuleWant{Source: rule, Model: model},
	}
}

func publish(t *testing.T, s *engine.RuleSetService, was int64, rules ...engine.Rule) engine.Published {
	t.Helper()
	done, err := s.PublishRules(t.Context(), admin, engine.Publication{AccountID: "acme", Rules: rules, Was: was})
	if err != nil {
		t.Fatalf("PublishRules() = %v, want nil", err)
	}
	return done
}

func wantCode(t *testing.T, doing string, err error, code engine.Code, param string) {
	t.Helper()
	var e *engine.Error
	if !errors.As(err, &e) || e.Code != code || e.Param != param {
		t.Errorf("%s = %v, want %s of %q", doing, err, code, param)
	}
}

func TestPublishRules(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.ruleSets()
	odd := plainRule("b", "gpt-5")
	odd.Name = "odd"
	done := publish(t, s, 0, plainRule("a", "gpt-4o"), odd)
	if done.Set.Version != 1 || done.Set.Count != 2 || len(done.Set.Rules) != 2 || !done.Set.Rules[0].CreatedAt.Equal(o.now) {
		t.Errorf("PublishRules() = %+v, want version 1 with two rules of now", done.Set)
	}
	if len(done.Warnings) != 1 || done.Warnings[0].RuleID != "b" {
		t.Errorf("PublishRules().Warnings = %v, want one of b", done.Warnings)
	}
	if o.reloads.Load() != 1 {
		t.Errorf("%d reloads, want 1", o.reloads.Load())
	}
	// What is the same keeps its time; what is not there is deleted.
	o.now = o.now.Add(1e9)
	ctx := engine.WithActor(t.Context(), engine.Actor{Principal: admin})
	second, err := s.PublishRules(ctx, admin, engine.Publication{
		AccountID: "acme", Was: 1, Note: "less", Rules: []engine.Rule{plainRule("a", "gpt-4o"), {Name: "No ID yet", When: "true", Target: "gpt-5"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, r := range second.Set.Rules {
		ids = append(ids, r.ID)
	}
	if a := second.Set.Rules[0]; !slices.Equal(ids, []string{"a", "no-id-yet"}) || a.UpdatedAt.Equal(o.now) || second.Set.By != "acme/ann" || second.Set.Note != "less" {
		t.Errorf("PublishRules() = %+v, want a as it was and no-id-yet, by acme/ann", second.Set)
	}
	changes, err := s.DiffRuleSets(t.Context(), admin, "acme", 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := summary(changes); got != "b removed, no-id-yet added" {
		t.Errorf("DiffRuleSets(1, 2) = %s", got)
	}
	entries, err := o.ListAudit(t.Context(), engine.AuditFilter{AccountID: "acme", Action: "rules.publish"})
	if err != nil || len(entries) != 2 || entries[0].Object != "rules/2" || !json.Valid(entries[0].Detail) || !strings.Contains(string(entries[0].Detail), `"removed":["b"]`) {
		t.Errorf("ListAudit() = %+v, %v, want two entries with what changed", entries, err)
	}
}

func summary(changes []engine.RuleChange) string {
	var parts []string
	for _, c := range changes {
		part := c.ID + " " + string(c.Kind)
		if c.Kind == engine.RuleChanged {
			for _, m := range c.Members {
				part += " " + m.Name + " " + string(m.Old) + "→" + string(m.New)
			}
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func TestPublishRulesRefuses(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.ruleSets()
	publish(t, s, 0, plainRule("a", "gpt-4o"))
	system := plainRule("sys", "gpt-4o")
	system.System, system.CreatedAt, system.UpdatedAt = true, o.now, o.now
	if err := o.CreateRule(t.Context(), system); err != nil {
		t.Fatal(err)
	}
	broken := plainRule("b", "gpt-4o")
	broken.When = "tokens >"
	many := slices.Repeat([]engine.Rule{plainRule("a", "gpt-4o")}, engine.MaxPublishedRules+1)
	for _, c := range []struct {
		name  string
		p     engine.Principal
		in    engine.Publication
		code  engine.Code
		param string
	}{
		{"a lost race", admin, engine.Publication{AccountID: "acme", Was: 0}, engine.CodeConflict, ""},
		{"a version to come", admin, engine.Publication{AccountID: "acme", Was: 2}, engine.CodeConflict, ""},
		{"another account", foreign, engine.Publication{AccountID: "acme", Was: 1}, engine.CodeForbidden, ""},
		{"a user", user, engine.Publication{AccountID: "acme", Was: 1}, engine.CodeForbidden, ""},
		{"global rules by an account", admin, engine.Publication{Was: 1}, engine.CodeForbidden, ""},
		{"without a system rule", super, engine.Publication{Was: 1}, engine.CodeConflict, ""},
		{"a rule that does not compile", admin, engine.Publication{AccountID: "acme", Was: 1, Rules: []engine.Rule{plainRule("a", "gpt-4o"), broken}}, engine.CodeInvalid, "rules[1].when"},
		{"an unknown model", admin, engine.Publication{AccountID: "acme", Was: 1, Rules: []engine.Rule{plainRule("b", "gpt-99")}}, engine.CodeInvalid, "rules[0].target"},
		{"an id twice", admin, engine.Publication{AccountID: "acme", Was: 1, Rules: []engine.Rule{plainRule("b", "gpt-4o"), plainRule("b", "gpt-4o")}}, engine.CodeInvalid, "rules[1].id"},
		{"a word of the paths", admin, engine.Publication{AccountID: "acme", Was: 1, Rules: []engine.Rule{plainRule("versions", "gpt-4o")}}, engine.CodeInvalid, "rules[0].id"},
		{"a long note", admin, engine.Publication{AccountID: "acme", Was: 1, Note: strings.Repeat("x", 513)}, engine.CodeInvalid, "note"},
		{"too many", admin, engine.Publication{AccountID: "acme", Was: 1, Rules: many}, engine.CodeInvalid, "rules"},
	} {
		_, err := s.PublishRules(t.Context(), c.p, c.in)
		wantCode(t, c.name+": PublishRules()", err, c.code, c.param)
	}
	if list, err := s.ListRuleSets(t.Context(), admin, "acme", 0, 10); err != nil || len(list) != 1 {
		t.Errorf("ListRuleSets() = %v, %v, want the first alone", list, err)
	}
	_, err := s.ListRuleSets(t.Context(), foreign, "acme", 0, 10)
	wantCode(t, "ListRuleSets() of another account", err, engine.CodeNotFound, "")
	_, err = s.GetRuleSet(t.Context(), admin, "acme", 9)
	wantCode(t, "GetRuleSet() of none", err, engine.CodeNotFound, "")
}

func TestRestoreRules(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.ruleSets()
	a, b := plainRule("a", "gpt-4o"), plainRule("b", "gpt-5")
	first := publish(t, s, 0, a, b)
	o.now = o.now.Add(1e9)
	changed := a
	changed.Target = "gpt-5-mini"
	publish(t, s, 1, changed, plainRule("c", "gpt-5"))
	o.now = o.now.Add(1e9)
	stale := int64(1)
	_, err := s.RestoreRules(t.Context(), admin, engine.Restoration{AccountID: "acme", Version: 1, Was: &stale})
	wantCode(t, "RestoreRules() that lost", err, engine.CodeConflict, "")
	done, err := s.RestoreRules(t.Context(), admin, engine.Restoration{AccountID: "acme", Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	if done.Set.Version != 3 || done.Set.Restores != 1 || done.Set.Digest != first.Set.Digest || done.Set.Note == "" {
		t.Errorf("RestoreRules() = %+v, want version 3 with the digest of the first", done.Set)
	}
	if got := summary(engine.DiffRules(first.Set.Rules, done.Set.Rules)); got != "" || !done.Set.Rules[1].CreatedAt.Equal(first.Set.Rules[1].CreatedAt) {
		t.Errorf("the rules differ from the first version's by %s", got)
	}
	_, err = s.RestoreRules(t.Context(), admin, engine.Restoration{AccountID: "acme", Version: 9})
	wantCode(t, "RestoreRules() of none", err, engine.CodeNotFound, "")
	_, err = s.RestoreRules(t.Context(), foreign, engine.Restoration{AccountID: "acme", Version: 1})
	wantCode(t, "RestoreRules() by another account", err, engine.CodeNotFound, "")
}

// A system rule that came after a version stays when that one is brought back, and a model that
// is gone stops it, but for an override.
func TestRestoreRulesOfAnotherTime(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.ruleSets()
	restore := func(version int64, override bool) (engine.Published, error) {
		return s.RestoreRules(t.Context(), super, engine.Restoration{Version: version, Override: override})
	}
	gone := plainRule("gone", "gpt-4")
	gone.CreatedAt, gone.UpdatedAt = o.now, o.now
	if err := o.CreateRule(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if err := o.DeleteRule(t.Context(), "", "gone"); err != nil {
		t.Fatal(err)
	}
	system := plainRule("sys", "gpt-4o")
	system.System, system.CreatedAt, system.UpdatedAt = true, o.now, o.now
	if err := o.CreateRule(t.Context(), system); err != nil {
		t.Fatal(err)
	}
	_, err := restore(1, false)
	wantCode(t, "RestoreRules() with an unknown model", err, engine.CodeInvalid, "rules[0].target")
	done, err := restore(1, true)
	if err != nil || done.Set.Count != 2 || !done.Set.Rules[1].System && !done.Set.Rules[0].System {
		t.Errorf("RestoreRules(override) = %+v, %v, want the rule and the system rule", done.Set, err)
	}
}

func TestCasesGuardRules(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.ruleSets()
	for _, c := range []engine.RuleCase{caseOf("one", "about aaa", "aaa", "gpt-4o"), caseOf("two", "nothing", engine.SourceDefault, "")} {
		if _, err := s.PutRuleCase(t.Context(), admin, c); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.PublishRules(t.Context(), admin, engine.Publication{AccountID: "acme", Rules: []engine.Rule{plainRule("aaa", "gpt-5")}})
	var failed *engine.FailedCases
	wantCode(t, "PublishRules() that fails a case", err, engine.CodeConflict, "")
	if !errors.As(err, &failed) || len(failed.Results) != 1 || failed.Results[0].Message != "want model gpt-4o, got gpt-5" || failed.Results[0].Got.Source != "aaa" {
		t.Fatalf("PublishRules() = %v, want the case that failed", err)
	}
	done, err := s.PublishRules(t.Context(), admin, engine.Publication{AccountID: "acme", Rules: []engine.Rule{plainRule("aaa", "gpt-5")}, Override: true})
	if err != nil || len(done.Failing) != 1 {
		t.Fatalf("PublishRules(override) = %+v, %v, want it done, with the case", done, err)
	}
	entries, err := o.ListAudit(t.Context(), engine.AuditFilter{AccountID: "acme", Action: "rules.publish"})
	if err != nil || len(entries) != 1 || !strings.Contains(string(entries[0].Detail), `"override":["one"]`) {
		t.Errorf("ListAudit() = %+v, %v, want the overridden case named", entries, err)
	}
	publish(t, s, 1, plainRule("aaa", "gpt-4o"))
	_, err = s.RestoreRules(t.Context(), admin, engine.Restoration{AccountID: "acme", Version: 1})
	if !errors.As(err, &failed) {
		t.Errorf("RestoreRules() that fails a case = %v, want *FailedCases", err)
	}

	results, err := s.RunRuleCases(t.Context(), admin, engine.CaseRun{AccountID: "acme"})
	if err != nil || len(results) != 2 || !results[0].Passed || !results[1].Passed {
		t.Errorf("RunRuleCases() = %+v, %v, want both passed", results, err)
	}
	draft := []engine.Rule{plainRule("nothing", "gpt-5")}
	results, err = s.RunRuleCases(t.Context(), admin, engine.CaseRun{AccountID: "acme", Rules: &draft, Cases: []engine.RuleCase{caseOf("x", "nothing", "", "gpt-5"), caseOf("y", "nothing", "other", "")}})
	if err != nil || len(results) != 2 || !results[0].Passed || results[1].Message != "want rule other, got nothing" {
		t.Errorf("RunRuleCases(draft) = %+v, %v, want the first passed and the second not", results, err)
	}
	warnings, err := s.WarnRule(t.Context(), engine.Rule{AccountID: "acme", ID: "aaa", Name: "odd", Target: "gpt-5-mini", Enabled: true})
	if err != nil || len(warnings) != 2 || warnings[0].Kind != "odd" || warnings[1].Kind != engine.FindingCase {
		t.Errorf("WarnRule() = %v, %v, want a finding and the case that would fail", warnings, err)
	}
}

func TestRuleCases(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.ruleSets()
	good := caseOf("good", "hi", "r", "")
	good.Given = []byte(`{"user":"bo","team":"ops","role":"team_lead","session":"s1","session_model":"gpt-4o","task":"code","at":"2026-11-23T04:05:06Z","down":["openai"],"budget_left":"1.50","budget_fraction":0.05}`)
	kept, err := s.PutRuleCase(t.Context(), admin, good)
	if err != nil || !kept.CreatedAt.Equal(o.now) {
		t.Fatalf("PutRuleCase() = %+v, %v", kept, err)
	}
	r, what, err := kept.Arrange("acme", o.now, []string{"openai", "anthropic"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Principal.UserID != "bo" || r.Principal.TeamID != "ops" || r.Hints.SessionID != "s1" || r.Hints.TaskType != "code" || r.Received.Hour() != 4 ||
		what.BudgetLeft.NanoUSD != 1_500_000_000 || what.BudgetLeft.Fraction != 0.05 || *what.SessionModel != "gpt-4o" || what.Down[0] != "openai" {
		t.Errorf("Arrange() = %+v, %+v, want what is given", r, what)
	}
	for _, c := range []struct {
		name, param string
		change      func(*engine.RuleCase)
	}{
		{"no slug", "id", func(c *engine.RuleCase) { c.ID = "Not one" }},
		{"wants nothing", "want", func(c *engine.RuleCase) { c.Want = engine.RuleWant{} }},
		{"a large request", "request", func(c *engine.RuleCase) { c.Request = make([]byte, engine.MaxRuleCaseRequest+1) }},
		{"no chat", "messages", func(c *engine.RuleCase) { c.Request = []byte(`{"model":"auto"}`) }},
		{"an unknown member", "given", func(c *engine.RuleCase) { c.Given = []byte(`{"usr":"bo"}`) }},
		{"two values", "given", func(c *engine.RuleCase) { c.Given = []byte(`{} {}`) }},
		{"an unknown role", "given.role", func(c *engine.RuleCase) { c.Given = []byte(`{"role":"king"}`) }},
		{"no amount", "given.budget_left", func(c *engine.RuleCase) { c.Given = []byte(`{"budget_left":"much"}`) }},
		{"half a budget", "given.budget_left", func(c *engine.RuleCase) { c.Given = []byte(`{"budget_fraction":0.5}`) }},
	} {
		bad := caseOf("bad", "hi", "r", "")
		c.change(&bad)
		_, err := s.PutRuleCase(t.Context(), admin, bad)
		wantCode(t, c.name+": PutRuleCase()", err, engine.CodeInvalid, c.param)
	}
	for _, c := range []struct {
		name string
		p    engine.Principal
		code engine.Code
	}{{"another account", foreign, engine.CodeNotFound}, {"a user", user, engine.CodeForbidden}} {
		_, err := s.GetRuleCase(t.Context(), c.p, "acme", "good")
		wantCode(t, c.name+": GetRuleCase()", err, c.code, "")
		_, err = s.PutRuleCase(t.Context(), c.p, good)
		wantCode(t, c.name+": PutRuleCase()", err, c.code, "")
		wantCode(t, c.name+": DeleteRuleCase()", s.DeleteRuleCase(t.Context(), c.p, "acme", "good"), c.code, "")
		_, err = s.RunRuleCases(t.Context(), c.p, engine.CaseRun{AccountID: "acme"})
		wantCode(t, c.name+": RunRuleCases()", err, c.code, "")
	}
	if err := s.DeleteRuleCase(t.Context(), admin, "acme", "good"); err != nil {
		t.Error(err)
	}
	wantCode(t, "DeleteRuleCase() again", s.DeleteRuleCase(t.Context(), admin, "acme", "good"), engine.CodeNotFound, "")
}

func TestDiffRules(t *testing.T) {
	t.Parallel()
	old := plainRule("a", "gpt-4o")
	edited := old
	edited.Priority, edited.Fallbacks, edited.UpdatedAt = 7, []string{"gpt-5"}, old.UpdatedAt.Add(1)
	if got, want := summary(engine.DiffRules([]engine.Rule{old}, []engine.Rule{edited})), `a changed fallbacks →["gpt-5"] priority 0→7`; got != want {
		t.Errorf("DiffRules() = %s, want %s", got, want)
	}
	if engine.DigestRules([]engine.Rule{old}) == engine.DigestRules([]engine.Rule{edited}) {
		t.Error("DigestRules() is the same for different rules")
	}
	edited = old
	edited.UpdatedAt, edited.OnFailure = old.UpdatedAt.Add(1), ""
	if got := summary(engine.DiffRules([]engine.Rule{old}, []engine.Rule{edited})); got != "" || engine.DigestRules([]engine.Rule{old}) != engine.DigestRules([]engine.Rule{edited}) {
		t.Errorf("DiffRules() of what differs in time alone = %s, want nothing, and the same digest", got)
	}
}
