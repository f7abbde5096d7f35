package storetest

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var hierarchyTests = []test{
	{"updates an account", accountUpdate},
	{"keeps and updates teams, in order", teamKeep},
	{"updates a user", userUpdate},
	{"updates what a key may have changed", keyUpdate},
	{"rotates a key wholly or not at all", keyRotate},
	{"an update refuses a stale writer", hierarchyStale},
	{"a row that was deleted keeps its id", hierarchyDelete},
	{"refuses what no row may be", hierarchyInvalid},
}

func plainAccount(id string) engine.Account {
	return engine.Account{ID: id, Name: id, CreatedAt: at(0), UpdatedAt: at(0)}
}

func plainTeam(account, id string) engine.Team {
	return engine.Team{AccountID: account, ID: id, Name: id, CreatedAt: at(0), UpdatedAt: at(0)}
}

func plainUser(account, id string) engine.User {
	return engine.User{AccountID: account, ID: id, Name: id, Role: engine.RoleUser, CreatedAt: at(0), UpdatedAt: at(0)}
}

func accountUpdate(t *testing.T, d Database) {
	s := open(t, d)
	for _, id := range []string{"b", "B", "a"} {
		must(t, "CreateAccount()", s.CreateAccount(t.Context(), plainAccount(id)))
	}
	next := engine.Account{ID: "b", Name: "Bé", CreatedAt: at(9), UpdatedAt: finest(1), SuspendedAt: finest(2), DeletedAt: finest(3)}
	must(t, "UpdateAccount()", s.UpdateAccount(t.Context(), next, finest(0)))
	want := engine.Account{ID: "b", Name: "Bé", CreatedAt: at(0), UpdatedAt: at(1), SuspendedAt: at(2), DeletedAt: at(3)}
	got, err := s.ListAccounts(t.Context())
	must(t, "ListAccounts()", err)
	wantEqual(t, "ListAccounts()", got, []engine.Account{plainAccount("B"), plainAccount("a"), want})
	one, err := s.GetAccount(t.Context(), "b")
	must(t, "GetAccount()", err)
	wantEqual(t, "GetAccount()", one, want)
	must(t, "UpdateAccount() back", s.UpdateAccount(t.Context(), plainAccount("b"), at(1)))
	one, err = s.GetAccount(t.Context(), "b")
	must(t, "GetAccount()", err)
	wantEqual(t, "GetAccount() after UpdateAccount() back", one, plainAccount("b"))
}

func teamKeep(t *testing.T, d Database) {
	s := open(t, d)
	wantErr(t, "CreateTeam() without its account", s.CreateTeam(t.Context(), plainTeam("a", "t")), engine.ErrNotFound)
	must(t, "CreateAccount()", s.CreateAccount(t.Context(), plainAccount("a")))
	must(t, "CreateAccount()", s.CreateAccount(t.Context(), plainAccount("b")))
	want := []engine.Team{plainTeam("a", "Z"), plainTeam("a", "t"), plainTeam("b", "t")}
	for _, i := range []int{2, 1, 0} {
		must(t, "CreateTeam()", s.CreateTeam(t.Context(), want[i]))
	}
	wantErr(t, "CreateTeam() again", s.CreateTeam(t.Context(), plainTeam("a", "t")), engine.ErrConflict)
	next := engine.Team{AccountID: "a", ID: "t", Name: "n", CreatedAt: at(9), UpdatedAt: finest(1), DeletedAt: finest(2)}
	must(t, "UpdateTeam()", s.UpdateTeam(t.Context(), next, at(0)))
	want[1] = engine.Team{AccountID: "a", ID: "t", Name: "n", CreatedAt: at(0), UpdatedAt: at(1), DeletedAt: at(2)}
	got, err := s.ListTeams(t.Context())
	must(t, "ListTeams()", err)
	wantEqual(t, "ListTeams()", got, want)
}

func userUpdate(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateAccount()", s.CreateAccount(t.Context(), plainAccount("a")))
	must(t, "CreateUser()", s.CreateUser(t.Context(), plainUser("a", "u")))
	other := plainUser("a", "v")
	other.SuspendedAt, other.DeletedAt = at(5), at(6)
	must(t, "CreateUser()", s.CreateUser(t.Context(), other))
	next := engine.User{
		AccountID: "a", ID: "u", TeamID: "t", Name: "n", Role: engine.RoleTeamLead, CreatedAt: at(9), UpdatedAt: at(1),
		SuspendedAt: finest(2), DeletedAt: finest(3),
	}
	must(t, "UpdateUser()", s.UpdateUser(t.Context(), next, at(0)))
	next.CreatedAt, next.SuspendedAt, next.DeletedAt = at(0), at(2), at(3)
	got, err := s.ListUsers(t.Context())
	must(t, "ListUsers()", err)
	wantEqual(t, "ListUsers()", got, []engine.User{next, other})
}

func keyUpdate(t *testing.T, d Database) {
	s := open(t, d)
	withUsers(t, s)
	must(t, "CreateKey()", s.CreateKey(t.Context(), plainKey("a", "k", 1)))
	must(t, "CreateKey()", s.CreateKey(t.Context(), plainKey("b", "k", 2)))
	next := plainKey("a", "k", 9)
	next.UserID, next.Prefix, next.Name, next.CreatedAt, next.RevokedAt = "stranger", "p", "n", at(9), at(9)
	next.Scopes, next.ExpiresAt, next.RotatedTo, next.UpdatedAt = engine.AllScopes, finest(7), "x", finest(1)
	must(t, "UpdateKey()", s.UpdateKey(t.Context(), next, at(0)))
	want := plainKey("a", "k", 1) // whose it is, what opens it and whether it is revoked stay
	want.Name, want.Scopes, want.ExpiresAt, want.RotatedTo, want.UpdatedAt = "n", engine.AllScopes, at(7), "x", at(1)
	wantKeys(t, s, want, plainKey("b", "k", 2))
	for scopes := engine.Scopes(1); scopes <= engine.AllScopes; scopes++ {
		want.Scopes = scopes
		must(t, "UpdateKey()", s.UpdateKey(t.Context(), want, time.Time{}))
		wantKeys(t, s, want, plainKey("b", "k", 2))
	}
}

func wantKeys(t *testing.T, s engine.Store, want ...engine.Key) {
	t.Helper()
	got, err := s.ListKeys(t.Context())
	must(t, "ListKeys()", err)
	wantEqual(t, "ListKeys()", got, want)
}

func keyRotate(t *testing.T, d Database) {
	s := open(t, d)
	withUsers(t, s)
	old, next := plainKey("a", "k", 1), plainKey("a", "l", 2)
	must(t, "CreateKey()", s.CreateKey(t.Context(), old))
	must(t, "CreateKey()", s.CreateKey(t.Context(), plainKey("b", "m", 3)))
	was := revision(t, s)
	rotated := old
	rotated.RotatedTo, rotated.ExpiresAt, rotated.UpdatedAt = "l", at(100), at(1)
	taken := next
	taken.Digest = plainKey("b", "m", 3).Digest
	wantErr(t, "RotateKey() to a digest that exists", s.RotateKey(t.Context(), rotated, taken, at(0)), engine.ErrConflict)
	wantErr(t, "RotateKey() of a stale version", s.RotateKey(t.Context(), rotated, next, at(5)), engine.ErrConflict)
	none := rotated
	none.ID = "none"
	wantErr(t, "RotateKey() of none", s.RotateKey(t.Context(), none, next, time.Time{}), engine.ErrNotFound)
	wantKeys(t, s, old, plainKey("b", "m", 3))
	wantRevision(t, s, was, 0)

	must(t, "RotateKey()", s.RotateKey(t.Context(), rotated, next, at(0)))
	wantKeys(t, s, rotated, next, plainKey("b", "m", 3))
	wantRevision(t, s, was, 1)

	foreign := plainKey("b", "n", 4)
	rotated.RotatedTo = "n"
	wantInvalid(t, "RotateKey() into another account", s.RotateKey(t.Context(), rotated, foreign, time.Time{}), "user_id")
	other := plainKey("a", "n", 4)
	other.UserID = "v"
	wantInvalid(t, "RotateKey() to another user", s.RotateKey(t.Context(), rotated, other, time.Time{}), "user_id")
	wantInvalid(t, "RotateKey() to another id", s.RotateKey(t.Context(), rotated, plainKey("a", "o", 4), time.Time{}), "rotated_to")
}

func hierarchyStale(t *testing.T, d Database) {
	s := open(t, d)
	withUsers(t, s)
	must(t, "CreateAccount()", s.CreateAccount(t.Context(), plainAccount("c")))
	must(t, "CreateTeam()", s.CreateTeam(t.Context(), plainTeam("c", "t")))
	must(t, "CreateUser()", s.CreateUser(t.Context(), plainUser("c", "u")))
	must(t, "CreateKey()", s.CreateKey(t.Context(), plainKey("c", "k", 1)))
	for _, c := range []struct {
		name   string
		update func(id string, updated, was time.Time) error
	}{
		{"UpdateAccount", func(id string, updated, was time.Time) error {
			if id == "x" {
				return s.UpdateAccount(t.Context(), plainAccount("x"), was)
			}
			return s.UpdateAccount(t.Context(), engine.Account{ID: "c", UpdatedAt: updated}, was)
		}},
		{"UpdateTeam", func(id string, updated, was time.Time) error {
			return s.UpdateTeam(t.Context(), engine.Team{AccountID: "c", ID: cmp.Or(id, "t"), UpdatedAt: updated}, was)
		}},
		{"UpdateUser", func(id string, updated, was time.Time) error {
			return s.UpdateUser(t.Context(), engine.User{AccountID: "c", ID: cmp.Or(id, "u"), Role: engine.RoleUser, UpdatedAt: updated}, was)
		}},
		{"UpdateKey", func(id string, updated, was time.Time) error {
			return s.UpdateKey(t.Context(), engine.Key{AccountID: "c", ID: cmp.Or(id, "k"), Scopes: engine.ScopeRead, UpdatedAt: updated}, was)
		}},
	} {
		must(t, c.name+"()", c.update("", at(5), finest(0))) // compared as stored: in milliseconds
		was := revision(t, s)
		wantErr(t, c.name+"() of an older version", c.update("", at(6), at(0)), engine.ErrConflict)
		wantErr(t, c.name+"() of none", c.update("x", at(6), time.Time{}), engine.ErrNotFound)
		wantErr(t, c.name+"() of none, versioned", c.update("x", at(6), at(5)), engine.ErrNotFound)
		wantRevision(t, s, was, 0)
		must(t, c.name+"() unchecked", c.update("", at(7), time.Time{}))
		must(t, c.name+"() of the newest version", c.update("", at(8), at(7)))
	}
	// A revocation is a change too, but the second one is none.
	must(t, "RevokeKey()", s.RevokeKey(t.Context(), "c", "k", at(9)))
	must(t, "RevokeKey() again", s.RevokeKey(t.Context(), "c", "k", at(10)))
	key := engine.Key{AccountID: "c", ID: "k", Scopes: engine.ScopeRead, UpdatedAt: at(11)}
	wantErr(t, "UpdateKey() of a key that was revoked since", s.UpdateKey(t.Context(), key, at(8)), engine.ErrConflict)
	must(t, "UpdateKey() of the revoked version", s.UpdateKey(t.Context(), key, at(9)))
}

func hierarchyDelete(t *testing.T, d Database) {
	s := open(t, d)
	withUsers(t, s)
	must(t, "CreateKey()", s.CreateKey(t.Context(), plainKey("a", "k", 1)))
	must(t, "CreateTeam()", s.CreateTeam(t.Context(), plainTeam("a", "t")))
	account := plainAccount("a")
	account.DeletedAt = at(5)
	must(t, "UpdateAccount()", s.UpdateAccount(t.Context(), account, time.Time{}))
	team := plainTeam("a", "t")
	team.DeletedAt = at(5)
	must(t, "UpdateTeam()", s.UpdateTeam(t.Context(), team, time.Time{}))
	user := plainUser("a", "u")
	user.DeletedAt = at(5)
	must(t, "UpdateUser()", s.UpdateUser(t.Context(), user, time.Time{}))
	wantErr(t, "CreateAccount() of a deleted id", s.CreateAccount(t.Context(), plainAccount("a")), engine.ErrConflict)
	wantErr(t, "CreateTeam() of a deleted id", s.CreateTeam(t.Context(), plainTeam("a", "t")), engine.ErrConflict)
	wantErr(t, "CreateUser() of a deleted id", s.CreateUser(t.Context(), plainUser("a", "u")), engine.ErrConflict)
	got, err := s.GetAccount(t.Context(), "a")
	must(t, "GetAccount()", err)
	wantEqual(t, "GetAccount().DeletedAt", got.DeletedAt, at(5))
	wantKeys(t, s, plainKey("a", "k", 1))
}

func hierarchyInvalid(t *testing.T, d Database) {
	s := open(t, d)
	withUsers(t, s)
	must(t, "CreateKey()", s.CreateKey(t.Context(), plainKey("a", "k", 1)))
	was := revision(t, s)
	far := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, param string
		change      func(*engine.Key)
	}{
		{"no scopes", "scopes", func(k *engine.Key) { k.Scopes = 0 }},
		{"unknown scopes", "scopes", func(k *engine.Key) { k.Scopes = engine.AllScopes + 1 }},
		{"odd name", "name", func(k *engine.Key) { k.Name = "\xff" }},
		{"odd successor", "rotated_to", func(k *engine.Key) { k.RotatedTo = "\x00" }},
		{"year 10,000", "expires_at", func(k *engine.Key) { k.ExpiresAt = far }},
		{"no id", "id", func(k *engine.Key) { k.ID = "" }},
		{"no account", "account_id", func(k *engine.Key) { k.AccountID = "" }},
	} {
		k := plainKey("a", "k", 2)
		c.change(&k)
		wantInvalid(t, c.name+": CreateKey()", s.CreateKey(t.Context(), k), c.param)
		wantInvalid(t, c.name+": UpdateKey()", s.UpdateKey(t.Context(), k, time.Time{}), c.param)
		wantInvalid(t, c.name+": RotateKey()", s.RotateKey(t.Context(), k, plainKey("a", "l", 3), time.Time{}), c.param)
	}
	roleless := plainKey("a", "k", 2)
	roleless.Role = "emperor"
	wantInvalid(t, "CreateKey() of no role", s.CreateKey(t.Context(), roleless), "role")
	wantInvalid(t, "UpdateAccount() without id", s.UpdateAccount(t.Context(), engine.Account{}, time.Time{}), "id")
	wantInvalid(t, "UpdateAccount() far off", s.UpdateAccount(t.Context(), engine.Account{ID: "a", SuspendedAt: far}, time.Time{}), "suspended_at")
	wantInvalid(t, "UpdateUser() of no role", s.UpdateUser(t.Context(), engine.User{AccountID: "a", ID: "u"}, time.Time{}), "role")
	for _, team := range []struct {
		param string
		team  engine.Team
	}{
		{"account_id", engine.Team{ID: "t"}},
		{"id", engine.Team{AccountID: "a"}},
		{"id", engine.Team{AccountID: "a", ID: strings.Repeat("x", 256)}},
		{"name", engine.Team{AccountID: "a", ID: "t", Name: "\x00"}},
		{"deleted_at", engine.Team{AccountID: "a", ID: "t", DeletedAt: far}},
	} {
		wantInvalid(t, "CreateTeam()", s.CreateTeam(t.Context(), team.team), team.param)
		wantInvalid(t, "UpdateTeam()", s.UpdateTeam(t.Context(), team.team, time.Time{}), team.param)
	}
	wantRevision(t, s, was, 0)
}
