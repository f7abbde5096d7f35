package dashboard

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func built(t *testing.T) *Files {
	t.Helper()
	d, err := Open(fstest.MapFS{
		".gitkeep":                {},
		"index.html":              {Data: []byte(`<meta name="csp-nonce" content="__CSP_NONCE__"><link nonce="__CSP_NONCE__">`)},
		"favicon.svg":             {Data: []byte("<svg/>")},
		"assets/app-5f3a.js":      {Data: []byte("plain")},
		"assets/app-5f3a.js.gz":   {Data: []byte("zipped")},
		"assets/font-1.woff2":     {Data: []byte("font")},
		"assets/orphan-1.css.gz":  {Data: []byte("no plain form")},
		"assets/app-5f3a.js.map":  {Data: []byte("{}")},
		"assets/style-77.css":     {Data: []byte("a{}")},
		"assets/nested/more-1.js": {Data: []byte("more")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Each name gets what it should, with its type, its age and the headers that every answer has.
func TestServe(t *testing.T) {
	t.Parallel()
	d := built(t)
	if !d.Built() {
		t.Error("Built() = false, want true")
	}
	const page, brief = "text/html; charset=utf-8", "no-cache"
	for _, c := range []struct {
		name, path, accept, encoding string
		wantStatus                   int
		wantKind, wantAge, wantCoded string
		wantBody                     string // "": any
	}{
		{"the root", "", "*/*", "gzip", 200, page, brief, "", ""},
		{"the index by name", "index.html", "*/*", "gzip", 200, page, brief, "", ""},
		{"a page", "routing/rules", "*/*", "", 200, page, brief, "", ""},
		{"a page with a dot, to a browser", "models/gpt-5.2", "text/html,*/*;q=0.8", "", 200, page, brief, "", ""},
		{"the same, to a script", "models/gpt-5.2", "*/*", "", 404, "text/plain; charset=utf-8", brief, "", ""},
		{"a hashed script", "assets/app-5f3a.js", "*/*", "", 200, "text/javascript; charset=utf-8", forEver, "", "plain"},
		{"zipped", "assets/app-5f3a.js", "*/*", "br, gzip;q=0.5", 200, "text/javascript; charset=utf-8", forEver, "gzip", "zipped"},
		{"gzip is refused", "assets/app-5f3a.js", "*/*", "gzip;q=0, br", 200, "text/javascript; charset=utf-8", forEver, "", "plain"},
		{"another coding", "assets/app-5f3a.js", "*/*", "x-gzipped", 200, "text/javascript; charset=utf-8", forEver, "", "plain"},
		{"a style", "assets/style-77.css", "*/*", "gzip", 200, "text/css; charset=utf-8", forEver, "", "a{}"},
		{"a font", "assets/font-1.woff2", "*/*", "", 200, "font/woff2", forEver, "", "font"},
		{"deeper", "assets/nested/more-1.js", "*/*", "", 200, "text/javascript; charset=utf-8", forEver, "", "more"},
		{"not hashed", "favicon.svg", "*/*", "", 200, "image/svg+xml", brief, "", "<svg/>"},
		{"an asset of an older build", "assets/app-0000.js", "text/html", "", 404, "text/plain; charset=utf-8", brief, "", ""},
		{"an asset without a dot", "assets/app", "text/html", "", 404, "text/plain; charset=utf-8", brief, "", ""},
		{"only the zipped form", "assets/orphan-1.css", "*/*", "gzip", 404, "text/plain; charset=utf-8", brief, "", ""},
		{"the zipped form by name", "assets/app-5f3a.js.gz", "*/*", "gzip", 404, "text/plain; charset=utf-8", brief, "", ""},
		{"a dot file", ".gitkeep", "*/*", "", 404, "text/plain; charset=utf-8", brief, "", ""},
		{"upwards", "../dashboard.go", "text/html", "", 404, "text/plain; charset=utf-8", brief, "", ""},
		{"upwards from assets", "assets/../../dashboard.go", "text/html", "", 404, "text/plain; charset=utf-8", brief, "", ""},
		{"backwards", `..\dashboard.go`, "text/html", "", 404, "text/plain; charset=utf-8", brief, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, header, body := d.Serve(c.path, c.accept, c.encoding)
			if status != c.wantStatus || header.Get("Content-Type") != c.wantKind || header.Get("Cache-Control") != c.wantAge || header.Get("Content-Encoding") != c.wantCoded {
				t.Errorf("Serve(%q) = %d %v, want %d, %q, %q, %q", c.path, status, header, c.wantStatus, c.wantKind, c.wantAge, c.wantCoded)
			}
			if c.wantBody != "" && string(body) != c.wantBody {
				t.Errorf("Serve(%q) = %q, want %q", c.path, body, c.wantBody)
			}
			if c.path == "assets/app-5f3a.js" && header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("Serve(%q) varies by %q, want Accept-Encoding", c.path, header.Get("Vary"))
			}
			wantSecure(t, c.path, header)
		})
	}
}

func wantSecure(t *testing.T, path string, header http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("Serve(%q) has %s %q, want %q", path, name, got, want)
		}
	}
	csp := header.Get("Content-Security-Policy")
	want := regexp.MustCompile(`^default-src 'none'; script-src 'self'; style-src 'self'( 'nonce-[A-Za-z0-9+/]{24}')?; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$`)
	if !want.MatchString(csp) {
		t.Errorf("Serve(%q) has the policy %q, want %s", path, csp, want)
	}
}

// A nonce that two responses share would let an injected style of the first into the second.
func TestNonceIsFresh(t *testing.T) {
	t.Parallel()
	d := built(t)
	inPolicy := regexp.MustCompile(`'nonce-([^']+)'`)
	seen := map[string]bool{}
	for range 50 {
		_, header, body := d.Serve("", "text/html", "")
		found := inPolicy.FindStringSubmatch(header.Get("Content-Security-Policy"))
		if found == nil {
			t.Fatalf("the policy %q has no nonce", header.Get("Content-Security-Policy"))
		}
		nonce := found[1]
		if seen[nonce] {
			t.Fatalf("the nonce %q came twice", nonce)
		}
		seen[nonce] = true
		if want := `<meta name="csp-nonce" content="` + nonce + `"><link nonce="` + nonce + `">`; string(body) != want {
			t.Fatalf("the page is %q, want %q", body, want)
		}
	}
}

// A program that was linked without the dashboard says how to get it, and nothing else.
func TestUnbuilt(t *testing.T) {
	t.Parallel()
	d, err := Open(fstest.MapFS{".gitkeep": {}})
	if err != nil {
		t.Fatal(err)
	}
	if d.Built() {
		t.Error("Built() = true, want false")
	}
	status, header, body := d.Serve("", "text/html", "gzip")
	if status != 200 || !strings.Contains(string(body), "make ui") || strings.Contains(string(body), noncePlaceholder) {
		t.Errorf("Serve(\"\") = %d %q, want a page that names make ui, with its nonce", status, body)
	}
	wantSecure(t, "", header)
	if status, _, _ := d.Serve("assets/app-5f3a.js", "*/*", ""); status != 404 {
		t.Errorf("Serve(an asset) = %d, want 404", status)
	}
}

// What the program carries can be read, built or not.
func TestCarried(t *testing.T) {
	t.Parallel()
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	status, header, body := d.Serve("", "text/html", "")
	if status != 200 || len(body) == 0 || strings.Contains(string(body), noncePlaceholder) {
		t.Errorf("Serve(\"\") = %d with %d bytes, want a page", status, len(body))
	}
	wantSecure(t, "", header)
}

func FuzzServe(f *testing.F) {
	for _, name := range []string{"", "a", "assets/", "assets/app-5f3a.js", "%2e%2e/x", "../..", "a\x00b"} {
		f.Add(name, "text/html", "gzip;q=1")
	}
	d, err := Open(fstest.MapFS{"index.html": {Data: []byte("page")}, "assets/a.js": {Data: []byte("script")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, accept, encoding string) {
		status, header, body := d.Serve(name, accept, encoding)
		if status != 200 && status != 404 || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("Serve(%q) = %d %v, want 200 or 404, and nosniff", name, status, header)
		}
		if text := string(body); status == 200 && text != "page" && (text != "script" || name != "assets/a.js") {
			t.Errorf("Serve(%q) = %q, want the page or the file", name, text)
		}
	})
}
