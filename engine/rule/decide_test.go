package rule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// guests are plugins in Go: by account and reference.
type guests map[string]guest

func (g guests) RuleGuest(account, ref string) (engine.RuleGuest, error) {
	for _, key := range []string{account + "/" + ref, "/" + ref} {
		if found, ok := g[key]; ok {
			found.ref = key
			return found, nil
		}
	}
	return nil, fmt.Errorf("find %s: %w", ref, engine.ErrNotFound)
}

type guest struct {
	ref       string
	decide    func(*engine.RuleCall, *engine.RuleAnswer) error
	configure func([]byte) error
}

func (g guest) Ref() string { return g.ref }

func (g guest) Digest() string { return "digest of " + g.ref }

func (g guest) Decide(_ context.Context, call *engine.RuleCall, answer *engine.RuleAnswer) error {
	*answer = engine.RuleAnswer{Targets: answer.Targets[:0], Tags: answer.Tags[:0], Params: answer.Params[:0], Logs: answer.Logs[:0]}
	return g.decide(call, answer)
}

func (g guest) Configure(_ context.Context, config []byte) error {
	if g.configure == nil {
		return nil
	}
	return g.configure(config)
}

// says is a plugin that always answers so.
func says(answer engine.RuleAnswer) guest {
	return guest{decide: func(_ *engine.RuleCall, a *engine.RuleAnswer) error { *a = answer; return nil }}
}

// breaks is a plugin that always fails.
func breaks(err error) guest {
	return guest{decide: func(*engine.RuleCall, *engine.RuleAnswer) error { return err }}
}

// asking is an enabled global rule with a plugin; its target is its id.
func asking(id string, priority int, plugin string) engine.Rule {
	return engine.Rule{ID: id, Priority: priority, Plugin: plugin, Target: id, Enabled: true}
}

func TestDecideOrder(t *testing.T) {
	t.Parallel()
	later := func(r engine.Rule, d time.Duration) engine.Rule { r.CreatedAt = received.Add(d); return r }
	of := func(r engine.Rule, account string) engine.Rule { r.AccountID = account; return r }
	off := func(r engine.Rule) engine.Rule { r.Enabled = false; return r }
	team := func(r engine.Rule, id string) engine.Rule { r.TeamID = id; return r }
	for _, c := range []struct {
		name  string
		rules []engine.Rule
		want  string
	}{
		{"no rules", nil, "default"},
		{"none matches", []engine.Rule{when("a", 1, "false")}, "default"},
		{"the higher of two", []engine.Rule{when("a", 1, "true"), when("b", 2, "true")}, "b"},
		{"the first match, not the highest", []engine.Rule{when("a", 1, "true"), when("b", 2, "false")}, "a"},
		{"the older of equals", []engine.Rule{later(when("a", 1, "true"), 2), later(when("b", 1, "true"), 1)}, "b"},
		{"the smaller id of twins", []engine.Rule{when("b", 1, "true"), when("a", 1, "true")}, "a"},
		{"the account's before a global one", []engine.Rule{when("a", 1, "true"), later(of(when("b", 1, "true"), "acme"), 1)}, "b"},
		{"a higher global one before the account's", []engine.Rule{when("a", 2, "true"), of(when("b", 1, "true"), "acme")}, "a"},
		{"another account's is not seen", []engine.Rule{of(when("b", 9, "true"), "other"), when("a", 1, "true")}, "a"},
		{"shadowed", []engine.Rule{when("a", 9, "true"), of(when("a", 1, "false"), "acme")}, "default"},
		{"shadowed at another priority", []engine.Rule{when("a", 9, "true"), when("b", 5, "true"), of(when("a", 1, "true"), "acme")}, "b"},
		{"shadowed for another account only", []engine.Rule{when("a", 9, "true"), of(when("a", 9, "false"), "other")}, "a"},
		{"disabled", []engine.Rule{off(when("a", 9, "true")), when("b", 1, "true")}, "b"},
		{"a disabled shadow hides too", []engine.Rule{when("a", 9, "true"), of(off(when("a", 9, "true")), "acme")}, "default"},
		{"of the caller's team", []engine.Rule{team(of(when("a", 9, "true"), "acme"), "core")}, "a"},
		{"of another team", []engine.Rule{team(of(when("a", 9, "true"), "acme"), "edge")}, "default"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // in the other order of arrival too
				if d := decided(t, loaded(t, nil, c.rules...), said(t, "hello")); d.Source != c.want {
					t.Errorf("Decide = %q, want %q", d.Source, c.want)
				}
				slices.Reverse(c.rules)
			}
		})
	}
}

// What plugins spent counts, also of those that abstained or failed.
func TestDecideFuel(t *testing.T) {
	t.Parallel()
	r := loaded(t, guests{
		"/abstains": says(engine.RuleAnswer{Verdict: engine.VerdictAbstain, Fuel: 5}),
		"/fails": {decide: func(_ *engine.RuleCall, a *engine.RuleAnswer) error {
			a.Fuel = 70
			return errors.New("out of fuel")
		}},
		"/unreachable": breaks(errors.New("all instances are busy")),
		"/decides":     says(engine.RuleAnswer{Verdict: engine.VerdictDecided, Fuel: 600}),
	}, asking("a", 9, "abstains"), asking("b", 8, "fails"), asking("c", 7, "unreachable"), asking("d", 6, "decides"))
	if d := decided(t, r, said(t, "hello")); d.Source != "d" || d.Fuel != 675 {
		t.Errorf("Decide = %q with fuel %d, want d with 675", d.Source, d.Fuel)
	}
}

func TestDecideModels(t *testing.T) {
	t.Parallel()
	rule := when("a", 1, "true")
	rule.Target, rule.Fallbacks, rule.Only = "m1", []string{"m2", "m1", "m3"}, true
	r := loaded(t, nil, rule)
	d := decided(t, r, said(t, "hello"))
	if !slices.Equal(d.Models, []string{"m1", "m2", "m3"}) || !d.Only {
		t.Errorf("Decide = %v, only %v, want [m1 m2 m3], true", d.Models, d.Only)
	}
	_ = append(d.Models, "added")
	if again := decided(t, r, said(t, "hello")); len(again.Models) != 3 || cap(again.Models) != 3 {
		t.Errorf("Models = %v with capacity %d, want its length: appending must copy", again.Models, cap(again.Models))
	}
}

func TestDecidePlugin(t *testing.T) {
	t.Parallel()
	trap := &engine.Error{Code: engine.CodePluginFailed, Message: "The plugin p@1 ran out of fuel.", Err: errors.New("secret stack")}
	for _, c := range []struct {
		name       string
		guest      guest
		refuse     bool
		wantSource string
		wantModels []string
		wantCode   engine.Code
		wantStatus int
		wantText   string // of the error, or of the skip
	}{
		{name: "decides", guest: says(engine.RuleAnswer{Targets: []string{"x", "y"}}), wantSource: "a", wantModels: []string{"x", "y", "a", "f"}},
		{name: "decides without a target", guest: says(engine.RuleAnswer{}), wantSource: "a", wantModels: []string{"a", "f"}},
		{name: "names the rule's own", guest: says(engine.RuleAnswer{Targets: []string{"f", "f", "x"}}), wantSource: "a", wantModels: []string{"f", "x", "a"}},
		{name: "names nonsense", guest: says(engine.RuleAnswer{Targets: []string{"", "a b", "x\r\ny", strings.Repeat("z", 129), "x"}}), wantSource: "a", wantModels: []string{"x", "a", "f"}},
		{name: "abstains", guest: says(engine.RuleAnswer{Verdict: engine.VerdictAbstain, Targets: []string{"x"}}), wantSource: "b", wantModels: []string{"b"}},
		{name: "rejects", guest: says(engine.RuleAnswer{Verdict: engine.VerdictReject, Status: 403, Message: "Not on Sundays."}), wantSource: "a", wantCode: engine.CodeRuleRejected, wantStatus: 403, wantText: "Not on Sundays."},
		{name: "rejects with a strange status", guest: says(engine.RuleAnswer{Verdict: engine.VerdictReject, Status: 200}), wantSource: "a", wantCode: engine.CodeRuleRejected, wantStatus: 400, wantText: "The routing rule 'a' refuses this request."},
		{name: "rejects with 452", guest: says(engine.RuleAnswer{Verdict: engine.VerdictReject, Status: 452, Message: "x"}), wantSource: "a", wantCode: engine.CodeRuleRejected, wantStatus: 400, wantText: "x"},
		{name: "rejects though it may be skipped", guest: says(engine.RuleAnswer{Verdict: engine.VerdictReject, Status: 451, Message: "x"}), refuse: true, wantSource: "a", wantCode: engine.CodeRuleRejected, wantStatus: 451, wantText: "x"},
		{name: "breaks", guest: breaks(trap), wantSource: "b", wantModels: []string{"b"}, wantText: "The plugin p@1 ran out of fuel."},
		{name: "breaks and refuses", guest: breaks(trap), refuse: true, wantSource: "a", wantCode: engine.CodeRuleFailed, wantText: "The routing rule 'a' failed, and no request may pass without it."},
		{name: "breaks with a plain error", guest: breaks(errors.New("secret")), wantSource: "b", wantModels: []string{"b"}, wantText: "the expression failed"},
		{name: "breaks with a code that would end the search", guest: breaks(&engine.Error{Code: engine.CodeRuleRejected, Message: "x"}), wantSource: "b", wantModels: []string{"b"}, wantText: "x"},
		{name: "gives an unknown verdict", guest: says(engine.RuleAnswer{Verdict: 7}), wantSource: "b", wantModels: []string{"b"}, wantText: "the plugin gave no verdict"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := asking("a", 9, "p")
			a.Fallbacks = []string{"f"}
			if c.refuse {
				a.OnFailure = engine.FailureRefuse
			}
			r := loaded(t, guests{"/p": c.guest}, a, when("b", 1, "true"))
			d, err := r.Decide(context.Background(), said(t, "hello"))
			if engine.CodeOf(err) != c.wantCode || d.Source != c.wantSource || !slices.Equal(d.Models, c.wantModels) {
				t.Fatalf("Decide = %q %v, %v, want %q %v, %q", d.Source, d.Models, err, c.wantSource, c.wantModels, c.wantCode)
			}
			if err != nil {
				var e *engine.Error
				errors.As(err, &e)
				if e.Status != c.wantStatus || e.Message != c.wantText {
					t.Errorf("Decide = %d %q, want %d %q", e.Status, e.Message, c.wantStatus, c.wantText)
				}
			}
			if err == nil && c.wantText != "" {
				want := []engine.Skip{{What: "a", Reason: engine.SkipRuleFailed, Detail: c.wantText}}
				if !slices.Equal(d.Skipped, want) {
					t.Errorf("Skipped = %v, want %v", d.Skipped, want)
				}
			}
		})
	}
}

// What a plugin is given, and that what it says outlives the call.
func TestDecidePluginCall(t *testing.T) {
	t.Parallel()
	var got engine.RuleCall
	p := guest{decide: func(call *engine.RuleCall, a *engine.RuleAnswer) error {
		got = *call
		a.Targets = append(a.Targets, call.Config.Get("to").Text())
		a.Reason = call.Text.Text()
		a.Tags = append(a.Tags, engine.Pair{Name: "k", Value: a.Reason})
		a.Params = append(a.Params, engine.Pair{Name: "max_tokens", Value: a.Reason})
		return nil
	}}
	a := asking("a", 9, "p@1.0")
	a.Config = []byte(`{"to":"x"}`)
	r := loaded(t, guests{"/p@1.0": p}, a)
	first := decided(t, r, said(t, "one"))
	clear(a.Config)
	second := decided(t, r, said(t, "two"))
	if first.Reason != "one" || first.Tags[0].Value != "one" || first.Params[0].Value != "one" || first.Models[0] != "x" {
		t.Errorf("first decision = %+v, want what the plugin said of it", first)
	}
	if second.Reason != "two" || second.Models[0] != "x" {
		t.Errorf("second decision = %+v, want reason two and model x", second)
	}
	if got.RequestID != "r-1" || got.NowMS != received.UnixMilli() || !got.Request.Get("messages").Exists() {
		t.Errorf("RuleCall = %+v, want the request's id, time and body", got)
	}
}

// A global rule's plugin is not replaced by an account's plugin of the same name.
func TestDecidePluginScope(t *testing.T) {
	t.Parallel()
	own := asking("own", 5, "p")
	own.AccountID = "acme"
	r := loaded(t, guests{
		"/p":     says(engine.RuleAnswer{Verdict: engine.VerdictAbstain}),
		"acme/p": says(engine.RuleAnswer{Targets: []string{"acme"}}),
	}, asking("global", 9, "p"), own)
	if d := decided(t, r, said(t, "x")); d.Source != "own" || d.Models[0] != "acme" {
		t.Errorf("Decide = %q %v, want own [acme own]", d.Source, d.Models)
	}
}

func TestDecidePluginMissing(t *testing.T) {
	t.Parallel()
	for _, r := range []*Router{loaded(t, guests{}, asking("a", 9, "p")), loaded(t, nil, asking("a", 9, "p"))} {
		d := decided(t, r, said(t, "x"))
		want := []engine.Skip{{What: "a", Reason: engine.SkipRuleFailed, Detail: "the plugin is not installed"}}
		if d.Source != "default" || !slices.Equal(d.Skipped, want) {
			t.Errorf("Decide = %q, skipped %v, want default, %v", d.Source, d.Skipped, want)
		}
	}
}

func TestDecideCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	p := guest{decide: func(*engine.RuleCall, *engine.RuleAnswer) error { cancel(); return errors.New("stopped") }}
	r := loaded(t, guests{"/p": p}, asking("a", 9, "p"))
	if _, err := r.Decide(ctx, said(t, "x")); engine.CodeOf(err) != engine.CodeCanceled {
		t.Errorf("Decide of a cancelled request = %v, want %s", err, engine.CodeCanceled)
	}
	if n := r.table.Load().global.all().entries[0].breaker.broken.Load(); n != 0 {
		t.Error("the cancelled call counts as a failure, want none")
	}
}

// What goes wrong while an expression runs is the rule's failure and nothing more.
func TestDecideFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"division by zero", "1 / (request.messages - 1) > 0", "division by zero"},
		{"remainder of zero", "5 % (request.messages - 1) == 0", "division by zero"},
		{"sum too large", "request.messages + 9223372036854775807 > 0", "number too large"},
		{"difference too large", "-9223372036854775807 - request.messages - request.messages > 0", "number too large"},
		{"product too large", "time.unix_ms * time.unix_ms > 0", "number too large"},
		{"fraction too large", "1e300 * (request.messages * 1e300) > 0", "number too large"},
		{"no such element", "models[7].id == 'x'", "no such element"},
		{"no such element of a list", "[1, 2][request.messages + 7] == 1", "no such element"},
		{"not a number", "int(request.text) > 3", "the expression failed"},
		{"not a number in metadata", "int(request.metadata.none) > 3", "the expression failed"},
		{"mixed types", "[request.chars, 'x'][1] > 3", "the expression failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			req := said(t, "secret prompt")
			r := loaded(t, nil, when("a", 9, c.source), when("b", 1, "true"))
			d := decided(t, r, req)
			want := []engine.Skip{{What: "a", Reason: engine.SkipRuleFailed, Detail: c.want}}
			if d.Source != "b" || !slices.Equal(d.Skipped, want) {
				t.Errorf("Decide(%q) = %q, skipped %v, want b, %v", c.source, d.Source, d.Skipped, want)
			}
			guard := when("a", 9, c.source)
			guard.OnFailure = engine.FailureRefuse
			d, err := loaded(t, nil, guard, when("b", 1, "true")).Decide(context.Background(), req)
			if engine.CodeOf(err) != engine.CodeRuleFailed || d.Source != "a" || strings.Contains(err.Error(), "secret") {
				t.Errorf("Decide(%q) with refuse = %q, %v, want a, %s", c.source, d.Source, err, engine.CodeRuleFailed)
			}
		})
	}
}

// A panic in expr's machine, which its own recover does not catch, is a failure too,
// and the machine is as new afterwards.
func TestDecidePanic(t *testing.T) {
	t.Parallel()
	r := loaded(t, nil, when("a", 9, "request.chars + 1 > 0"), when("b", 1, "request.chars + 1 > 0"))
	e := &r.table.Load().global.all().entries[0]
	broken := *e.program
	// Without arguments the machine fails before its first instruction, where it has no location to report.
	broken.machine.Arguments = nil
	healthy := byMachine(t, "request.chars + 1 > 0")
	r.table.Load().global.all().entries[1].program = healthy
	e.program = &broken
	for range 3 {
		if d := decided(t, r, said(t, "x")); d.Source != "b" || len(d.Skipped) != 1 {
			t.Errorf("Decide = %q, skipped %v, want b and one skip", d.Source, d.Skipped)
		}
	}
}

// Rules see 16 KiB of the text; mentions sees all of it.
func TestDecideLongText(t *testing.T) {
	t.Parallel()
	req := said(t, words(20<<10)+" screenshot")
	if holds(t, "request.text contains 'screenshot'", req) {
		t.Error("request.text holds what stands behind 16 KiB, want it cut")
	}
	if !holds(t, "mentions('screenshot') and request.chars == 20491", req) {
		t.Error("mentions does not see what stands behind 16 KiB, want the whole text")
	}
	split := said(t, strings.Repeat("x", 16<<10-1)+"éé")
	if !holds(t, "request.text endsWith 'x' and len(request.text) == 16383", split) {
		t.Error("request.text is cut inside a code point, want it whole")
	}
}

func TestDecideClock(t *testing.T) {
	t.Parallel()
	req := said(t, "x")
	req.Received = time.Date(2026, 11, 23, 1, 0, 0, 0, time.FixedZone("", 2*3600)) // Sunday 23:00 UTC
	if !holds(t, "time.hour == 23 and time.weekday == 0 and time.unix_ms == 1795388400000", req) {
		t.Error("time is not the request's in UTC")
	}
}

func TestDecideMetadata(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, `,"k%d":"v"`, i)
	}
	req := asked(t, `{"messages":[],"metadata":{"a":"`+strings.Repeat("x", 2_000)+`","n":7,"t":true,"z":null,"o":{}`+b.String()+`}}`)
	for source, want := range map[string]bool{
		"len(request.metadata) == 64":                          true,
		"len(request.metadata.a) == 1024":                      true,
		"request.metadata.n == '7'":                            true,
		"request.metadata.t == 'true'":                         true,
		"'z' in request.metadata":                              false,
		"'o' in request.metadata":                              false,
		"request.metadata.missing == ''":                       true,
		"'k0' in request.metadata":                             true,
		"'k99' in request.metadata":                            false,
		"request.metadata['k' == 'k' ? 'n' : 't'] == '7'":      true,
		"any(['7', '8'], request.metadata.n == #)":             true,
		"int(request.metadata.n) + 1 == 8 and request.chars<1": true,
	} {
		if got := holds(t, source, req); got != want {
			t.Errorf("%s = %v, want %v", source, got, want)
		}
	}
}
