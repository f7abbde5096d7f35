package httpapi

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pointsman/pointsman/host/dashboard"
)

// withDashboard gives a server a dashboard of these files.
func withDashboard(t *testing.T, files fstest.MapFS) func(*Config) {
	t.Helper()
	d, err := dashboard.Open(files)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.Dashboard = d }
}

var someDashboard = fstest.MapFS{
	"index.html":       {Data: []byte(`<meta name="csp-nonce" content="__CSP_NONCE__">`)},
	"assets/a-1.js":    {Data: []byte("plain")},
	"assets/a-1.js.gz": {Data: []byte("zipped")},
}

// The dashboard is served below /ui/, to GET and HEAD, and nothing else of the machine is.
func TestDashboard(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{}, withDashboard(t, someDashboard))
	page, missing := "csp-nonce", "There is no such file"
	for _, c := range []struct {
		name, line string
		wantStatus int
		wantBody   string
		wantTo     string
	}{
		{"the root, to a browser", "GET / HTTP/1.1\r\nAccept: text/html,*/*;q=0.8", 302, "", "/ui/"},
		{"the root, to others", "GET / HTTP/1.1\r\nAccept: */*", 302, "", "/docs"},
		{"without its slash", "GET /ui HTTP/1.1", 302, "", "/ui/"},
		{"the page", "GET /ui/ HTTP/1.1", 200, page, ""},
		{"a page of it", "GET /ui/routing?x=1 HTTP/1.1", 200, page, ""},
		{"a page with a slash", "GET /ui/routing/ HTTP/1.1", 200, page, ""},
		{"a script", "GET /ui/assets/a-1.js HTTP/1.1", 200, "plain", ""},
		{"a script, zipped", "GET /ui/assets/a-1.js HTTP/1.1\r\nAccept-Encoding: gzip", 200, "zipped", ""},
		{"no such script", "GET /ui/assets/b-1.js HTTP/1.1", 404, missing, ""},
		{"another method", "POST /ui/ HTTP/1.1\r\nContent-Length: 0", 405, "method_not_allowed", ""},
		{"upwards", "GET /ui/../../etc/passwd HTTP/1.1\r\nAccept: text/html", 404, missing, ""},
		{"upwards, hidden", "GET /ui/..%2f..%2fetc/passwd HTTP/1.1\r\nAccept: text/html", 404, missing, ""},
		{"upwards, hidden more", "GET /ui/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nAccept: text/html", 200, page, ""},
		{"upwards into the API", "GET /ui/../api/v1/rules HTTP/1.1\r\nAccept: text/html", 404, missing, ""},
		{"backwards", `GET /ui/..\..\etc\passwd HTTP/1.1` + "\r\nAccept: text/html", 404, missing, ""},
		{"a NUL", "GET /ui/assets/a-1.js%00.html HTTP/1.1\r\nAccept: text/html", 404, missing, ""},
		{"outside", "GET /uix HTTP/1.1\r\nAccept: text/html", 404, "not_found", ""},
	} {
		line, rest, more := strings.Cut(c.line, "\r\n")
		if more {
			rest += "\r\n"
		}
		got := s.raw(line+"\r\nHost: x\r\nConnection: close\r\n"+rest+"\r\n", 1)
		if len(got) != 1 || got[0].status != c.wantStatus || !strings.Contains(got[0].body, c.wantBody) || got[0].header.Get("Location") != c.wantTo {
			t.Errorf("%s: %+v, want %d with %q to %q", c.name, got, c.wantStatus, c.wantBody, c.wantTo)
			continue
		}
		if strings.Contains(line, " /ui/") && c.wantStatus != 405 {
			for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cache-Control"} {
				if got[0].header.Get(name) == "" {
					t.Errorf("%s: the answer has no %s", c.name, name)
				}
			}
		}
	}
}

func TestDashboardHead(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{}, withDashboard(t, someDashboard))
	got := s.do("HEAD", "/ui/", "", "")
	if got.status != 200 || got.body != "" || got.header.Get("Content-Security-Policy") == "" {
		t.Errorf("HEAD /ui/ = %+v, want 200 with the headers of the page", got)
	}
}

// Each response has a nonce of its own, the same in its policy and in its page.
func TestDashboardNonce(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{}, withDashboard(t, someDashboard))
	seen := map[string]bool{}
	for range 3 {
		got := s.do("GET", "/ui/", "", "")
		_, after, _ := strings.Cut(got.header.Get("Content-Security-Policy"), "'nonce-")
		nonce, _, _ := strings.Cut(after, "'")
		if nonce == "" || seen[nonce] || !strings.Contains(got.body, `content="`+nonce+`"`) {
			t.Errorf("GET /ui/ has the nonce %q and %q, want a new one in both", nonce, got.body)
		}
		seen[nonce] = true
	}
}

// A program without the dashboard says how to get it, under the same policy, and a browser
// that asks for / gets the documentation.
func TestDashboardUnbuilt(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{}, withDashboard(t, fstest.MapFS{}))
	got := s.do("GET", "/ui/", "", "")
	if got.status != 200 || !strings.Contains(got.body, "make ui") || !strings.Contains(got.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("GET /ui/ = %+v, want a page that names make ui", got)
	}
	raw := s.raw("GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n", 1)
	if len(raw) != 1 || raw[0].header.Get("Location") != "/docs" {
		t.Errorf("GET / = %+v, want /docs", raw)
	}
}
