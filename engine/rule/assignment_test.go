package rule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// policies compiles assignments of the task "review" of account acme, in that order.
func policies(t testing.TB, r *Router, conditions ...string) *engine.Policies {
	t.Helper()
	var rows []engine.Assignment
	for i, when := range conditions {
		rows = append(rows, engine.Assignment{
			Tenant: engine.Tenant{AccountID: "acme"}, ID: fmt.Sprintf("a%d", i), TaskType: "review", Model: "gpt-4o",
			Priority: 100 - i, When: when, Enabled: true,
		})
	}
	return engine.NewPolicies(nil, rows, r)
}

// first asks the compiled conditions as a request does.
func first(t testing.TB, r *Router, req *engine.Request, sources ...string) (int, *engine.ConditionSearch) {
	t.Helper()
	c, errs := r.Conditions(sources)
	if errs != nil {
		t.Fatalf("Conditions(%q) = %v", sources, errs)
	}
	among := make([]int, len(sources))
	for i := range among {
		among[i] = i
	}
	s := &engine.ConditionSearch{}
	return c.First(req, among, s), s
}

func TestConditions(t *testing.T) {
	t.Parallel()
	req := said(t, "please review this zebra")
	tests := []struct {
		name    string
		sources []string
		want    int
		failed  int
	}{
		{"the first that holds", []string{"mentions('okapi')", "mentions('zebra')", "true"}, 1, 0},
		{"an empty text holds", []string{"request.has_image", "", "mentions('zebra')"}, 1, 0},
		{"none", []string{"request.has_image", "caller.team == 'other'"}, -1, 0},
		{"what a rule sees", []string{"caller.account == 'acme' and caller.team == 'core' and any(models, .id == 'gpt-4o')"}, 0, 0},
		{"one that fails is passed over", []string{"1 / (request.messages - 1) == 1", "true"}, 1, 1},
		{"on the machine, with words", []string{"request.chars + 1 > 3 and mentions('zebra')"}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, s := first(t, New(nil, Config{}), req, tt.sources...)
			if got != tt.want || len(s.Failed) != tt.failed {
				t.Errorf("First(%q) = %d with failures %v, want %d with %d", tt.sources, got, s.Failed, tt.want, tt.failed)
			}
		})
	}
}

// Only the indexes that are asked for count.
func TestConditionsAmong(t *testing.T) {
	t.Parallel()
	c, _ := New(nil, Config{}).Conditions([]string{"true", "true", ""})
	if got := c.First(said(t, "x"), []int{1, 2}, &engine.ConditionSearch{}); got != 1 {
		t.Errorf("First among 1 and 2 = %d, want 1", got)
	}
}

// A text that does not compile is reported, and never holds.
func TestConditionsThatDoNotCompile(t *testing.T) {
	t.Parallel()
	r := New(nil, Config{})
	long := strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100)
	for _, source := range []string{"request.tokns > 1", "request.tokens", long, "repeat('x', 99)", strings.Repeat("a", engine.MaxRuleSource+1)} {
		if err := r.CheckCondition(source); err == nil {
			t.Errorf("CheckCondition(%.40q) = nil, want an error", source)
		}
		c, errs := r.Conditions([]string{source, "true"})
		if errs == nil || errs[0] == nil || errs[1] != nil {
			t.Errorf("Conditions(%.40q, true) = %v, want the first reported", source, errs)
		}
		if got := c.First(said(t, "x"), []int{0, 1}, &engine.ConditionSearch{}); got != 1 {
			t.Errorf("First(%.40q, true) = %d, want 1", source, got)
		}
	}
	if err := r.CheckCondition(""); err != nil {
		t.Errorf("CheckCondition(\"\") = %v, want nil", err)
	}
	problems := policies(t, r, "request.tokns > 1", "true").Problems()
	if len(problems) != 1 || problems[0].AccountID != "acme" || problems[0].ID != "a0" {
		t.Errorf("Problems = %v, want a0 of acme", problems)
	}
}

// The conditions of one request share their work, over all lists.
func TestConditionsAreBounded(t *testing.T) {
	t.Parallel()
	pattern := `request.text matches '(a+)+b'`
	req := said(t, strings.Repeat("a", engine.MaxRuleText))
	r := New(nil, Config{})
	p, err := compile(pattern)
	if err != nil {
		t.Fatal(err)
	}
	one := p.cost.of(engine.MaxRuleText, 0)
	r.cfg.Work = 2*one + one/2
	c, _ := r.Conditions([]string{pattern, pattern})
	s := &engine.ConditionSearch{}
	c.First(req, []int{0, 1}, s)
	if len(s.Failed) != 0 || s.Work != 2*one {
		t.Fatalf("two patterns: work %d, failures %v, want %d and none", s.Work, s.Failed, 2*one)
	}
	c.First(req, []int{0, 1}, s)
	if len(s.Failed) != 2 || s.Failed[0].Detail != errWork.Error() {
		t.Errorf("two more: failures %v, want both over the bound", s.Failed)
	}
}

// An account that wants its own rules only has neither global nor system rules, and the
// others keep them.
func TestCustomRulesOnly(t *testing.T) {
	t.Parallel()
	own := when("own", 1, "mentions('zebra')")
	own.AccountID = "acme"
	r := loaded(t, nil, when("global", 99, "true"), own)
	yes := true
	only := engine.NewPolicies([]engine.Preferences{
		{Tenant: engine.Tenant{AccountID: "acme"}, CustomRulesOnly: &yes}, {Tenant: engine.Tenant{AccountID: "bare"}, CustomRulesOnly: &yes},
	}, nil, nil)
	tests := []struct{ account, text, want string }{
		{"acme", "a zebra", "own"},
		{"acme", "an okapi", engine.SourceDefault},
		{"bare", "a zebra", engine.SourceDefault},
		{"other", "a zebra", "global"},
	}
	for _, tt := range tests {
		req := said(t, tt.text)
		req.Principal.AccountID = tt.account
		req.Policy = only.Of(req.Principal)
		if got := decided(t, r, req).Source; got != tt.want {
			t.Errorf("Decide(%q) of %s = %q, want %q", tt.text, tt.account, got, tt.want)
		}
	}
	req := said(t, "a zebra")
	if got := decided(t, r, req).Source; got != "global" {
		t.Errorf("Decide without the preference = %q, want global", got)
	}
}

// What an account prefers is what its rules see.
func TestRulesSeePreferences(t *testing.T) {
	t.Parallel()
	no, yes := false, true
	p := engine.NewPolicies([]engine.Preferences{{Tenant: engine.Tenant{AccountID: "acme"}, PreferVision: &no, PreferSpeed: &yes, PreferCost: &yes, BlockedModels: &[]string{"gpt-4o"}}}, nil, nil)
	req := said(t, "x")
	if !holds(t, "prefer.vision and not prefer.speed and not prefer.cost and any(models, .id == 'gpt-4o')", req) {
		t.Error("without preferences: want vision only, and every model")
	}
	req.Policy = p.Of(req.Principal)
	if !holds(t, "not prefer.vision and prefer.speed and prefer.cost and none(models, .id == 'gpt-4o')", req) {
		t.Error("with preferences: want speed and cost, and no blocked model")
	}
}
