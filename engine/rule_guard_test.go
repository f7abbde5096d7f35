package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Every write of one rule is held to the account's cases, unless it overrides them; others'
// accounts are not.
func TestCasesGuardWritesOfOneRule(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.ruleSets()
	rules := o.guarded
	for _, id := range []string{"aaa", "bbb"} {
		if _, err := rules.CreateRule(t.Context(), admin, engine.RuleWrite{Rule: inAcme(plainRule(id, "gpt-4o"))}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []engine.RuleCase{caseOf("one", "about aaa", "aaa", "gpt-4o"), caseOf("two", "nothing", engine.SourceDefault, "")} {
		if _, err := s.PutRuleCase(t.Context(), admin, c); err != nil {
			t.Fatal(err)
		}
	}
	stored := func(id string) engine.Rule {
		r, err := rules.GetRule(t.Context(), admin, "acme", id)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	create := func(id string) func(bool) ([]engine.CaseResult, error) {
		return func(override bool) ([]engine.CaseResult, error) {
			w, err := rules.CreateRule(t.Context(), admin, engine.RuleWrite{Rule: inAcme(plainRule(id, "gpt-4o")), Override: override})
			return w.Failing, err
		}
	}
	update := func(id string, edit func(*engine.Rule)) func(bool) ([]engine.CaseResult, error) {
		return func(override bool) ([]engine.CaseResult, error) {
			r := stored(id)
			was := r.UpdatedAt
			edit(&r)
			w, err := rules.UpdateRule(t.Context(), admin, engine.RuleWrite{Rule: r, Was: was, Override: override})
			if is := stored(id); err == nil && (!w.UpdatedAt.Equal(is.UpdatedAt) || w.Target != is.Target) {
				t.Errorf("UpdateRule(%q) = %+v, want what is stored: %+v", id, w.Rule, is)
			}
			return w.Failing, err
		}
	}
	remove := func(id string) func(bool) ([]engine.CaseResult, error) {
		return func(override bool) ([]engine.CaseResult, error) {
			return nil, rules.DeleteRule(t.Context(), admin, engine.RuleWrite{Rule: engine.Rule{AccountID: "acme", ID: id}, Override: override})
		}
	}
	target := func(model string) func(*engine.Rule) { return func(r *engine.Rule) { r.Target = model } }
	enabled := func(yes bool) func(*engine.Rule) { return func(r *engine.Rule) { r.Enabled = yes } }
	for _, tt := range []struct {
		name  string
		write func(override bool) ([]engine.CaseResult, error)
		fails string // the case; "": none
		audit string // action
	}{
		{"a rule that no case is about", create("ccc"), "", "rule.create"},
		{"a rule that takes a case's request", create("nothing"), "two", "rule.create"},
		{"its removal", remove("nothing"), "", "rule.delete"},
		{"another target", update("aaa", target("gpt-5")), "one", "rule.update"},
		{"the target again", update("aaa", target("gpt-4o")), "", "rule.update"},
		{"nothing", update("aaa", target("gpt-4o")), "", "rule.update"},
		{"switched off", update("aaa", enabled(false)), "one", "rule.disable"},
		{"switched on", update("aaa", enabled(true)), "", "rule.enable"},
		{"removed", remove("aaa"), "one", "rule.delete"},
	} {
		before, reloads := len(listSets(t, s)), o.reloads.Load()
		failing, err := tt.write(false)
		if tt.fails != "" {
			var failed *engine.FailedCases
			if !errors.As(err, &failed) || len(failed.Results) != 1 || failed.Results[0].ID != tt.fails {
				t.Fatalf("%s: %v, want the case %q to fail", tt.name, err, tt.fails)
			}
			if n := len(listSets(t, s)); n != before || o.reloads.Load() != reloads {
				t.Errorf("%s: %d versions and %d reloads after the refusal, want %d and %d", tt.name, n, o.reloads.Load(), before, reloads)
			}
			failing, err = tt.write(true)
		}
		if err != nil || tt.fails == "" && len(failing) > 0 || tt.fails != "" && tt.audit != "rule.delete" && (len(failing) != 1 || failing[0].ID != tt.fails) {
			t.Fatalf("%s: overridden %v, %v, want case %q", tt.name, failing, err, tt.fails)
		}
		if n := len(listSets(t, s)); n != before+1 || o.reloads.Load() != reloads+1 {
			t.Errorf("%s: %d versions and %d reloads, want %d and %d", tt.name, n, o.reloads.Load(), before+1, reloads+1)
		}
		entries, err := o.ListAudit(t.Context(), engine.AuditFilter{AccountID: "acme", Limit: 1})
		if err != nil || len(entries) != 1 || entries[0].Action != tt.audit {
			t.Fatalf("%s: audited as %+v, %v, want %q", tt.name, entries, err, tt.audit)
		}
		if got := strings.Contains(string(entries[0].Detail), `"override":["`+tt.fails+`"]`); got != (tt.fails != "") {
			t.Errorf("%s: audited with %s, want the overridden case %q", tt.name, entries[0].Detail, tt.fails)
		}
		if tt.audit != "rule.delete" && !strings.Contains(string(entries[0].Detail), `"target":"`) {
			t.Errorf("%s: audited with %s, want the rule", tt.name, entries[0].Detail)
		}
	}
	other := plainRule("nothing", "gpt-5")
	other.AccountID = "other"
	if _, err := rules.CreateRule(t.Context(), foreign, engine.RuleWrite{Rule: other}); err != nil {
		t.Errorf("CreateRule() of an account without cases = %v", err)
	}
	// What is refused for another reason is so with cases too.
	_, err := rules.CreateRule(t.Context(), admin, engine.RuleWrite{Rule: inAcme(plainRule("bbb", "gpt-4o")), Override: true})
	hasCode(t, "CreateRule() of an id that is taken", err, engine.CodeConflict)
	_, err = rules.UpdateRule(t.Context(), admin, engine.RuleWrite{Rule: stored("bbb"), Was: o.now.Add(-time.Hour), Override: true})
	hasCode(t, "UpdateRule() of what changed meanwhile", err, engine.CodeConflict)
	err = rules.DeleteRule(t.Context(), admin, engine.RuleWrite{Rule: engine.Rule{AccountID: "acme", ID: "gone"}, Override: true})
	hasCode(t, "DeleteRule() of none", err, engine.CodeNotFound)
}

func inAcme(r engine.Rule) engine.Rule {
	r.AccountID = "acme"
	return r
}

func listSets(t *testing.T, s *engine.RuleSetService) []engine.RuleSet {
	t.Helper()
	list, err := s.ListRuleSets(t.Context(), admin, "acme", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Two writes that pass the cases one by one, and fail them together, are not both made.
func TestCasesGuardWritesThatMeet(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.ruleSets()
	rules := o.guarded
	for _, id := range []string{"aaa", "bbb"} { // either serves the case
		if _, err := rules.CreateRule(t.Context(), admin, engine.RuleWrite{Rule: inAcme(plainRule(id, "gpt-4o"))}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.PutRuleCase(t.Context(), admin, caseOf("either", "aaa and bbb", "", "gpt-4o")); err != nil {
		t.Fatal(err)
	}
	remove := func(id string) error {
		return rules.DeleteRule(t.Context(), admin, engine.RuleWrite{Rule: engine.Rule{AccountID: "acme", ID: id}})
	}
	var second error
	o.onExplain = func(context.Context) { // while the first's cases run
		o.onExplain = nil
		second = remove("bbb")
	}
	first := remove("aaa")
	var failed *engine.FailedCases
	if second != nil || !errors.As(first, &failed) {
		t.Errorf("DeleteRule() = %v and meanwhile %v, want the one that comes second to fail the case", first, second)
	}
	busy := inAcme(plainRule("aaa", "gpt-4o"))
	busy.CreatedAt, busy.UpdatedAt = o.now, o.now
	o.onExplain = func(ctx context.Context) { // somebody is always faster
		if err := o.UpdateRule(ctx, busy, time.Time{}); err != nil {
			t.Error(err)
		}
	}
	_, err := rules.CreateRule(t.Context(), admin, engine.RuleWrite{Rule: inAcme(plainRule("ccc", "gpt-4o"))})
	hasCode(t, "CreateRule() beside a busy writer", err, engine.CodeConflict)
}

// Cases that take too long have failed: the write is refused with them, and can be made nevertheless.
func TestCasesThatTakeTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		s := o.ruleSets()
		for _, id := range []string{"a-first", "b-slow", "c-last"} {
			if _, err := s.PutRuleCase(t.Context(), admin, caseOf(id, "nothing", engine.SourceDefault, "")); err != nil {
				t.Fatal(err)
			}
		}
		ran := 0
		o.onExplain = func(ctx context.Context) {
			if ran++; ran%2 == 0 {
				<-ctx.Done()
			}
		}
		writes := map[string]func(ctx context.Context, id string, override bool) ([]engine.CaseResult, error){
			"CreateRule": func(ctx context.Context, id string, override bool) ([]engine.CaseResult, error) {
				w, err := o.guarded.CreateRule(ctx, admin, engine.RuleWrite{Rule: inAcme(plainRule(id, "gpt-4o")), Override: override})
				return w.Failing, err
			},
			"PublishRules": func(ctx context.Context, id string, override bool) ([]engine.CaseResult, error) {
				was := int64(0)
				if sets := listSets(t, s); len(sets) > 0 {
					was = sets[0].Version
				}
				out, err := s.PublishRules(ctx, admin, engine.Publication{AccountID: "acme", Rules: []engine.Rule{inAcme(plainRule(id, "gpt-4o"))}, Was: was, Override: override})
				return out.Failing, err
			},
		}
		for _, name := range []string{"CreateRule", "PublishRules"} {
			write := writes[name]
			ran = 0
			_, err := write(t.Context(), "aaa", false)
			var failed *engine.FailedCases
			if !errors.As(err, &failed) || len(failed.Results) != 2 || failed.Results[0].ID != "b-slow" || failed.Results[1].ID != "c-last" || failed.Results[1].Message != "not run within 10 s" {
				t.Errorf("%s() = %v, want b-slow and c-last not to have run", name, err)
			}
			ran = 0
			if failing, err := write(t.Context(), "aaa", true); err != nil || len(failing) != 2 {
				t.Errorf("%s() nevertheless = %+v, %v, want it made with two cases that failed", name, failing, err)
			}
			// A caller who goes away makes no case fail.
			ran = 0
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := write(ctx, "bbb", true); err == nil || errors.As(err, &failed) {
				t.Errorf("%s() of a caller who went away = %v, want that it did", name, err)
			}
			cancel()
		}
	})
}
