package httpapi

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/session"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
	"github.com/pointsman/pointsman/host/tenancy"
)

// withSessions makes a server show the sessions of a real store, in which the fake's
// principals are users.
func withSessions(t *testing.T) (engine.Store, func(*Config)) {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+migrated.SQLite(t, filepath.Join(t.TempDir(), "test.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, u := range []engine.User{
		{AccountID: "default", ID: "admin", Role: engine.RoleSuperAdmin},
		{AccountID: "acme", ID: "boss", Role: engine.RoleAccountAdmin},
		{AccountID: "acme", ID: "lead", TeamID: "red", Role: engine.RoleTeamLead},
		{AccountID: "acme", ID: "user", TeamID: "red", Role: engine.RoleUser},
		{AccountID: "acme", ID: "blue", TeamID: "blue", Role: engine.RoleUser},
		{AccountID: "rival", ID: "boss", Role: engine.RoleAccountAdmin},
	} {
		_ = s.CreateAccount(t.Context(), engine.Account{ID: u.AccountID, Name: u.AccountID, CreatedAt: testNow, UpdatedAt: testNow})
		u.Name, u.CreatedAt, u.UpdatedAt = u.ID, testNow, testNow
		if err := s.CreateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	users := tenancy.NewUsers(tenancy.NewKeys(s, []byte("a pepper of thirty-two bytes, ok")))
	return s, func(c *Config) {
		c.Sessions = session.NewService(s, users, func() time.Time { return testNow })
		c.Now = func() time.Time { return testNow }
	}
}

// converse keeps a session of a user, as the gateway would.
func converse(t *testing.T, s engine.Store, account, user, id string, at time.Time) engine.SessionKey {
	t.Helper()
	k := engine.SessionKey{AccountID: account, UserID: user, ID: id}
	err := s.SaveSessions(t.Context(), []engine.Session{{
		SessionKey: k, Turns: 2, Model: "gpt-4o", Agent: "planner", CreatedAt: at, UpdatedAt: at, ExpiresAt: testNow.Add(engine.NoteLifetime),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// ids are the ids of a list's rows.
func ids(t *testing.T, r reply) []string {
	t.Helper()
	var list struct {
		Data []struct {
			ID     string
			UserID string `json:"user_id"`
		}
	}
	if err := json.Unmarshal([]byte(r.body), &list); err != nil || r.status != 200 {
		t.Fatalf("list = %d %s", r.status, r.body)
	}
	all := []string{}
	for _, row := range list.Data {
		all = append(all, row.UserID+"/"+row.ID)
	}
	return all
}

func TestSessions(t *testing.T) {
	t.Parallel()
	db, real := withSessions(t)
	s := start(t, &fake{}, real)
	const odd = "a/b ?#%2F é\n<x>"
	converse(t, db, "acme", "user", "chat", testNow.Add(-time.Minute))
	converse(t, db, "acme", "user", odd, testNow)
	converse(t, db, "acme", "boss", "chat", testNow.Add(-time.Hour))
	converse(t, db, "rival", "boss", "chat", testNow)
	mine := []string{"user/" + odd, "user/chat"}
	for _, c := range []struct {
		key, query string
		want       []string
	}{
		{userKey, "", mine},
		{leadKey, "", []string{}},
		{leadKey, "?user_id=user", mine},
		{adminKey, "", []string{"boss/chat"}},
		{adminKey, "?user_id=*", append(slices.Clone(mine), "boss/chat")},
		{superKey, "?account_id=acme&user_id=user", mine},
		{superKey, "?account_id=rival&user_id=*", []string{"boss/chat"}},
		{superKey, "", []string{}},
	} {
		if got := ids(t, s.do("GET", "/api/v1/sessions"+c.query, c.key, "")); !slices.Equal(got, c.want) {
			t.Errorf("GET sessions%s with %s = %q, want %q", c.query, c.key, got, c.want)
		}
	}
	r := s.do("GET", "/api/v1/sessions/chat", userKey, "")
	for member, want := range map[string]any{
		"id": "chat", "account_id": "acme", "user_id": "user", "turns": 2.0, "model": "gpt-4o", "agent": "planner",
		"updated_at": "2026-11-22T11:59:00Z", "expires_at": "2026-11-29T12:00:00Z",
	} {
		if got := r.member(member); got != want {
			t.Errorf("session member %s = %v, want %v", member, got, want)
		}
	}
	if r := s.do("GET", "/api/v1/sessions/a%2Fb%20%3F%23%252F%20%C3%A9%0A%3Cx%3E", userKey, ""); r.status != 200 || r.member("id") != odd {
		t.Errorf("GET of an odd id = %d %s, want %q", r.status, r.body, odd)
	}
	// One cannot be told from another that is not there.
	for _, c := range []struct{ key, path string }{
		{userKey, "/none"}, {userKey, "/%00"}, {userKey, "/%FF"}, {userKey, "/" + strings.Repeat("x", 300)},
		{userKey, "/chat?user_id=boss"}, {userKey, "/chat?user_id=none"}, {userKey, "?user_id=boss"}, {userKey, "?user_id=none"},
		{leadKey, "?user_id=blue"}, {leadKey, "?user_id=boss"}, {adminKey, "?account_id=rival&user_id=boss"},
		{adminKey, "/chat?account_id=rival"}, {rivalKey, "/chat?user_id=user"}, {superKey, "/chat?account_id=rival&user_id=user"},
	} {
		isProblem(t, "GET "+c.path+" with "+c.key, s.do("GET", "/api/v1/sessions"+c.path, c.key, ""), 404, "not_found")
	}
	isProblem(t, "every user, for a user", s.do("GET", "/api/v1/sessions?user_id=*", userKey, ""), 403, "permission_denied")
	isProblem(t, "no user in another account", s.do("GET", "/api/v1/sessions?account_id=acme", superKey, ""), 400, "invalid_request")
	raw := s.raw("GET /api/v1/sessions/100% HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+userKey+"\r\nConnection: close\r\n\r\n", 1)
	isProblem(t, "an id that is not encoded", raw[0], 400, "invalid_request")
}

func TestSessionPages(t *testing.T) {
	t.Parallel()
	db, real := withSessions(t)
	s := start(t, &fake{}, real)
	var want []string
	for i := range 5 {
		converse(t, db, "acme", "user", fmt.Sprint(i), testNow.Add(time.Duration(i/2)*time.Millisecond))
		want = append(want, fmt.Sprint("user/", i))
	}
	slices.Reverse(want)
	first := s.do("GET", "/api/v1/sessions?limit=2", userKey, "")
	got, cursor := ids(t, first), first.member("next")
	for pages := 0; cursor != nil && pages < 5; pages++ {
		r := s.do("GET", "/api/v1/sessions?limit=2&after="+cursor.(string), userKey, "")
		got, cursor = append(got, ids(t, r)...), r.member("next")
	}
	if !slices.Equal(got, want) {
		t.Errorf("GET sessions by two = %q, want %q", got, want)
	}
	next := first.member("next").(string)
	for _, c := range []struct{ key, query string }{
		{adminKey, "after=" + next}, {userKey, "after=" + next + "&user_id=user"}, {userKey, "after=" + next[:len(next)-1]}, {userKey, "after=x"},
	} {
		isProblem(t, "another query's cursor", s.do("GET", "/api/v1/sessions?"+c.query, c.key, ""), 400, "invalid_request")
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	db, real := withSessions(t)
	s := start(t, &fake{}, real)
	const path = "/api/v1/sessions/a%2Fb/notes"
	first := s.do("POST", path, userKey, `{"text":"<script>alert('x')</script>\n[x](javascript:y)\u001b[2J\u202e"}`)
	if first.status != 201 || first.header.Get("Location") != path+"/"+fmt.Sprint(first.member("id")) {
		t.Fatalf("POST note = %d %v %s, want 201 with its Location", first.status, first.header, first.body)
	}
	for member, want := range map[string]any{
		"session_id": "a/b", "account_id": "acme", "user_id": "user", "type": "context", "agent": "user",
		"text":       "<script>alert('x')</script>\n[x](javascript:y)[2J",
		"created_at": "2026-11-22T12:00:00Z", "expires_at": "2026-11-29T12:00:00Z",
	} {
		if got := first.member(member); got != want {
			t.Errorf("note member %s = %v, want %v", member, got, want)
		}
	}
	second := s.do("POST", path+"?user_id=user", leadKey, `{"type":"error","text":"it failed","agent":"coder","model":"gpt-4o","expires_in_seconds":60}`)
	if second.status != 201 || second.member("expires_at") != "2026-11-22T12:01:00Z" || second.member("agent") != "coder" || second.member("model") != "gpt-4o" {
		t.Fatalf("POST note by the team lead = %d %s, want 201", second.status, second.body)
	}
	r := s.do("GET", path, userKey, "")
	if got, want := ids(t, r), []string{"user/" + fmt.Sprint(second.member("id")), "user/" + fmt.Sprint(first.member("id"))}; !slices.Equal(got, want) {
		t.Errorf("GET notes = %q, want %q", got, want)
	}
	if r.header.Get("Content-Type") != "application/json" || r.header.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(r.body, "\x1b") {
		t.Errorf("GET notes = %v %q, want JSON that no browser takes for a page", r.header, r.body)
	}
	if got := ids(t, s.do("GET", path+"?limit=1", userKey, "")); len(got) != 1 {
		t.Errorf("GET notes?limit=1 = %q, want the newest", got)
	}
	if got := ids(t, s.do("GET", "/api/v1/sessions/none/notes", userKey, "")); len(got) != 0 {
		t.Errorf("GET notes of no session = %q, want none", got)
	}
	// Its own session of that id: what another user left in theirs is not in it.
	if got := ids(t, s.do("GET", path, adminKey, "")); len(got) != 0 {
		t.Errorf("GET notes of the admin's own session = %q, want none", got)
	}
	note := path + "/" + fmt.Sprint(first.member("id"))
	for _, c := range []struct{ method, path, key, body string }{
		{"GET", path + "?user_id=user&account_id=acme", rivalKey, ""},
		{"GET", path + "?user_id=user", rivalKey, ""},
		{"POST", path + "?user_id=boss", userKey, `{"text":"x"}`},
		{"POST", path + "?user_id=*", adminKey, `{"text":"x"}`},
		{"DELETE", note, adminKey, ""},
		{"DELETE", note + "?user_id=user", rivalKey, ""},
		{"DELETE", strings.Replace(note, "a%2Fb", "other", 1), userKey, ""},
		{"DELETE", path + "/none", userKey, ""},
	} {
		isProblem(t, c.method+" "+c.path+" with "+c.key, s.do(c.method, c.path, c.key, c.body), 404, "not_found")
	}
	for _, c := range []struct {
		name, body, code string
		status           int
	}{
		{"no text", `{}`, "invalid_request", 422},
		{"empty", `{"text":" \n"}`, "invalid_request", 400},
		{"a type of its own", `{"text":"x","type":"remark"}`, "invalid_request", 422},
		{"for ever", `{"text":"x","expires_in_seconds":604801}`, "invalid_request", 422},
		{"expired", `{"text":"x","expires_in_seconds":0}`, "invalid_request", 422},
		{"16 KiB and one", `{"text":"` + strings.Repeat("x", engine.MaxNoteText+1) + `"}`, "request_too_large", 413},
		{"10 MB", `{"text":"` + strings.Repeat("x", 10<<20) + `"}`, "request_too_large", 413},
		{"an id of its own", `{"text":"x","id":"mine"}`, "invalid_request", 422},
	} {
		isProblem(t, c.name, s.do("POST", path, userKey, c.body), c.status, c.code)
	}
	if r := s.do("DELETE", note, userKey, ""); r.status != 204 {
		t.Errorf("DELETE note = %d %s, want 204", r.status, r.body)
	}
	count, err := db.CountNotes(t.Context(), "acme", "user", testNow)
	if err != nil || count != 1 {
		t.Errorf("CountNotes() = %d, %v, want 1", count, err)
	}
}

func TestHandoffs(t *testing.T) {
	t.Parallel()
	db, real := withSessions(t)
	s := start(t, &fake{}, real)
	k := engine.SessionKey{AccountID: "acme", UserID: "user", ID: "chat"}
	for i, reason := range []engine.HandoffReason{engine.HandoffRouting, engine.HandoffFailover} {
		err := db.AddHandoffs(t.Context(), []engine.Handoff{{
			SessionKey: k, ID: fmt.Sprint(i), RequestID: "req", FromAgent: "planner", ToAgent: "coder", FromModel: "gpt-4o",
			ToModel: "o3", Reason: reason, Detail: "upstream_timeout", Summary: "so far", Notes: 3, CreatedAt: testNow,
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	r := s.do("GET", "/api/v1/sessions/chat/handoffs", userKey, "")
	const newest = `{"id":"1","session_id":"chat","account_id":"acme","user_id":"user","request_id":"req","from_agent":"planner","to_agent":"coder",` +
		`"from_model":"gpt-4o","to_model":"o3","reason":"failover","detail":"upstream_timeout","summary":"so far","notes":3,"created_at":"2026-11-22T12:00:00Z"}`
	if got := ids(t, r); !slices.Equal(got, []string{"user/1", "user/0"}) || !strings.Contains(r.body, newest) {
		t.Errorf("GET handoffs = %s, want the newest first: %s", r.body, newest)
	}
	for _, c := range []struct {
		key, query string
		want       int
	}{{userKey, "?limit=1", 1}, {leadKey, "?user_id=user", 2}, {adminKey, "?user_id=user", 2}, {adminKey, "", 0}, {superKey, "?account_id=acme&user_id=user", 2}} {
		if got := ids(t, s.do("GET", "/api/v1/sessions/chat/handoffs"+c.query, c.key, "")); len(got) != c.want {
			t.Errorf("GET handoffs%s with %s = %q, want %d", c.query, c.key, got, c.want)
		}
	}
	isProblem(t, "another account", s.do("GET", "/api/v1/sessions/chat/handoffs?user_id=user", rivalKey, ""), 404, "not_found")
	isProblem(t, "another user", s.do("GET", "/api/v1/sessions/chat/handoffs?user_id=lead", userKey, ""), 404, "not_found")
}
