package httpapi

import (
	"bytes"
	"mime/multipart"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// form makes a multipart body of fields: name, content pairs.
func form(t *testing.T, fields ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		p, err := w.CreateFormFile(fields[i], fields[i]+".bin")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = p.Write([]byte(fields[i+1]))
	}
	_ = w.Close()
	return b.String(), w.FormDataContentType()
}

func TestUploadPlugin(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := start(t, f)
	module := "\x00asm\x01\x00\x00\x00" + strings.Repeat("m", 100)
	body, kind := form(t, "module", module)
	r := s.do("POST", "/api/v1/plugins?activate=true&account_id=acme", superKey, body, "Content-Type", kind)
	if r.status != 201 || r.member("ref") != "p@1.0.0" || r.member("active") != true || r.member("account_id") != "acme" {
		t.Errorf("upload = %d %s, want 201 with the version", r.status, r.body)
	}
	if again := s.do("POST", "/api/v1/plugins", superKey, body, "Content-Type", kind); again.status != 200 {
		t.Errorf("the same bytes again = %d %s, want 200", again.status, again.body)
	}
	other, otherKind := form(t, "module", strings.Repeat("n", 108))
	s.do("POST", "/api/v1/plugins", superKey, other, "Content-Type", otherKind)
	if len(f.uploads) != 3 || string(f.uploads[0].module) != module || !f.uploads[0].activate || f.uploads[0].account != "acme" || f.uploads[1].activate || f.uploads[1].account != "" {
		t.Errorf("uploads = %+v, want the module as it was sent, kept while others come", f.uploads)
	}
}

func TestUploadPluginRefuses(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := start(t, f, func(c *Config) { c.MaxModuleUpload = 1 << 20 })
	both, bothKind := form(t, "module", "m", "fixtures", "[]")
	twice, twiceKind := form(t, "module", "m", "module", "n")
	odd, oddKind := form(t, "module", "m", "x\r\ny", "z")
	empty, emptyKind := form(t, "module", "")
	none, noneKind := form(t)
	big, bigKind := form(t, "module", strings.Repeat("m", 1<<20+1))
	huge, hugeKind := form(t, "module", strings.Repeat("m", 2<<20))
	good, goodKind := form(t, "module", "m")
	for _, c := range []struct {
		name, body, kind string
		status           int
		code, want       string
	}{
		{"fixtures", both, bothKind, 400, "invalid_request", "'fixtures' are not run yet"},
		{"module twice", twice, twiceKind, 400, "invalid_request", "twice"},
		{"unknown field", odd, oddKind, 400, "invalid_request", "Only 'module' is"},
		{"empty module", empty, emptyKind, 400, "invalid_request", "empty"},
		{"no field", none, noneKind, 400, "invalid_request", "module"},
		{"cut off", good[:len(good)-20], goodKind, 400, "invalid_request", "multipart"},
		{"no boundary", good, "multipart/form-data", 415, "unsupported_media_type", "curl -F"},
		{"JSON", `{"module":"x"}`, "application/json", 415, "unsupported_media_type", "multipart"},
		{"raw wasm", "\x00asm", "application/wasm", 415, "unsupported_media_type", "multipart"},
		{"one byte too many", big, bigKind, 413, "request_too_large", "1 MiB"},
		{"far too many", huge, hugeKind, 413, "request_too_large", ""},
	} {
		r := s.do("POST", "/api/v1/plugins", superKey, c.body, "Content-Type", c.kind)
		isProblem(t, c.name, r, c.status, c.code)
		if !strings.Contains(r.body, c.want) {
			t.Errorf("%s: %s, want %q", c.name, r.body, c.want)
		}
	}
	if r := s.do("POST", "/api/v1/plugins", adminKey, good, "Content-Type", goodKind); r.status != 403 {
		t.Errorf("upload by an account admin = %d, want 403", r.status)
	}
	if len(f.uploads) != 0 {
		t.Errorf("%d uploads reached the service, want 0", len(f.uploads))
	}
}

// FuzzModuleOf: no panic, and what is taken out of a form was in it, within the limit.
func FuzzModuleOf(f *testing.F) {
	s, err := New((&fake{}).config())
	if err != nil {
		f.Fatal(err)
	}
	s.cfg.MaxModuleUpload = 64
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"module\"; filename=\"m\"\r\n\r\nwasm\r\n--b--\r\n"))
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"fixtures\"\r\n\r\n[]\r\n--b--\r\n"))
	f.Add("multipart/form-data; boundary=", []byte("--\r\n"))
	f.Add("text/plain", []byte("x"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		module, failure := s.moduleOf(contentType, body)
		if failure == nil && (len(module) == 0 || len(module) > 64 || !bytes.Contains(body, module)) {
			t.Fatalf("moduleOf(%q, %q) = %q, want bytes of the body, at most 64", contentType, body, module)
		}
		if failure != nil && (module != nil || failure.status < 400 || failure.message == "") {
			t.Fatalf("moduleOf(%q, %q) = %+v, want a failure alone", contentType, body, failure)
		}
	})
}

func TestPlugins(t *testing.T) {
	t.Parallel()
	f := &fake{plugins: []engine.PluginVersion{{Name: "router", Version: "1.0.0+b", Kind: "rule", SHA256: [32]byte{0xab}, Size: 5, Active: true, CreatedAt: testNow,
		Manifest: engine.Manifest{Name: "router", Version: "1.0.0+b", Kind: "rule", ABI: 1, ConfigSchema: []byte(`{"type":"object"}`)}}}}
	s := start(t, f)
	r := s.do("GET", "/api/v1/plugins", adminKey, "")
	if r.status != 200 || !strings.Contains(r.body, `"ref":"router@1.0.0+b"`) || !strings.Contains(r.body, `"sha256":"ab00`) || !strings.Contains(r.body, `"config_schema":{"type":"object"}`) {
		t.Errorf("GET plugins = %d %s, want the version with its manifest", r.status, r.body)
	}
	if r := s.do("POST", "/api/v1/plugins/router/1.0.0%2Bb/activate?account_id=acme", superKey, ""); r.status != 204 {
		t.Errorf("activate = %d %s, want 204", r.status, r.body)
	}
	if r := s.do("DELETE", "/api/v1/plugins/router/1.0.0+b", superKey, ""); r.status != 204 {
		t.Errorf("delete = %d %s, want 204", r.status, r.body)
	}
	if want := []string{"activate acme/router@1.0.0+b", "delete /router@1.0.0+b"}; !slices.Equal(f.queries, want) {
		t.Errorf("calls = %q, want %q", f.queries, want)
	}
}

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
	isProblem(t, "unknown model", r, 404, "model_not_found")
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
	if want := []string{"usage acme/r/5", "usage default//100", "usage acme//100", "usage acme//100"}; !slices.Equal(f.queries, want) {
		t.Errorf("queries = %q, want %q", f.queries, want)
	}
}
