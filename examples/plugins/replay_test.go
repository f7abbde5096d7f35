package plugins_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/rule"
	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/testdata/conformance"
)

// configs are the rules' of each example; the languages share one.
var configs = map[string]string{
	"go-ab-split": `{"experiment":"spring","sticky":"user","variants":[{"name":"old","model":"gpt-4o","weight":3},{"name":"new","model":"haiku","weight":1}]}`,
	"go-topic-router": `{"frugal_below":0.3,"topics":[{"name":"database","words":["sql","query plan"],"model":"gpt-4o"},` +
		`{"name":"mail","words":["mail"],"model":"gemini"}]}`,
	"language-budget": `{"frugal_below":0.3,"frugal_model":"haiku","languages":[{"code":"de","words":["und","nicht","ist"],"model":"gemini"},` +
		`{"code":"fr","words":["et","est"],"model":"gpt-4o"}]}`,
}

// checkReplays: what an example decided, it decides again from the record; where it looks at a
// text that was not kept, that is said. 10,000 requests of each with POINTSMAN_SOAK.
func checkReplays(t *testing.T, library *wasm.Library, built map[string][]byte) {
	var modules [][]byte
	var plugins []string
	for _, name := range slices.Sorted(maps.Keys(built)) {
		if m, err := wasm.ReadManifest(built[name]); err == nil && m.Kind == abi.KindRule {
			modules, plugins = append(modules, built[name]), append(plugins, name)
		}
	}
	if len(plugins) == 0 {
		t.Skip("no example could be built")
	}
	conformance.Serve(t, library, modules)
	requests := 500 // more than what it takes until a guest collects its garbage
	if os.Getenv("POINTSMAN_SOAK") == "1" {
		requests = 10_000
	}
	for i, name := range plugins {
		t.Run(name, func(t *testing.T) { replay(t, library, name, uint64(i), requests) })
	}
}

func replay(t *testing.T, library *wasm.Library, name string, seed uint64, requests int) {
	config := configs[name]
	if _, shared, ok := strings.Cut(name, "-"); config == "" && ok {
		config = configs[shared]
	}
	router := rule.New(library, rule.Config{})
	rules := []engine.Rule{
		{ID: "words", Priority: 9, When: "mentions('invoice')", Target: "gpt-4o", Enabled: true},
		{ID: "plugin", Priority: 8, Plugin: name, Config: []byte(config), Target: "gpt-4o", Enabled: true},
	}
	if problems := router.Load(rules); problems != nil {
		t.Fatalf("Load = %v", problems)
	}
	draft, _ := router.Draft(rule.DraftOptions{})
	g := rand.New(rand.NewPCG(seed, 1))
	said := map[string]int{} // what the plugin came to
	for i := range requests {
		in := inputs(t, g, i)
		live := again(t, in)
		live.Recorded, live.Record = nil, true
		was, wasErr := router.Decide(t.Context(), live)
		if wasErr != nil || len(was.Skipped) > 0 {
			t.Fatalf("request %d: Decide = %+v, %v", i, was, wasErr)
		}
		said[was.Source+" "+was.Reason]++
		if calls := len(was.Plugins); (calls == 1) != (was.Source != "words") || calls == 1 && !strings.HasPrefix(was.Plugins[0].Plugin, name+"@") {
			t.Fatalf("request %d: the record has the calls %+v of plugins, want one of %s unless the words decide", i, was.Plugins, name)
		}
		got, err := draft.Decide(t.Context(), recorded(t, in, was))
		if err != nil || !same(got, was) {
			t.Fatalf("request %d again: Decide = %+v, %v, want %+v", i, got, err, was)
		}
		in.Text, in.Body = "", nil
		got, err = draft.Decide(t.Context(), recorded(t, in, was))
		looks := was.Source != "words" && name != "go-ab-split" && in.Features.Chars > 0
		switch {
		case looks && was.Plugins[0].Outcome == engine.RuleAbstained && err == nil && same(got, was): // as it did then
		case looks && !errors.Is(err, engine.ErrUndecided):
			t.Fatalf("request %d without its text: Decide = %+v, %v, want %v", i, got, err, engine.ErrUndecided)
		case !looks && (err != nil || !same(got, was)):
			t.Fatalf("request %d without its text: Decide = %+v, %v, want %+v", i, got, err, was)
		}
	}
	if len(said) < 3 {
		t.Errorf("the decisions were %v, want several kinds", said)
	}
}

// same compares decisions but for what an instance that has served before may spend.
func same(a, b engine.Decision) bool {
	for _, d := range []*engine.Decision{&a, &b} {
		d.Fuel, d.Found, d.Searched, d.Plugins = 0, nil, false, nil
	}
	return reflect.DeepEqual(a, b)
}

// again makes the request, with the words of the rules known.
func again(t *testing.T, in engine.DecisionInputs) *engine.Request {
	t.Helper()
	models := []engine.Model{{ID: "gpt-4o", Enabled: true}, {ID: "haiku", Enabled: true}, {ID: "gemini", Enabled: true}}
	req, err := in.Replay(models, func(phrase string) bool { return phrase == "invoice" })
	if err != nil {
		t.Fatalf("Replay = %v", err)
	}
	return req
}

// recorded makes the request as it comes back from a store.
func recorded(t *testing.T, in engine.DecisionInputs, was engine.Decision) *engine.Request {
	t.Helper()
	in.Found, in.Searched = was.Found, was.Searched
	d := engine.DecisionRecord{Detail: engine.DecisionRecorded, Inputs: in, Decision: was}
	if in.Body != nil {
		d.Detail = engine.DecisionWithText
	}
	row := engine.EncodeDecision(nil, &d)
	if in.Body != nil {
		row.Data = engine.DeflateWritten(row.Data, engine.AppendWritten(nil, &in))
	}
	d, err := row.Decode()
	if err != nil {
		t.Fatalf("Decode = %v", err)
	}
	req := again(t, d.Inputs)
	req.Recorded.Skipped, req.Recorded.Plugins = d.Decision.Skipped, d.Decision.Plugins
	return req
}

func inputs(t *testing.T, g *rand.Rand, i int) engine.DecisionInputs {
	words := []string{"und", "ist", "et", "sql", "query plan", "mail", "invoice", "the", "a", "nicht"}
	var text []string
	for range g.IntN(5) {
		text = append(text, words[g.IntN(len(words))])
	}
	quoted, _ := json.Marshal(strings.Join(text, " "))
	doc, err := document.Parse([]byte(`{"model":"auto","messages":[{"role":"user","content":`+string(quoted)+`}]}`), document.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f := engine.ExtractFeatures(doc, engine.Hints{})
	in := engine.DecisionInputs{
		RequestID: fmt.Sprint("r-", i), At: time.UnixMilli(1_700_000_000_000 + int64(i)), Model: engine.ModelAuto,
		Principal: engine.Principal{AccountID: "acme", UserID: []string{"", "ada", "grace"}[g.IntN(3)]},
		Features:  f, Text: f.Text, Metadata: []byte("{}"), Body: doc.Root().Raw(),
		Budget: engine.BudgetLeft{Bounded: true, Fraction: float64(g.IntN(10)) / 10},
	}
	for _, id := range []string{"gpt-4o", "haiku", "gemini"} {
		in.States = append(in.States, engine.RecordedState{Model: id, ModelState: engine.ModelState{Health: "healthy", CostNanoUSD: int64(g.IntN(100))}})
	}
	return in
}
