package httpapi

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

func originsOf(t *testing.T, text string) Origins {
	t.Helper()
	o, err := ParseOrigins(text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What a browser reads before it lets a page see an answer.
func TestOrigins(t *testing.T) {
	t.Parallel()
	const app, other = "https://app.example.com", "https://evil.example.com"
	listed := start(t, &fake{}, func(c *Config) { c.Origins = originsOf(t, "http://localhost:3000, "+app) })
	every := start(t, &fake{}, func(c *Config) { c.Origins = originsOf(t, "*") })
	none := start(t, &fake{})
	preflight := func(origin string) []string {
		return []string{"Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-stainless-lang"}
	}
	for _, tt := range []struct {
		name         string
		server       *running
		method, path string
		key          string
		headers      []string
		wantStatus   int
		wantOrigin   string
	}{
		{"a preflight", listed, "OPTIONS", "/v1/chat/completions", "", preflight(app), 204, app},
		{"of the admin API", listed, "OPTIONS", "/api/v1/rules", "", preflight(app), 204, app},
		{"of another page", listed, "OPTIONS", "/v1/chat/completions", "", preflight(other), 405, ""},
		{"of a page that begins alike", listed, "OPTIONS", "/v1/chat/completions", "", preflight(app + ".evil.example"), 405, ""},
		{"of a file", listed, "OPTIONS", "/v1/chat/completions", "", preflight("null"), 405, ""},
		{"of any page", every, "OPTIONS", "/v1/chat/completions", "", preflight(other), 204, "*"},
		{"where none may", none, "OPTIONS", "/v1/chat/completions", "", preflight(app), 405, ""},
		{"of the login", every, "OPTIONS", loginPath, "", preflight(app), 405, ""},
		{"options that are no preflight", listed, "OPTIONS", "/v1/models", "", []string{"Origin", app}, 405, app},
		{"an answer", listed, "GET", "/v1/models", userKey, []string{"Origin", app}, 200, app},
		{"an answer to another page", listed, "GET", "/v1/models", userKey, []string{"Origin", other}, 200, ""},
		{"an answer to nobody's page", listed, "GET", "/v1/models", userKey, nil, 200, ""},
		{"a refusal", listed, "GET", "/v1/models", "no-such-key", []string{"Origin", app}, 401, app},
		{"what there is not", listed, "GET", "/api/v1/nothing", userKey, []string{"Origin", app}, 404, app},
		{"an answer to any page", every, "GET", "/v1/models", userKey, []string{"Origin", other}, 200, "*"},
		{"where none may read", none, "GET", "/v1/models", userKey, []string{"Origin", app}, 200, ""},
		{"another path", every, "GET", "/healthz", "", []string{"Origin", app}, 200, ""},
	} {
		got := tt.server.do(tt.method, tt.path, tt.key, "", tt.headers...)
		if got.status != tt.wantStatus || got.header.Get("Access-Control-Allow-Origin") != tt.wantOrigin {
			t.Errorf("%s: %s %s = %d for %q, want %d for %q\n%s", tt.name, tt.method, tt.path, got.status, got.header.Get("Access-Control-Allow-Origin"), tt.wantStatus, tt.wantOrigin, got.body)
		}
		if c := got.header.Get("Access-Control-Allow-Credentials"); c != "" {
			t.Errorf("%s: credentials are allowed: %q", tt.name, c)
		}
		if tt.wantStatus == http.StatusNoContent {
			if m, h := got.header.Get("Access-Control-Allow-Methods"), got.header.Get("Access-Control-Allow-Headers"); !strings.Contains(m, "DELETE") || h != "authorization,content-type,x-stainless-lang" {
				t.Errorf("%s: %q and %q are allowed", tt.name, m, h)
			}
		}
		if tt.server == listed && strings.HasPrefix(tt.path, "/v1/") && got.header.Get("Vary") != "Origin" {
			t.Errorf("%s: the answer varies by %q, want Origin: a cache would mix up pages", tt.name, got.header.Get("Vary"))
		}
		if tt.server == none && got.header.Get("Vary") != "" {
			t.Errorf("%s: the answer varies by %q, want nothing", tt.name, got.header.Get("Vary"))
		}
	}
}

// A page sees the headers of a stream too.
func TestOriginsOfAStream(t *testing.T) {
	t.Parallel()
	f := streaming(func() engine.Stream { return scripted(step{chunk: `{"a":1}`}, step{err: io.EOF}) })
	s := start(t, f, func(c *Config) { c.Origins = originsOf(t, "https://app.example.com") })
	got := s.do("POST", "/v1/chat/completions", userKey, chatBody(`,"stream":true`), "Origin", "https://app.example.com")
	if !strings.Contains(got.body, "[DONE]") || got.header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || got.header.Get("Access-Control-Expose-Headers") != "*" {
		t.Errorf("stream = %d with %v, want the page named", got.status, got.header)
	}
}

func TestParseOrigins(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		ok   bool
		none bool
	}{
		{"", true, true},
		{" , ", true, true},
		{"*", true, false},
		{"https://a.example", true, false},
		{"https://a.example, http://localhost:3000", true, false},
		{"http://[::1]:3000", true, false},
		{"*, https://a.example", false, false},
		{"https://a.example/", false, false},
		{"https://A.example", false, false},
		{"https://u@a.example", false, false},
		{"a.example", false, false},
		{"ftp://a.example", false, false},
		{"null", false, false},
		{"https://*.example", true, false}, // a name like any other: no page has it
	} {
		o, err := ParseOrigins(tt.text)
		if (err == nil) != tt.ok || err == nil && o.none() != tt.none {
			t.Errorf("ParseOrigins(%q) = %+v, %v, want ok %v and none %v", tt.text, o, err, tt.ok, tt.none)
		}
	}
}

func TestHeaderNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"authorization, content-type": true, "x-stainless-lang": true, "": false, "a\nb": false, "a:b": false, "a\"b": false, "é": false,
		strings.Repeat("a", maxPreflightHeaders+1): false,
	} {
		if got := headerNames(text); got != want {
			t.Errorf("headerNames(%q) = %v, want %v", text, got, want)
		}
	}
}
