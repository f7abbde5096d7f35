package rule

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
)

// Regular expressions over a long text are bounded by count, not by a clock: the rules that
// come after the budget are skipped, the same ones every time.
func TestDecideWork(t *testing.T) {
	t.Parallel()
	var rules []engine.Rule
	for i := range 1_000 {
		rules = append(rules, when(fmt.Sprintf("r%d", i), 9_999-i, fmt.Sprintf("request.text matches '(?:.?){58}x%d'", i)))
	}
	rules = append(rules, when("plain", 0, "request.stream or true"))
	r := loaded(t, nil, rules...)
	req := said(t, strings.Repeat("a", 16<<10))
	start := time.Now()
	first := decided(t, r, req)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("Decide of 1,000 hostile patterns took %v, want about %v", took, DefaultWork)
	}
	if n := len(first.Skipped); n < 900 || n == 1_000 {
		t.Errorf("%d rules of 1,000 were skipped, want nearly all", n)
	}
	if first.Source != "plain" || first.Skipped[0].Detail != "the rules of this request take too much work" {
		t.Errorf("Decide = %q, %v, want plain, which costs next to nothing", first.Source, first.Skipped[0])
	}
	if again := decided(t, r, req); !slices.Equal(again.Skipped, first.Skipped) {
		t.Error("a second decision skipped other rules, want the same")
	}
	if d := decided(t, r, said(t, "short")); d.Source != "plain" || len(d.Skipped) != 0 {
		t.Errorf("Decide of a short text = %q, %d skipped, want plain, 0", d.Source, len(d.Skipped))
	}
	guard := rules[999]
	guard.OnFailure = engine.FailureRefuse
	rules[999] = guard
	if _, err := loaded(t, nil, rules...).Decide(context.Background(), req); engine.CodeOf(err) != engine.CodeRuleFailed {
		t.Errorf("Decide past the budget at a rule that refuses = %v, want %s", err, engine.CodeRuleFailed)
	}
}

// A thousand rules of which none matches take far less than 5 ms.
func TestDecideThousandRules(t *testing.T) {
	r := loaded(t, nil, mixed(1_000)...)
	req := said(t, words(10_000))
	best := time.Hour
	for range 10 {
		start := time.Now()
		if d := decided(t, r, req); d.Source != engine.SourceDefault || len(d.Skipped) != 0 {
			t.Fatalf("Decide = %q, %d skipped, want default, 0", d.Source, len(d.Skipped))
		}
		best = min(best, time.Since(start))
	}
	if best > 5*time.Millisecond {
		t.Errorf("Decide of 1,000 rules takes %v, want at most 5 ms", best)
	}
}

// Each rule that compiles stays within 5 ms and 8 MiB on the longest text, on an idle machine.
func TestDecideWorstRule(t *testing.T) {
	t.Parallel()
	req := said(t, strings.Repeat("a", 16<<10))
	for _, source := range []string{
		"request.text matches '(a+)+b'",
		"count([1,2,3,4,5,6,7,8], lower(request.text) contains 'b') > 9",
		"any(models, lower(request.text) contains .id)",
		strings.Repeat("lower(upper(request.text)) contains 'b' or ", 40) + "false",
		strings.Repeat("request.text contains 'aaaaaaaab' or ", 80) + "false",
		"any([" + strings.Repeat("request.text,", 120) + "'x'], # == 'b')",
		"request.text in [" + strings.Repeat("lower(request.text),", 80) + "'x']",
		"count(models, " + strings.Repeat(".id == 'x' or ", 60) + "false) > 3",
	} {
		p, err := compile(source)
		if err != nil {
			t.Errorf("compile(%.50q) = %v", source, err)
			continue
		}
		best := time.Hour
		for range 5 {
			s, e := prepared(req, p)
			start := time.Now()
			_, err := s.evaluate(e, DefaultWork)
			best = min(best, time.Since(start))
			s.release()
			if err != nil {
				t.Errorf("evaluate(%.50q) = %v", source, err)
			}
		}
		if best > 100*time.Millisecond {
			t.Errorf("evaluate(%.50q) takes %v, want 5 ms on an idle machine", source, best)
		}
	}
}

// A decision among expressions allocates nothing, however many rules there are.
func TestDecideAllocations(t *testing.T) {
	rules := []engine.Rule{when("last", 0, "true")}
	for i := range 100 {
		rules = append(rules, when(fmt.Sprintf("r%d", i), 100, fmt.Sprintf("mentions('word%d') or request.chars < %d and request.text contains 'zz%d'", i, i, i)))
	}
	r := loaded(t, nil, rules...)
	req := said(t, words(1_000))
	ctx := context.Background()
	if n := testing.AllocsPerRun(200, func() {
		if d, err := r.Decide(ctx, req); d.Source != "last" || err != nil {
			t.Errorf("Decide = %q, %v, want last", d.Source, err)
		}
	}); n != 0 {
		t.Errorf("Decide allocates %v times, want 0", n)
	}
}

// On the way of rules that may fail nothing is allocated but by what they run.
func TestDecideAllocationsOfATeamRule(t *testing.T) {
	team := when("team", 5, "mentions('zzz')")
	team.TeamID = "core"
	r := loaded(t, nil, team, when("last", 0, "true"))
	req := said(t, "x")
	ctx := context.Background()
	if n := testing.AllocsPerRun(200, func() { _, _ = r.Decide(ctx, req) }); n != 0 {
		t.Errorf("Decide allocates %v times, want 0", n)
	}
}

// A pooled scratch holds nothing of the request it was used for.
func TestScratchIsEmptied(t *testing.T) {
	t.Parallel()
	p := byMachine(t, "let a = lower(request.text); a == 'x' or any(models, .id == request.metadata.k) or mentions('x')")
	req := asked(t, `{"messages":[`+message("SECRET")+`],"metadata":{"k":"SECRET"}}`)
	s, e := prepared(req, p)
	if _, err := s.evaluate(e, DefaultWork); err != nil {
		t.Fatal(err)
	}
	s.call = engine.RuleCall{RequestID: "SECRET", Request: req.Doc.Root()}
	s.answer.Targets = append(s.answer.Targets, "SECRET")
	s.release()
	stack, variables := s.machine.Stack[:cap(s.machine.Stack)], s.machine.Variables[:cap(s.machine.Variables)]
	for _, v := range append(slices.Clone(stack), variables...) {
		if v != nil {
			t.Errorf("the machine still holds %v", v)
		}
	}
	if s.request != nil || s.env.Request.Text != "" || s.env.Request.Metadata != nil || s.env.Models != nil || s.call.Request != (document.Node{}) || s.answer.Targets[:1][0] != "" {
		t.Errorf("the scratch still holds %+v", s)
	}
}
