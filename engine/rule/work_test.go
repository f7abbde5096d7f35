package rule

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

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
	first := decided(t, r, req)
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

// hostile are sources that compile and cost the most on the longest text.
var hostile = []string{
	"request.text matches '(a+)+b'",
	"count([1,2,3,4,5,6,7,8], lower(request.text) contains 'b') > 9",
	"any(models, lower(request.text) contains .id)",
	strings.Repeat("lower(upper(request.text)) contains 'b' or ", 40) + "false",
	strings.Repeat("request.text contains 'aaaaaaaab' or ", 80) + "false",
	"any([" + strings.Repeat("request.text,", 120) + "'x'], # == 'b')",
	"request.text in [" + strings.Repeat("lower(request.text),", 80) + "'x']",
	"count(models, " + strings.Repeat(".id == 'x' or ", 60) + "false) > 3",
}

// A rule that compiles takes at most 8 MiB on the longest text. How long it takes is
// what BenchmarkWorstRule prints: a clock on a busy machine would prove nothing.
func TestDecideWorstRule(t *testing.T) {
	req := said(t, strings.Repeat("a", 16<<10))
	for _, source := range hostile {
		p, err := compile(source)
		if err != nil {
			t.Errorf("compile(%.50q) = %v", source, err)
			continue
		}
		least := uint64(1 << 62)
		for range 5 {
			s, e := prepared(req, p)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := s.evaluate(e, DefaultWork)
			runtime.ReadMemStats(&after)
			least = min(least, after.TotalAlloc-before.TotalAlloc)
			s.release()
			if err != nil {
				t.Errorf("evaluate(%.50q) = %v", source, err)
			}
		}
		if least > 8<<20 {
			t.Errorf("evaluate(%.50q) takes %d bytes, want at most 8 MiB", source, least)
		}
	}
}

// BenchmarkWorstRule is the time of the costliest rules known; 5 ms is the bar.
func BenchmarkWorstRule(b *testing.B) {
	req := said(b, strings.Repeat("a", 16<<10))
	for i, source := range hostile {
		p, err := compile(source)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%d", i), func(b *testing.B) {
			for b.Loop() {
				s, e := prepared(req, p)
				if _, err := s.evaluate(e, DefaultWork); err != nil {
					b.Fatal(err)
				}
				s.release()
			}
		})
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
