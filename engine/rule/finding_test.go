package rule

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

func TestFindings(t *testing.T) {
	t.Parallel()
	own := func(r engine.Rule) engine.Rule { r.AccountID = "acme"; return r }
	to := func(r engine.Rule, target string) engine.Rule { r.Target = target; return r }
	off := func(r engine.Rule) engine.Rule { r.Enabled = false; return r }
	team := func(r engine.Rule, id string) engine.Rule { r.TeamID = id; return own(r) }
	for _, c := range []struct {
		name  string
		rules []engine.Rule
		want  []string // rule kind [clause] (other)
	}{
		{"nothing odd", []engine.Rule{when("a", 2, "mentions('x') and request.chars < 10"), when("b", 1, "mentions('x')")}, nil},
		{"the system rules", seeded(t), nil},

		{"an empty interval", []engine.Rule{when("a", 1, "request.chars > 10 and mentions('x') and request.chars < 5")},
			[]string{"a never [request.chars > 10 and mentions('x') and request.chars < 5]"}},
		{"neighbours leave no number between", []engine.Rule{when("a", 1, "request.chars > 4 and request.chars < 5")}, []string{"a never [request.chars > 4 and request.chars < 5]"}},
		{"an hour that there is not", []engine.Rule{when("a", 1, "mentions('x') and time.hour > 23")}, []string{"a never [time.hour > 23]"}},
		{"a weekday that there is not", []engine.Rule{when("a", 1, "mentions('x') or time.weekday == 7")}, []string{"a never_clause [time.weekday == 7]"}},
		{"a range beyond the day", []engine.Rule{when("a", 1, "mentions('x') or time.hour in 24..30")}, []string{"a never_clause [time.hour in 24..30]"}},
		{"less than nothing", []engine.Rule{when("a", 1, "request.tokens < 0")}, []string{"a never [request.tokens < 0]"}},
		{"a flag and its opposite", []engine.Rule{when("a", 1, "request.has_image and not request.has_image")}, []string{"a never [request.has_image and not request.has_image]"}},
		{"the smallest part", []engine.Rule{when("a", 1, "mentions('x') and (request.has_image and (mentions('y') and (request.stream && !request.stream)))")},
			[]string{"a never [request.stream && !request.stream]"}},
		{"two constants", []engine.Rule{when("a", 1, "request.task_type == 'x' and request.task_type == 'y'")}, []string{"a never [request.task_type == 'x' and request.task_type == 'y']"}},
		{"a constant that is not in the list", []engine.Rule{when("a", 1, "caller.team == 'x' and caller.team in ['y', 'z']")}, []string{"a never [caller.team == 'x' and caller.team in ['y', 'z']]"}},
		{"a constant without the ending", []engine.Rule{when("a", 1, "request.metadata.plan == 'gold' and request.metadata.plan endsWith 'x'")},
			[]string{"a never [request.metadata.plan == 'gold' and request.metadata.plan endsWith 'x']"}},
		{"a command without its slash", []engine.Rule{when("a", 1, "request.command == 'fast' or request.command == '/fast'")}, []string{"a never_clause [request.command == 'fast']"}},
		{"a word in a text too short for it", []engine.Rule{when("a", 1, "mentions('screenshot', 'diagramme') and request.chars < 9")},
			[]string{"a never [mentions('screenshot', 'diagramme') and request.chars < 9]"}},
		{"a word and not the word", []engine.Rule{when("a", 1, "mentions('fix') and not mentions('typo', ' FIX')")}, []string{"a never [mentions('fix') and not mentions('typo', ' FIX')]"}},
		{"a fraction", []engine.Rule{when("a", 1, "budget.left_fraction < 0.1 and budget.left_fraction >= 0.1")}, []string{"a never [budget.left_fraction < 0.1 and budget.left_fraction >= 0.1]"}},
		{"what is computed and its opposite", []engine.Rule{when("a", 1, "lower(request.text) == 'x' and not (lower(request.text) == 'x')")},
			[]string{"a never [lower(request.text) == 'x' and not (lower(request.text) == 'x')]"}},
		{"what may be no number is neither", []engine.Rule{when("a", 1, "not (float(request.text) > 3) and not (float(request.text) <= 3)")}, nil},
		{"false is meant so", []engine.Rule{when("a", 1, "false or mentions('x')")}, nil},
		{"nearly empty", []engine.Rule{when("a", 1, "request.chars > 3 and request.chars < 5 and time.hour >= 23 and mentions('four')")}, nil},

		{"always", []engine.Rule{when("a", 1, "request.chars >= 0 or mentions('x')")}, []string{"a always"}},
		{"a word or not", []engine.Rule{when("a", 1, "mentions('x') or not mentions('x')")}, []string{"a always"}},
		{"all hours", []engine.Rule{when("a", 1, "time.hour in 0..11 or time.hour >= 12")}, []string{"a always"}},
		{"behind what always matches", []engine.Rule{when("a", 2, "true"), when("b", 1, "mentions('x')"), asking("c", 0, "p")},
			[]string{"a always", "b unreachable (a)", "c unreachable (a)"}},
		{"behind what may fail", []engine.Rule{when("a", 2, "1 / session.turn > 0 or true"), when("b", 1, "mentions('x')")}, nil},
		{"more words first", []engine.Rule{when("a", 2, "mentions('x', 'y')"), when("b", 1, "mentions('y') and request.has_image")}, []string{"b unreachable (a)"}},
		{"fewer words first", []engine.Rule{when("a", 2, "mentions('y') and request.has_image"), when("b", 1, "mentions('x', 'y')")}, nil},
		{"the wider interval first", []engine.Rule{when("a", 2, "request.chars < 500"), when("b", 1, "request.chars in 10..20 and mentions('x')")}, []string{"b unreachable (a)"}},
		{"one text of several", []engine.Rule{when("a", 2, "caller.team in ['x', 'y']"), when("b", 1, "caller.team == 'y'")}, []string{"b unreachable (a)"}},
		{"a beginning", []engine.Rule{when("a", 2, "request.command startsWith '/f'"), when("b", 1, "request.command == '/fast'")}, []string{"b unreachable (a)"}},
		{"two that together cover it", []engine.Rule{when("a", 3, "request.has_image"), when("b", 2, "not request.has_image and mentions('x')"), when("c", 1, "mentions('x')")}, nil},
		{"the same condition", []engine.Rule{when("a", 2, "mentions('x') and request.has_image"), when("b", 1, "request.has_image and mentions('X')")}, []string{"b shadowed (a)"}},
		{"the same text on the machine", []engine.Rule{when("a", 2, "request.chars + 1 > 3"), when("b", 1, " request.chars + 1 > 3")}, []string{"b shadowed (a)"}},
		{"the same condition, another target", []engine.Rule{to(when("a", 1, "mentions('x')"), "m1"), to(when("b", 1, "mentions('x')"), "m2")}, []string{"b contradictory (a)"}},
		{"the same condition and target", []engine.Rule{to(when("a", 1, "mentions('x')"), "m1"), to(when("b", 1, "mentions('x')"), "m1")}, []string{"b shadowed (a)"}},
		{"the first is off", []engine.Rule{off(when("a", 2, "true")), when("b", 1, "mentions('x')")}, nil},
		{"the first is another team's", []engine.Rule{team(when("a", 2, "mentions('x')"), "core"), own(when("b", 1, "mentions('x')"))}, nil},
		{"both are of one team", []engine.Rule{team(when("a", 2, "mentions('x', 'y')"), "core"), team(when("b", 1, "mentions('x')"), "core")}, []string{"acme/b unreachable (a)"}},
		{"a global rule does not hide the account's", []engine.Rule{when("a", 2, "mentions('x', 'y')"), own(when("b", 1, "mentions('x')"))}, nil},
		{"the account's hides a global one", []engine.Rule{own(when("a", 2, "mentions('x', 'y')")), when("b", 1, "mentions('x')")}, []string{"b unreachable (a)"}},
		{"the id of a global one", []engine.Rule{when("a", 2, "mentions('x')"), own(off(when("a", 2, "mentions('y')")))}, []string{"a shadowed (a)"}},
		{"one id twice", []engine.Rule{when("a", 2, "mentions('x')"), when("a", 1, "mentions('y')")}, []string{"a shadowed (a)"}},
		{"a rule that never matches hides none", []engine.Rule{when("a", 2, "time.hour > 23"), when("b", 1, "time.hour > 20 and time.hour > 23")}, []string{"a never [time.hour > 23]", "b never [time.hour > 23]"}},

		{"an unknown target", []engine.Rule{to(when("a", 1, "mentions('x')"), "gpt-99")}, []string{"a unknown_model"}},
		{"an unknown model in a condition", []engine.Rule{when("a", 1, "any(models, .id == 'gpt-99')")}, []string{"a unknown_model"}},
		{"an unknown tier", []engine.Rule{when("a", 1, "any(models, .tier in ['flagship', 'flagshp'])")}, []string{"a unknown_value"}},
		{"an unknown health", []engine.Rule{when("a", 1, "models[0].health == 'fine'")}, []string{"a unknown_value"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found := Findings(c.rules, FindingOptions{
				Model: func(id string) bool { return id != "gpt-99" }, Tiers: []string{"flagship", "economy"},
			})
			var got []string
			for _, f := range found {
				line := f.RuleID + " " + string(f.Kind)
				if f.AccountID != "" {
					line = f.AccountID + "/" + line
				}
				if f.Clause != "" {
					line += " [" + f.Clause + "]"
				}
				if f.Other != "" {
					line += " (" + f.Other + ")"
				}
				if f.Message == "" || !strings.HasSuffix(f.Message, ".") {
					t.Errorf("%s has the message %q, want a sentence", line, f.Message)
				}
				got = append(got, line)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("Findings = %q, want %q", got, c.want)
			}
		})
	}
}

// No request ever matches a rule of which it is said that none can, whatever the rules.
func TestFindingsAreNeverWrong(t *testing.T) {
	t.Parallel()
	sets, requests := 60, 60
	if soak {
		sets, requests = 2_000, 300
	}
	count := map[FindingKind]int{}
	for set := range sets {
		g := newGenerator(uint64(50_000 + set))
		var rules []engine.Rule
		for _, r := range g.rules(1+g.IntN(25), g.IntN(3)) {
			if r.AccountID != "other" {
				r.OnFailure = engine.FailureSkip
				rules = append(rules, r)
			}
		}
		claims := map[string]FindingKind{}
		for _, f := range Findings(rules, FindingOptions{}) {
			count[f.Kind]++
			if f.Kind == FindingNever || f.Kind == FindingUnreachable || f.Kind == FindingAlways {
				claims[f.AccountID+"/"+f.RuleID] = f.Kind
			}
		}
		r := New(nil, Config{})
		r.Load(rules)
		for i := range requests {
			in := g.inputs(t, i)
			if in.Principal.AccountID = "acme"; i%2 == 0 {
				in.OwnOnly = false
			}
			req := arrived(t, in)
			_, steps, err := r.Explain(context.Background(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				claim := claims[s.AccountID+"/"+s.RuleID]
				if s.Outcome == engine.RuleMatched && (claim == FindingNever || claim == FindingUnreachable) ||
					claim == FindingAlways && s.Outcome == engine.RuleNoMatch {
					t.Fatalf("set %d: rule %s is said to be %s and %s request %d %q\n%s", set, s.RuleID, claim, s.Outcome, i, in.Text, listed(rules))
				}
			}
		}
	}
	for _, kind := range []FindingKind{FindingNever, FindingUnreachable, FindingAlways, FindingNeverClause} {
		if count[kind] < 5 {
			t.Errorf("%d rules were %s, want many: %v", count[kind], kind, count)
		}
	}
}

func listed(rules []engine.Rule) string {
	var b strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&b, "%s/%s %d %q %v: %s\n", r.AccountID, r.ID, r.Priority, r.TeamID, r.Enabled, r.When)
	}
	return b.String()
}

// The work is bounded, whatever the rules.
func TestFindingsOfVeryMany(t *testing.T) {
	t.Parallel()
	var rules []engine.Rule
	for i := range 1_500 {
		var parts []string
		for j := range 12 {
			parts = append(parts, fmt.Sprintf("(mentions('a%d', 'b%d') or request.chars > %d)", i%7, j, i+j))
		}
		rules = append(rules, when(fmt.Sprint("r", i), i%100, strings.Join(parts, " and ")))
	}
	x := &inspection{solver: solver{steps: findingSteps}}
	x.gather(rules)
	for i := range x.rules {
		x.earlier(&x.rules[i], x.rules[:i])
	}
	if x.solver.steps > 0 {
		t.Errorf("%d steps are left, want so many rules to use them up", x.solver.steps)
	}
	if spent := findingSteps - x.solver.steps; spent > findingSteps+pairSteps {
		t.Errorf("%d steps were taken, want %d at most", spent, findingSteps)
	}
}

func BenchmarkFindings(b *testing.B) {
	for _, n := range []int{100, 1_000} {
		rules := mixed(n)
		b.Run(fmt.Sprint(n, " rules"), func(b *testing.B) {
			for b.Loop() {
				Findings(rules, FindingOptions{})
			}
		})
	}
}
