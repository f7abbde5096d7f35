package rule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// forgotten is what a record holds of a request when the text is not kept.
func forgotten(in engine.DecisionInputs) engine.DecisionInputs {
	in.Text, in.Body = "", nil
	if string(in.Metadata) != "{}" {
		in.Metadata = nil
	}
	return in
}

// decidedAgain makes a recorded decision again by the rules that made it.
func decidedAgain(t testing.TB, by engine.Decider, in engine.DecisionInputs, was engine.Decision, known func(string) bool) (engine.Decision, error) {
	t.Helper()
	in.Found, in.Searched = was.Found, was.Searched
	d, err := reread(in, was)
	if err != nil {
		t.Fatalf("Decode = %v", err)
	}
	req, err := d.Inputs.Replay(ownModels, known)
	if err != nil {
		t.Fatalf("Replay = %v", err)
	}
	req.Recorded.Skipped, req.Recorded.Plugins = d.Decision.Skipped, d.Decision.Plugins
	return by.Decide(context.Background(), req)
}

// reread is a decision as it comes back from a store.
func reread(in engine.DecisionInputs, was engine.Decision) (engine.DecisionRecord, error) {
	r := engine.DecisionRecord{Detail: engine.DecisionRecorded, Inputs: in, Decision: was, Rules: was.Rules}
	if in.Text != "" || in.Body != nil {
		r.Detail = engine.DecisionWithText
	}
	row := engine.EncodeDecision(nil, &r)
	if r.Detail == engine.DecisionWithText {
		row.Data = engine.DeflateWritten(row.Data, engine.AppendWritten(nil, &in))
	}
	return row.Decode()
}

// of are the rules that the account's requests are decided by.
func of(rules []engine.Rule, account string, ownOnly bool) (seen []engine.Rule) {
	for _, r := range rules {
		if r.AccountID == account || r.AccountID == "" && !ownOnly {
			seen = append(seen, r)
		}
	}
	return seen
}

// A decision that is made again by the same rules is the same: with the text always, without it
// unless a rule asks for what was not kept, which is said. 10,000 requests with POINTSMAN_SOAK.
func TestReplayIsTheSame(t *testing.T) {
	t.Parallel()
	sets, requests := 12, 50
	if soak {
		sets, requests = 50, 200
	}
	undecided, decided := 0, 0
	for set := range sets {
		g := newGenerator(uint64(1_000 + set))
		var rules []engine.Rule
		if set%3 > 0 {
			rules = g.rules(1+g.IntN(20), g.IntN(4))
		}
		if set%3 < 2 {
			rules = append(rules, seeded(t)...)
		}
		r := New(nil, Config{})
		r.LoadVersions(rules, map[string]int64{"": 3, "acme": 7})
		again, _ := r.Draft(DraftOptions{})
		for i := range requests {
			in := g.inputs(t, i)
			was, wasErr := r.Decide(context.Background(), arrived(t, in))
			known := Known(of(rules, in.Principal.AccountID, in.OwnOnly))
			got, err := decidedAgain(t, again, in, was, known)
			if fmt.Sprint(err) != fmt.Sprint(wasErr) || !sameDecision(got, was, false) {
				t.Fatalf("set %d, request %d with its text: Decide = %+v, %v, want %+v, %v", set, i, got, err, was, wasErr)
			}
			got, err = decidedAgain(t, again, forgotten(in), was, known)
			switch {
			case errors.Is(err, engine.ErrUndecided):
				undecided++
				if set%3 == 0 {
					t.Fatalf("set %d, request %d: %v, want none: the system rules ask for phrases only", set, i, err)
				}
			case fmt.Sprint(err) != fmt.Sprint(wasErr) || !sameDecision(got, was, false):
				t.Fatalf("set %d, request %d without its text: Decide = %+v, %v, want %+v, %v", set, i, got, err, was, wasErr)
			default:
				decided++
			}
		}
	}
	if decided < 3*undecided || undecided == 0 {
		t.Errorf("without the text %d were decided and %d undecided, want some of these and more of those", decided, undecided)
	}
}

// What was not kept is never a silent no.
func TestReplayUndecided(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		when   string
		text   string
		change func(*engine.DecisionInputs)
		want   string // source, or the clause that is undecided
	}{
		{name: "a phrase that was found", when: "mentions('fix')", want: "x"},
		{name: "a phrase that was not", when: "mentions('typo')", want: "default"},
		{name: "a new phrase", when: "mentions('new')", want: "? mentions('new')"},
		{name: "a new phrase and a found one", when: "mentions('new', 'fix')", want: "x"},
		{name: "a new phrase and one that was not found", when: "mentions('typo', 'new')", want: "? mentions('typo', 'new')"},
		{name: "a new phrase that does not matter", when: "request.has_image and mentions('new')", want: "default"},
		{name: "a new phrase that does not matter, first", when: "mentions('new') and request.has_image", want: "default"},
		{name: "a new phrase that does not matter to a match", when: "mentions('new') or request.chars == 7", want: "x"},
		{name: "a new phrase for the machine", when: "request.chars + 1 == 8 and mentions('new')", want: "? mentions('new')"},
		{name: "one that does not matter to the machine", when: "request.chars + 1 == 9 and mentions('new')", want: "default"},
		{name: "a known phrase for the machine", when: "request.chars + 1 == 8 and mentions('fix')", want: "x"},
		{name: "the text", when: "request.text contains 'fix'", want: "? request.text contains 'fix'"},
		{name: "the text in a comparison", when: "request.text == ''", want: "? request.text == ''"},
		{name: "the text by brackets", when: `request["text"] startsWith 'f'`, want: `? request["text"] startsWith 'f'`},
		{name: "the text for the machine", when: "lower(request.text) == 'x'", want: "? lower(request.text) == 'x'"},
		{name: "the text of none", when: "request.text == '' and not mentions('new')", change: func(in *engine.DecisionInputs) { in.Features.Chars = 0 }, want: "x"},
		{name: "metadata", when: "request.metadata.plan == 'gold'", want: "? request.metadata.plan == 'gold'"},
		{name: "a key of metadata", when: "'plan' in request.metadata", want: "? 'plan' in request.metadata"},
		{name: "metadata for the machine", when: "len(request.metadata) == 0", want: "? len(request.metadata) == 0"},
		{name: "metadata of none", when: "request.metadata.plan == ''", change: func(in *engine.DecisionInputs) { in.Metadata = []byte("{}") }, want: "x"},
		{name: "models", when: "any(models, .health == 'down')", want: "default"},
		{name: "models that nobody looked at", when: "any(models, .health == 'down')", change: func(in *engine.DecisionInputs) { in.States = nil }, want: "? any(models, .health == 'down')"},
		{name: "phrases that were not looked for", when: "mentions('fix')", change: func(in *engine.DecisionInputs) { in.Searched, in.Found = false, nil }, want: "? mentions('fix')"},
		{name: "the text, kept", when: "request.text contains 'fix' and mentions('it') and mentions('fix')", change: func(in *engine.DecisionInputs) { in.Text = "fix it!" }, want: "x"},
		{name: "the text, kept in part", when: "request.text contains 'fix'", change: func(in *engine.DecisionInputs) {
			in.Text, in.Features.Chars = strings.Repeat("fix ", engine.MaxRuleText/4), 90_000
		}, want: "x"},
		{name: "a phrase behind the part that was kept", when: "mentions('new')", change: func(in *engine.DecisionInputs) {
			in.Text, in.Features.Chars = strings.Repeat("fix ", engine.MaxRuleText/4), 90_000
		}, want: "? mentions('new')"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := engine.DecisionInputs{
				RequestID: "r", At: received, Model: engine.ModelAuto, Principal: engine.Principal{AccountID: "acme"},
				Features: engine.Features{Chars: 7, Messages: 1}, Searched: true, Found: []uint32{engine.PhraseHash("fix")},
				States: []engine.RecordedState{{Model: "gpt-4o", ModelState: engine.ModelState{Health: "healthy"}}},
			}
			if c.change != nil {
				c.change(&in)
			}
			req, err := in.Replay(ownModels, func(phrase string) bool { return phrase == "fix" || phrase == "typo" })
			if err != nil {
				t.Fatal(err)
			}
			r := loaded(t, nil, when("x", 2, c.when), when("y", 1, "false"))
			got := ""
			switch d, steps, err := r.Explain(t.Context(), req); {
			case errors.Is(err, engine.ErrUndecided) && engine.CodeOf(err) == engine.CodeInvalid && steps[0].Outcome == engine.RuleUndecided && steps[1].Outcome == engine.RuleNotReached:
				got = "? " + steps[0].Clause
			case err == nil:
				got = d.Source
			default:
				t.Fatalf("Explain = %+v, %v", steps, err)
			}
			if got != c.want {
				t.Errorf("Explain(%q) = %q, want %q", c.when, got, c.want)
			}
			if _, err := r.Decide(t.Context(), req); errors.Is(err, engine.ErrUndecided) != strings.HasPrefix(c.want, "?") {
				t.Errorf("Decide(%q) = %v, want what Explain says", c.when, err)
			}
		})
	}
}

// What failed or was suspended then does so again, also a rule that guards; without the record's
// word for it every rule is tried.
func TestReplaySkipped(t *testing.T) {
	t.Parallel()
	guard := asking("guard", 9, "p")
	guard.OnFailure = engine.FailureRefuse
	for _, c := range []struct {
		name    string
		rules   []engine.Rule
		skipped []engine.Skip
		want    string
	}{
		{"nothing was skipped", []engine.Rule{asking("a", 9, "p"), when("b", 1, "true")}, nil, "a"},
		{"it failed", []engine.Rule{asking("a", 9, "p"), when("b", 1, "true")}, []engine.Skip{{What: "a", Reason: engine.SkipRuleFailed, Detail: "busy"}}, "b [{a rule_failed busy}]"},
		{"it was suspended", []engine.Rule{asking("a", 9, "p"), when("b", 1, "true")}, []engine.Skip{{What: "a", Reason: engine.SkipRuleSuspended}}, "b [{a rule_suspended }]"},
		{"another was", []engine.Rule{asking("a", 9, "p"), when("b", 1, "true")}, []engine.Skip{{What: "b", Reason: engine.SkipRuleSuspended}}, "a"},
		{"a model of that name was passed over", []engine.Rule{asking("a", 9, "p")}, []engine.Skip{{What: "a", Reason: engine.SkipDown}}, "a"},
		{"a guard was suspended", []engine.Rule{guard}, []engine.Skip{{What: "guard", Reason: engine.SkipRuleSuspended}}, "rule_failed"},
	} {
		r := loaded(t, guests{"/p": says(engine.RuleAnswer{})}, c.rules...)
		in := engine.DecisionInputs{At: received, Model: engine.ModelAuto, Principal: engine.Principal{AccountID: "acme"}}
		d, err := decidedAgain(t, r, in, engine.Decision{Skipped: c.skipped}, nil)
		got := d.Source
		if err != nil {
			got = string(engine.CodeOf(err))
		} else if len(d.Skipped) > 0 {
			got += fmt.Sprint(" ", d.Skipped)
		}
		if got != c.want {
			t.Errorf("%s: Decide = %q, want %q", c.name, got, c.want)
		}
	}
}

// What is made again counts towards nothing, and is no suspended rule's trial.
func TestReplayLeavesBreakersAlone(t *testing.T) {
	t.Parallel()
	s := newSuspending(t)
	in := engine.DecisionInputs{At: received, Model: engine.ModelAuto, Principal: engine.Principal{AccountID: "acme"}}
	for range 3 * failureLimit {
		if d, err := decidedAgain(t, s.Router, in, engine.Decision{}, nil); err != nil || d.Source != "b" {
			t.Fatalf("Decide = %+v, %v, want b", d, err)
		}
	}
	if got := s.at(t, "acme", 0); got != failed || len(s.told) > 0 {
		t.Errorf("Decide after many failures of the past = %q, %v told, want %q, none", got, s.told, failed)
	}
}

// The record of a decision says which phrases of the rules are in the text, whether a rule asked or not.
func TestDecideRecords(t *testing.T) { // alone, as it counts allocations
	rules := []engine.Rule{when("first", 9, "request.chars > 5"), when("second", 8, "mentions('fix', 'deep dive', 'absent')"), when("third", 7, "mentions('typo')")}
	r := New(nil, Config{})
	r.LoadVersions(rules, map[string]int64{"": 3, "acme": 7, "empty": 2})
	hashes := func(phrases ...string) (all []uint32) {
		for _, p := range phrases {
			all = append(all, engine.PhraseHash(p))
		}
		slices.Sort(all)
		return all
	}
	for _, c := range []struct {
		name, text, account string
		want                []uint32
		rules               engine.RuleSetRef
	}{
		{"no rule asked", "fix the Typo, a DEEP  dive", "acme", hashes("fix", "typo", "deep dive"), engine.RuleSetRef{Global: 3, Account: 7}},
		{"rules asked", "a typo", "empty", hashes("typo"), engine.RuleSetRef{Global: 3, Account: 2}},
		{"none is there", "nothing", "other", nil, engine.RuleSetRef{Global: 3}},
	} {
		req := said(t, c.text)
		req.Principal.AccountID, req.Record = c.account, true
		d := decided(t, r, req)
		if !slices.Equal(d.Found, c.want) || !d.Searched || d.Rules != c.rules {
			t.Errorf("%s: Decide(%q) found %v, %v, rules %+v, want %v, true, %+v", c.name, c.text, d.Found, d.Searched, d.Rules, c.want, c.rules)
		}
		req.Record = false
		if d := decided(t, r, req); d.Found != nil || d.Searched {
			t.Errorf("%s: Decide(%q) without a record found %v", c.name, c.text, d.Found)
		}
		if n := fewest(func() { decided(t, r, req) }); n != 0 {
			t.Errorf("%s: %v allocations without a record, want none", c.name, n)
		}
		req.Record = true
		if n := fewest(func() { decided(t, r, req) }); n > 1 {
			t.Errorf("%s: %v allocations with a record, want one at most", c.name, n)
		}
	}
	if got := Phrases(rules); !slices.Equal(got, []string{"fix", "deep dive", "absent", "typo"}) {
		t.Errorf("Phrases = %q", got)
	}
	hidden := when("third", 1, "true")
	hidden.AccountID, hidden.Enabled = "acme", false
	off := when("off", 1, "mentions('off')")
	off.Enabled = false
	known := Known(append(rules, hidden, off))
	for phrase, want := range map[string]bool{"fix": true, "absent": true, "typo": false, "off": false, "new": false} {
		if known(phrase) != want {
			t.Errorf("Known(%q) = %v, want %v", phrase, !want, want)
		}
	}
}

// fewest is what f allocates at best of many runs: the race detector empties pools.
func fewest(f func()) float64 {
	least := testing.AllocsPerRun(1, f)
	for range 50 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}

// One draft serves many at once; nothing of one request is seen by another.
func TestReplaysAtOnce(t *testing.T) {
	t.Parallel()
	g := newGenerator(5)
	rules := append(g.rules(20, 2), seeded(t)...)
	r := New(nil, Config{})
	r.Load(rules)
	draft, _ := r.Draft(DraftOptions{})
	type past struct {
		in  engine.DecisionInputs
		was engine.Decision
		err string
	}
	pasts := make([]past, 100)
	for i := range pasts {
		in := g.inputs(t, i)
		was, err := r.Decide(context.Background(), arrived(t, in))
		pasts[i] = past{in, was, fmt.Sprint(err)}
	}
	var group sync.WaitGroup
	var replays atomic.Int64
	for range 4 {
		group.Go(func() {
			for i := range pasts {
				p := &pasts[i]
				got, err := decidedAgain(t, draft, p.in, p.was, nil)
				if fmt.Sprint(err) != p.err || !sameDecision(got, p.was, false) {
					t.Errorf("request %d: Decide = %+v, %v, want %+v, %v", i, got, err, p.was, p.err)
				}
				replays.Add(1)
			}
		})
	}
	group.Wait()
	if replays.Load() != 400 {
		t.Errorf("%d replays, want 400", replays.Load())
	}
}

// BenchmarkReplay is one decision made again without its text, by a draft of many rules.
func BenchmarkReplay(b *testing.B) {
	g := newGenerator(1)
	for _, c := range []struct {
		name  string
		rules []engine.Rule
	}{{"8 system rules", seeded(b)}, {"200 rules", mixed(200)}, {"200 rules, some computed", g.rules(200, 2)}} {
		b.Run(c.name, func(b *testing.B) {
			r := New(nil, Config{})
			r.Load(c.rules)
			draft, _ := r.Draft(DraftOptions{})
			known := Known(c.rules)
			var pasts []engine.DecisionInputs
			for i := range 64 {
				in := g.inputs(b, i)
				was, _ := r.Decide(context.Background(), arrived(b, in))
				in = forgotten(in)
				in.Found, in.Searched = was.Found, was.Searched
				pasts = append(pasts, in)
			}
			b.ReportAllocs()
			began, n := time.Now(), 0
			for b.Loop() {
				req, err := pasts[n%len(pasts)].Replay(ownModels, known)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := draft.Decide(context.Background(), req); err != nil && !errors.Is(err, engine.ErrUndecided) && engine.CodeOf(err) != engine.CodeRuleFailed {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(n)/time.Since(began).Seconds(), "replays/s")
		})
	}
}
