package httpapi

import (
	"strings"
	"testing"
)

func TestModelLife(t *testing.T) {
	t.Parallel()
	_, real := withOffice(t)
	s := start(t, &fake{}, real)
	isProblem(t, "a model without a price", s.do("POST", "/api/v1/models", superKey, `{"id":"mine","provider":"openai","upstream_id":"o-1"}`), 400, "invalid_request")
	r := s.do("POST", "/api/v1/models", superKey, `{"id":"mine","provider":"openai","upstream_id":"o-1","premium_requests":0.33,"context_window":1000,"max_output":100,
		"capabilities":["tools"],"unsupported":["temperature"],"rename":{"max_tokens":"max_completion_tokens"},"fallbacks":["gpt-4o"],"price":{"input":"2.5","output":"10","cached_input":"0.125"}}`)
	if r.status != 201 || r.header.Get("Location") != "/api/v1/models/mine" || r.header.Get("ETag") == "" {
		t.Fatalf("POST model = %d %s, want 201 with Location and ETag", r.status, r.body)
	}
	for member, want := range map[string]any{
		"id": "mine", "display_name": "mine", "tier": "standard", "premium_requests": 0.33, "api": "chat", "enabled": true,
		"status": "active", "account_id": nil, "context_window": 1000.0,
	} {
		if got := r.member(member); got != want {
			t.Errorf("model member %s = %v, want %v", member, got, want)
		}
	}
	if r.member("price", "input") != "2.50" || r.member("price", "cached_input") != "0.125" || r.member("price", "cache_write") != nil {
		t.Errorf("price = %v, want what was sent", r.member("price"))
	}
	got := s.do("GET", "/api/v1/models/mine", userKey, "")
	if got.body != r.body {
		t.Errorf("GET model = %s, want %s", got.body, r.body)
	}
	// What GET gave can be sent back as it came.
	put := s.do("PUT", "/api/v1/models/mine", superKey, strings.Replace(got.body, `"display_name":"mine"`, `"display_name":"Mine"`, 1))
	if put.status != 200 || put.member("display_name") != "Mine" || put.member("created_at") != got.member("created_at") || put.header.Get("ETag") == r.header.Get("ETag") {
		t.Errorf("PUT what GET gave = %d %s, want 200 and a new ETag", put.status, put.body)
	}
	isProblem(t, "PUT of a stale model", s.do("PUT", "/api/v1/models/mine", superKey, got.body), 409, "conflict")
	isProblem(t, "PUT with a stale ETag", s.do("PUT", "/api/v1/models/mine", superKey, `{"provider":"openai","upstream_id":"o-1"}`, "If-Match", r.header.Get("ETag")), 412, "precondition_failed")
	isProblem(t, "PUT of another id", s.do("PUT", "/api/v1/models/mine", superKey, `{"id":"yours","provider":"openai","upstream_id":"o-1"}`), 400, "invalid_request")
	isProblem(t, "PATCH with a stale ETag", s.do("PATCH", "/api/v1/models/mine", superKey, `{"tier":"x"}`, "If-Match", `"1"`), 412, "precondition_failed")
	patch := s.do("PATCH", "/api/v1/models/mine", superKey, `{"enabled":false,"fallbacks":[],"rename":{},"retires_at":"2026-01-01T00:00:00Z","replacement":{"upstream_id":"o-2","api":"responses","context_window":5,"max_output":6},"price":{"input":"0","output":"0"},"premium_requests":1.5}`, "If-Match", put.header.Get("ETag"))
	if patch.status != 200 || patch.member("enabled") != false || patch.member("fallbacks") != nil || patch.member("rename") != nil || patch.member("status") != "substituted" ||
		patch.member("replacement", "upstream_id") != "o-2" || patch.member("price", "output") != "0.00" || patch.member("premium_requests") != 1.5 || patch.member("display_name") != "Mine" {
		t.Errorf("PATCH = %d %s, want what was sent, the rest as it was", patch.status, patch.body)
	}
	patch = s.do("PATCH", "/api/v1/models/mine", superKey, `{"retires_at":null,"replacement":null}`)
	if patch.status != 200 || patch.member("retires_at") != nil || patch.member("replacement") != nil || patch.member("status") != "active" {
		t.Errorf("PATCH with null = %d %s, want both gone", patch.status, patch.body)
	}
	if r := s.do("DELETE", "/api/v1/models/mine", superKey, ""); r.status != 204 {
		t.Errorf("DELETE = %d %s, want 204", r.status, r.body)
	}
	isProblem(t, "DELETE again", s.do("DELETE", "/api/v1/models/mine", superKey, ""), 404, "not_found")
}

// A price that is sent back as it was shown is no new price.
func TestModelPriceSentBack(t *testing.T) {
	t.Parallel()
	o, real := withOffice(t)
	s := start(t, &fake{}, real)
	r := s.do("POST", "/api/v1/models", superKey, `{"id":"mine","provider":"openai","upstream_id":"o-1","price":{"input":"2.5","output":"10"}}`)
	for range 2 {
		if r = s.do("PUT", "/api/v1/models/mine", superKey, r.body); r.status != 200 {
			t.Fatalf("PUT = %d %s, want 200", r.status, r.body)
		}
	}
	prices, err := o.ListPrices(t.Context())
	if err != nil || len(prices) != 1 {
		t.Errorf("ListPrices() = %+v, %v, want the one of the beginning", prices, err)
	}
}

func TestModelRefuses(t *testing.T) {
	t.Parallel()
	_, real := withOffice(t)
	s := start(t, &fake{}, real)
	price := `,"price":{"input":"1","output":"1"}`
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"no provider", `{"id":"m","upstream_id":"u"` + price + `}`, 422, "provider"},
		{"unknown provider", `{"id":"m","provider":"ghost","upstream_id":"u"` + price + `}`, 400, `"location":"body.provider"`},
		{"bad id", `{"id":"a/b","provider":"openai","upstream_id":"u"` + price + `}`, 400, `"location":"body.id"`},
		{"unknown fallback", `{"id":"m","provider":"openai","upstream_id":"u","fallbacks":["ghost"]` + price + `}`, 400, `"location":"body.fallbacks[0]"`},
		{"unknown wire", `{"id":"m","provider":"openai","upstream_id":"u","api":"soap"` + price + `}`, 422, "api"},
		{"a price as a number", `{"id":"m","provider":"openai","upstream_id":"u","price":{"input":1,"output":2}}`, 422, "price"},
		{"half a price", `{"id":"m","provider":"openai","upstream_id":"u","price":{"input":"1"}}`, 422, "output"},
		{"a price that is none", `{"id":"m","provider":"openai","upstream_id":"u","price":{"input":"1","output":"-1"}}`, 400, `"location":"body.price.output"`},
		{"an unknown member", `{"id":"m","provider":"openai","upstream_id":"u","colour":"red"` + price + `}`, 422, "colour"},
	} {
		r := s.do("POST", "/api/v1/models", superKey, c.body)
		isProblem(t, c.name, r, c.status, "invalid_request")
		if !strings.Contains(r.body, c.want) {
			t.Errorf("%s: %s, want %q", c.name, r.body, c.want)
		}
	}
	isProblem(t, "a tenant's model on a global provider", s.do("POST", "/api/v1/models", adminKey, `{"id":"m","provider":"openai","upstream_id":"u"`+price+`}`), 403, "permission_denied")
	isProblem(t, "a tenant's change of a global model", s.do("PATCH", "/api/v1/models/gpt-4o", adminKey, `{"enabled":false}`), 403, "permission_denied")
	isProblem(t, "another account's view", s.do("GET", "/api/v1/models?account_id=rival", adminKey, ""), 404, "not_found")
	isProblem(t, "PATCH with an unknown member", s.do("PATCH", "/api/v1/models/gpt-4o", superKey, `{"colour":"red"}`), 422, "invalid_request")
	isProblem(t, "PATCH with no time", s.do("PATCH", "/api/v1/models/gpt-4o", superKey, `{"retires_at":"soon"}`), 400, "invalid_request")
	if r := s.do("PATCH", "/api/v1/models/gpt-5.1-codex", superKey, `{"no_substitute":true}`); r.status != 200 || r.member("no_substitute") != true || r.member("status") != "retired" || r.member("substituted_by") != nil {
		t.Errorf("PATCH model = %d %s, want it retired without a substitute", r.status, r.body)
	}
}
