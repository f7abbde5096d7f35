package wasm

import (
	"errors"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// A guest that looks at what was not kept is undecided; one that does not, decides. Dry calls
// leave no trace.
func TestDecideUnkept(t *testing.T) {
	t.Parallel()
	library := offer(t, cached(), goGuest(t, abi.KindRule))
	g := ruleGuestOf(t, library, "", "test")
	const image = `{"request":{"has_image":true,"text":"","metadata":{}},"models":[]}`
	const words = `{"request":{"text":"Please refactor this","metadata":{}},"models":[]}`
	for _, c := range []struct {
		name, context, config string
		unkept                engine.Unkept
		want                  error
	}{
		{"the text, asked for", words, `{"do":"text"}`, engine.Unkept{Text: true}, engine.ErrUndecided},
		{"the text, kept", words, `{"do":"text"}`, engine.Unkept{Request: true, Metadata: true, Models: true}, nil},
		{"nothing that it asks for", image, `{"do":"print"}`, engine.Unkept{Request: true, Text: true, Metadata: true, Models: true}, nil},
	} {
		call := ruleCall(t, c.context, c.config)
		call.Dry, call.Unkept = true, c.unkept
		var got engine.RuleAnswer
		if err := g.Decide(t.Context(), call, &got); !errors.Is(err, c.want) {
			t.Errorf("%s: Decide = %+v, %v, want %v", c.name, got, err, c.want)
		}
	}
	if stats, ok := library.Stats("", "test", ruleVersion(g)); !ok || stats.Calls != 0 {
		t.Errorf("Stats = %d calls, %v, want none: they were dry", stats.Calls, ok)
	}
	if logs, _, _ := library.Logs("", "test", ruleVersion(g)); len(logs) != 0 {
		t.Errorf("Logs = %v, want none", logs)
	}
}

func ruleVersion(g engine.RuleGuest) string { return g.(ruleGuest).p.version.Version }

// A call that runs out of fuel on an instance that served before is made again on another: what
// other calls left behind is not its fault. On a fresh one it fails.
func TestDecideWorn(t *testing.T) {
	t.Parallel()
	body := seq([]byte{0x23, 0}, i32c(1), []byte{0x6a, 0x24, 0}, // the global counts calls
		[]byte{0x23, 0}, i32c(3), []byte{0x4f, 0x04, 0x40}, forever, []byte{0x0b}, // from the third on: for ever
		i32c(int32(abi.Abstain)))
	a := rule(body)
	a.global = true
	library := offer(t, cached(), a.build(t))
	g := ruleGuestOf(t, library, "", "test")
	for i := range 20 {
		var got engine.RuleAnswer
		if err := g.Decide(t.Context(), ruleCall(t, `{}`, ""), &got); err != nil || got.Verdict != engine.VerdictAbstain {
			t.Fatalf("call %d: Decide = %+v, %v, want an answer of a fresh instance", i, got, err)
		}
	}
	if stats, _ := library.Stats("", "test", ruleVersion(g)); len(stats.Failures) > 0 {
		t.Errorf("Failures = %v, want none", stats.Failures)
	}
}
