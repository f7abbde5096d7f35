package httpapi

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func seeded() *fake {
	return &fake{rules: []engine.Rule{
		{ID: "screenshot-analysis", Name: "Screenshot Analysis", Priority: 100, When: "has_image", Target: "gpt-4o", OnFailure: engine.FailureSkip, Enabled: true, System: true, CreatedAt: testNow, UpdatedAt: testNow},
		{ID: "shared", Name: "global shared", Priority: 10, When: "true", Target: "gpt-4o", Enabled: true, CreatedAt: testNow, UpdatedAt: testNow},
		{AccountID: "acme", ID: "shared", Name: "acme shared", Priority: 20, When: "true", Target: "gpt-4o", Enabled: true, CreatedAt: testNow, UpdatedAt: testNow},
		{AccountID: "rival", ID: "theirs", Name: "theirs", Priority: 20, When: "true", Target: "gpt-4o", Enabled: true, CreatedAt: testNow, UpdatedAt: testNow},
	}}
}

func TestRuleLife(t *testing.T) {
	t.Parallel()
	f := seeded()
	s := start(t, f)
	r := s.do("POST", "/api/v1/rules", superKey, `{"id":"long","name":"Long","when":"tokens > 10","target":"gpt-4o","fallbacks":["old-model"],"only":true,"on_failure":"refuse","continue_after_cut":true,"team_id":"red","description":"d","config":{"a":9007199254740993}}`)
	if r.status != 201 || r.header.Get("Location") != "/api/v1/rules/long" || r.header.Get("ETag") == "" {
		t.Fatalf("POST rule = %d %s, want 201 with Location and ETag", r.status, r.body)
	}
	stored := f.rules[f.find("", "long")]
	if stored.Priority != 50 || !stored.Enabled || !stored.Only || stored.OnFailure != engine.FailureRefuse || !stored.ContinueAfterCut || stored.TeamID != "red" || string(stored.Config) != `{"a":9007199254740993}` || stored.System {
		t.Errorf("stored rule = %+v, want priority 50, enabled and what was sent", stored)
	}
	for member, want := range map[string]any{"id": "long", "priority": 50.0, "band": "low", "enabled": true, "only": true, "on_failure": "refuse", "account_id": nil, "target": "gpt-4o", "updated_at": "2026-11-22T12:00:00Z"} {
		if got := r.member(member); got != want {
			t.Errorf("rule member %s = %v, want %v", member, got, want)
		}
	}
	got := s.do("GET", "/api/v1/rules/long", superKey, "")
	if got.body != r.body {
		t.Errorf("GET rule = %s, want %s", got.body, r.body)
	}
	// What GET gave can be sent back as it came.
	put := s.do("PUT", "/api/v1/rules/long", superKey, strings.Replace(got.body, `"name":"Long"`, `"name":"Longer"`, 1))
	if put.status != 200 || put.member("name") != "Longer" || put.header.Get("ETag") == r.header.Get("ETag") {
		t.Errorf("PUT what GET gave = %d %s, want 200 and a new ETag", put.status, put.body)
	}
	// Again, with the old updated_at: somebody was faster.
	isProblem(t, "PUT of a stale rule", s.do("PUT", "/api/v1/rules/long", superKey, got.body), 409, "conflict")
	isProblem(t, "PUT with a stale ETag", s.do("PUT", "/api/v1/rules/long", superKey, `{"name":"x","when":"true","target":"gpt-4o"}`, "If-Match", r.header.Get("ETag")), 412, "precondition_failed")
	isProblem(t, "PATCH with a stale ETag", s.do("PATCH", "/api/v1/rules/long", superKey, `{"name":"x"}`, "If-Match", `"1", "2"`), 412, "precondition_failed")
	patch := s.do("PATCH", "/api/v1/rules/long", superKey, `{"priority":96,"fallbacks":[],"config":null,"description":""}`, "If-Match", `"1", `+put.header.Get("ETag"))
	if patch.status != 200 || patch.member("priority") != 96.0 || patch.member("band") != "critical" || patch.member("name") != "Longer" || patch.member("description") != nil || patch.member("fallbacks") != nil {
		t.Errorf("PATCH = %d %s, want priority 96, the rest as it was", patch.status, patch.body)
	}
	for _, c := range []struct {
		method, path, body string
		want               bool
	}{{"PATCH", "", `{"enabled":false}`, false}, {"POST", "/enable", "", true}, {"POST", "/disable", "", false}} {
		if r := s.do(c.method, "/api/v1/rules/long"+c.path, superKey, c.body); r.status != 200 || r.member("enabled") != c.want {
			t.Errorf("%s %s = %d %s, want enabled %v", c.method, c.path, r.status, r.body, c.want)
		}
	}
	if r := s.do("DELETE", "/api/v1/rules/long", superKey, ""); r.status != 204 || r.body != "" {
		t.Errorf("DELETE = %d %q, want 204", r.status, r.body)
	}
	isProblem(t, "GET after DELETE", s.do("GET", "/api/v1/rules/long", superKey, ""), 404, "not_found")
}

func TestSystemRule(t *testing.T) {
	t.Parallel()
	s := start(t, seeded())
	isProblem(t, "DELETE system rule", s.do("DELETE", "/api/v1/rules/screenshot-analysis", superKey, ""), 409, "conflict")
	r := s.do("POST", "/api/v1/rules/screenshot-analysis/disable", superKey, "")
	if r.status != 200 || r.member("enabled") != false || r.member("system") != true {
		t.Errorf("disable system rule = %d %s, want it disabled and still a system rule", r.status, r.body)
	}
	// The member is read-only: nobody makes a system rule, nobody unmakes one.
	if r := s.do("POST", "/api/v1/rules", superKey, `{"name":"n","when":"true","target":"gpt-4o","system":true}`); r.status != 201 || r.member("system") != nil {
		t.Errorf("POST with system = %d %s, want it ignored", r.status, r.body)
	}
}

// TestRuleAccounts: which rule a path means, and where a new one goes.
func TestRuleAccounts(t *testing.T) {
	t.Parallel()
	s := start(t, seeded())
	for _, c := range []struct{ key, path, want string }{
		{superKey, "/api/v1/rules/shared", "global shared"},
		{superKey, "/api/v1/rules/shared?account_id=acme", "acme shared"},
		{adminKey, "/api/v1/rules/shared", "acme shared"},
		{rivalKey, "/api/v1/rules/shared", "global shared"},
		{userKey, "/api/v1/rules/screenshot-analysis", "Screenshot Analysis"},
	} {
		if r := s.do("GET", c.path, c.key, ""); r.status != 200 || r.member("name") != c.want {
			t.Errorf("GET %s with %s = %d %s, want %s", c.path, c.key, r.status, r.body, c.want)
		}
	}
	for _, c := range []struct {
		key, path string
	}{{adminKey, "/api/v1/rules/theirs"}, {adminKey, "/api/v1/rules/theirs?account_id=rival"}, {adminKey, "/api/v1/rules/shared?account_id=rival"}} {
		isProblem(t, c.path, s.do("GET", c.path, c.key, ""), 404, "not_found")
		isProblem(t, "PATCH "+c.path, s.do("PATCH", c.path, c.key, `{"enabled":false}`), 404, "not_found")
		isProblem(t, "DELETE "+c.path, s.do("DELETE", c.path, c.key, ""), 404, "not_found")
	}
	body := `{"id":"new-one","name":"n","when":"true","target":"gpt-4o"`
	if r := s.do("POST", "/api/v1/rules", superKey, body+"}"); r.status != 201 || r.member("account_id") != nil {
		t.Errorf("super admin without account_id = %d %s, want a global rule", r.status, r.body)
	}
	if r := s.do("POST", "/api/v1/rules", superKey, body+`,"account_id":"acme"}`); r.status != 201 || r.member("account_id") != "acme" {
		t.Errorf("super admin for acme = %d %s, want a rule of acme", r.status, r.body)
	}
	if r := s.do("POST", "/api/v1/rules", rivalKey, body+"}"); r.status != 201 || r.member("account_id") != "rival" {
		t.Errorf("account admin without account_id = %d %s, want a rule of its account", r.status, r.body)
	}
	isProblem(t, "account admin elsewhere", s.do("POST", "/api/v1/rules", adminKey, body+`,"account_id":"rival"}`), 404, "not_found")
	isProblem(t, "id taken", s.do("POST", "/api/v1/rules", superKey, body+"}"), 409, "conflict")
	isProblem(t, "id changed", s.do("PUT", "/api/v1/rules/new-one", superKey, `{"id":"other","name":"n"}`), 400, "invalid_request")
	isProblem(t, "account changed", s.do("PUT", "/api/v1/rules/new-one?account_id=acme", superKey, `{"account_id":"rival","name":"n"}`), 400, "invalid_request")
	if r := s.do("PUT", "/api/v1/rules/new-one", superKey, `{"account_id":"acme","name":"renamed","when":"true","target":"gpt-4o"}`); r.status != 200 || r.member("account_id") != "acme" {
		t.Errorf("PUT with the account in the body = %d %s, want acme's rule", r.status, r.body)
	}
}

// TestRuleCompileError: line, column and caret as members of the problem.
func TestRuleCompileError(t *testing.T) {
	t.Parallel()
	f := seeded()
	f.ruleErr = &engine.SourceError{Line: 2, Column: 7, Message: "unknown name tokns", Snippet: "  or  tokns > 5\n      ^"}
	s := start(t, f)
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/api/v1/rules", `{"name":"n","when":"x","target":"gpt-4o"}`},
		{"POST", "/api/v1/rules/check", `{"name":"n","when":"x","target":"gpt-4o"}`},
		{"PUT", "/api/v1/rules/shared", `{"name":"n","when":"x","target":"gpt-4o"}`},
		{"PATCH", "/api/v1/rules/shared", `{"when":"x"}`},
	} {
		r := s.do(c.method, c.path, superKey, c.body, "X-Request-Id", "req-7")
		what := c.method + " " + c.path
		isProblem(t, what, r, 400, "rule_compile")
		if r.member("line") != 2.0 || r.member("column") != 7.0 || r.member("caret") != "  or  tokns > 5\n      ^" || r.member("request_id") != "req-7" || r.member("type") != "/docs#rule_compile" {
			t.Errorf("%s: %s, want line 2, column 7 and the caret", what, r.body)
		}
		errs, _ := r.member("errors").([]any)
		if len(errs) != 1 || errs[0].(map[string]any)["location"] != "body.when" || errs[0].(map[string]any)["message"] != "unknown name tokns" {
			t.Errorf("%s: errors %v, want body.when", what, errs)
		}
	}
	f.mu.Lock()
	f.ruleErr = nil
	f.mu.Unlock()
	if r := s.do("POST", "/api/v1/rules/check", superKey, `{"name":"n","when":"true","target":"gpt-4o"}`); r.status != 200 || r.member("valid") != true {
		t.Errorf("check of a good rule = %d %s, want valid", r.status, r.body)
	}
	if f.find("", "made-from-name") >= 0 {
		t.Error("check saved the rule")
	}
}

// TestRuleBadInput: what the schema refuses, as a problem that names the place.
func TestRuleBadInput(t *testing.T) {
	t.Parallel()
	s := start(t, seeded())
	for _, c := range []struct {
		name, body, location string
		status               int
	}{
		{"no body", "", "", 400},
		{"not JSON", "{", "body", 400},
		{"no name", `{"when":"true"}`, "body", 422},
		{"empty name", `{"name":""}`, "body.name", 422},
		{"unknown member", `{"name":"n","priorty":1}`, "body.priorty", 422},
		{"priority text", `{"name":"n","priority":"high"}`, "body.priority", 422},
		{"priority high", `{"name":"n","priority":10001}`, "body.priority", 422},
		{"id not a slug", `{"name":"n","id":"A B"}`, "body.id", 422},
		{"on_failure", `{"name":"n","on_failure":"panic"}`, "body.on_failure", 422},
		{"fallbacks text", `{"name":"n","fallbacks":"gpt-4o"}`, "body.fallbacks", 422},
		{"enabled text", `{"name":"n","enabled":"yes"}`, "body.enabled", 422},
	} {
		r := s.do("POST", "/api/v1/rules", superKey, c.body, "Content-Type", "application/json")
		isProblem(t, c.name, r, c.status, "invalid_request")
		if c.location == "" {
			continue
		}
		errs, _ := r.member("errors").([]any)
		found := false
		for _, e := range errs {
			found = found || e.(map[string]any)["location"] == c.location
		}
		if !found {
			t.Errorf("%s: errors %v, want one at %s", c.name, errs, c.location)
		}
	}
	if r := s.do("POST", "/api/v1/rules", superKey, `name=n`, "Content-Type", "application/x-www-form-urlencoded"); r.status != 415 {
		t.Errorf("a form = %d %s, want 415", r.status, r.body)
	}
}

func TestETag(t *testing.T) {
	t.Parallel()
	r := engine.Rule{UpdatedAt: time.UnixMilli(1234)}
	if got, want := etag(r), strconv.Quote("1234"); got != want {
		t.Errorf("etag = %s, want %s", got, want)
	}
}
