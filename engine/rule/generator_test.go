package rule

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// generator makes rules and requests at random, the same ones for the same seed. Its words are few,
// so that rules often match.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 7))} }

func pick[T any](g generator, of ...T) T { return of[g.IntN(len(of))] }

var (
	vocabulary = []string{"fix", "typo", "screenshot", "generate", "why", "deep dive", "help", "Übung", "click", "urgent", "invoice", "short"}
	values     = []string{"", "a", "b", "gold", "free", "core", "/fast", "coding"}
)

// condition is one that a flow can answer.
func (g generator) condition() string {
	word := func() string { return pick(g, vocabulary...) }
	name := func() string { return pick(g, values...) }
	switch g.IntN(14) {
	case 0, 1, 2:
		return "mentions('" + word() + "')"
	case 3:
		return "mentions('" + word() + "', '" + word() + "', '" + word() + "')"
	case 4:
		return pick(g, "request.has_image", "request.has_tools", "request.has_code", "request.stream", "prefer.speed", "request.time_sensitive")
	case 5, 6:
		return pick(g, "request.chars", "request.tokens", "request.messages", "session.turn", "time.hour", "time.weekday") +
			pick(g, " < ", " > ", " == ", " >= ", " <= ", " != ") + fmt.Sprint(g.IntN(30))
	case 7:
		return pick(g, "time.hour in ", "request.chars in ") + fmt.Sprintf("%d..%d", g.IntN(5), 5+g.IntN(30))
	case 8:
		return pick(g, "request.command", "request.task_type", "caller.team", "caller.agent", "session.model") + pick(g, " == ", " != ") + "'" + name() + "'"
	case 9:
		return "request.metadata.plan " + pick(g, "== '"+name()+"'", "in ['gold', '"+name()+"']", "!= ''")
	case 10:
		return "'plan' in request.metadata"
	case 11:
		return "request.text " + pick(g, "contains", "startsWith", "endsWith") + " '" + word() + "'"
	case 12:
		return "budget.left_fraction " + pick(g, "< ", "> ", ">= ") + pick(g, "0.5", "0.1", "1")
	}
	return pick(g, "true", "false", "request.text matches '"+word()+"|x'", "caller.user in ['a', 'b']")
}

// computed is one that only expr's machine can answer, and that may fail.
func (g generator) computed() string {
	switch g.IntN(7) {
	case 0:
		return "lower(request.text) contains '" + pick(g, vocabulary...) + "'"
	case 1:
		return "request.chars + session.turn > " + fmt.Sprint(g.IntN(30))
	case 2:
		return pick(g, "any", "all", "none") + "(models, .health == '" + pick(g, "healthy", "down", "degraded") + "')"
	case 3:
		return "100 / session.turn > " + fmt.Sprint(g.IntN(60))
	case 4:
		return "models[" + fmt.Sprint(g.IntN(4)) + "].id startsWith 'g'"
	case 5:
		return "len(request.metadata.plan) > " + fmt.Sprint(g.IntN(5))
	}
	return "any(models, .latency_ms > 0 and .cost_nano_usd < 500)"
}

// expression joins conditions. machines is how many of ten are computed.
func (g generator) expression(depth, machines int) string {
	if depth == 0 || g.IntN(4) == 0 {
		if g.IntN(10) < machines {
			return g.computed()
		}
		return g.condition()
	}
	left, right := g.expression(depth-1, machines), g.expression(depth-1, machines)
	switch g.IntN(8) {
	case 0:
		return "not (" + left + ")"
	case 1:
		return "(" + left + ") ? (" + right + ") : (" + g.condition() + ")"
	case 2, 3, 4:
		return "(" + left + pick(g, " and ", " && ") + right + ")"
	}
	return "(" + left + pick(g, " or ", " || ") + right + ")"
}

// rules are up to n of the accounts "", "acme" and "other".
func (g generator) rules(n, machines int) []engine.Rule {
	var rules []engine.Rule
	for i := range n {
		r := engine.Rule{
			AccountID: pick(g, "", "", "acme", "other"), ID: fmt.Sprint("r", g.IntN(2*n)), Name: fmt.Sprint("Rule ", i),
			Priority: g.IntN(5), When: g.expression(g.IntN(4), machines), Target: fmt.Sprint("m", i), Enabled: g.IntN(8) > 0,
			Only: g.IntN(4) == 0, TeamID: pick(g, "", "", "", "", "core", "edge"), CreatedAt: received.Add(time.Duration(g.IntN(3))),
			OnFailure: pick(g, engine.FailureSkip, engine.FailureSkip, engine.FailureSkip, engine.FailureRefuse),
		}
		if g.IntN(3) == 0 {
			r.Fallbacks = []string{"f1", "f2"}
		}
		switch g.IntN(30) {
		case 0:
			r.When = "this is no rule"
		case 1, 2:
			r.When, r.Priority = "100 / session.turn > 200", 9 // fails in a first turn
		}
		rules = append(rules, r)
	}
	return rules
}

var ownModels = []engine.Model{
	{ID: "gpt-4o", Family: "GPT", Tier: "flagship", ProviderID: "openai", ContextWindow: 128_000, Enabled: true},
	{ID: "haiku", Family: "Claude", Tier: "economy", ProviderID: "anthropic", PremiumCenti: 33, Enabled: true},
	{ID: "gemini", Family: "Gemini", Tier: "standard", ProviderID: "google", Enabled: true},
}

// inputs are a request whose text, metadata and body are kept.
func (g generator) inputs(t testing.TB, i int) engine.DecisionInputs {
	var text []string
	for range g.IntN(12) {
		text = append(text, pick(g, append(vocabulary, "fixed", "the", "dive", "deep", "x\\ny", "main.go")...))
	}
	body := `{"model":"auto","messages":[` + strings.Repeat(`{"role":"user","content":"before"},{"role":"assistant","content":"ok"},`, g.IntN(3)) +
		`{"role":"user","content":[{"type":"text","text":"` + pick(g, "", "", "/fast ") + strings.Join(text, " ") + `"}`
	if g.IntN(4) == 0 {
		body += `,{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}`
	}
	body += `]}]`
	if g.IntN(3) == 0 {
		body += `,"tools":[{"type":"function","function":{"name":"f"}}]`
	}
	if g.IntN(2) == 0 {
		body += `,"metadata":{"plan":"` + pick(g, values...) + `","n":3}`
	}
	if g.IntN(4) == 0 {
		body += `,"stream":true`
	}
	doc := parsed(t, body+"}")
	hints := engine.Hints{SessionID: pick(g, "", "s1", "s2"), TaskType: pick(g, values...), AgentID: pick(g, "", "a"), TimeSensitive: g.IntN(5) == 0}
	f := engine.ExtractFeatures(doc, hints)
	in := engine.DecisionInputs{
		RequestID: fmt.Sprint("req-", i), At: received.Add(time.Duration(g.IntN(2)*g.IntN(500))*time.Hour + time.Duration(i)*time.Millisecond),
		Principal: engine.Principal{AccountID: pick(g, "acme", "acme", "other", "new"), TeamID: pick(g, "", "core"), UserID: pick(g, "a", "u"), KeyID: "k", KeyName: "laptop"},
		Model:     engine.ModelAuto, Hints: hints, Features: f, OwnOnly: g.IntN(10) == 0,
		Prefer: engine.Prefer{Vision: true, Speed: g.IntN(2) == 0}, Session: engine.Session{Turns: int64(max(g.IntN(5)-2, 0)), Model: pick(g, values...)},
		Text: f.Text, Metadata: []byte("{}"), Body: doc.Root().Raw(),
	}
	if f.Metadata.Exists() {
		in.Metadata = f.Metadata.Raw()
	}
	if g.IntN(2) == 0 {
		in.Budget = engine.BudgetLeft{Bounded: true, NanoUSD: 1_000, Fraction: float64(g.IntN(11)) / 10}
	}
	for _, m := range ownModels {
		in.States = append(in.States, engine.RecordedState{Model: m.ID, ModelState: engine.ModelState{
			Health: pick(g, "healthy", "degraded", "down"), LatencyMS: int64(g.IntN(3)), CostNanoUSD: int64(g.IntN(1_000)), RemainingRequests: 9, RemainingTokens: 9,
		}})
	}
	return in
}

// arrived is the request as it is when it is here, and asks for its record.
func arrived(t testing.TB, in engine.DecisionInputs) *engine.Request {
	t.Helper()
	req, err := in.Replay(ownModels, nil)
	if err != nil {
		t.Fatalf("Replay = %v", err)
	}
	req.Recorded, req.Record = nil, true
	return req
}
