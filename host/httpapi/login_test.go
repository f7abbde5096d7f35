package httpapi

import (
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
	"github.com/pointsman/pointsman/host/tenancy"
)

const dashboardKey = "the-super-admins-key-of-this-test"

// pages is a server with real keys and logins, and a clock that a test turns.
type pages struct {
	*running
	keys  *tenancy.Keys
	store engine.Store

	mu  sync.Mutex
	now time.Time
}

func (p *pages) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *pages) pass(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

func startPages(t *testing.T, change ...func(*Config)) *pages {
	t.Helper()
	kept, err := store.Open(t.Context(), "sqlite:"+migrated.SQLite(t, filepath.Join(t.TempDir(), "p.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	p := &pages{store: kept, now: testNow}
	p.keys = tenancy.NewKeys(kept, []byte(strings.Repeat("p", 32))).WithClock(p.clock)
	if _, err := p.keys.Bootstrap(t.Context(), dashboardKey, testNow); err != nil {
		t.Fatal(err)
	}
	logins, err := tenancy.NewLogins(tenancy.LoginConfig{Keys: p.keys, Store: kept, Secret: []byte(strings.Repeat("s", 32)), Now: p.clock})
	if err != nil {
		t.Fatal(err)
	}
	p.running = start(t, &fake{}, append([]func(*Config){func(c *Config) {
		c.Keys, c.Logins, c.Now, c.Version, c.Build = p.keys, logins, p.clock, "1.2.3", "abc"
		withDashboard(t, someDashboard)(c)
	}}, change...)...)
	return p
}

// browser is what a page sends along.
type browser struct{ cookie, csrf string }

// as are the headers of a request of the dashboard's own page, and more.
func (b browser) as(more ...string) []string {
	h := []string{"Sec-Fetch-Site", "same-origin"}
	if b.cookie != "" {
		h = append(h, "Cookie", b.cookie)
	}
	if b.csrf != "" {
		h = append(h, "X-Csrf-Token", b.csrf)
	}
	return append(h, more...)
}

func (p *pages) login(key string, headers ...string) (reply, browser) {
	p.t.Helper()
	got := p.do("POST", "/ui/session", "", `{"key":"`+key+`"}`, append([]string{"Sec-Fetch-Site", "same-origin"}, headers...)...)
	cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
	csrf, _ := got.member("csrf").(string)
	return got, browser{cookie, csrf}
}

func (p *pages) loggedIn() browser {
	p.t.Helper()
	got, b := p.login(dashboardKey)
	if got.status != 200 || b.cookie == "" || b.csrf == "" {
		p.t.Fatalf("POST /ui/session = %+v, want a session", got)
	}
	return b
}

// A key is exchanged for a cookie that no script sees, and a document that says what the
// session may do; the same document comes again until the logout, which holds at once.
func TestLogin(t *testing.T) {
	t.Parallel()
	p := startPages(t)
	got, b := p.login(dashboardKey)
	set := got.header.Get("Set-Cookie")
	for _, want := range []string{"pointsman-session=p", "max-age=43200", "path=/", "HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(set, want) {
			t.Errorf("POST /ui/session sets %q, want %s in it", set, want)
		}
	}
	if strings.Contains(strings.ToLower(set), "secure") || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("POST /ui/session sets %q with %v, want it neither secure nor stored", set, got.header)
	}
	if strings.Contains(got.body, dashboardKey) || strings.Contains(got.body, strings.TrimPrefix(b.cookie, "pointsman-session=")) {
		t.Errorf("POST /ui/session tells a secret: %s", got.body)
	}
	for member, want := range map[string]any{
		"role": "super_admin", "account": "default", "user": "admin", "team": "", "version": "1.2.3", "build": "abc",
		"expires_at": testNow.Add(12 * time.Hour).Format(time.RFC3339), "idle_seconds": 3600.0,
	} {
		if got.member(member) != want {
			t.Errorf("POST /ui/session has %s %v, want %v", member, got.member(member), want)
		}
	}
	permissions, _ := got.member("permissions").([]any)
	if !slices.Contains(permissions, any("PATCH /api/v1/rules/{id}")) || slices.Contains(permissions, any("POST /v1/chat/completions")) {
		t.Errorf("POST /ui/session permits %v, want the admin routes", permissions)
	}
	if again := p.do("GET", "/ui/session", "", "", b.as()...); again.status != 200 || again.body != got.body {
		t.Errorf("GET /ui/session = %+v, want what the login said", again)
	}
	if out := p.do("DELETE", "/ui/session", "", "", browser{cookie: b.cookie}.as()...); out.status != 403 {
		t.Errorf("DELETE /ui/session without a token = %+v, want 403", out)
	}
	if out := p.do("DELETE", "/ui/session", "", "", b.as()...); out.status != 204 || !strings.Contains(out.header.Get("Set-Cookie"), "pointsman-session=;") {
		t.Errorf("DELETE /ui/session = %+v, want 204 and no cookie", out)
	}
	for _, path := range []string{"/ui/session", "/api/v1/rules"} {
		if out := p.do("GET", path, "", "", b.as()...); out.status != 401 {
			t.Errorf("GET %s after the logout = %d, want 401", path, out.status)
		}
	}
}

// What a session is good for, and what not.
func TestLoginRequests(t *testing.T) {
	t.Parallel()
	p := startPages(t)
	b := p.loggedIn()
	secret := strings.TrimPrefix(b.cookie, "pointsman-session=")
	rule := `{"name":"n","priority":1,"when":"true","target":"gpt-4o"}`
	for _, c := range []struct {
		name, method, path, key, body string
		headers                       []string
		want                          int
		wantCode                      string
	}{
		{"a read", "GET", "/api/v1/rules", "", "", b.as(), 200, ""},
		{"a read without a token", "GET", "/api/v1/rules", "", "", browser{cookie: b.cookie}.as(), 200, ""},
		{"a read typed into the address bar", "GET", "/api/v1/rules", "", "", []string{"Cookie", b.cookie, "Sec-Fetch-Site", "none"}, 200, ""},
		{"a read of an old browser", "GET", "/api/v1/rules", "", "", []string{"Cookie", b.cookie}, 200, ""},
		{"a change", "POST", "/api/v1/rules", "", rule, b.as(), 201, ""},
		{"a change of this origin", "POST", "/api/v1/rules", "", rule, []string{"Cookie", b.cookie, "X-Csrf-Token", b.csrf, "Origin", p.url}, 409, "conflict"}, // it is there
		{"a change without a token", "POST", "/api/v1/rules", "", rule, browser{cookie: b.cookie}.as(), 403, codeCSRF},
		{"a change with another token", "POST", "/api/v1/rules", "", rule, browser{b.cookie, b.csrf + "x"}.as(), 403, codeCSRF},
		{"a change with the cookie as its token", "POST", "/api/v1/rules", "", rule, browser{b.cookie, secret}.as(), 403, codeCSRF},
		{"a change from who knows where", "POST", "/api/v1/rules", "", rule, []string{"Cookie", b.cookie, "X-Csrf-Token", b.csrf}, 403, codeCrossOrigin},
		{"a change of another origin", "POST", "/api/v1/rules", "", rule, b.as("Origin", "https://evil.example"), 403, codeCrossOrigin},
		{"a change of no origin", "POST", "/api/v1/rules", "", rule, b.as("Origin", "null"), 403, codeCrossOrigin},
		{"a change of a neighbour", "POST", "/api/v1/rules", "", rule, b.as("Sec-Fetch-Site", "same-site"), 403, codeCrossOrigin},
		{"a change that was typed", "POST", "/api/v1/rules", "", rule, b.as("Sec-Fetch-Site", "none"), 403, codeCrossOrigin},
		{"a read of another origin", "GET", "/api/v1/rules", "", "", b.as("Sec-Fetch-Site", "cross-site"), 403, codeCrossOrigin},
		{"a model", "POST", chatPath, "", chatBody(""), b.as(), 401, "invalid_api_key"},
		{"the list of models", "GET", "/v1/models", "", "", b.as(), 401, "invalid_api_key"},
		{"the list of models, beside a key", "GET", "/v1/models", dashboardKey, "", b.as(), 200, ""},
		{"the cookie as a key", "GET", "/api/v1/rules", secret, "", nil, 401, "invalid_api_key"},
		{"the cookie as a key of /v1", "GET", "/v1/models", secret, "", nil, 401, "invalid_api_key"},
		{"the token as a key", "GET", "/api/v1/rules", b.csrf, "", nil, 401, "invalid_api_key"},
		{"a key as the cookie", "GET", "/api/v1/rules", "", "", []string{"Cookie", "pointsman-session=" + dashboardKey}, 401, "invalid_api_key"},
		{"a key and the cookie", "GET", "/api/v1/rules", dashboardKey, "", b.as(), 401, "invalid_api_key"},
		{"a wrong key and the cookie", "GET", "/api/v1/rules", "pm_wrong", "", b.as(), 401, "invalid_api_key"},
		{"a key for the session's own route", "GET", "/ui/session", dashboardKey, "", nil, 401, "invalid_api_key"},
		{"the cookie under the name for TLS", "GET", "/api/v1/rules", "", "", []string{"Cookie", "__Host-" + b.cookie}, 401, "invalid_api_key"},
		{"two cookies", "GET", "/api/v1/rules", "", "", []string{"Cookie", b.cookie + "; " + b.cookie}, 401, "invalid_api_key"},
		{"another letter in front", "GET", "/api/v1/rules", "", "", []string{"Cookie", "pointsman-session=s" + secret[1:]}, 401, "invalid_api_key"},
		{"one letter less", "GET", "/api/v1/rules", "", "", []string{"Cookie", b.cookie[:len(b.cookie)-1]}, 401, "invalid_api_key"},
		{"no cookie of ours", "GET", "/api/v1/rules", "", "", []string{"Cookie", "other=1"}, 401, "invalid_api_key"},
	} {
		got := p.do(c.method, c.path, c.key, c.body, c.headers...)
		if got.status != c.want || c.wantCode != "" && !strings.Contains(got.body, `"`+c.wantCode+`"`) {
			t.Errorf("%s = %d %s, want %d %s", c.name, got.status, got.body, c.want, c.wantCode)
		}
	}
}

// Nobody can give another person a session that he knows: each login makes a new one, and ends
// the one that was there.
func TestLoginFixation(t *testing.T) {
	t.Parallel()
	p := startPages(t)
	first := p.loggedIn()
	got, second := p.login(dashboardKey, "Cookie", first.cookie)
	if got.status != 200 || second.cookie == first.cookie || second.csrf == first.csrf {
		t.Fatalf("POST /ui/session = %+v, want another session than %v", got, first)
	}
	if got := p.do("GET", "/ui/session", "", "", first.as()...); got.status != 401 {
		t.Errorf("GET /ui/session in the first session = %d, want 401", got.status)
	}
	_, planted := p.login(dashboardKey, "Cookie", "pointsman-session="+strings.Repeat("a", 65))
	if planted.cookie == "" || strings.Contains(planted.cookie, "aaaaaaaa") {
		t.Errorf("POST /ui/session takes over %q, want a session of its own", planted.cookie)
	}
}

// What is no login is refused, and quotes nothing of what was sent.
func TestLoginRefused(t *testing.T) {
	t.Parallel()
	p := startPages(t)
	body := `{"key":"` + dashboardKey + `"}`
	for _, c := range []struct {
		name, body string
		headers    []string
		want       int
	}{
		{"from who knows where", body, nil, 403},
		{"from elsewhere", body, []string{"Origin", "https://evil.example"}, 403},
		{"from elsewhere, over there", body, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a form", "key=" + dashboardKey, []string{"Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"a form that is JSON", body, []string{"Sec-Fetch-Site", "same-origin", "Content-Type", "text/plain"}, 415},
		{"no key", `{}`, []string{"Sec-Fetch-Site", "same-origin"}, 400},
		{"more than a key", `{"key":"` + dashboardKey + `","role":"x"}`, []string{"Sec-Fetch-Site", "same-origin"}, 400},
		{"two bodies", body + body, []string{"Sec-Fetch-Site", "same-origin"}, 400},
		{"too much", `{"key":"` + strings.Repeat("k", 5000) + `"}`, []string{"Sec-Fetch-Site", "same-origin"}, 413},
		{"an unknown key", `{"key":"pm_nobody"}`, []string{"Origin", p.url}, 401},
	} {
		got := p.do("POST", "/ui/session", "", c.body, c.headers...)
		if got.status != c.want || got.header.Get("Set-Cookie") != "" || strings.Contains(got.body, dashboardKey) {
			t.Errorf("%s = %+v, want %d without a cookie or the key", c.name, got, c.want)
		}
	}
}

// A session ends when nobody uses it, after half a day, and with its key.
func TestLoginEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		end  func(p *pages, b browser)
	}{
		{"unused", func(p *pages, _ browser) { p.pass(time.Hour) }},
		{"old", func(p *pages, b browser) {
			for range 24 {
				if got := p.do("GET", "/ui/session", "", "", b.as()...); got.status != 200 {
					p.t.Fatalf("GET /ui/session at %v = %d, want 200", p.clock(), got.status)
				}
				p.pass(30 * time.Minute)
			}
		}},
		{"its key is revoked", func(p *pages, _ browser) {
			ctx := p.t.Context()
			keys, err := p.store.ListKeys(ctx)
			if err == nil {
				err = p.store.RevokeKey(ctx, "default", keys[0].ID, p.clock())
			}
			if err == nil {
				err = p.keys.Load(ctx)
			}
			if err != nil {
				p.t.Fatal(err)
			}
		}},
		{"another process ended it", func(p *pages, _ browser) {
			if n, err := p.store.DropLogins(p.t.Context(), testNow.Add(13*time.Hour), testNow, 10); n != 1 || err != nil {
				p.t.Fatalf("DropLogins() = %d, %v, want 1", n, err)
			}
			p.pass(5 * time.Second)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := startPages(t)
			b := p.loggedIn()
			c.end(p, b)
			for range 2 {
				if got := p.do("GET", "/api/v1/rules", "", "", b.as()...); got.status != 401 {
					t.Errorf("GET /api/v1/rules = %d, want 401", got.status)
				}
			}
		})
	}
}

// Whoever tries keys waits, ever longer, and learns nothing by it: a right key is answered
// like a wrong one. After the wait it is let in.
func TestLoginBruteForce(t *testing.T) {
	t.Parallel()
	p := startPages(t)
	var waits []string
	first := ""
	for i := range 5 {
		got, _ := p.login("pm_wrong" + strings.Repeat("x", i))
		if first == "" {
			first = got.body
		}
		if got.status != 401 || got.body != first {
			t.Errorf("attempt %d = %+v, want the constant 401", i+1, got)
		}
	}
	for range 8 {
		got, _ := p.login(dashboardKey)
		if got.status != 429 || got.header.Get("Retry-After") == "" {
			t.Fatalf("attempt while locked = %+v, want 429 with Retry-After", got)
		}
		waits = append(waits, got.header.Get("Retry-After"))
		wait, _ := time.ParseDuration(got.header.Get("Retry-After") + "s")
		p.pass(wait)
		if got, _ := p.login("pm_wrong"); got.status != 401 {
			t.Fatalf("attempt after %v = %+v, want 401", wait, got)
		}
	}
	if want := []string{"1", "2", "4", "8", "16", "32", "60", "60"}; !slices.Equal(waits, want) {
		t.Errorf("the waits are %v, want %v", waits, want)
	}
	p.pass(time.Minute)
	if got, _ := p.login(dashboardKey); got.status != 200 {
		t.Errorf("the right key after the wait = %+v, want 200", got)
	}
	entries, err := p.store.ListAudit(t.Context(), engine.AuditFilter{Action: "login.refuse"})
	if err != nil || len(entries) == 0 || len(entries) > 6 {
		t.Errorf("ListAudit() = %d entries, %v, want one a minute at most", len(entries), err)
	}
}

// Behind a proxy that the operator named the cookie is one for TLS, and each client waits for
// itself; what anybody else says of both is nothing.
func TestLoginProxy(t *testing.T) {
	t.Parallel()
	trusted := func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	for _, c := range []struct {
		name, proto string
		change      func(*Config)
		wantName    string
	}{
		{"named, over TLS", "https", trusted, "__Host-pointsman-session"},
		{"named, plain", "http", trusted, "pointsman-session"},
		{"not named", "https", func(*Config) {}, "pointsman-session"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := startPages(t, c.change)
			got, b := p.login(dashboardKey, "X-Forwarded-Proto", c.proto, "X-Forwarded-For", "203.0.113.9")
			name, _, _ := strings.Cut(b.cookie, "=")
			if secure := strings.Contains(strings.ToLower(got.header.Get("Set-Cookie")), "secure"); name != c.wantName || secure != strings.HasPrefix(c.wantName, "__") {
				t.Errorf("Set-Cookie = %q, want %s", got.header.Get("Set-Cookie"), c.wantName)
			}
			if got := p.do("GET", "/api/v1/rules", "", "", b.as()...); got.status != 200 {
				t.Errorf("GET /api/v1/rules = %d, want 200", got.status)
			}
			other := strings.Replace("__Host-"+b.cookie, "__Host-__Host-", "", 1)
			if got := p.do("GET", "/api/v1/rules", "", "", browser{other, b.csrf}.as()...); got.status != 401 {
				t.Errorf("GET /api/v1/rules with the cookie under the other name = %d, want 401", got.status)
			}
		})
	}
}

// Who came in and out is in the audit log.
func TestLoginAudit(t *testing.T) {
	t.Parallel()
	p := startPages(t)
	b := p.loggedIn()
	if got := p.do(http.MethodDelete, "/ui/session", "", "", b.as()...); got.status != 204 {
		t.Fatalf("DELETE /ui/session = %d, want 204", got.status)
	}
	entries, err := p.store.ListAudit(t.Context(), engine.AuditFilter{AccountID: "default", Action: "login."})
	if err != nil || len(entries) != 2 || entries[1].Action != "login.create" || entries[0].Action != "login.end" {
		t.Fatalf("ListAudit() = %+v, %v, want login.create and login.end", entries, err)
	}
	for _, e := range entries {
		if e.ActorUser != "admin" || e.ActorKey == "" || e.RequestID == "" || !strings.HasPrefix(e.Object, "login/") {
			t.Errorf("the entry is %+v, want who did it, and which login", e)
		}
	}
}

// A page follows events in its session, until that ends.
func TestLoginFollowsEvents(t *testing.T) {
	t.Parallel()
	notices := engine.NewNoticeFeed(zerolog.Nop())
	p := startPages(t, func(c *Config) { c.Notices = notices })
	b := p.loggedIn()
	stream := p.follow("", b.as()...)
	notices.Publish(engine.Notice{Kind: "rule_suspended", Subject: "seen", Message: "m"})
	if text, err := stream.ReadString('}'); err != nil || !strings.Contains(text, "seen") {
		t.Fatalf("the stream has %q, %v, want the event", text, err)
	}
	if got := p.do("DELETE", "/ui/session", "", "", b.as()...); got.status != 204 {
		t.Fatalf("DELETE /ui/session = %d, want 204", got.status)
	}
	notices.Publish(engine.Notice{Kind: "rule_suspended", Subject: "unseen", Message: "m"})
	for {
		text, err := stream.ReadString('\n')
		if strings.Contains(text, "unseen") {
			t.Errorf("the stream has %q after the logout, want its end", text)
		}
		if err != nil {
			break
		}
	}
}
