package host

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func ruleBody(id, when, target string) map[string]any {
	return map[string]any{"id": id, "name": id, "priority": 300, "when": when, "target": target, "enabled": true}
}

// Each write is in force before its reply: the very next request obeys it.
func TestRuleLifeCycle(t *testing.T) {
	g := startGateway(t)
	ruleOf := func(text string) string {
		a := g.chat("auto", text)
		if a.Status != 200 {
			t.Fatalf("completion = %d\n%s", a.Status, a.Body)
		}
		return a.Header.Get("x-pointsman-rule") + " " + a.Header.Get("x-pointsman-model")
	}
	step := func(method, path string, body any, wantStatus int) answer {
		t.Helper()
		a := g.do(method, path, body)
		if a.Status != wantStatus {
			t.Fatalf("%s %s = %d, want %d\n%s", method, path, a.Status, wantStatus, a.Body)
		}
		return a
	}
	expect := func(when, text, want string) {
		t.Helper()
		if got := ruleOf(text); got != want {
			t.Errorf("%s: %q was decided by %q, want %q", when, text, got, want)
		}
	}
	expect("before", "a zebra", "default gpt-4o")
	created := step(http.MethodPost, "/api/v1/rules", ruleBody("zebra", `mentions("zebra") and request.chars < 100`, "gpt-5"), 201)
	if got := created.field(t, "id"); got != "zebra" {
		t.Errorf("created id = %q, want zebra", got)
	}
	expect("created", "a zebra", "zebra gpt-5")
	step(http.MethodPost, "/api/v1/rules", ruleBody("zebra", `true`, "gpt-5"), 409)
	if got := step(http.MethodGet, "/api/v1/rules/zebra", nil, 200).field(t, "when"); !strings.Contains(got, "zebra") {
		t.Errorf("read when = %q, want what was stored", got)
	}
	step(http.MethodPut, "/api/v1/rules/zebra", ruleBody("zebra", `mentions("okapi")`, "gpt-5.2"), 200)
	expect("updated", "a zebra", "default gpt-4o")
	expect("updated", "an okapi", "zebra gpt-5.2")
	step(http.MethodPost, "/api/v1/rules/zebra/disable", nil, 200)
	expect("disabled", "an okapi", "default gpt-4o")
	step(http.MethodPost, "/api/v1/rules/zebra/enable", nil, 200)
	expect("enabled", "an okapi", "zebra gpt-5.2")
	step(http.MethodDelete, "/api/v1/rules/zebra", nil, 204)
	expect("deleted", "an okapi", "default gpt-4o")
	step(http.MethodGet, "/api/v1/rules/zebra", nil, 404)

	step(http.MethodDelete, "/api/v1/rules/screenshot-analysis", nil, 409)
	step(http.MethodPost, "/api/v1/rules/screenshot-analysis/disable", nil, 200)
	expect("system rule disabled", "a screenshot", "default gpt-4o")
	step(http.MethodPost, "/api/v1/rules/screenshot-analysis/enable", nil, 200)
	expect("system rule enabled", "a screenshot", "screenshot-analysis claude-opus-4.5")
}

func TestRuleErrorsShowThePlace(t *testing.T) {
	g := sharedGateway(t)
	type problem struct {
		Status       int
		Detail       string
		Line, Column int
		Caret        string
	}
	tests := []struct {
		name, when           string
		wantLine, wantColumn int
	}{
		{"unknown variable", `request.tokns > 5`, 1, 9},
		{"second line", "request.tokens > 5 and\n  request.nope", 2, 11},
		{"not a boolean", `request.tokens`, 1, 1},
		{"cut off", `request.tokens >`, 1, 16},
	}
	for _, path := range []string{"/api/v1/rules", "/api/v1/rules/check"} {
		for _, tt := range tests {
			t.Run(path+" "+tt.name, func(t *testing.T) {
				a := g.do(http.MethodPost, path, ruleBody("broken", tt.when, "gpt-5"))
				var p problem
				if err := json.Unmarshal(a.Body, &p); err != nil {
					t.Fatalf("%v\n%s", err, a.Body)
				}
				if a.Status != 400 || a.Header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("answer = %d %s, want 400 application/problem+json", a.Status, a.Header.Get("Content-Type"))
				}
				if p.Line != tt.wantLine || p.Column < tt.wantColumn-1 || p.Column > tt.wantColumn+1 {
					t.Errorf("place = %d:%d, want %d:%d\n%s", p.Line, p.Column, tt.wantLine, tt.wantColumn, a.Body)
				}
				if !strings.Contains(p.Caret, "\n") || !strings.Contains(p.Caret, "^") || strings.Contains(string(a.Body), "rule.") {
					t.Errorf("the answer wants a caret below the line and no names of ours:\n%s", a.Body)
				}
			})
		}
	}
	for name, body := range map[string]map[string]any{
		"unknown target":   ruleBody("x", "true", "gpt-99"),
		"bad priority":     withMember(ruleBody("x", "true", "gpt-5"), "priority", 10_001),
		"when and plugin":  withMember(ruleBody("x", "true", "gpt-5"), "plugin", "p"),
		"unknown plugin":   {"id": "x", "name": "x", "plugin": "nowhere", "target": "gpt-5"},
		"neither":          {"id": "x", "name": "x", "target": "gpt-5"},
		"unknown fallback": withMember(ruleBody("x", "true", "gpt-5"), "fallbacks", []string{"gpt-99"}),
	} {
		if a := g.do(http.MethodPost, "/api/v1/rules", body); a.Status != 400 && a.Status != 422 {
			t.Errorf("%s = %d, want a refusal\n%s", name, a.Status, a.Body)
		}
	}
}

func TestOnlyKeepsTheDefaultHandlerOut(t *testing.T) {
	g := startGateway(t)
	rule := ruleBody("alone", `mentions("zebra")`, "claude-opus-4.5")
	rule["only"] = true
	if a := g.do(http.MethodPost, "/api/v1/rules", rule); a.Status != 201 {
		t.Fatalf("create = %d\n%s", a.Status, a.Body)
	}
	a := g.chat("auto", "zebra [[simulate provider=anthropic status=503]]")
	if a.Status != 503 || a.Header.Get("x-pointsman-attempts") != "1" {
		t.Errorf("status, attempts = %d, %s, want 503 after 1: the rule says only", a.Status, a.Header.Get("x-pointsman-attempts"))
	}
}
