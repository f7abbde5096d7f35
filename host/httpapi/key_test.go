package httpapi

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/tenancy"
)

// TestKeyLife: a key is made, changed, rotated and revoked, and is in force accordingly.
func TestKeyLife(t *testing.T) {
	t.Parallel()
	s := startTenants(t)
	s.acme()
	boss := s.user("acme", "", "boss", "account_admin", everyScope)
	s.user("acme", "red", "user", "user", everyScope)
	r := s.want(201, "POST", "/api/v1/keys", boss, `{"name":"ci","user_id":"user","scopes":["inference"],"expires_at":"2027-01-01T00:00:00Z"}`)
	id, secret := r.member("id").(string), r.member("secret").(string)
	if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Location") != "/api/v1/keys/"+id || fmt.Sprint(r.member("scopes")) != "[inference]" || r.member("expires_at") != "2027-01-01T00:00:00Z" {
		t.Errorf("POST key = %s %v, want the key as asked for, not to be stored", r.body, r.header)
	}
	s.want(200, "GET", "/v1/models", secret, "")
	isProblem(t, "a scope that it has not", s.do("GET", "/api/v1/keys", secret, ""), 403, "read_scope_required")

	got := s.want(200, "GET", "/api/v1/keys/"+id, boss, "")
	if strings.Contains(got.body, secret[9:]) || got.member("secret") != nil {
		t.Errorf("GET key = %s, want it without its text", got.body)
	}
	etag := got.header.Get("ETag")
	patched := s.want(200, "PATCH", "/api/v1/keys/"+id, boss, `{"name":"build","scopes":["inference","read"]}`, "If-Match", etag)
	isProblem(t, "PATCH of a stale row", s.do("PATCH", "/api/v1/keys/"+id, boss, `{"name":"x"}`, "If-Match", etag), 412, "precondition_failed")
	if patched.header.Get("ETag") == etag || patched.member("name") != "build" {
		t.Errorf("PATCH = %s, want the new name and ETag", patched.body)
	}
	s.want(200, "GET", "/api/v1/keys", secret, "")
	isProblem(t, "a write without manage", s.do("POST", "/api/v1/keys", secret, `{"name":"n"}`), 403, "manage_scope_required")
	if r := s.want(200, "PATCH", "/api/v1/keys/"+id, boss, `{"never_expires":true}`); r.member("expires_at") != nil {
		t.Errorf("PATCH never_expires = %s, want no end", r.body)
	}
	isProblem(t, "contradiction", s.do("PATCH", "/api/v1/keys/"+id, boss, `{"never_expires":true,"expires_at":"2027-01-01T00:00:00Z"}`), 400, "invalid_request")

	r = s.want(201, "POST", "/api/v1/keys/"+id+"/rotate", boss, `{"overlap_seconds":60}`)
	next, second := r.member("id").(string), r.member("secret").(string)
	s.want(200, "GET", "/v1/models", secret, "")
	s.want(200, "GET", "/v1/models", second, "")
	if r := s.want(200, "GET", "/api/v1/keys/"+id, boss, ""); r.member("rotated_to") != next || r.member("expires_at") != "2026-11-22T12:01:00Z" {
		t.Errorf("the rotated key = %s, want its end in a minute and %s in its place", r.body, next)
	}
	isProblem(t, "rotated twice", s.do("POST", "/api/v1/keys/"+id+"/rotate", boss, ""), 409, "conflict")
	s.at(testNow.Add(time.Minute))
	s.want(401, "GET", "/v1/models", secret, "")
	s.want(200, "GET", "/v1/models", second, "")
	if r := s.want(201, "POST", "/api/v1/keys/"+next+"/rotate", boss, ""); r.member("secret") == nil {
		t.Errorf("rotation without a body = %s, want the defaults", r.body)
	}
	if r := s.want(200, "GET", "/api/v1/keys/"+next, boss, ""); r.member("expires_at") != "2026-11-23T12:01:00Z" {
		t.Errorf("the rotated key = %s, want its end in a day", r.body)
	}
	for _, body := range []string{`{"overlap_seconds":-1}`, `{"overlap_seconds":604801}`, `{"overlap_seconds":"day"}`, `{"secret":"x"}`} {
		s.want(422, "POST", "/api/v1/keys/"+next+"/rotate", boss, body)
	}
	s.want(204, "DELETE", "/api/v1/keys/"+next, boss, "")
	s.want(401, "GET", "/v1/models", second, "")
	isProblem(t, "a revoked key is changed", s.do("PATCH", "/api/v1/keys/"+next, boss, `{"name":"n"}`), 409, "conflict")
	list := s.want(200, "GET", "/api/v1/keys?user_id=user", boss, "").body
	all := s.want(200, "GET", "/api/v1/keys?user_id=user&inactive=true", boss, "").body
	if strings.Contains(list, next) || strings.Contains(list, id) || !strings.Contains(all, next) || !strings.Contains(all, id) {
		t.Errorf("lists of keys: %s and with inactive ones %s, want the revoked and the expired in the second alone", list, all)
	}
}

// TestMassAssignment: what a caller may not set is no member of any body (A7).
func TestMassAssignment(t *testing.T) {
	t.Parallel()
	s := startTenants(t)
	s.acme()
	boss := s.user("acme", "", "boss", "account_admin", everyScope)
	s.user("acme", "red", "user", "user", everyScope)
	for _, c := range []struct{ method, path, members string }{
		{"POST", "/api/v1/keys", `"name":"n","role":"super_admin"`}, {"POST", "/api/v1/keys", `"name":"n","team_id":"red"`},
		{"POST", "/api/v1/keys", `"name":"n","digest":"AA=="`}, {"POST", "/api/v1/keys", `"name":"n","scopes":["admin"]`},
		{"POST", "/api/v1/keys", `"name":"n","scopes":[]`}, {"POST", "/api/v1/keys", `"name":"n","budget":1`},
		{"POST", "/api/v1/users", `"name":"n","scopes":["read"]`}, {"POST", "/api/v1/users", `"name":"n","created_at":"2026-01-01T00:00:00Z"`},
		{"POST", "/api/v1/users", `"name":"n","role":"owner"`}, {"POST", "/api/v1/users", `"name":"n","id":"../admin"`},
		{"PATCH", "/api/v1/users/user", `"account_id":"rival"`}, {"PATCH", "/api/v1/users/user", `"id":"boss"`},
		{"PATCH", "/api/v1/users/user", `"deleted_at":null`}, {"PATCH", "/api/v1/teams/red", `"account_id":"rival"`},
		{"PATCH", "/api/v1/accounts/acme", `"id":"default"`}, {"PATCH", "/api/v1/accounts/acme", `"deleted_at":null`},
	} {
		if r := s.do(c.method, c.path, boss, "{"+c.members+"}"); r.status != 422 {
			t.Errorf("%s %s {%s} = %d %s, want 422", c.method, c.path, c.members, r.status, r.body)
		}
	}
	for _, name := range []string{`__proto__`, `x'); drop table users; --`, `<script>alert(1)</script>`, strings.Repeat("é", 128)} {
		r := s.want(201, "POST", "/api/v1/users", boss, fmt.Sprintf(`{"id":"u%d","name":%q}`, rand.Int(), name))
		if r.member("name") != name {
			t.Errorf("a user of name %q = %s, want the name as it was sent", name, r.body)
		}
	}
	for _, name := range []string{"\u202egnp.exe", "a\\u0000b", "\x1b[31mred", " "} {
		if r := s.do("POST", "/api/v1/users", boss, `{"id":"odd","name":"`+strings.ReplaceAll(name, "\x1b", "\\u001b")+`"}`); r.status != 400 {
			t.Errorf("a user of name %q = %d %s, want 400", name, r.status, r.body)
		}
	}
}

// TestNoEnumeration: keys that never were, that were revoked, rotated away, expired, or of
// what was deleted, all get the very same answer.
func TestNoEnumeration(t *testing.T) {
	t.Parallel()
	s := startTenants(t)
	s.acme()
	kinds := map[string]string{"unknown": "an-unknown-key-of-40-characters-000000000", "malformed": "pm_x", "nothing": ""}
	for _, kind := range []string{"revoked", "expired", "deleted"} {
		kinds[kind] = s.user("acme", "red", kind, "user", everyScope)
	}
	rows := s.want(200, "GET", "/api/v1/keys?user_id=revoked&account_id=acme", s.super, "").member("data").([]any)
	s.want(204, "DELETE", "/api/v1/keys/"+rows[0].(map[string]any)["id"].(string), s.super, "")
	rows = s.want(200, "GET", "/api/v1/keys?user_id=expired&account_id=acme", s.super, "").member("data").([]any)
	s.want(201, "POST", "/api/v1/keys/"+rows[0].(map[string]any)["id"].(string)+"/rotate", s.super, `{"overlap_seconds":0}`)
	s.want(204, "DELETE", "/api/v1/users/deleted?account_id=acme", s.super, "")
	for _, path := range []string{"/v1/models", "/api/v1/users"} {
		want := s.want(401, "GET", path, kinds["unknown"], "")
		for kind, key := range kinds {
			r := s.do("GET", path, key, "")
			r.header.Del("X-Request-Id")
			want.header.Del("X-Request-Id")
			r.header.Del("Date")
			want.header.Del("Date")
			if r.status != 401 || r.body != want.body || fmt.Sprint(r.header) != fmt.Sprint(want.header) {
				t.Errorf("GET %s with a %s key = %d %s %v, want exactly %s %v", path, kind, r.status, r.body, r.header, want.body, want.header)
			}
		}
	}
}

// TestWrongKeysReachNoStore: ten thousand keys that are none cost the database nothing, and whoever
// tries them is told to stop (A6).
func TestWrongKeysReachNoStore(t *testing.T) {
	t.Parallel()
	s := startTenants(t)
	before := s.store.calls.Load()
	rnd, refused := rand.New(rand.NewPCG(1, 2)), 0
	for i := range 10_000 {
		key := fmt.Sprintf("pm_%049d", rnd.Uint64()) // the right length, a wrong checksum
		switch i % 4 {
		case 1:
			key = fmt.Sprintf("a-key-that-is-unknown-%d", rnd.Uint64()) // well formed
		case 2:
			key = strings.Repeat("x", i%300)
		case 3:
			key = s.super[:len(s.super)-1-i%20] + "'--"
		}
		if _, err := s.keys.Authenticate(key, testNow); engine.CodeOf(err) != engine.CodeUnauthorized {
			t.Fatalf("Authenticate(%q) = %v, want CodeUnauthorized", key, err)
		}
		if i%100 == 0 { // and so through the front door
			r := s.do("GET", "/api/v1/keys", key, "")
			switch {
			case r.status == http.StatusTooManyRequests && i >= 60*100:
				refused++
			case r.status != http.StatusUnauthorized:
				t.Fatalf("GET keys with %q, the %dth, = %d, want 401, or 429 after sixty", key, i/100+1, r.status)
			}
		}
	}
	if refused == 0 {
		t.Error("nobody who tried a hundred keys was told to stop")
	}
	if n := s.store.calls.Load() - before; n != 0 {
		t.Errorf("10,000 wrong keys made %d calls of the store, want 0", n)
	}
	s.want(200, "GET", "/api/v1/keys", s.super, "")
	if s.store.calls.Load() == before {
		t.Error("a list made no call of the store: the count counts nothing")
	}
}

// TestOtherProcess: what one process revokes or changes is so in another as soon as the
// store's feed has told it.
func TestOtherProcess(t *testing.T) {
	t.Parallel()
	s := startTenants(t)
	s.acme()
	user := s.user("acme", "red", "user", "user", everyScope)
	other := tenancy.NewKeys(s.store, []byte("0123456789abcdef0123456789abcdef"))
	told := make(chan int64, 1)
	watching := make(chan error, 1)
	go func() {
		watching <- s.store.Watch(t.Context(), func(revision int64) {
			select {
			case <-told:
			default:
			}
			told <- revision
		})
	}()
	// follow is what a process does: when it is told, it loads.
	follow := func(until func() bool) {
		t.Helper()
		if err := other.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		for !until() {
			select {
			case <-told:
			case <-time.After(20 * time.Second):
				t.Fatal("the feed told of no change")
			}
			if err := other.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := engine.Principal{}
	follow(func() bool {
		var err error
		p, err = other.Authenticate(user, testNow)
		return err == nil
	})
	drain := func() {
		select {
		case <-told:
		default:
		}
	}
	for _, c := range []struct {
		name, method, path, body string
		want                     engine.Code
	}{
		{"suspended", "PATCH", "/api/v1/users/user?account_id=acme", `{"suspended":true}`, engine.CodeForbidden},
		{"let in again", "PATCH", "/api/v1/users/user?account_id=acme", `{"suspended":false}`, ""},
		{"revoked", "DELETE", "/api/v1/keys/" + p.KeyID, "", engine.CodeUnauthorized},
	} {
		drain()
		before, err := s.store.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r := s.do(c.method, c.path, s.super, c.body); r.status >= 300 {
			t.Fatalf("%s = %d %s", c.name, r.status, r.body)
		}
		if after, err := s.store.Revision(t.Context()); err != nil || after <= before {
			t.Errorf("%s: revision %d after %d, %v, want it raised", c.name, after, before, err)
		}
		follow(func() bool { _, err := other.Authenticate(user, testNow); return engine.CodeOf(err) == c.want })
	}
}
