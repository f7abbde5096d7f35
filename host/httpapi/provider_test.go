package httpapi

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

func TestProviderLife(t *testing.T) {
	t.Parallel()
	_, real := withOffice(t)
	s := start(t, &fake{}, real)
	r := s.do("POST", "/api/v1/providers", superKey, `{"id":"vllm","adapter":"openai","base_url":"http://127.0.0.1:8000/v1","config":{"developer":true},"keyless":true}`)
	if r.status != 201 || r.header.Get("Location") != "/api/v1/providers/vllm" || r.header.Get("ETag") == "" {
		t.Fatalf("POST provider = %d %s, want 201 with Location and ETag", r.status, r.body)
	}
	if r.member("name") != "vllm" || r.member("enabled") != true || r.member("keyless") != true || r.member("config", "developer") != true || r.member("credential") != nil {
		t.Errorf("POST provider = %s, want what was sent, named and enabled", r.body)
	}
	got := s.do("GET", "/api/v1/providers/vllm", superKey, "")
	if got.body != r.body {
		t.Errorf("GET provider = %s, want %s", got.body, r.body)
	}
	put := s.do("PUT", "/api/v1/providers/vllm", superKey, strings.Replace(got.body, `"name":"vllm"`, `"name":"vLLM"`, 1))
	if put.status != 200 || put.member("name") != "vLLM" || put.header.Get("ETag") == r.header.Get("ETag") {
		t.Errorf("PUT what GET gave = %d %s, want 200 and a new ETag", put.status, put.body)
	}
	isProblem(t, "PUT of a stale provider", s.do("PUT", "/api/v1/providers/vllm", superKey, got.body), 409, "conflict")
	isProblem(t, "PATCH with a stale ETag", s.do("PATCH", "/api/v1/providers/vllm", superKey, `{"name":"x"}`, "If-Match", r.header.Get("ETag")), 412, "precondition_failed")
	patch := s.do("PATCH", "/api/v1/providers/vllm", superKey, `{"config":null,"enabled":false}`, "If-Match", put.header.Get("ETag"))
	if patch.status != 200 || patch.member("config") != nil || patch.member("enabled") != false || patch.member("keyless") != true {
		t.Errorf("PATCH = %d %s, want it disabled, without config", patch.status, patch.body)
	}
	isProblem(t, "POST of a taken id", s.do("POST", "/api/v1/providers", superKey, `{"id":"vllm","adapter":"openai"}`), 409, "conflict")
	isProblem(t, "DELETE with a stale ETag", s.do("DELETE", "/api/v1/providers/vllm", superKey, "", "If-Match", put.header.Get("ETag")), 412, "precondition_failed")
	if r := s.do("DELETE", "/api/v1/providers/vllm", superKey, ""); r.status != 204 {
		t.Errorf("DELETE = %d %s, want 204", r.status, r.body)
	}
	isProblem(t, "GET after DELETE", s.do("GET", "/api/v1/providers/vllm", superKey, ""), 404, "not_found")
	r = s.do("DELETE", "/api/v1/providers/openai", superKey, "")
	isProblem(t, "DELETE of one that serves models", r, 409, "conflict")
	if !strings.Contains(r.body, "gpt-4o") {
		t.Errorf("DELETE of one that serves models: %s, want them named", r.body)
	}
}

func TestProviderRefuses(t *testing.T) {
	t.Parallel()
	_, real := withOffice(t)
	s := start(t, &fake{}, real)
	for _, c := range []struct{ name, body, location string }{
		{"http", `{"id":"p","adapter":"openai","base_url":"http://llm.example/v1"}`, "body.base_url"},
		{"loopback", `{"id":"p","adapter":"openai","base_url":"https://127.0.0.1/v1"}`, "body.base_url"},
		{"a key in the URL", `{"id":"p","adapter":"openai","base_url":"https://llm.example/v1?key=x"}`, "body.base_url"},
		{"unknown adapter", `{"id":"p","adapter":"gopher"}`, "body.adapter"},
		{"bad config", `{"id":"p","adapter":"openai","config":{"wrong":1}}`, "body.config.wrong"},
		{"bad id", `{"id":"P","adapter":"openai"}`, "body.id"},
	} {
		r := s.do("POST", "/api/v1/providers", adminKey, c.body)
		isProblem(t, c.name, r, 400, "invalid_request")
		if !strings.Contains(r.body, `"location":"`+c.location+`"`) {
			t.Errorf("%s: %s, want the location %q", c.name, r.body, c.location)
		}
	}
	isProblem(t, "a credential inline", s.do("POST", "/api/v1/providers", adminKey, `{"id":"p","adapter":"openai","secret":"sk"}`), 422, "invalid_request")
	isProblem(t, "a tenant, for all", s.do("PATCH", "/api/v1/providers/openai", adminKey, `{"enabled":false}`), 403, "permission_denied")
	if r := s.do("POST", "/api/v1/providers", adminKey, `{"id":"own","adapter":"openai","base_url":"https://llm.example/v1"}`); r.status != 201 || r.member("account_id") != "acme" {
		t.Fatalf("POST by an account admin = %d %s, want it in their account", r.status, r.body)
	}
	isProblem(t, "another account's", s.do("GET", "/api/v1/providers/own", rivalKey, ""), 404, "not_found")
	isProblem(t, "another account's, by its name", s.do("GET", "/api/v1/providers/own?account_id=acme", rivalKey, ""), 404, "not_found")
	isProblem(t, "a test of another account's", s.do("POST", "/api/v1/providers/own/test?account_id=acme", rivalKey, ""), 404, "not_found")
	if r := s.do("GET", "/api/v1/providers", rivalKey, ""); strings.Contains(r.body, `"own"`) {
		t.Errorf("GET providers of another account = %s, want its own and the global ones", r.body)
	}
	if r := s.do("GET", "/api/v1/providers/own?account_id=acme", superKey, ""); r.status != 200 {
		t.Errorf("GET by a super admin = %d %s, want 200", r.status, r.body)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	const secret = "sk-canary-0123456789-wxyz"
	var logged lockedBuffer
	_, real := withOffice(t)
	s := start(t, &fake{}, real, func(c *Config) { c.Logger = zerolog.New(&logged) })
	var said strings.Builder
	do := func(method, path, key, body string) reply {
		r := s.do(method, "/api/v1/providers/openai/credentials"+path, key, body)
		said.WriteString(r.body)
		return r
	}
	r := do("POST", "", superKey, `{"id":"second","name":"team","secret":"`+secret+`","weight":3}`)
	if r.status != 201 || r.header.Get("Location") != "/api/v1/providers/openai/credentials/second" || r.header.Get("ETag") == "" ||
		r.member("hint") != "wxyz" || r.member("weight") != 3.0 || r.member("enabled") != true || r.member("source") != "stored" || r.member("usable") != true || r.member("secret") != nil {
		t.Fatalf("POST credential = %d %s, want 201 with a hint", r.status, r.body)
	}
	do("POST", "", superKey, `{"id":"lost","secret":"`+secret+`"}`)
	list := do("GET", "", superKey, "")
	rows, _ := list.member("data").([]any)
	if len(rows) != 3 || rows[0].(map[string]any)["source"] != "env:OPENAI_API_KEY" || rows[0].(map[string]any)["id"] != "env" || !strings.Contains(list.body, `"usable":false`) {
		t.Errorf("GET credentials = %d %s, want the environment's first, and the one that cannot be opened", list.status, list.body)
	}
	if got := do("GET", "/second", superKey, ""); got.body != r.body {
		t.Errorf("GET credential = %s, want %s", got.body, r.body)
	}
	if r := do("PATCH", "/second", superKey, `{"weight":9,"enabled":false}`); r.status != 200 || r.member("weight") != 9.0 || r.member("enabled") != false || r.member("hint") != "wxyz" {
		t.Errorf("PATCH = %d %s, want the weight, disabled, the same key", r.status, r.body)
	}
	if r := do("PATCH", "/second", superKey, `{"secret":"`+secret+`-next"}`); r.status != 200 || r.member("hint") != "next" {
		t.Errorf("PATCH secret = %d %s, want its hint", r.status, r.body)
	}
	for _, c := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"a member that is unknown", "POST", "", `{"secret":"` + secret + `","colour":1}`, 422},
		{"a weight of 0", "POST", "", `{"secret":"` + secret + `","weight":0}`, 422},
		{"a secret that is none", "POST", "", `{"secret":["` + secret + `"]}`, 422},
		{"a secret with a blank", "POST", "", `{"secret":"` + secret + ` x"}`, 400},
		{"not JSON", "POST", "", `{"secret":"` + secret, 400},
		{"not JSON in a change", "PATCH", "/second", `"` + secret, 400},
		{"a change with an unknown member", "PATCH", "/second", `{"key":"` + secret + `"}`, 422},
		{"the operator's", "PATCH", "/env", `{"secret":"` + secret + `"}`, 404},
		{"a stranger", "POST", "", `{"id":"second","secret":"` + secret + `"}`, 409},
	} {
		if r := do(c.method, c.path, superKey, c.body); r.status != c.status {
			t.Errorf("%s = %d %s, want %d", c.name, r.status, r.body, c.status)
		}
	}
	isProblem(t, "a tenant lists the operator's keys", do("GET", "", adminKey, ""), 403, "permission_denied")
	isProblem(t, "a tenant adds one", do("POST", "", adminKey, `{"secret":"`+secret+`"}`), 403, "permission_denied")
	if r := s.do("GET", "/api/v1/providers/openai", adminKey, ""); r.member("credentials") != nil {
		t.Errorf("GET provider by a tenant = %s, want none of the operator's credentials", r.body)
	}
	if r := s.do("GET", "/api/v1/providers/openai", superKey, ""); !strings.Contains(r.body, `"id":"second"`) {
		t.Errorf("GET provider = %s, want its credentials in use", r.body)
	}
	if r := do("DELETE", "/second", superKey, ""); r.status != 204 {
		t.Errorf("DELETE = %d %s, want 204", r.status, r.body)
	}
	isProblem(t, "DELETE again", do("DELETE", "/second", superKey, ""), 404, "not_found")
	if strings.Contains(said.String(), "canary") || strings.Contains(logged.String(), "canary") {
		t.Errorf("an answer or the log holds the secret:\n%s\n%s", said.String(), logged.String())
	}
}

func TestTrials(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := start(t, f)
	r := s.do("POST", "/api/v1/providers/openai/test?credential=second", superKey, "")
	if r.status != 200 || r.member("ok") != false || r.member("listed_ms") != 3.0 || r.member("call", "error", "class") != "auth" || r.member("call", "latency_ms") != 9.0 ||
		r.member("error", "hint") != "do" || r.member("error", "status") != 401.0 || !strings.Contains(r.body, `"models":["a","b"]`) {
		t.Errorf("test of a provider = %d %s, want 200 with what was found", r.status, r.body)
	}
	if r := s.do("POST", "/api/v1/models/gpt-4o/test", superKey, ""); r.status != 200 || r.member("ok") != true || r.member("simulated") != true || r.member("call", "model") != "gpt-4o" || r.member("error") != nil {
		t.Errorf("test of a model = %d %s, want it ok", r.status, r.body)
	}
	isProblem(t, "no such provider", s.do("POST", "/api/v1/providers/ghost/test", superKey, ""), 404, "not_found")
	isProblem(t, "no such model", s.do("POST", "/api/v1/models/ghost/test", superKey, ""), 404, "not_found")
	if len(f.trials) != 2 || f.trials[0].Credential != "second" || f.trials[0].AccountID != "" || f.trials[0].RequestID == "" || f.trials[0].Principal.Role != engine.RoleSuperAdmin || f.trials[1].ID != "gpt-4o" {
		t.Errorf("trials = %+v, want what the paths named", f.trials)
	}
}
