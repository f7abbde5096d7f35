package httpapi

import (
	"bytes"
	"mime/multipart"
	"slices"
	"strings"
	"testing"
	"time"

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
	tried, triedKind := form(t, "fixtures", `[{"name":"a"}]`, "module", "o")
	s.do("POST", "/api/v1/plugins", adminKey, tried, "Content-Type", triedKind)
	if last := f.uploads[len(f.uploads)-1]; string(last.Module) != "o" || string(last.Fixtures) != `[{"name":"a"}]` || last.AccountID != "acme" {
		t.Errorf("an admin's upload = %+v, want its fixtures, for its own account", last)
	}
	if len(f.uploads) != 4 || string(f.uploads[0].Module) != module || !f.uploads[0].Activate || f.uploads[0].AccountID != "acme" || f.uploads[1].Activate || f.uploads[1].AccountID != "" {
		t.Errorf("uploads = %+v, want the module as it was sent, kept while others come", f.uploads)
	}
}

func TestUploadPluginRefuses(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := start(t, f, func(c *Config) { c.MaxModuleUpload = 1 << 20 })
	both, bothKind := form(t, "module", "m", "fixtures", "[]", "fixtures", "[]")
	long, longKind := form(t, "module", "m", "fixtures", strings.Repeat(" ", 1<<20+1))
	twice, twiceKind := form(t, "module", "m", "module", "n")
	odd, oddKind := form(t, "module", "m", "x\r\ny", "z")
	empty, emptyKind := form(t, "module", "")
	none, noneKind := form(t)
	big, bigKind := form(t, "module", strings.Repeat("m", 1<<20+1))
	huge, hugeKind := form(t, "module", strings.Repeat("m", 3<<20))
	good, goodKind := form(t, "module", "m")
	for _, c := range []struct {
		name, body, kind string
		status           int
		code, want       string
	}{
		{"fixtures twice", both, bothKind, 400, "invalid_request", "twice"},
		{"fixtures too long", long, longKind, 413, "request_too_large", "1 MiB"},
		{"module twice", twice, twiceKind, 400, "invalid_request", "twice"},
		{"unknown field", odd, oddKind, 400, "invalid_request", "Only 'module' and 'fixtures' are"},
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
	if r := s.do("POST", "/api/v1/plugins", userKey, good, "Content-Type", goodKind); r.status != 403 {
		t.Errorf("upload by a user = %d, want 403", r.status)
	}
	if len(f.uploads) != 0 {
		t.Errorf("%d uploads reached the service, want 0", len(f.uploads))
	}
}

// FuzzUploadOf: no panic, and what is taken out of a form was in it, within the limit.
func FuzzUploadOf(f *testing.F) {
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
		u, failure := s.uploadOf(contentType, body)
		module := u.Module
		if failure == nil && (len(module) == 0 || len(module) > 64 || !bytes.Contains(body, module)) {
			t.Fatalf("uploadOf(%q, %q) = %q, want bytes of the body, at most 64", contentType, body, module)
		}
		if failure != nil && (module != nil || failure.status < 400 || failure.message == "") {
			t.Fatalf("uploadOf(%q, %q) = %+v, want a failure alone", contentType, body, failure)
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
	if r := s.do("GET", "/api/v1/plugins/router", adminKey, ""); r.status != 200 || !strings.Contains(r.body, `"ref":"router@1.0.0+b"`) {
		t.Errorf("GET plugins/router = %d %s, want its version", r.status, r.body)
	}
	for _, path := range []string{"/api/v1/plugins/other", "/api/v1/plugins/router?account_id=other", "/api/v1/plugins/other/1.0.0/stats", "/api/v1/plugins/other/1.0.0/logs"} {
		isProblem(t, path, s.do("GET", path, adminKey, ""), 404, "not_found")
	}
	if r := s.do("POST", "/api/v1/plugins/router/rollback", adminKey, ""); r.status != 200 || r.member("ref") != "router@0.9.0" {
		t.Errorf("rollback = %d %s, want 200 with the version", r.status, r.body)
	}
	if r := s.do("GET", "/api/v1/plugins/router/1.0.0/stats", adminKey, ""); r.status != 200 || r.member("scope") != "replica" || r.member("fuel_p99") != 900.0 || !strings.Contains(r.body, `"failures":{"out_of_fuel":2}`) || !strings.Contains(r.body, `"suspended_until":"`) {
		t.Errorf("stats = %d %s, want the figures and of whom they are", r.status, r.body)
	}
	if r := s.do("GET", "/api/v1/plugins/router/1.0.0/logs", adminKey, ""); r.status != 200 || !strings.Contains(r.body, `"level":"warn","text":"odd"`) || r.member("dropped") != 3.0 {
		t.Errorf("logs = %d %s, want the line", r.status, r.body)
	}
	for _, path := range []string{"/api/v1/plugins", "/api/v1/plugins/router", "/api/v1/plugins/router/1.0.0/stats", "/api/v1/plugins/router/1.0.0/logs"} {
		if r := s.do("GET", path, userKey, ""); r.status != 403 {
			t.Errorf("GET %s by a user = %d, want 403", path, r.status)
		}
	}
	if want := []string{"activate acme/router@1.0.0+b", "delete /router@1.0.0+b", "rollback acme/router", "stats acme/router@1.0.0", "logs acme/router@1.0.0"}; !slices.Equal(f.queries, want) {
		t.Errorf("calls = %q, want %q", f.queries, want)
	}
}

// What the gate has no room for is told when to come again.
func TestUploadPluginBusy(t *testing.T) {
	t.Parallel()
	f := &fake{uploadErr: &engine.Error{Code: engine.CodeRateLimited, Message: "Too many.", After: 5 * time.Second}}
	body, kind := form(t, "module", "m")
	r := start(t, f).do("POST", "/api/v1/plugins", adminKey, body, "Content-Type", kind)
	isProblem(t, "an upload while too many compile", r, 429, "rate_limit_exceeded")
	if got := r.header.Get("Retry-After"); got != "5" {
		t.Errorf("Retry-After = %q, want 5", got)
	}
}
