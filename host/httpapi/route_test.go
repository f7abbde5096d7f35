package httpapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// TestEveryRouteHasPolicy: the table and the router name the same routes.
func TestEveryRouteHasPolicy(t *testing.T) {
	t.Parallel()
	s, err := New((&fake{}).config())
	if err != nil {
		t.Fatal(err)
	}
	routed := map[string]bool{}
	for _, r := range s.app.GetRoutes() {
		key := r.Method + " " + r.Path
		routed[key] = true
		rule, ok := policies[key]
		if !ok {
			t.Errorf("route %s has no policy", key)
		}
		if !rule.public && rule.role.Rank() < 0 {
			t.Errorf("route %s has the policy %+v, want public or a role", key, rule)
		}
		if rule.public && (strings.HasPrefix(r.Path, "/v1/") || strings.HasPrefix(r.Path, "/api/")) {
			t.Errorf("route %s is public, want a role", key)
		}
	}
	for key := range policies {
		if !routed[key] {
			t.Errorf("policy for %s, which is no route", key)
		}
	}
}

// TestUnguardedRouteRefused: New fails when a route is missing in the table.
func TestUnguardedRouteRefused(t *testing.T) {
	t.Parallel()
	s, err := New((&fake{}).config())
	if err != nil {
		t.Fatal(err)
	}
	before := len(s.app.GetRoutes())
	s.add("GET", "/api/v1/secrets", s.healthz)
	if len(s.unguarded) != 1 || len(s.app.GetRoutes()) != before {
		t.Errorf("add of a route without policy: %v, %d routes, want it refused", s.unguarded, len(s.app.GetRoutes()))
	}
}

// TestRoleMatrix: every route × every role. Below the least role it is 403, without a
// key 401, above neither.
func TestRoleMatrix(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	keys := []struct {
		key  string
		role engine.Role
	}{{"", ""}, {"wrong-key-wrong-key-wrong", ""}, {userKey, engine.RoleUser}, {leadKey, engine.RoleTeamLead}, {adminKey, engine.RoleAccountAdmin}, {superKey, engine.RoleSuperAdmin}}
	for route, rule := range policies {
		method, path, _ := strings.Cut(route, " ")
		if path == "/ui/session" {
			continue // public, and refuses by itself what brings no session: see login_test.go
		}
		path = strings.NewReplacer(":id", "x", ":name", "x", ":version", "1", "+", "x").Replace(path)
		for _, k := range keys {
			r := s.do(method, path, k.key, "")
			denied := r.status == 401 || r.status == 403
			switch {
			case rule.public && denied:
				t.Errorf("%s as %q = %d, want it public", route, k.role, r.status)
			case !rule.public && k.role == "" && r.status != 401:
				t.Errorf("%s without a valid key = %d, want 401", route, r.status)
			case !rule.public && k.role != "" && k.role.Rank() < rule.role.Rank() && r.status != 403:
				t.Errorf("%s as %s = %d, want 403", route, k.role, r.status)
			case !rule.public && k.role != "" && k.role.Rank() >= rule.role.Rank() && r.status == 401:
				t.Errorf("%s as %s = 401, want it let through", route, k.role)
			}
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	for _, c := range []struct{ method, path, wantHint string }{
		{"POST", "/v1/completions", "POST /v1/chat/completions"},
		{"GET", "/v1/completions", "POST /v1/chat/completions"},
		{"POST", "/v1/audio/speech", "Served are"},
		{"GET", "/v1", "/docs"},
		{"GET", "/v1/", ""},
		{"POST", "/v1/chat/completions/x", ""},
		{"POST", "/V1/chat/completions", ""},
		{"GET", "/v1/../api/v1/rules", ""},
		{"GET", "/v1/%2e%2e/api/v1/rules", ""},
		{"GET", "/v1//models", ""},
		{"GET", "/v1/chat;x=/completions", ""},
		{"GET", "/v1/" + strings.Repeat("a", 4000), ""},
	} {
		got := s.raw(c.method+" "+c.path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Api-Key: "+superKey+"\r\nContent-Length: 0\r\n\r\n", 1)
		if len(got) != 1 {
			t.Errorf("%s %.60s: no answer", c.method, c.path)
			continue
		}
		if strings.HasPrefix(c.path, "/v1") {
			isOpenAIError(t, c.method+" "+c.path, got[0], 404, "not_found_error", "not_found", "")
		} else if got[0].status != 404 {
			t.Errorf("%s %s = %d, want 404", c.method, c.path, got[0].status)
		}
		if !strings.Contains(got[0].body, c.wantHint) || len(got[0].body) > 1000 {
			t.Errorf("%s %.60s: %.500s, want the hint %q", c.method, c.path, got[0].body, c.wantHint)
		}
	}
	for _, path := range []string{"/api/v1/nothing", "/api/v2/rules", "/api", "/nothing", "/api/v1/rules/a/b/c", "/API/v1/rules"} {
		isProblem(t, path, s.do("GET", path, superKey, ""), 404, "not_found")
	}
}

func TestWrongMethod(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	for _, c := range []struct {
		method, path string
		wantAllow    []string
	}{
		{"GET", chatPath, []string{"POST"}},
		{"HEAD", chatPath, []string{"POST"}},
		{"OPTIONS", chatPath, []string{"POST"}},
		{"DELETE", chatPath, []string{"POST"}},
		{"TRACE", chatPath, []string{"POST"}},
		{"POST", "/v1/models", []string{"GET"}},
		{"DELETE", "/api/v1/rules", []string{"GET", "POST"}},
		{"POST", "/api/v1/rules/x", []string{"DELETE", "GET", "PATCH", "PUT"}},
		{"POST", "/healthz", []string{"GET", "HEAD"}},
	} {
		r := s.do(c.method, c.path, superKey, "", "X-Http-Method-Override", "POST")
		allow := strings.Split(strings.ReplaceAll(r.header.Get("Allow"), " ", ""), ",")
		slices.Sort(allow)
		if r.status != 405 || !slices.Equal(allow, c.wantAllow) {
			t.Errorf("%s %s = %d with Allow %q, want 405 with %v", c.method, c.path, r.status, r.header.Get("Allow"), c.wantAllow)
		}
		if c.method == "GET" {
			isOpenAIError(t, c.path, r, 405, "invalid_request_error", "method_not_allowed", "")
		}
		if c.method == "DELETE" && strings.HasPrefix(c.path, "/api") {
			isProblem(t, c.path, r, 405, "method_not_allowed")
		}
	}
	got := s.raw("BREW "+chatPath+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 1)
	if len(got) != 1 || got[0].status < 400 || got[0].status > 499 || got[0].member("error", "code") == nil {
		t.Errorf("BREW = %+v, want an error body", got)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		keep bool
	}{
		{"abc", true}, {"A.b_c-9", true}, {strings.Repeat("a", 128), true},
		{"", false}, {strings.Repeat("a", 129), false}, {"a b", false}, {"a\r\nb", false}, {"ä", false}, {"a/b", false}, {"{{x}}", false},
	} {
		got := requestID([]byte(c.in))
		if (got == c.in) != c.keep || len(got) == 0 || len(got) > 128 {
			t.Errorf("requestID(%q) = %q, want it kept: %v", c.in, got, c.keep)
		}
	}
}

func TestCleanHeader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"rule:a; gpt-4o", "rule:a; gpt-4o"},
		{"a\r\nSet-Cookie: b", "a??Set-Cookie: b"},
		{"tab\tnul\x00", "tab?nul?"},
		{"ünï", "?n?"},
		{"\xff", "?"},
		{" a ", "a"},
		{strings.Repeat("a", 2000), strings.Repeat("a", 1024)},
	} {
		if got := cleanHeader(c.in); got != c.want {
			t.Errorf("cleanHeader(%.40q) = %.40q, want %.40q", c.in, got, c.want)
		}
	}
}
