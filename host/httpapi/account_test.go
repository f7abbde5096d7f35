package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// TestTenantRows: accounts, teams and users are made, read, changed under a condition, and
// deleted for good.
func TestTenantRows(t *testing.T) {
	t.Parallel()
	s := startTenants(t)
	s.acme()
	for _, c := range []struct{ list, create, wantID, query, patch, member, value string }{
		{"accounts", `{"name":"Wide World, Inc."}`, "wide-world-inc", "", `{"name":"Wide"}`, "name", "Wide"},
		{"teams", `{"name":"Green Team","account_id":"acme"}`, "green-team", "?account_id=acme", `{"name":"Green"}`, "name", "Green"},
		{"users", `{"name":"Ann Ny","account_id":"acme","team_id":"red"}`, "ann-ny", "?account_id=acme", `{"role":"team_lead"}`, "role", "team_lead"},
	} {
		list := "/api/v1/" + c.list
		r := s.want(201, "POST", list, s.super, c.create)
		row := list + "/" + c.wantID + c.query
		if r.member("id") != c.wantID || r.header.Get("Location") != list+"/"+c.wantID {
			t.Errorf("POST %s = %s at %q, want the id %s", list, r.body, r.header.Get("Location"), c.wantID)
		}
		isProblem(t, "the same again", s.do("POST", list, s.super, c.create), 409, "conflict")
		etag := s.want(200, "GET", row, s.super, "").header.Get("ETag")
		if etag == "" || etag != r.header.Get("ETag") {
			t.Errorf("GET %s has the ETag %q, want that of its making, %q", row, etag, r.header.Get("ETag"))
		}
		changed := s.want(200, "PATCH", row, s.super, c.patch, "If-Match", etag)
		if changed.member(c.member) != c.value || changed.header.Get("ETag") == etag {
			t.Errorf("PATCH %s = %s with %q, want %s %s and another ETag", row, changed.body, changed.header.Get("ETag"), c.member, c.value)
		}
		isProblem(t, "PATCH of a stale row", s.do("PATCH", row, s.super, c.patch, "If-Match", etag), 412, "precondition_failed")
		isProblem(t, "DELETE of a stale row", s.do("DELETE", row, s.super, "", "If-Match", etag), 412, "precondition_failed")
		if got := s.want(200, "GET", list+c.query, s.super, "").body; !strings.Contains(got, `"`+c.wantID+`"`) {
			t.Errorf("GET %s = %s, want %s in it", list, got, c.wantID)
		}
		s.want(204, "DELETE", row, s.super, "", "If-Match", changed.header.Get("ETag"))
		isProblem(t, "GET of what was deleted", s.do("GET", row, s.super, ""), 404, "not_found")
		isProblem(t, "DELETE of what was deleted", s.do("DELETE", row, s.super, ""), 404, "not_found")
		isProblem(t, "its id again", s.do("POST", list, s.super, c.create), 409, "conflict")
		more := "?inactive=true"
		if c.query != "" {
			more = c.query + "&inactive=true"
		}
		if got := s.want(200, "GET", list+c.query, s.super, "").body; strings.Contains(got, `"`+c.wantID+`"`) {
			t.Errorf("GET %s = %s, want %s no more in it", list, got, c.wantID)
		}
		if got := s.want(200, "GET", list+more, s.super, "").body; !strings.Contains(got, `"deleted_at"`) {
			t.Errorf("GET %s%s = %s, want %s in it", list, more, got, c.wantID)
		}
	}
	for path, body := range map[string]string{
		"/api/v1/teams":                   `{"name":"n","account_id":"nowhere"}`,
		"/api/v1/users":                   `{"name":"n","account_id":"nowhere"}`,
		"/api/v1/users?":                  `{"name":"n","account_id":"acme","team_id":"green-team"}`, // it was deleted
		"/api/v1/keys":                    `{"name":"n","account_id":"acme","user_id":"ann-ny"}`,
		"/api/v1/keys?account_id=nowhere": `{"name":"n","account_id":"nowhere","user_id":"u"}`,
	} {
		isProblem(t, path+body, s.do("POST", path, s.super, body), 404, "not_found")
	}
	isProblem(t, "a name without letters", s.do("POST", "/api/v1/accounts", s.super, `{"name":"日本"}`), 400, "invalid_request")
}

// TestSuspended: the holder of a right key of a suspended account is told so, on both APIs.
func TestSuspended(t *testing.T) {
	t.Parallel()
	s := startTenants(t)
	s.acme()
	boss := s.user("acme", "", "boss", "account_admin", everyScope)
	s.want(200, "PATCH", "/api/v1/accounts/acme", s.super, `{"suspended":true}`)
	isProblem(t, "suspended", s.do("GET", "/api/v1/users", boss, ""), 403, "permission_denied")
	isOpenAIError(t, "suspended", s.do("GET", "/v1/models", boss, ""), 403, "permission_error", "permission_denied", "")
	if r := s.want(200, "GET", "/api/v1/accounts/acme", s.super, ""); r.member("suspended") != true || r.member("suspended_at") != "2026-11-22T12:00:00Z" {
		t.Errorf("GET account = %s, want it suspended at noon", r.body)
	}
	s.want(200, "PATCH", "/api/v1/accounts/acme", s.super, `{"suspended":false}`)
	s.want(200, "GET", "/api/v1/users", boss, "")
	isProblem(t, "the last super admin's account", s.do("PATCH", "/api/v1/accounts/default", s.super, `{"suspended":true}`), 409, "conflict")
	isProblem(t, "the last super admin", s.do("PATCH", "/api/v1/users/admin", s.super, `{"role":"user"}`), 409, "conflict")
	isProblem(t, "the last account admin", s.do("PATCH", "/api/v1/users/boss", boss, `{"role":"user"}`), 409, "conflict")
}

// TestActorIsRecorded: the log has the caller of the API and the request, not what a body says.
func TestActorIsRecorded(t *testing.T) {
	t.Parallel()
	s := startTenants(t)
	s.acme()
	boss := s.user("acme", "", "boss", "account_admin", everyScope)
	r := s.want(201, "POST", "/api/v1/users", boss, `{"id":"new","name":"n"}`, "X-Request-Id", "req-new")
	if r.member("account_id") != "acme" {
		t.Errorf("POST user = %s, want a user of the caller's account", r.body)
	}
	entries, err := s.store.ListAudit(t.Context(), engine.AuditFilter{AccountID: "acme", Action: "user.create", Object: "user/new"})
	if err != nil || len(entries) != 1 {
		t.Fatalf("ListAudit = %v, %v, want one entry", entries, err)
	}
	e := entries[0]
	if got := fmt.Sprint(e.ActorAccount, "/", e.ActorUser, " ", e.ActorRole, " ", e.RequestID); got != "acme/boss account_admin req-new" || e.ActorKey == "" {
		t.Errorf("entry of %s with key %q, want acme/boss account_admin req-new and the key", got, e.ActorKey)
	}
	// A super admin that reaches into another account is named with its own.
	s.want(204, "DELETE", "/api/v1/users/new?account_id=acme", s.super, "")
	entries, err = s.store.ListAudit(t.Context(), engine.AuditFilter{AccountID: "acme", Action: "user.delete"})
	if err != nil || len(entries) != 1 || entries[0].ActorAccount != "default" || entries[0].AccountID != "acme" {
		t.Errorf("ListAudit = %+v, %v, want one entry of acme by default/admin", entries, err)
	}
}

// TestAccessIsDocumented: every operation of the specification says whom it is for.
func TestAccessIsDocumented(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	r := s.do("GET", "/openapi.json", "", "")
	paths, _ := r.member("paths").(map[string]any)
	operations := 0
	for path, item := range paths {
		for method, op := range item.(map[string]any) {
			m, ok := op.(map[string]any)
			if !ok {
				continue
			}
			operations++
			rule, known := policies[strings.ToUpper(method)+" "+fiberPath(path)]
			if !known {
				t.Errorf("%s %s is documented and no route", method, path)
			}
			want := rule.of(strings.ToUpper(method), path)
			if rule.public {
				continue
			}
			if m["x-pointsman-role"] != string(want.role) || fmt.Sprint(m["x-pointsman-scopes"]) != fmt.Sprint(want.scope.Names()) {
				t.Errorf("%s %s is documented for %v with %v, want %s with %v", method, path, m["x-pointsman-role"], m["x-pointsman-scopes"], want.role, want.scope.Names())
			}
		}
	}
	if operations < 40 {
		t.Errorf("%d operations, want all", operations)
	}
}

// TestScopes: which scopes let through, where nothing else is in the way.
func TestScopes(t *testing.T) {
	t.Parallel()
	s := startTenants(t)
	for scopes, want := range map[string][3]int{
		`"inference"`:        {200, 403, 403},
		`"read"`:             {403, 200, 403},
		`"read","manage"`:    {403, 200, 201},
		`"inference","read"`: {200, 200, 403},
		everyScope:           {200, 200, 201},
	} {
		key := s.key("default", "admin", scopes)
		got := [3]int{
			s.do("GET", "/v1/models", key, "").status, s.do("GET", "/api/v1/keys", key, "").status,
			s.do("POST", "/api/v1/keys", key, `{"name":"n"}`).status,
		}
		if got != want {
			t.Errorf("a key with %s: inference, reading, writing = %v, want %v", scopes, got, want)
		}
	}
	// One that was written into the database by hand: manage is no way around read.
	p := engine.Principal{Role: engine.RoleSuperAdmin, Scopes: engine.ScopeManage}
	if f := accountAdmin.of("DELETE", "/api/v1/rules/:id").refuses(p); f == nil || f.code != "read_scope_required" {
		t.Errorf("manage without read = %v, want read_scope_required", f)
	}
	if f := (access{role: engine.RoleUser, scope: engine.ScopeRead}).refuses(engine.Principal{}); f == nil {
		t.Error("the zero principal is let through")
	}
}
