package rule

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
)

var update = flag.Bool("update", false, "rewrite generated files")

// soak runs the long form of a test.
var soak = os.Getenv("POINTSMAN_SOAK") == "1"

// received is the clock reading of every test request: a Sunday, 22:30 UTC.
var received = time.Date(2026, 11, 22, 22, 30, 0, 0, time.UTC)

func parsed(t testing.TB, body string) *document.Doc {
	t.Helper()
	doc, err := document.Parse([]byte(body), document.Limits{})
	if err != nil {
		t.Fatalf("Parse(%.200q) = %v", body, err)
	}
	return doc
}

// asked is a request with that body.
func asked(t testing.TB, body string) *engine.Request {
	t.Helper()
	doc := parsed(t, body)
	return &engine.Request{
		ID: "r-1", Doc: doc, Model: engine.ModelAuto, Received: received,
		Principal: engine.Principal{AccountID: "acme", TeamID: "core", UserID: "u-1", KeyName: "laptop"},
		Features:  engine.ExtractFeatures(doc, engine.Hints{}),
		Models: []engine.Model{
			{ID: "gpt-4o", Family: "GPT", Tier: "flagship", ProviderID: "openai", ContextWindow: 128_000, Enabled: true},
			{ID: "claude-haiku-4.5", Family: "Claude", Tier: "economy", ProviderID: "anthropic", PremiumCenti: 33, ContextWindow: 200_000, Enabled: true},
		},
	}
}

// said is a request with one user message.
func said(t testing.TB, text string) *engine.Request {
	t.Helper()
	return asked(t, `{"model":"auto","messages":[`+message(text)+`]}`)
}

func message(text string) string {
	return `{"role":"user","content":` + string(document.AppendString(nil, text)) + `}`
}

// when is an enabled global rule whose target is its id.
func when(id string, priority int, source string) engine.Rule {
	return engine.Rule{ID: id, Priority: priority, When: source, Target: id, Enabled: true}
}

// loaded is a router with those rules; any problem fails the test.
func loaded(t testing.TB, guests engine.RuleGuests, rules ...engine.Rule) *Router {
	t.Helper()
	r := New(guests, Config{})
	for _, p := range r.Load(rules) {
		t.Fatalf("Load: rule %s/%s: %v", p.AccountID, p.RuleID, p.Err)
	}
	return r
}

// decided is the decision's source; an error fails the test.
func decided(t testing.TB, r *Router, req *engine.Request) engine.Decision {
	t.Helper()
	d, err := r.Decide(context.Background(), req)
	if err != nil {
		t.Fatalf("Decide(%q) = %v", req.Features.Text, err)
	}
	return d
}

// holds reports whether the expression matches the request.
func holds(t testing.TB, source string, req *engine.Request) bool {
	t.Helper()
	return decided(t, loaded(t, nil, when("x", 1, source)), req).Source == "x"
}

// words is n bytes of prose.
func words(n int) string {
	const prose = "the quick brown fox jumps over a lazy dog while nobody looks at it; "
	return strings.Repeat(prose, n/len(prose)+1)[:n]
}
