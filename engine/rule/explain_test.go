package rule

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// told is a step in a line: id, outcome, clause and detail.
func told(s engine.RuleStep) string {
	parts := []string{s.RuleID, string(s.Outcome)}
	if s.AccountID != "" {
		parts[0] = s.AccountID + "/" + s.RuleID
	}
	for _, more := range []string{s.Clause, s.Detail} {
		if more != "" {
			parts = append(parts, "["+more+"]")
		}
	}
	return strings.Join(parts, " ")
}

func toldAll(steps []engine.RuleStep) []string {
	var all []string
	for _, s := range steps {
		all = append(all, told(s))
	}
	return all
}

// The clause is the innermost part that did not hold, or the one that made the rule match, as it is written.
func TestClause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, when, want string }{
		{"one condition, no", "mentions('fix')", "no_match [mentions('fix')]"},
		{"one condition, yes", "mentions( 'hello' )", "matched [mentions( 'hello' )]"},
		{"the first of an and", "request.has_image and mentions('fix')", "no_match [request.has_image]"},
		{"the second of an and", "request.chars < 500 and mentions('fix')", "no_match [mentions('fix')]"},
		{"the last of three", "request.chars < 500 and mentions('hello') && request.chars > 100", "no_match [request.chars > 100]"},
		{"all of an or", "request.has_image or mentions('fix', 'typo')", "no_match [request.has_image or mentions('fix', 'typo')]"},
		{"an or inside an and", "request.chars < 500 and (request.has_image  or  request.stream)", "no_match [request.has_image  or  request.stream]"},
		{"an and inside an or", "(request.has_image and true) or mentions('fix')", "no_match [(request.has_image and true) or mentions('fix')]"},
		{"the part of an or that held", "request.has_image or mentions('hello') or true", "matched [mentions('hello')]"},
		{"an and in an or that held", "request.has_image or (mentions('hello') and request.chars == 5)", "matched [mentions('hello') and request.chars == 5]"},
		{"all of an and", "mentions('hello') and request.chars == 5", "matched [mentions('hello') and request.chars == 5]"},
		{"a negation", "not (request.has_image) and not (mentions('hello') or false)", "no_match [not (mentions('hello') or false)]"},
		{"not without brackets", "not request.has_image and !mentions('hello')", "no_match [!mentions('hello')]"},
		{"brackets around it all", "((request.has_image))", "no_match [request.has_image]"},
		{"a comparison of brackets", "(request.has_image or request.stream) == true", "no_match [(request.has_image or request.stream) == true]"},
		{"a conditional is one", "request.stream ? mentions('hello') and true : request.has_image or false", "no_match [request.stream ? mentions('hello') and true : request.has_image or false]"},
		{"a local is one", "let n = request.chars; n > 3 and n < 5", "no_match [let n = request.chars; n > 3 and n < 5]"},
		{"a loop is one", "request.chars > 1 and any(models, .id == 'x' or .id == 'y')", "no_match [any(models, .id == 'x' or .id == 'y')]"},
		{"a range", "request.chars in 1..9 and time.hour in 9..17", "no_match [time.hour in 9..17]"},
		{"a chain", "1 < request.chars < 3 or false", "no_match [1 < request.chars < 3 or false]"},
		{"a member called or", "request.metadata.or == 'x' and request.metadata.and == ''", "no_match [request.metadata.or == 'x']"},
		{"operators in a text", "request.text == 'a or b' or request.text contains ' and '", "no_match [request.text == 'a or b' or request.text contains ' and ']"},
		{"characters of other scripts", "mentions('日本語') or request.text == 'é' or (request.has_image and mentions('hello'))", "no_match [mentions('日本語') or request.text == 'é' or (request.has_image and mentions('hello'))]"},
		{"a comment", "request.has_image // and this\n or mentions('hello')", "matched [mentions('hello')]"},
		{"computed", "request.chars + 1 == 7 or lower(request.text) == 'hello'", "matched [lower(request.text) == 'hello']"},
		{"not in", "request.text not in ['a', 'b'] and request.command not in ['', 'x']", "no_match [request.command not in ['', 'x']]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := loaded(t, nil, when("x", 1, c.when))
			req := said(t, "hello")
			_, steps, err := r.Explain(t.Context(), req)
			if err != nil || len(steps) != 1 || told(steps[0]) != "x "+c.want {
				t.Errorf("Explain(%q) = %q, %v, want %q", c.when, toldAll(steps), err, c.want)
			}
		})
	}
}

// Every rule that the account sees has its step, in the order in which they are tried.
func TestExplainSteps(t *testing.T) {
	t.Parallel()
	of := func(r engine.Rule, account string) engine.Rule { r.AccountID = account; return r }
	off := func(r engine.Rule) engine.Rule { r.Enabled = false; return r }
	team := func(r engine.Rule, id string) engine.Rule { r.TeamID = id; return r }
	plugins := guests{
		"/abstains": says(engine.RuleAnswer{Verdict: engine.VerdictAbstain, Fuel: 5}),
		"/rejects":  says(engine.RuleAnswer{Verdict: engine.VerdictReject, Status: 403, Message: "not here", Fuel: 7}),
		"/fails":    breaks(errors.New("secret")),
		"/decides":  says(engine.RuleAnswer{Targets: []string{"x"}, Reason: "because", Fuel: 11}),
	}
	rules := []engine.Rule{
		when("image", 90, "request.has_image"),
		off(when("off", 85, "true")),
		of(off(when("hidden", 10, "true")), "acme"), when("hidden", 80, "true"),
		of(team(when("edges", 75, "true"), "edge"), "acme"),
		of(when("broken", 70, "nonsense("), "acme"),
		asking("abstains", 65, "abstains"), asking("fails", 60, "fails"), when("divides", 55, "1 / session.turn > 1"), asking("missing", 52, "missing"),
	}
	upTo := []string{
		"image no_match [request.has_image]", "off disabled", "hidden shadowed [rule hidden of the account has its id]", "acme/edges other_team",
		"acme/broken left_out [1:10: the rule ends too early]", "abstains abstained", "fails failed [the expression failed]",
		"divides failed [division by zero]", "missing failed [the plugin is not installed]",
	}
	for _, c := range []struct {
		name string
		last []engine.Rule
		own  bool
		want []string
		err  engine.Code
	}{
		{"a match", []engine.Rule{asking("decides", 50, "decides"), when("later", 40, "true")}, false,
			append(slices.Clone(upTo), "decides matched [because]", "later not_reached", "acme/hidden disabled"), ""},
		{"a refusal", []engine.Rule{asking("rejects", 50, "rejects"), when("later", 40, "true")}, false,
			append(slices.Clone(upTo), "rejects rejected [not here]", "later not_reached", "acme/hidden disabled"), engine.CodeRuleRejected},
		{"no match", nil, false, append(slices.Clone(upTo), "acme/hidden disabled"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := New(plugins, Config{})
			r.Load(append(slices.Clone(rules), c.last...))
			_, steps, err := r.Explain(t.Context(), said(t, "hello"))
			if got := toldAll(steps); engine.CodeOf(err) != c.err || !slices.Equal(got, c.want) {
				t.Errorf("Explain = %v\n%s\nwant %q\n%s", err, strings.Join(got, "\n"), c.err, strings.Join(c.want, "\n"))
			}
			for _, s := range steps {
				if s.RuleID == "abstains" && (s.Plugin != "/abstains" || s.Digest != "digest of /abstains" || s.Fuel != 5 || s.TookNS <= 0) {
					t.Errorf("step of a plugin = %+v, want its version, digest, fuel and time", s)
				}
			}
			asked := r.Steps(said(t, "hello"))
			for i := range asked {
				want := steps[i].Outcome
				if !slices.Contains([]engine.RuleOutcome{engine.RuleDisabled, engine.RuleShadowed, engine.RuleLeftOut, engine.RuleOtherTeam}, want) {
					want = engine.RuleNotAsked
				}
				if len(asked) != len(steps) || asked[i].RuleID != steps[i].RuleID || asked[i].Outcome != want {
					t.Errorf("Steps[%d] = %q, want %s of rule %s", i, told(asked[i]), want, steps[i].RuleID)
				}
			}
		})
	}
	own := said(t, "hello")
	own.Policy = &engine.Policy{CustomRulesOnly: true}
	r := New(nil, Config{})
	r.Load([]engine.Rule{when("global", 9, "true"), of(when("own", 1, "true"), "acme")})
	if _, steps, _ := r.Explain(t.Context(), own); !slices.Equal(toldAll(steps), []string{"global left_out [the account uses its own rules only]", "acme/own matched [true]"}) {
		t.Errorf("Explain with own rules only = %q", toldAll(steps))
	}
}

// Explaining a rule that is suspended is no trial, and failures while explaining are not counted.
func TestExplainLeavesBreakersAlone(t *testing.T) {
	t.Parallel()
	s := newSuspending(t)
	explained := func(after time.Duration) string {
		req := said(t, "x")
		req.Received = received.Add(after)
		_, steps, _ := s.Explain(t.Context(), req)
		return string(steps[0].Outcome)
	}
	for i := range 3 * failureLimit {
		if got := explained(time.Duration(i) * time.Millisecond); got != "failed" {
			t.Fatalf("step = %s, want failed, each time", got)
		}
	}
	for range failureLimit {
		s.at(t, "acme", time.Second)
	}
	if got := explained(2 * time.Second); got != "suspended" || len(s.told) != 1 {
		t.Fatalf("step = %s with %d suspensions told, want suspended, 1", got, len(s.told))
	}
	after := time.Second + suspension + time.Millisecond
	if got := explained(after); got != "failed" {
		t.Errorf("step after the suspension = %s, want what the trial would come to", got)
	}
	calls := s.calls
	if got := s.at(t, "acme", after); got != failed || s.calls != calls+1 {
		t.Errorf("Decide after it = %q, want the trial that was not taken: %q", got, failed)
	}
}

// sameDecision compares all that two decisions say; found tells whether what was found counts too.
func sameDecision(a, b engine.Decision, found bool) bool {
	for _, d := range [...]*engine.Decision{&a, &b} {
		d.Fuel, d.Plugins = 0, slices.Clone(d.Plugins)
		for i := range d.Plugins {
			d.Plugins[i].Fuel, d.Plugins[i].TookNS = 0, 0
		}
		if !found { // one of them is not recorded
			d.Found, d.Searched, d.Plugins = nil, false, nil
		}
	}
	return reflect.DeepEqual(a, b)
}

// Explain decides as Decide does, whatever the rules and the request, and tells a step for each rule.
func TestExplainDecidesAsDecide(t *testing.T) {
	t.Parallel()
	sets, requests := 40, 60
	if soak {
		sets, requests = 1_000, 200
	}
	plugins := guests{
		"/abstains": says(engine.RuleAnswer{Verdict: engine.VerdictAbstain, Fuel: 5}),
		"/rejects":  says(engine.RuleAnswer{Verdict: engine.VerdictReject, Status: 403, Message: "not here", Fuel: 7}),
		"/fails":    breaks(errors.New("secret")),
		"/decides": {decide: func(_ *engine.RuleCall, a *engine.RuleAnswer) error {
			*a = engine.RuleAnswer{Targets: []string{"x"}, Reason: "because", Tags: []engine.Pair{{Name: "a", Value: "b"}}, Fuel: 11}
			return nil
		}},
	}
	outcomes := map[engine.RuleOutcome]int{}
	for set := range sets {
		g := newGenerator(uint64(set))
		rules := g.rules(1+g.IntN(25), g.IntN(4))
		if set%5 == 0 {
			rules = append(rules, seeded(t)...)
		}
		for i := range rules {
			if g.IntN(6) == 0 {
				rules[i].When, rules[i].Plugin = "", pick(g, "abstains", "rejects", "fails", "decides", "missing")
			}
		}
		r := New(plugins, Config{})
		r.Load(rules)
		for i := range requests {
			in := g.inputs(t, i)
			// Each decides on a request of its own: Decide counts failures.
			d, steps, explained := r.Explain(context.Background(), arrived(t, in))
			want, err := r.Decide(context.Background(), arrived(t, in))
			if fmt.Sprint(explained) != fmt.Sprint(err) || !sameDecision(d, want, true) || d.Fuel != want.Fuel {
				t.Fatalf("set %d, request %d: Explain = %+v, %v, want %+v, %v", set, i, d, explained, want, err)
			}
			checkSteps(t, r, in, want, steps, outcomes)
		}
	}
	for _, o := range []engine.RuleOutcome{
		engine.RuleMatched, engine.RuleNoMatch, engine.RuleFailedStep, engine.RuleSuspended, engine.RuleOtherTeam, engine.RuleDisabled,
		engine.RuleShadowed, engine.RuleLeftOut, engine.RuleNotReached, engine.RuleAbstained, engine.RuleRejected,
	} {
		if outcomes[o] < 5 {
			t.Errorf("%d steps were %s, want many: %v", outcomes[o], o, outcomes)
		}
	}
}

// checkSteps holds the steps against the decision and the rules.
func checkSteps(t *testing.T, r *Router, in engine.DecisionInputs, d engine.Decision, steps []engine.RuleStep, outcomes map[engine.RuleOutcome]int) {
	t.Helper()
	table := r.table.Load()
	rules := len(table.global.known)
	if own := table.lists(in.Principal.AccountID); own != nil && in.Principal.AccountID != "" {
		rules += len(own.known)
	}
	if len(steps) != rules {
		t.Fatalf("%d steps, want one for each of %d rules", len(steps), rules)
	}
	var matched string
	var skipped []string
	for i, s := range steps {
		outcomes[s.Outcome]++
		switch s.Outcome {
		case engine.RuleMatched:
			matched = s.RuleID
		case engine.RuleFailedStep, engine.RuleSuspended:
			skipped = append(skipped, s.RuleID)
		case "":
			t.Fatalf("step %d has no outcome: %+v", i, s)
		}
		if i > 0 && s.Priority > steps[i-1].Priority {
			t.Fatalf("step %d has priority %d after %d", i, s.Priority, steps[i-1].Priority)
		}
		if (s.Outcome == engine.RuleMatched || s.Outcome == engine.RuleNoMatch) && (s.Clause == "") != (s.Plugin != "") {
			t.Fatalf("step %+v: an expression has a clause, a plugin has none", s)
		}
	}
	var want []string
	for _, s := range d.Skipped {
		want = append(want, s.What)
	}
	if !slices.Equal(skipped, want) || (matched != "" && matched != d.Source) {
		t.Fatalf("steps say matched %q, skipped %v; the decision %q, %v", matched, skipped, d.Source, want)
	}
}

// The clauses of an expression come out as the expression does.
func TestClausesAgreeWithExpression(t *testing.T) {
	t.Parallel()
	g := newGenerator(11)
	for i := range 400 {
		source := g.expression(4, i%3)
		p, err := compile(source)
		if err != nil {
			t.Fatalf("compile(%q) = %v", source, err)
		}
		parts := p.parts()
		if parts == nil {
			t.Fatalf("%q cannot be taken apart", source)
		}
		for range 5 {
			req := arrived(t, g.inputs(t, i))
			s, e := prepared(req, p)
			want, wantErr := s.evaluate(e, unbounded)
			s.release()
			x := newExamination(req, parts)
			got, err := x.examine(&parts.root)
			x.scratch.release()
			if err != nil && wantErr == nil && (strings.Contains(source, "true") || strings.Contains(source, "false")) {
				continue // x or true is true to expr's optimizer, though x fails
			}
			if !errors.Is(err, wantErr) || err == nil && got != truthOf(want) {
				t.Fatalf("the clauses of %q = %v, %v, want %v, %v", source, got, err, want, wantErr)
			}
		}
	}
}

// FuzzClauses: no expression that compiles makes taking it apart panic or come out otherwise.
func FuzzClauses(f *testing.F) {
	g := newGenerator(3)
	for range 20 {
		f.Add(g.expression(3, 3))
	}
	f.Add("not (not (true)) and request.metadata.or == '' or !(false)")
	req := said(f, "fix the typo")
	f.Fuzz(func(t *testing.T, source string) {
		p, err := compile(source)
		if err != nil {
			return
		}
		parts := p.parts()
		if parts == nil {
			return
		}
		s, e := prepared(req, p)
		defer s.release()
		if want, err := s.evaluate(e, DefaultWork); err == nil {
			x := newExamination(req, parts)
			defer x.scratch.release()
			if got, err := x.examine(&parts.root); err == nil && got != truthOf(want) {
				t.Fatalf("the clauses of %q = %v, %v, want %v", source, got, err, want)
			}
		}
	})
}
