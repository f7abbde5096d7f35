package httpapi

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// TestPagesThroughAPI: the pages of each list are the list.
func TestPagesThroughAPI(t *testing.T) {
	t.Parallel()
	s := startTenants(t)
	s.acme()
	for i := range 5 {
		s.user("acme", "red", fmt.Sprintf("u%d", i), "user", everyScope)
	}
	for _, list := range []string{"accounts", "teams", "users", "keys"} {
		ids := func(limit int) (all []string) {
			after := ""
			for range 40 {
				r := s.want(200, "GET", fmt.Sprintf("/api/v1/%s?limit=%d&after=%s", list, limit, url.QueryEscape(after)), s.super, "")
				rows, _ := r.member("data").([]any)
				if len(rows) > limit {
					t.Fatalf("%s: %d rows, want %d at most", list, len(rows), limit)
				}
				for _, row := range rows {
					m := row.(map[string]any)
					all = append(all, fmt.Sprint(m["account_id"], "/", m["id"]))
				}
				next, more := r.member("next").(string)
				if !more {
					return all
				}
				after = next
			}
			t.Fatalf("%s: the pages of %d do not end", list, limit)
			return nil
		}
		whole := ids(200)
		for _, limit := range []int{1, 2, len(whole)} {
			if got := ids(limit); !slices.Equal(got, whole) {
				t.Errorf("%s in pages of %d = %v, want %v", list, limit, got, whole)
			}
		}
	}
	for _, limit := range []string{"0", "201", "-1", "x"} {
		s.want(422, "GET", "/api/v1/users?limit="+limit, s.super, "")
	}
}

// TestCursorBound: what says where a list goes on is good for that list, those filters and
// that account alone, and cannot be made up (A12).
func TestCursorBound(t *testing.T) {
	t.Parallel()
	s := startTenants(t)
	s.acme()
	boss, rival := s.user("acme", "", "boss", "account_admin", everyScope), s.user("rival", "", "boss", "account_admin", everyScope)
	lead := s.user("acme", "red", "lead", "team_lead", everyScope)
	s.user("rival", "red", "lead", "team_lead", everyScope)
	cursor := s.want(200, "GET", "/api/v1/users?limit=1", boss, "").member("next")
	text, _ := cursor.(string)
	if text == "" {
		t.Fatal("no cursor on a first page of one")
	}
	if raw, err := base64.RawURLEncoding.DecodeString(text); err != nil || strings.Contains(string(raw), "boss") {
		t.Errorf("cursor %q = %q, %v, want it sealed", text, raw, err)
	}
	flipped := []byte(text)
	flipped[len(flipped)/2] ^= 1
	for _, c := range []struct {
		name, key, query string
		status           int
	}{
		{"again", boss, "/api/v1/users?limit=1&after=" + text, 200},
		{"with another limit", boss, "/api/v1/users?limit=7&after=" + text, 200},
		{"by the account's lead", lead, "/api/v1/users?limit=1&after=" + text, 200},
		{"by another account", rival, "/api/v1/users?limit=1&after=" + text, 400},
		{"by the super admin", s.super, "/api/v1/users?limit=1&after=" + text, 400},
		{"with another filter", boss, "/api/v1/users?limit=1&role=user&after=" + text, 400},
		{"for another list", boss, "/api/v1/keys?limit=1&after=" + text, 400},
		{"changed", boss, "/api/v1/users?after=" + url.QueryEscape(string(flipped)), 400},
		{"cut", boss, "/api/v1/users?after=" + text[:len(text)-2], 400},
		{"made up", boss, "/api/v1/users?after=acme%2Fboss", 400},
		{"made up, encoded", boss, "/api/v1/users?after=" + base64.RawURLEncoding.EncodeToString([]byte("rival/boss")), 400},
		{"too long", boss, "/api/v1/users?after=" + strings.Repeat("a", 3000), 422},
	} {
		r := s.do("GET", c.query, c.key, "")
		if r.status != c.status {
			t.Errorf("%s: GET %.80s = %d %s, want %d", c.name, c.query, r.status, r.body, c.status)
		}
		if r.status == 200 && strings.Contains(r.body, "rival") {
			t.Errorf("%s: %s shows another account's rows", c.name, r.body)
		}
	}
}

// TestCursorsShared: processes with the same secret read each other's cursors, others do not.
func TestCursorsShared(t *testing.T) {
	t.Parallel()
	one, err := newCursors([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	two, _ := newCursors([]byte("secret"))
	other, _ := newCursors(nil)
	another, _ := newCursors(nil)
	scope := scopeOfList("users", engine.Principal{AccountID: "acme"}, UserFilter{})
	cursor := one.next(scope, "acme/boss")
	if place, err := two.place(scope, cursor); err != nil || place != "acme/boss" {
		t.Errorf("place(%q) elsewhere = %q, %v, want acme/boss", cursor, place, err)
	}
	for _, c := range []cursors{other, another} {
		if place, err := c.place(scope, cursor); err == nil {
			t.Errorf("place(%q) under another secret = %q, want an error", cursor, place)
		}
	}
	if one.next(scope, "") != "" {
		t.Error("next of nothing is a cursor, want none")
	}
}

// FuzzCursor: whatever is sent, nothing but what was sealed for the scope is a place.
func FuzzCursor(f *testing.F) {
	c, err := newCursors([]byte("secret"))
	if err != nil {
		f.Fatal(err)
	}
	scope := scopeOfList("users", engine.Principal{AccountID: "acme"}, UserFilter{})
	good := c.next(scope, "acme/boss")
	for _, seed := range []string{"", "a", good, good[1:], strings.Repeat("A", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		place, err := c.place(scope, text)
		if text == "" && (place != "" || err != nil) {
			t.Fatalf("place(\"\") = %q, %v, want the beginning", place, err)
		}
		// Each worker seals anew, so that another one's bytes may come by.
		if err == nil && text != "" && place != "acme/boss" {
			t.Fatalf("place(%q) = %q, want an error", text, place)
		}
	})
}
