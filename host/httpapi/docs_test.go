package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	r := s.do("GET", "/openapi.json", "", "")
	var spec struct {
		OpenAPI string                                `json:"openapi"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(r.body), &spec); err != nil || r.status != 200 || !strings.HasPrefix(spec.OpenAPI, "3.1") {
		t.Fatalf("GET /openapi.json = %d %.200s, want OpenAPI 3.1", r.status, r.body)
	}
	if alone, err := OpenAPI(""); err != nil || string(alone) != r.body {
		t.Errorf("OpenAPI() = %d bytes, %v, want what is served", len(alone), err)
	}
	for route := range policies {
		method, path, _ := strings.Cut(route, " ")
		if !strings.HasPrefix(path, "/api/v1/") {
			continue
		}
		path = regexp.MustCompile(`:(\w+)`).ReplaceAllString(path, "{$1}")
		op, ok := spec.Paths[path][strings.ToLower(method)]
		if !ok {
			t.Errorf("openapi.json lacks %s", route)
		}
		if !strings.Contains(string(op), `/problem-401-`) || !strings.Contains(string(op), `"security"`) {
			t.Errorf("openapi.json describes %s without its errors or its key: %s", route, op)
		}
	}
	if strings.Contains(r.body, "ErrorModel") {
		t.Error("openapi.json names huma's error, want ours alone")
	}
}

// TestDocs: the page names every operation and every error code, and loads nothing.
func TestDocs(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	r := s.do("GET", "/docs", "", "")
	if r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		t.Fatalf("GET /docs = %d as %q, want a page", r.status, r.header.Get("Content-Type"))
	}
	for route := range policies {
		method, path, _ := strings.Cut(route, " ")
		path = regexp.MustCompile(`:(\w+)`).ReplaceAllString(path, "{$1}")
		if strings.HasPrefix(path, "/api/v1/") && !strings.Contains(r.body, `<span class="method">`+method+`</span> <code>`+path+`</code>`) {
			t.Errorf("/docs lacks %s %s", method, path)
		}
	}
	for code := range answers {
		if !strings.Contains(r.body, `<tr id="`+string(code)+`">`) {
			t.Errorf("/docs lacks the code %s", code)
		}
	}
	for _, c := range []string{codeRuleCompile, codeOverloaded, codeShuttingDown} {
		if !strings.Contains(r.body, `<tr id="`+c+`">`) {
			t.Errorf("/docs lacks the code %s", c)
		}
	}
	if m := regexp.MustCompile(`(?i)<script [^>]|<link|<img|\bsrc=\"|@import|\burl\(|href=\"https?://`).FindString(r.body); m != "" {
		t.Errorf("/docs has %q, want it to load nothing", m)
	}
	for _, kind := range []string{"style", "script"} {
		text := regexp.MustCompile(`(?s)<` + kind + `>(.*?)</` + kind + `>`).FindStringSubmatch(r.body)
		if text == nil {
			t.Fatalf("/docs has no %s", kind)
		}
		sum := sha256.Sum256([]byte(text[1]))
		if want := kind + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(r.header.Get("Content-Security-Policy"), want) {
			t.Errorf("Content-Security-Policy = %q, want %s", r.header.Get("Content-Security-Policy"), want)
		}
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	if r := s.do("GET", "/", "", ""); r.status != 302 || r.header.Get("Location") != "/docs" {
		t.Errorf("GET / = %d to %q, want 302 to /docs", r.status, r.header.Get("Location"))
	}
}
