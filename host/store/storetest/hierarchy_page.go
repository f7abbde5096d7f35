package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var pageTests = []test{
	{"the pages of a list are the list", pageAll},
	{"clamps the size of a page", pageSize},
	{"filters narrow a page", pageFilter},
	{"leaves out what is not active", pageInactive},
	{"searches a part, in any letter case, literally", pageSearch},
	{"takes any text for a place or a filter", pageForged},
}

// pagesOf collects the ids of all pages of a list, as "account/id".
func pagesOf[R any](t *testing.T, limit int, page func(p engine.Page) ([]R, error), key func(R) string) []string {
	t.Helper()
	var all []string
	for p := (engine.Page{Limit: limit}); ; {
		rows, err := page(p)
		must(t, "page", err)
		if len(rows) == 0 {
			return all
		}
		if len(rows) > limit {
			t.Fatalf("a page of %d has %d rows", limit, len(rows))
		}
		for _, r := range rows {
			all = append(all, key(r))
		}
		p.After = all[len(all)-1]
	}
}

func accountPages(t *testing.T, s engine.Store, f engine.TenantFilter, limit int) []string {
	t.Helper()
	return pagesOf(t, limit, func(p engine.Page) ([]engine.Account, error) { return s.PageAccounts(t.Context(), f, p) },
		func(a engine.Account) string { return a.ID })
}

func teamPages(t *testing.T, s engine.Store, f engine.TenantFilter, limit int) []string {
	t.Helper()
	return pagesOf(t, limit, func(p engine.Page) ([]engine.Team, error) { return s.PageTeams(t.Context(), f, p) },
		func(n engine.Team) string { return n.AccountID + "/" + n.ID })
}

func userPages(t *testing.T, s engine.Store, f engine.TenantFilter, limit int) []string {
	t.Helper()
	return pagesOf(t, limit, func(p engine.Page) ([]engine.User, error) { return s.PageUsers(t.Context(), f, p) },
		func(n engine.User) string { return n.AccountID + "/" + n.ID })
}

func keyPages(t *testing.T, s engine.Store, f engine.TenantFilter, limit int) []string {
	t.Helper()
	return pagesOf(t, limit, func(p engine.Page) ([]engine.Key, error) { return s.PageKeys(t.Context(), f, p) },
		func(n engine.Key) string { return n.AccountID + "/" + n.ID })
}

// withHierarchy makes three accounts of the same teams, users and keys. User 1 leads team
// x; user 2 is in it, 3 in y, 4 in none; key n is user n's.
func withHierarchy(t *testing.T, s engine.Store) {
	t.Helper()
	digest := byte(0)
	for _, account := range []string{"a", "B", "a-b"} {
		must(t, "CreateAccount()", s.CreateAccount(t.Context(), plainAccount(account)))
		for _, id := range []string{"y", "x"} {
			must(t, "CreateTeam()", s.CreateTeam(t.Context(), plainTeam(account, id)))
		}
		for _, u := range []engine.User{
			{ID: "4", Role: engine.RoleAccountAdmin}, {ID: "3", TeamID: "y", Role: engine.RoleUser},
			{ID: "1", TeamID: "x", Role: engine.RoleTeamLead}, {ID: "2", TeamID: "x", Role: engine.RoleUser},
		} {
			u.AccountID, u.CreatedAt, u.UpdatedAt = account, at(0), at(0)
			must(t, "CreateUser()", s.CreateUser(t.Context(), u))
			digest++
			k := plainKey(account, u.ID, digest)
			k.UserID = u.ID
			must(t, "CreateKey()", s.CreateKey(t.Context(), k))
		}
	}
}

func pageAll(t *testing.T, d Database) {
	s := open(t, d)
	wantEqual(t, "pages of no users", userPages(t, s, engine.TenantFilter{}, 1), nil)
	withHierarchy(t, s)
	accounts := []string{"B", "a", "a-b"} // bytewise
	var teams, people []string
	for _, a := range accounts {
		teams = append(teams, a+"/x", a+"/y")
		people = append(people, a+"/1", a+"/2", a+"/3", a+"/4")
	}
	for _, limit := range []int{1, 2, 3, 5, 200} {
		wantEqual(t, "pages of accounts", accountPages(t, s, engine.TenantFilter{}, limit), accounts)
		wantEqual(t, "pages of teams", teamPages(t, s, engine.TenantFilter{}, limit), teams)
		wantEqual(t, "pages of users", userPages(t, s, engine.TenantFilter{}, limit), people)
		wantEqual(t, "pages of keys", keyPages(t, s, engine.TenantFilter{}, limit), people)
	}
	// Every member is there, as in the lists.
	a, err := s.ListAccounts(t.Context())
	must(t, "ListAccounts()", err)
	pa, err := s.PageAccounts(t.Context(), engine.TenantFilter{}, engine.Page{})
	must(t, "PageAccounts()", err)
	wantEqual(t, "PageAccounts()", pa, a)
	n, err := s.ListTeams(t.Context())
	must(t, "ListTeams()", err)
	pn, err := s.PageTeams(t.Context(), engine.TenantFilter{}, engine.Page{})
	must(t, "PageTeams()", err)
	wantEqual(t, "PageTeams()", pn, n)
	u, err := s.ListUsers(t.Context())
	must(t, "ListUsers()", err)
	pu, err := s.PageUsers(t.Context(), engine.TenantFilter{}, engine.Page{})
	must(t, "PageUsers()", err)
	wantEqual(t, "PageUsers()", pu, u)
	k, err := s.ListKeys(t.Context())
	must(t, "ListKeys()", err)
	pk, err := s.PageKeys(t.Context(), engine.TenantFilter{}, engine.Page{})
	must(t, "PageKeys()", err)
	wantEqual(t, "PageKeys()", pk, k)
}

func pageSize(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateAccount()", s.CreateAccount(t.Context(), plainAccount("a")))
	for i := range 201 {
		must(t, "CreateTeam()", s.CreateTeam(t.Context(), plainTeam("a", fmt.Sprintf("%03d", i))))
	}
	for _, c := range []struct{ limit, want int }{{0, 50}, {1, 1}, {-7, 1}, {200, 200}, {201, 200}, {1 << 40, 200}} {
		got, err := s.PageTeams(t.Context(), engine.TenantFilter{}, engine.Page{Limit: c.limit})
		must(t, "PageTeams()", err)
		if len(got) != c.want {
			t.Errorf("PageTeams(limit %d) has %d rows, want %d", c.limit, len(got), c.want)
		}
	}
}

func pageFilter(t *testing.T, d Database) {
	s := open(t, d)
	withHierarchy(t, s)
	for _, c := range []struct {
		name               string
		filter             engine.TenantFilter
		teams, users, keys []string // nil: not asked
	}{
		{"an account", engine.TenantFilter{AccountID: "a"}, []string{"a/x", "a/y"}, []string{"a/1", "a/2", "a/3", "a/4"}, []string{"a/1", "a/2", "a/3", "a/4"}},
		{"a team of an account", engine.TenantFilter{AccountID: "a", TeamID: "x"}, []string{"a/x"}, []string{"a/1", "a/2"}, []string{"a/1", "a/2"}},
		{"a team's name in every account", engine.TenantFilter{TeamID: "y"}, []string{"B/y", "a/y", "a-b/y"}, []string{"B/3", "a/3", "a-b/3"}, []string{"B/3", "a/3", "a-b/3"}},
		{"a user", engine.TenantFilter{AccountID: "a-b", UserID: "3"}, nil, []string{"a-b/3"}, []string{"a-b/3"}},
		{"a role", engine.TenantFilter{AccountID: "B", Role: engine.RoleTeamLead}, nil, []string{"B/1"}, []string{"B/1"}},
		{"a team and a role", engine.TenantFilter{AccountID: "B", TeamID: "x", Role: engine.RoleUser}, nil, []string{"B/2"}, []string{"B/2"}},
		{"nobody", engine.TenantFilter{AccountID: "b"}, []string{}, []string{}, []string{}},
		{"another letter case", engine.TenantFilter{AccountID: "A", TeamID: "x"}, []string{}, []string{}, []string{}},
	} {
		for _, limit := range []int{1, 50} {
			if c.teams != nil {
				wantEqual(t, c.name+": teams", teamPages(t, s, c.filter, limit), orNil(c.teams))
			}
			wantEqual(t, c.name+": users", userPages(t, s, c.filter, limit), orNil(c.users))
			wantEqual(t, c.name+": keys", keyPages(t, s, c.filter, limit), orNil(c.keys))
		}
	}
	wantEqual(t, "one account", accountPages(t, s, engine.TenantFilter{AccountID: "a"}, 2), []string{"a"})
}

func orNil(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

func pageInactive(t *testing.T, d Database) {
	s := open(t, d)
	withUsers(t, s)
	for i, k := range []engine.Key{
		{ID: "1 lasts"}, {ID: "2 expired", ExpiresAt: at(100)}, {ID: "3 expires", ExpiresAt: at(101)}, {ID: "4 revoked", RevokedAt: at(5)},
	} {
		key := plainKey("a", k.ID, byte(i))
		key.ExpiresAt, key.RevokedAt = k.ExpiresAt, k.RevokedAt
		must(t, "CreateKey()", s.CreateKey(t.Context(), key))
	}
	active := engine.TenantFilter{Now: finest(100)}
	wantEqual(t, "active keys", keyPages(t, s, active, 9), []string{"a/1 lasts", "a/3 expires"})
	active.Inactive = true
	wantEqual(t, "all keys", keyPages(t, s, active, 9), []string{"a/1 lasts", "a/2 expired", "a/3 expires", "a/4 revoked"})
	future := plainKey("a", "5 future", 5)
	future.ExpiresAt = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	past := plainKey("a", "6 past", 6)
	past.ExpiresAt = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	must(t, "CreateKey()", s.CreateKey(t.Context(), future))
	must(t, "CreateKey()", s.CreateKey(t.Context(), past))
	wantEqual(t, "keys that end now or later", keyPages(t, s, engine.TenantFilter{Search: "u"}, 9), []string{"a/5 future"})

	for _, deleted := range []time.Time{{}, at(1)} {
		name := map[bool]string{true: "active", false: "deleted"}[deleted.IsZero()]
		account, team, user := plainAccount(name), plainTeam(name, "t"), plainUser(name, "u")
		account.DeletedAt, team.DeletedAt, user.DeletedAt = deleted, deleted, deleted
		account.SuspendedAt, user.SuspendedAt = at(1), at(1) // a suspended one is shown
		must(t, "CreateAccount()", s.CreateAccount(t.Context(), account))
		must(t, "CreateTeam()", s.CreateTeam(t.Context(), team))
		must(t, "CreateUser()", s.CreateUser(t.Context(), user))
	}
	wantEqual(t, "active accounts", accountPages(t, s, engine.TenantFilter{}, 9), []string{"a", "active", "b"})
	wantEqual(t, "active teams", teamPages(t, s, engine.TenantFilter{}, 9), []string{"active/t"})
	wantEqual(t, "active users", userPages(t, s, engine.TenantFilter{}, 9), []string{"a/u", "active/u", "b/u"})
	all := engine.TenantFilter{Inactive: true}
	wantEqual(t, "all accounts", accountPages(t, s, all, 9), []string{"a", "active", "b", "deleted"})
	wantEqual(t, "all teams", teamPages(t, s, all, 9), []string{"active/t", "deleted/t"})
	wantEqual(t, "all users", userPages(t, s, all, 9), []string{"a/u", "active/u", "b/u", "deleted/u"})
}

func pageSearch(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateAccount()", s.CreateAccount(t.Context(), plainAccount("a")))
	names := map[string]string{
		"ann": "Ann O'Hara", "pct": "100% of_it", "back": `back\slash`, "uml": "ÄRGER Σίσυφος ıİ", "kel": "300 \u212a",
		"Caps": "x", "odd": "'; drop table users; --",
	}
	digest := byte(0)
	for id, name := range names {
		digest++
		u := plainUser("a", id)
		u.Name = name
		must(t, "CreateUser()", s.CreateUser(t.Context(), u))
		must(t, "CreateTeam()", s.CreateTeam(t.Context(), engine.Team{AccountID: "a", ID: id, Name: name}))
		must(t, "CreateAccount()", s.CreateAccount(t.Context(), engine.Account{ID: id, Name: name}))
		k := plainKey("a", id, digest)
		k.UserID, k.Name = id, name
		must(t, "CreateKey()", s.CreateKey(t.Context(), k))
	}
	for _, c := range []struct {
		search string
		want   []string
	}{
		{"o'hara", []string{"ann"}},
		{"ANN", []string{"ann"}},
		{"%", []string{"pct"}},
		{"0%", []string{"pct"}},
		{"1%t", nil},
		{"_", []string{"pct"}},
		{`\`, []string{"back"}},
		{`\%`, nil},
		{"ärger", []string{"uml"}},
		{"σίσυφοσ", []string{"uml"}}, // the last letter has a form of its own
		{"300 k", []string{"kel"}},   // the sign for kelvin
		{"caps", []string{"Caps"}},
		{"drop TABLE", []string{"odd"}},
		{"no such", nil},
		{"capsx", nil}, // not across id and name
		{strings.Repeat("x", 10_000), nil},
	} {
		f := engine.TenantFilter{Search: c.search}
		var want []string
		for _, id := range c.want {
			want = append(want, "a/"+id)
		}
		wantEqual(t, "search of users for "+c.search, userPages(t, s, f, 9), want)
		wantEqual(t, "search of teams for "+c.search, teamPages(t, s, f, 9), want)
		wantEqual(t, "search of keys for "+c.search, keyPages(t, s, f, 9), want)
		wantEqual(t, "search of accounts for "+c.search, accountPages(t, s, f, 9), c.want)
	}
	u := plainUser("a", "ann")
	u.Name = "Renamed"
	must(t, "UpdateUser()", s.UpdateUser(t.Context(), u, time.Time{}))
	wantEqual(t, "search for the new name", userPages(t, s, engine.TenantFilter{Search: "renAMED"}, 9), []string{"a/ann"})
	wantEqual(t, "search for the old name", userPages(t, s, engine.TenantFilter{Search: "hara"}, 9), nil)
}

func pageForged(t *testing.T, d Database) {
	s := open(t, d)
	withHierarchy(t, s)
	for _, text := range []string{
		"\x00", "a/\x00", "\xff", "' or 1=1 --", "a/1/2/3", "/", "//", "a", "a/", "%", "a/%", "\U0010ffff", strings.Repeat("a", 1<<20),
		strings.Repeat("/", 1000), "a\n/1",
	} {
		for _, f := range []engine.TenantFilter{
			{}, {AccountID: text}, {TeamID: text}, {UserID: text}, {Role: engine.Role(text)}, {Search: text}, {AccountID: "a"},
		} {
			p := engine.Page{After: text}
			if _, err := s.PageAccounts(t.Context(), f, p); err != nil {
				t.Errorf("PageAccounts(%s, %s) = %v, want nil", show(f), show(p), err)
			}
			if _, err := s.PageTeams(t.Context(), f, p); err != nil {
				t.Errorf("PageTeams(%s, %s) = %v, want nil", show(f), show(p), err)
			}
			users, err := s.PageUsers(t.Context(), f, p)
			must(t, "PageUsers()", err)
			keys, err := s.PageKeys(t.Context(), f, p)
			must(t, "PageKeys()", err)
			for _, u := range users { // wherever a forged place is, the filter holds
				if f.AccountID == "a" && u.AccountID != "a" {
					t.Errorf("PageUsers(%s, %s) has a user of %q", show(f), show(p), u.AccountID)
				}
			}
			for _, k := range keys {
				if f.AccountID == "a" && k.AccountID != "a" {
					t.Errorf("PageKeys(%s, %s) has a key of %q", show(f), show(p), k.AccountID)
				}
			}
		}
	}
	users, err := s.PageUsers(t.Context(), engine.TenantFilter{}, engine.Page{After: "a/2", Limit: 1})
	must(t, "PageUsers()", err)
	if len(users) != 1 || users[0].AccountID != "a" || users[0].ID != "3" {
		t.Errorf("PageUsers(after a/2) = %s, want a/3", show(users))
	}
}
