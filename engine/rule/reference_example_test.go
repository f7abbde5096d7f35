package rule

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// ruleReference lists every variable and function with an example of it.
const ruleReference = "REFERENCE.md"

// sampleBody is the request that the examples of the reference are true for.
const sampleBody = `{"model": "auto", "stream": true, "tools": [{"type": "function", "function": {"name": "lookup", "parameters": {}}}],
 "metadata": {"plan": "gold", "seats": "12", "task_type": "billing", "time_sensitive": "true", "session_id": "chat-42"},
 "messages": [
  {"role": "system", "content": "Answer in one sentence."},
  {"role": "user", "content": [
   {"type": "text", "text": "/fast Where is my Invoice for main.go?"},
   {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
   {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]}]}`

// sample is that request, of a caller with a session.
func sample(t testing.TB) *engine.Request {
	t.Helper()
	r := asked(t, sampleBody)
	r.Hints = engine.Hints{SessionID: "chat-42", TaskType: "billing", TimeSensitive: true}
	r.Features = engine.ExtractFeatures(r.Doc, r.Hints)
	r.Session = engine.Session{Turns: 3, Model: "gpt-4o"}
	return r
}

// examplesOf are expressions that are true for the sample, by the variable that they show.
var examplesOf = map[string]string{
	"request.model":          `request.model == 'auto'`,
	"request.text":           `request.text startsWith '/fast'`,
	"request.chars":          `request.chars < 2000`,
	"request.tokens":         `request.tokens > 1000`,
	"request.messages":       `request.messages == 2`,
	"request.has_image":      `request.has_image`,
	"request.has_audio":      `request.has_audio`,
	"request.has_tools":      `request.has_tools`,
	"request.has_code":       `request.has_code`,
	"request.command":        `request.command == '/fast'`,
	"request.task_type":      `request.task_type in ['billing', 'refund']`,
	"request.time_sensitive": `request.time_sensitive`,
	"request.stream":         `request.stream`,
	"request.metadata":       `request.metadata.plan == 'gold' and request.metadata['nothing'] == ''`,

	"caller.account": `caller.account == 'acme'`,
	"caller.team":    `caller.team == 'core'`,
	"caller.user":    `caller.user != 'somebody-else'`,
	"caller.key":     `caller.key matches '^lap'`,
	"caller.agent":   `caller.agent == 'laptop'`,

	"session.id":    `session.id == 'chat-42'`,
	"session.turn":  `session.turn >= 3`,
	"session.model": `session.model == 'gpt-4o'`,

	"prefer.vision": `prefer.vision`,
	"prefer.speed":  `not prefer.speed`,
	"prefer.cost":   `not prefer.cost`,

	"budget.left_nano_usd": `budget.left_nano_usd > 5_000_000_000`,
	"budget.left_fraction": `budget.left_fraction > 0.2`,

	"time.unix_ms": `time.unix_ms > 1767225600000`,
	"time.hour":    `time.hour in 22..23 or time.hour < 6`,
	"time.weekday": `time.weekday in [0, 6]`,

	"models[].id":                 `any(models, .id == 'gpt-4o')`,
	"models[].family":             `count(models, .family == 'Claude') == 1`,
	"models[].tier":               `any(models, .tier == 'economy')`,
	"models[].provider":           `any(models, .provider == 'anthropic')`,
	"models[].health":             `all(models, .health == 'healthy')`,
	"models[].latency_ms":         `none(models, .latency_ms > 5000)`,
	"models[].cost_nano_usd":      `all(models, .cost_nano_usd < 1_000_000_000)`,
	"models[].premium":            `any(models, .premium < 1)`,
	"models[].remaining_requests": `all(models, .remaining_requests > 10)`,
	"models[].remaining_tokens":   `all(models, .remaining_tokens > request.tokens)`,
	"models[].context_window":     `one(models, .context_window > 150_000)`,

	"mentions":    `mentions('invoice', 'credit note')`,
	"any":         `any(models, .id == 'gpt-4o' and .health != 'down')`,
	"all":         `all([1, 2, 3], # < 4)`,
	"none":        `none(models, .family == 'Gemini')`,
	"one":         `one(models, .tier == 'flagship')`,
	"count":       `count(models, .context_window >= 128_000) == 2`,
	"len":         `len(request.text) > 10 and len(models) == 2`,
	"lower":       `lower(request.text) contains 'invoice'`,
	"upper":       `upper(caller.team) == 'CORE'`,
	"trim":        `trim('  a b ') == 'a b'`,
	"hasPrefix":   `hasPrefix(request.text, '/fast')`,
	"hasSuffix":   `hasSuffix(caller.account, 'me')`,
	"indexOf":     `indexOf(request.text, 'Where') == 6`,
	"lastIndexOf": `lastIndexOf(request.text, 'none of it') == -1`,
	"int":         `int(request.metadata.seats) > 10`,
	"float":       `float('0.5') < 1`,
	"abs":         `abs(-2) == 2`,
	"ceil":        `ceil(1.2) == 2`,
	"floor":       `floor(1.8) == 1`,
	"round":       `round(1.6) == 2`,
	"max":         `max(request.tokens, 100) >= 100`,
	"min":         `min(request.messages, 9) == 2`,
}

// operatorExamples are true for the sample too.
var operatorExamples = []struct{ what, example string }{
	{"both, either, not", `request.has_tools and not (request.has_code and request.chars > 500)`},
	{"comparisons", `request.chars >= 10 and request.chars != 11`},
	{"in a list, a range, a map's keys", `time.hour in [20, 21, 22] and request.messages in 1..4 and 'plan' in request.metadata`},
	{"texts", `request.text contains 'Invoice' and request.text startsWith '/' and caller.key endsWith 'top'`},
	{"a regular expression (RE2)", `request.text matches '(?i)invoice( for)?'`},
	{"arithmetic", `request.tokens * 2 + 1 > 1000 and 7 % 4 == 3 and 2 ** 3 == 8`},
	{"a choice", `(request.stream ? 1 : 2) == 1`},
	{"a name for a value", `let left = budget.left_fraction; left > 0.1 and left <= 1`},
	{"a part of a text", `request.text[0:5] == '/fast'`},
}

// shownExample is an example's code in a cell of a table.
func shownExample(source string) string {
	return "`" + strings.ReplaceAll(source, "|", `\|`) + "`"
}

// TestRuleReference: each variable and each function has an example that compiles and is true
// for the sample, and REFERENCE.md is what they say; -update writes it.
func TestRuleReference(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("<!-- Written by go test ./engine/rule -run TestRuleReference -update, from Env. DO NOT EDIT. -->\n" +
		"# What rules see and can do\n\n" +
		"Every variable and function, each with an example that is true for the request below; a test evaluates all of them.\n" +
		"[examples/rules](../../examples/rules/README.md) has whole rules, and their limits.\n\n```json\n" + sampleBody + "\n```\n\n" +
		"It is sent on Sunday, 22 November 2026, at 22:30 UTC, by the user `u-1` of the team `core` of the account `acme`, with the key `laptop`, in\n" +
		"the session `chat-42`, whose three turns `gpt-4o` served. The caller may use `gpt-4o` and `claude-haiku-4.5`; it has no limits and no budget.\n" +
		"\n## Variables\n")
	used := map[string]bool{}
	example := func(name string) string {
		source, ok := examplesOf[name]
		if !ok {
			t.Errorf("%s has no example", name)
			return ""
		}
		used[name] = true
		if bare := strings.TrimPrefix(name, "models[]"); !strings.Contains(source, bare) {
			t.Errorf("the example of %s does not have it: %s", name, source)
		}
		return source
	}
	var sources []string
	add := func(source string) string {
		sources = append(sources, source)
		return shownExample(source)
	}
	for _, v := range Variables() {
		doc := strings.ReplaceAll(strings.ReplaceAll(v.Doc, "<", "&lt;"), "|", `\|`)
		if v.Type == "group" || v.Name == "models" {
			fmt.Fprintf(&b, "\n### %s\n\n%s\n\n| name | type | meaning | example |\n|---|---|---|---|\n", v.Name, strings.ToUpper(doc[:1])+doc[1:]+".")
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", strings.Replace(v.Name, "models[].", ".", 1), v.Type, doc, add(example(v.Name)))
	}
	b.WriteString("\n## Functions\n\n| call | meaning | example |\n|---|---|---|\n")
	for _, f := range functionDocs {
		name, _, _ := strings.Cut(f.call, "(")
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.call, f.doc, add(example(name)))
	}
	b.WriteString("\n## Operators\n\n| | example |\n|---|---|\n")
	for _, o := range operatorExamples {
		fmt.Fprintf(&b, "| %s | %s |\n", o.what, add(o.example))
	}
	for name := range examplesOf {
		if !used[name] {
			t.Errorf("there is an example of %s, which there is not", name)
		}
	}
	r := sample(t)
	for _, source := range sources {
		if !holds(t, source, r) {
			t.Errorf("the example %s is not true for the sample", source)
		}
		if holds(t, "not ("+source+")", r) && !strings.HasPrefix(source, "let ") {
			t.Errorf("the example %s and its opposite are both true", source)
		}
	}
	if *update {
		if err := os.WriteFile(ruleReference, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(ruleReference); err != nil || string(got) != b.String() {
		t.Errorf("%s is not what Env says (%v): go test ./engine/rule -run TestRuleReference -update", ruleReference, err)
	}
}
