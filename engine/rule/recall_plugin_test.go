package rule

import (
	"errors"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// A record names each plugin that was asked, and what it spent.
func TestDecideRecordsPlugins(t *testing.T) {
	t.Parallel()
	g := guests{
		"/shy":   says(engine.RuleAnswer{Verdict: engine.VerdictAbstain, Fuel: 7}),
		"/bad":   breaks(errors.New("no")),
		"/sure":  says(engine.RuleAnswer{Verdict: engine.VerdictDecided, Fuel: 9}),
		"/later": says(engine.RuleAnswer{}),
	}
	r := loaded(t, g, asking("a", 9, "shy"), asking("b", 8, "bad"), asking("none", 7, "missing"), asking("c", 6, "sure"), asking("d", 5, "later"))
	req := said(t, "hello")
	if d := decided(t, r, req); d.Plugins != nil {
		t.Errorf("Decide without a record has calls %+v, want none", d.Plugins)
	}
	for _, explained := range []bool{false, true} {
		req = said(t, "hello")
		req.Record = true
		var d engine.Decision
		var err error
		if explained {
			d, _, err = r.Explain(t.Context(), req)
		} else {
			d, err = r.Decide(t.Context(), req)
		}
		if err != nil || len(d.Plugins) != 3 {
			t.Fatalf("Decide = %+v, %v, want the calls of three plugins", d, err)
		}
		for i, want := range []engine.PluginCall{
			{RuleID: "a", Plugin: "/shy", Outcome: engine.RuleAbstained, Fuel: 7},
			{RuleID: "b", Plugin: "/bad", Outcome: engine.RuleFailedStep},
			{RuleID: "c", Plugin: "/sure", Outcome: engine.RuleMatched, Fuel: 9},
		} {
			got := d.Plugins[i]
			if got.Digest == "" || len(got.Digest) > engine.ShortDigest || got.TookNS < 0 {
				t.Errorf("call %d = %+v, want how its digest begins, and a time", i, got)
			}
			got.Digest, got.TookNS = "", 0
			if got != want {
				t.Errorf("call %d = %+v, want %+v", i, got, want)
			}
		}
	}
}

// A decision that is made again asks the plugins' versions of then; of one that cannot be asked
// again its answer of then counts, and that is said.
func TestReplayAsksPluginsOfThen(t *testing.T) {
	t.Parallel()
	decides := func(target string) guest {
		return guest{decide: func(_ *engine.RuleCall, a *engine.RuleAnswer) error {
			a.Verdict, a.Targets, a.Fuel = engine.VerdictDecided, append(a.Targets, target), 3
			return nil
		}}
	}
	abstains := says(engine.RuleAnswer{Verdict: engine.VerdictAbstain, Fuel: 2})
	forgets := breaks(engine.ErrUndecided)
	call := func(plugin string, outcome engine.RuleOutcome) []engine.PluginCall {
		ref := "/" + plugin
		return []engine.PluginCall{{RuleID: "a", Plugin: plugin, Digest: ("digest of " + ref)[:min(len("digest of "+ref), engine.ShortDigest)], Outcome: outcome, Fuel: 5}}
	}
	other := call("p@1", engine.RuleAbstained)
	other[0].Digest = "another"
	for _, c := range []struct {
		name    string
		guests  guests
		calls   []engine.PluginCall
		want    string // source and first model, or the outcome of a when nobody decides again
		because string // in the step
	}{
		{"nothing is recorded", guests{"/p": decides("now"), "/p@1": decides("then")}, nil, "a now", ""},
		{"the version of then", guests{"/p": decides("now"), "/p@1": decides("then")}, call("p@1", engine.RuleMatched), "a then", ""},
		{"the version of then abstains", guests{"/p": decides("now"), "/p@1": abstains}, call("p@1", engine.RuleAbstained), "b b", ""},
		{"gone, it abstained", guests{"/p": decides("now")}, call("p@1", engine.RuleAbstained), "b b", "p@1, which was asked then, is no longer stored"},
		{"gone, it decided", guests{"/p": abstains}, call("p@1", engine.RuleMatched), "? matched", "p@1, which was asked then, is no longer stored"},
		{"gone, it refused", guests{"/p": abstains}, call("p@1", engine.RuleRejected), "? rejected", "no longer stored"},
		{"another module of that name", guests{"/p@1": decides("now")}, other, "b b", "is another module now"},
		{"it looks at what was not kept, it abstained", guests{"/p@1": forgets}, call("p@1", engine.RuleAbstained), "b b", "looks at what was not kept"},
		{"it looks at what was not kept, it decided", guests{"/p@1": forgets}, call("p@1", engine.RuleMatched), "? matched", "looks at what was not kept"},
		{"the version of now looks at what was not kept", guests{"/p": forgets}, nil, "? undecided", ""},
	} {
		r := loaded(t, c.guests, asking("a", 9, "p"), when("b", 8, "true"))
		in := engine.DecisionInputs{At: received, Model: engine.ModelAuto, Principal: engine.Principal{AccountID: "acme"}}
		req, err := in.Replay(ownModels, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Recorded.Plugins = c.calls
		d, steps, err := r.Explain(t.Context(), req)
		got := ""
		switch {
		case err == nil:
			got = d.Source + " " + d.Models[0]
		case errors.Is(err, engine.ErrUndecided):
			got = "? " + string(steps[0].Outcome)
		default:
			got = err.Error()
		}
		if got != c.want || !strings.Contains(steps[0].Detail, c.because) {
			t.Errorf("%s: Explain = %q, step %+v, want %q because %q", c.name, got, steps[0], c.want, c.because)
		}
		again, err := r.Decide(t.Context(), req)
		if errors.Is(err, engine.ErrUndecided) != strings.HasPrefix(c.want, "?") || err == nil && !sameDecision(again, d, false) {
			t.Errorf("%s: Decide = %+v, %v, want what Explain says", c.name, again, err)
		}
	}
}
