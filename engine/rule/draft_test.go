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

func TestDraft(t *testing.T) {
	t.Parallel()
	plugins := guests{
		"/p":   says(engine.RuleAnswer{Reason: "the active one"}),
		"/p@2": says(engine.RuleAnswer{Reason: "version 2"}),
	}
	own := func(r engine.Rule, account string) engine.Rule { r.AccountID = account; return r }
	live := []engine.Rule{when("g", 5, "true"), own(when("a", 9, "mentions('hello')"), "acme"), own(asking("o", 9, "p"), "other")}
	for _, c := range []struct {
		name    string
		draft   DraftOptions
		account string
		want    string
		rules   engine.RuleSetRef
	}{
		{"nothing else", DraftOptions{}, "acme", "a", engine.RuleSetRef{Global: 1, Account: 4}},
		{"other rules of the account", DraftOptions{Sets: map[string][]engine.Rule{"acme": {when("n", 9, "true")}}, Versions: map[string]int64{"acme": 5}}, "acme", "n", engine.RuleSetRef{Global: 1, Account: 5}},
		{"for another account", DraftOptions{Sets: map[string][]engine.Rule{"acme": {when("n", 9, "true")}}}, "new", "g", engine.RuleSetRef{Global: 1}},
		{"none of the account", DraftOptions{Sets: map[string][]engine.Rule{"acme": nil}}, "acme", "g", engine.RuleSetRef{Global: 1, Account: 4}},
		{"other global rules", DraftOptions{Sets: map[string][]engine.Rule{"": {when("n", 10, "true")}}}, "acme", "n", engine.RuleSetRef{Global: 1, Account: 4}},
		{"both", DraftOptions{Sets: map[string][]engine.Rule{"": {when("n", 10, "true")}, "acme": {when("m", 10, "true")}}}, "acme", "m", engine.RuleSetRef{Global: 1, Account: 4}},
		{"a plugin as it is", DraftOptions{}, "other", "o the active one", engine.RuleSetRef{Global: 1}},
		{"a plugin at another version", DraftOptions{Plugins: map[string]string{"p": "p@2"}}, "other", "o version 2", engine.RuleSetRef{Global: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := New(plugins, Config{})
			r.LoadVersions(live, map[string]int64{"": 1, "acme": 4})
			d, problems := r.Draft(c.draft)
			if problems != nil {
				t.Fatalf("Draft = %v", problems)
			}
			req := said(t, "hello")
			req.Principal.AccountID = c.account
			before := decided(t, r, req)
			got, err := d.Decide(t.Context(), req)
			if say := strings.TrimSpace(got.Source + " " + got.Reason); err != nil || say != c.want || got.Rules != c.rules || got.Variant != "" {
				t.Errorf("Decide = %q, %+v, %v, want %q, %+v", say, got.Rules, err, c.want, c.rules)
			}
			explained, steps, err := d.Explain(t.Context(), req)
			if err != nil || !sameDecision(explained, got, true) || len(d.Steps(req)) != len(steps) {
				t.Errorf("Explain = %+v, %v, want %+v", explained, err, got)
			}
			r.Load(nil) // a draft is what it was when it was made
			if again, _ := d.Decide(t.Context(), req); !sameDecision(again, got, true) {
				t.Errorf("Decide after the rules changed = %+v, want %+v", again, got)
			}
			if before.Source == "default" {
				t.Errorf("the live rules decide %q", before.Source)
			}
		})
	}
}

func TestDraftProblems(t *testing.T) {
	t.Parallel()
	r := New(nil, Config{})
	r.Load([]engine.Rule{when("live", 1, "nonsense(")})
	d, problems := r.Draft(DraftOptions{Sets: map[string][]engine.Rule{"acme": {when("bad", 2, "request.what"), when("good", 1, "true")}}})
	if len(problems) != 1 || problems[0].RuleID != "bad" || problems[0].AccountID != "acme" {
		t.Errorf("Draft = %+v, want the problem of the rule bad and no other", problems)
	}
	if got, err := d.Decide(t.Context(), said(t, "x")); err != nil || got.Source != "good" {
		t.Errorf("Decide = %q, %v, want the rules that compile", got.Source, err)
	}
}

// A draft leaves no trace, unless it is to count; then in a record of its own.
func TestDraftCounts(t *testing.T) {
	t.Parallel()
	for _, counts := range []bool{false, true} {
		var told []string
		r := New(guests{"/p": breaks(errors.New("broken"))}, Config{OnSuspend: func(account, id string) { told = append(told, account+"/"+id) }})
		r.Load([]engine.Rule{asking("a", 9, "p"), when("b", 1, "true")})
		d, _ := r.Draft(DraftOptions{Counts: counts})
		req := said(t, "x")
		for range 2 * failureLimit {
			if _, err := d.Decide(t.Context(), req); err != nil {
				t.Fatal(err)
			}
		}
		if wantTold := map[bool][]string{true: {"acme/a"}}[counts]; !slices.Equal(told, wantTold) {
			t.Errorf("counts %v: suspensions %v, want %v", counts, told, wantTold)
		}
		if live := decided(t, r, req); live.Skipped[0].Reason != engine.SkipRuleFailed {
			t.Errorf("counts %v: the live rule is %v, want it tried: a draft's failures are its own", counts, live.Skipped)
		}
	}
}

// A rollout decides for its share, the same requests each time, and says so.
func TestRollout(t *testing.T) {
	t.Parallel()
	r := New(nil, Config{})
	of := func(r engine.Rule) engine.Rule { r.AccountID = "acme"; return r }
	r.LoadVersions([]engine.Rule{of(when("live", 1, "mentions('fix')"))}, map[string]int64{"acme": 2})
	draft := DraftOptions{Sets: map[string][]engine.Rule{"acme": {when("draft", 1, "mentions('fix', 'typo')")}}}
	rolled := func(share int) map[string]bool {
		t.Helper()
		if p := r.LoadRollouts([]Rollout{{ID: "canary", AccountID: "acme", Share: share, Draft: draft}}); p != nil {
			t.Fatalf("LoadRollouts = %v", p)
		}
		in := map[string]bool{}
		for i := range 2_000 {
			req := said(t, "fix the typo")
			req.Hints.SessionID, req.Record = fmt.Sprint("s", i), true
			d := decided(t, r, req)
			switch {
			case d.Source == "draft" && d.Variant == "canary" && len(d.Found) == 2:
				in[req.Hints.SessionID] = true
			case d.Source != "live" || d.Variant != "" || len(d.Found) != 1:
				t.Fatalf("Decide = %q of %q, found %v", d.Source, d.Variant, d.Found)
			}
			explained, steps, err := r.Explain(t.Context(), req)
			if err != nil || !sameDecision(explained, d, true) || steps[0].RuleID != d.Source {
				t.Fatalf("Explain = %+v, %v, want %+v", explained, err, d)
			}
		}
		return in
	}
	tenth, half := rolled(1_000), rolled(5_000)
	if len(tenth) < 140 || len(tenth) > 260 || len(half) < 900 || len(half) > 1_100 {
		t.Errorf("of 2,000 sessions %d and %d fell into shares of a tenth and a half", len(tenth), len(half))
	}
	for session := range tenth {
		if !half[session] {
			t.Errorf("session %s left the rollout when its share grew", session)
		}
	}
	if none, all := rolled(0), rolled(WholeShare); len(none) != 0 || len(all) != 2_000 {
		t.Errorf("shares of nothing and everything = %d, %d of 2,000", len(none), len(all))
	}
	// What is in force stays when rules are loaded again.
	r.Load([]engine.Rule{of(when("later", 1, "true")), when("global", 9, "mentions('typo')")})
	if d := decided(t, r, said(t, "a typo")); d.Source != "global" || d.Variant != "canary" {
		t.Errorf("Decide after Load = %q of %q, want the new global rule within the draft", d.Source, d.Variant)
	}
	// A request that is made again is the live rules'.
	if d, err := decidedAgain(t, r, engine.DecisionInputs{At: received, Principal: engine.Principal{AccountID: "acme"}}, engine.Decision{}, nil); err == nil && d.Variant != "" {
		t.Errorf("a request that is made again is decided by %q", d.Variant)
	}
	other := said(t, "fix")
	other.Principal.AccountID = "other"
	if d := decided(t, r, other); d.Variant != "" {
		t.Errorf("another account's request is decided by %q", d.Variant)
	}
	r.LoadRollouts(nil)
	if d := decided(t, r, said(t, "a typo")); d.Variant != "" || d.Source != "global" {
		t.Errorf("Decide without a rollout = %q of %q", d.Source, d.Variant)
	}
}

// A rollout of global rules serves every account, behind the account's own rollout.
func TestRolloutOfGlobalRules(t *testing.T) {
	t.Parallel()
	r := New(nil, Config{})
	own := when("own", 1, "true")
	own.AccountID = "acme"
	r.Load([]engine.Rule{when("live", 9, "true"), own})
	global := Rollout{ID: "everywhere", Share: WholeShare, Draft: DraftOptions{Sets: map[string][]engine.Rule{"": {when("draft", 9, "true")}}}}
	mine := Rollout{ID: "mine", AccountID: "acme", Share: WholeShare, Draft: DraftOptions{Sets: map[string][]engine.Rule{"acme": {when("my-draft", 10, "true")}}}}
	at := func(account string) string {
		req := said(t, "x")
		req.Principal.AccountID = account
		d := decided(t, r, req)
		return d.Source + " " + d.Variant
	}
	r.LoadRollouts([]Rollout{global})
	if a, b := at("acme"), at("new"); a != "draft everywhere" || b != "draft everywhere" {
		t.Errorf("Decide = %q, %q, want the global draft for both", a, b)
	}
	r.LoadRollouts([]Rollout{global, mine})
	if a, b := at("acme"), at("new"); a != "my-draft mine" || b != "draft everywhere" {
		t.Errorf("Decide = %q, %q, want the account's own draft first", a, b)
	}
}

func TestBucket(t *testing.T) {
	t.Parallel()
	req := func(session, user, key, id string) *engine.Request {
		return &engine.Request{ID: id, Hints: engine.Hints{SessionID: session}, Principal: engine.Principal{AccountID: "acme", UserID: user, KeyID: key}}
	}
	for _, c := range []struct {
		name string
		a, b *engine.Request
		same bool
	}{
		{"one session, by another key", req("s", "u", "k", "1"), req("s", "u", "l", "2"), true},
		{"another user's session of that id", req("s", "u", "k", "1"), req("s", "v", "k", "1"), false},
		{"two sessions", req("s", "u", "k", "1"), req("t", "u", "k", "1"), false},
		{"two requests of one caller", req("", "u", "k", "1"), req("", "u", "k", "2"), false},
		{"one request, made again", req("", "u", "k", "1"), req("", "u", "k", "1"), true},
	} {
		a, b := Bucket("salt", c.a), Bucket("salt", c.b)
		if (a == b) != c.same || a < 0 || a >= WholeShare {
			t.Errorf("%s: Bucket = %d, %d, want the same: %v", c.name, a, b, c.same)
		}
	}
	if one := req("s", "", "", ""); Bucket("salt", one) == Bucket("other", one) {
		t.Error("another salt deals a session to the same place")
	}
	var tenths [10]int
	for i := range 20_000 {
		tenths[Bucket("salt", req(fmt.Sprint(i), "", "", ""))/1_000]++
	}
	for i, n := range tenths {
		if n < 1_800 || n > 2_200 {
			t.Errorf("%d of 20,000 sessions are in tenth %d, want about 2,000", n, i)
		}
	}
}

// Accounts without a rollout pay nothing for those of others.
func TestRolloutAllocations(t *testing.T) { // alone, as it counts allocations
	r := New(nil, Config{})
	r.Load(seeded(t))
	r.LoadRollouts([]Rollout{{ID: "canary", AccountID: "other", Share: WholeShare}, {ID: "half", AccountID: "acme", Share: 1}})
	req := said(t, "nothing that a rule asks for")
	for _, account := range []string{"new", "acme", "other"} {
		req.Principal.AccountID = account
		if n := fewest(func() { _, _ = r.Decide(context.Background(), req) }); n != 0 {
			t.Errorf("account %s: %v allocations, want none", account, n)
		}
	}
}

// Decisions of a rollout count failures of its rules apart from the live ones'.
func TestRolloutSuspends(t *testing.T) {
	t.Parallel()
	var told []string
	r := New(guests{"/p": breaks(errors.New("broken"))}, Config{OnSuspend: func(account, id string) { told = append(told, account+"/"+id) }})
	rules := []engine.Rule{asking("a", 9, "p"), when("b", 1, "true")}
	r.Load(rules)
	rollouts := []Rollout{{ID: "canary", AccountID: "acme", Share: WholeShare, Draft: DraftOptions{Counts: true}}}
	r.LoadRollouts(rollouts)
	req := said(t, "x")
	for range failureLimit {
		decided(t, r, req)
	}
	r.Load(rules) // what is known of a rollout's rules survives a load
	if d := decided(t, r, req); len(told) != 1 || d.Skipped[0].Reason != engine.SkipRuleSuspended || d.Variant != "canary" {
		t.Errorf("Decide = %v, told %v, want the rule suspended in the rollout", d.Skipped, told)
	}
	r.LoadRollouts(nil)
	req.Received = req.Received.Add(time.Second)
	if d := decided(t, r, req); d.Skipped[0].Reason != engine.SkipRuleFailed {
		t.Errorf("Decide by the live rules = %v, want the rule tried", d.Skipped)
	}
}
