package httpapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	f := &fake{keys: []engine.Key{{AccountID: "acme", ID: "k", UserID: "u", Name: "ci", Prefix: "pm_abc", Digest: []byte("digest-bytes"), CreatedAt: testNow, RevokedAt: testNow}}}
	s := start(t, f)
	r := s.do("GET", "/api/v1/keys", userKey, "")
	if r.status != 200 || !strings.Contains(r.body, `"revoked_at":"2026-11-22T12:00:00Z"`) || strings.Contains(r.body, "expires_at") || strings.Contains(strings.ToLower(r.body), "digest") {
		t.Errorf("GET keys = %d %s, want the key without its digest", r.status, r.body)
	}
	r = s.do("POST", "/api/v1/keys", userKey, `{"name":"n","expires_at":"2027-01-01T00:00:00Z"}`)
	if r.status != 201 || r.member("secret") != "pm_the-secret" || r.member("account_id") != "acme" || r.member("expires_at") != "2027-01-01T00:00:00Z" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("POST key = %d %s %v, want the secret, not to be stored", r.status, r.body, r.header)
	}
	for _, body := range []string{`{}`, `{"name":""}`, `{"name":"n","role":"super_admin"}`, `{"name":"n","expires_at":"tomorrow"}`} {
		if r := s.do("POST", "/api/v1/keys", userKey, body); r.status != 422 {
			t.Errorf("POST key %s = %d, want 422", body, r.status)
		}
	}
	if r := s.do("DELETE", "/api/v1/keys/known?account_id=acme", userKey, ""); r.status != 204 {
		t.Errorf("DELETE key = %d %s, want 204", r.status, r.body)
	}
	isProblem(t, "unknown key", s.do("DELETE", "/api/v1/keys/ghost", userKey, ""), 404, "not_found")
}

func TestCatalogueRoutes(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	r := s.do("GET", "/api/v1/models", userKey, "")
	if r.status != 200 || strings.Count(r.body, `"upstream_id"`) != 5 || !strings.Contains(r.body, `"id":"hidden"`) {
		t.Errorf("GET models = %d %s, want all four rows, disabled ones too", r.status, r.body)
	}
	r = s.do("GET", "/api/v1/models/gpt-5.1-codex", userKey, "")
	if r.member("status") != "substituted" || r.member("substituted_by") != "gpt-5.3-codex" || r.member("upstream_id") != "gpt-5.1-codex" || r.member("replacement", "api") != "responses" {
		t.Errorf("GET model = %s, want the row and what stands in for it", r.body)
	}
	r = s.do("GET", "/api/v1/models/gpt-4", userKey, "")
	isProblem(t, "unknown model", r, 404, "not_found")
	if !strings.Contains(r.body, "gpt-4o") {
		t.Errorf("unknown model: %s, want the nearest id", r.body)
	}
	r = s.do("GET", "/api/v1/providers", adminKey, "")
	if r.status != 200 || !strings.Contains(r.body, `"credential":"env:OPENAI_API_KEY"`) {
		t.Errorf("GET providers = %d %s, want where the key is from", r.status, r.body)
	}
	if r := s.do("GET", "/api/v1/providers/openai", adminKey, ""); r.member("base_url") != "https://api.openai.com/v1" {
		t.Errorf("GET provider = %d %s, want openai", r.status, r.body)
	}
	isProblem(t, "unknown provider", s.do("GET", "/api/v1/providers/none", adminKey, ""), 404, "not_found")
}

func TestUsage(t *testing.T) {
	t.Parallel()
	f := &fake{usage: []engine.Usage{
		{ID: "u2", RequestID: "r", Attempt: 2, AccountID: "acme", ModelID: "gpt-4o", Source: "default", Tokens: engine.Tokens{Prompt: 9, Cached: 1, Completion: 3}, CostNanoUSD: 22, PremiumUse: 33, Outcome: engine.OutcomeOK, StartedAt: testNow},
		{ID: "u1", RequestID: "r", Attempt: 1, AccountID: "acme", Unpriced: true, Outcome: engine.OutcomeFailed, Code: engine.CodeUpstreamFailed, StartedAt: testNow},
	}}
	s := start(t, f)
	r := s.do("GET", "/api/v1/usage?request_id=r&limit=5", adminKey, "")
	rows, _ := r.member("data").([]any)
	if r.status != 200 || len(rows) != 2 {
		t.Fatalf("GET usage = %d %s, want two rows", r.status, r.body)
	}
	first, second := rows[0].(map[string]any), rows[1].(map[string]any)
	if first["cost_nano_usd"] != 22.0 || first["premium_requests"] != 0.33 || first["rule"] != "default" || first["tokens"].(map[string]any)["prompt"] != 9.0 {
		t.Errorf("row = %v, want its cost and tokens", first)
	}
	if cost, there := second["cost_nano_usd"]; !there || cost != nil || second["code"] != "upstream_error" {
		t.Errorf("row without a price = %v, want cost null", second)
	}
	s.do("GET", "/api/v1/usage", superKey, "")
	s.do("GET", "/api/v1/usage?account_id=acme", superKey, "")
	s.do("GET", "/api/v1/usage?account_id=acme", adminKey, "")
	isProblem(t, "another account", s.do("GET", "/api/v1/usage?account_id=rival", adminKey, ""), 404, "not_found")
	for _, limit := range []string{"0", "-1", "1001", "x"} {
		if r := s.do("GET", "/api/v1/usage?limit="+limit, adminKey, ""); r.status != 422 {
			t.Errorf("limit=%s = %d, want 422", limit, r.status)
		}
	}
	if want := []string{"usage /r/5", "usage //100", "usage acme//100", "usage acme//100"}; !slices.Equal(f.queries, want) {
		t.Errorf("queries = %q, want %q", f.queries, want)
	}
}
