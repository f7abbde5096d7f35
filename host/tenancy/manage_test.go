package tenancy

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// people of two accounts: every role, two teams.
var people = []engine.User{
	{AccountID: "acme", ID: "boss", Name: "boss", Role: engine.RoleAccountAdmin},
	{AccountID: "acme", ID: "boss2", Name: "boss2", Role: engine.RoleAccountAdmin},
	{AccountID: "acme", ID: "lead", TeamID: "red", Name: "lead", Role: engine.RoleTeamLead},
	{AccountID: "acme", ID: "lead2", TeamID: "red", Name: "lead2", Role: engine.RoleTeamLead},
	{AccountID: "acme", ID: "user", TeamID: "red", Name: "user", Role: engine.RoleUser},
	{AccountID: "acme", ID: "blue", TeamID: "blue", Name: "blue", Role: engine.RoleUser},
	{AccountID: "acme", ID: "free", Name: "free", Role: engine.RoleUser},
	{AccountID: "acme", ID: "freelead", Name: "freelead", Role: engine.RoleTeamLead},
	{AccountID: "rival", ID: "user", TeamID: "red", Name: "user", Role: engine.RoleUser},
	{AccountID: "rival", ID: "boss", Name: "boss", Role: engine.RoleAccountAdmin},
}

func principal(u engine.User) engine.Principal {
	return engine.Principal{AccountID: u.AccountID, TeamID: u.TeamID, UserID: u.ID, Role: u.Role, Scopes: engine.AllScopes}
}

func person(account, id string) engine.User {
	i := slices.IndexFunc(people, func(u engine.User) bool { return u.AccountID == account && u.ID == id })
	return people[i]
}

// populate adds the people to the store.
func populate(t *testing.T, s Store) {
	t.Helper()
	for _, a := range []string{"acme", "rival"} {
		must(t, s.CreateAccount(t.Context(), engine.Account{ID: a, Name: a, CreatedAt: testNow}))
	}
	for _, u := range people {
		u.CreatedAt = testNow
		must(t, s.CreateUser(t.Context(), u))
	}
}

// TestManages is the hierarchy: each manages its own level and below.
func TestManages(t *testing.T) {
	t.Parallel()
	admin := engine.User{AccountID: engine.DefaultAccount, ID: BootstrapUser, Role: engine.RoleSuperAdmin}
	everybody := append(slices.Clone(people), admin)
	for _, c := range []struct {
		name string
		who  engine.Principal
		want []string // account/user
	}{
		{"nobody", engine.Principal{}, nil},
		{"unknown role", engine.Principal{AccountID: "acme", UserID: "boss", Role: "owner"}, nil},
		{"super admin", principal(admin), []string{"acme/boss", "acme/boss2", "acme/lead", "acme/lead2", "acme/user", "acme/blue", "acme/free", "acme/freelead", "rival/user", "rival/boss", "default/admin"}},
		{"account admin", principal(person("acme", "boss")), []string{"acme/boss", "acme/boss2", "acme/lead", "acme/lead2", "acme/user", "acme/blue", "acme/free", "acme/freelead"}},
		{"team lead", principal(person("acme", "lead")), []string{"acme/lead", "acme/lead2", "acme/user"}},
		{"team lead without a team", principal(person("acme", "freelead")), []string{"acme/freelead"}},
		{"user", principal(person("acme", "user")), []string{"acme/user"}},
		{"user without a team", principal(person("acme", "free")), []string{"acme/free"}},
		{"same id in another account", principal(person("rival", "user")), []string{"rival/user"}},
	} {
		var got []string
		for _, u := range everybody {
			if manages(c.who, u) {
				got = append(got, u.AccountID+"/"+u.ID)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s manages %v, want %v", c.name, got, c.want)
		}
	}
}

func TestCreateKey(t *testing.T) {
	t.Parallel()
	k, s, _ := open(t)
	populate(t, s)
	admin := engine.Principal{AccountID: engine.DefaultAccount, UserID: BootstrapUser, Role: engine.RoleSuperAdmin, Scopes: engine.AllScopes}
	for _, c := range []struct {
		name      string
		who       engine.Principal
		want      engine.Key
		wantOwner string
		wantCode  engine.Code
		wantParam string
	}{
		{"for oneself", principal(person("acme", "user")), engine.Key{Name: "n"}, "acme/user", "", ""},
		{"super admin for anybody", admin, engine.Key{AccountID: "rival", UserID: "boss", Name: "n"}, "rival/boss", "", ""},
		{"account admin for a user", principal(person("acme", "boss")), engine.Key{UserID: "blue", Name: "n"}, "acme/blue", "", ""},
		{"team lead for its team", principal(person("acme", "lead")), engine.Key{UserID: "user", Name: "n"}, "acme/user", "", ""},
		{"team lead for another team", principal(person("acme", "lead")), engine.Key{UserID: "blue", Name: "n"}, "", engine.CodeForbidden, ""},
		{"team lead for an admin", principal(person("acme", "lead")), engine.Key{UserID: "boss", Name: "n"}, "", engine.CodeForbidden, ""},
		{"user for another", principal(person("acme", "user")), engine.Key{UserID: "blue", Name: "n"}, "", engine.CodeForbidden, ""},
		{"account admin elsewhere", principal(person("acme", "boss")), engine.Key{AccountID: "rival", UserID: "user", Name: "n"}, "", engine.CodeNotFound, "user_id"},
		{"account admin for the super admin", principal(person("acme", "boss")), engine.Key{AccountID: engine.DefaultAccount, UserID: BootstrapUser, Name: "n"}, "", engine.CodeNotFound, "user_id"},
		{"no such user", principal(person("acme", "boss")), engine.Key{UserID: "ghost", Name: "n"}, "", engine.CodeNotFound, "user_id"},
		{"other account without a user", admin, engine.Key{AccountID: "acme", Name: "n"}, "", engine.CodeInvalid, "user_id"},
		{"nobody", engine.Principal{Scopes: engine.AllScopes}, engine.Key{Name: "n"}, "", engine.CodeNotFound, "user_id"},
		{"no name", admin, engine.Key{}, "", engine.CodeInvalid, "name"},
		{"blank name", admin, engine.Key{Name: " \t"}, "", engine.CodeInvalid, "name"},
		{"long name", admin, engine.Key{Name: strings.Repeat("ä", 129)}, "", engine.CodeInvalid, "name"},
		{"control character", admin, engine.Key{Name: "a\x1b[2J"}, "", engine.CodeInvalid, "name"},
		{"invalid UTF-8", admin, engine.Key{Name: "a\xff"}, "", engine.CodeInvalid, "name"},
		{"expired", admin, engine.Key{Name: "n", ExpiresAt: testNow}, "", engine.CodeInvalid, "expires_at"},
		{"rights in the request are ignored", principal(person("acme", "user")), engine.Key{Name: "n", ID: "mine", Digest: []byte("x"), RevokedAt: testNow}, "acme/user", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, secret, err := k.CreateKey(t.Context(), c.who, c.want)
			if engine.CodeOf(err) != c.wantCode {
				t.Fatalf("CreateKey(%+v) = %v, want code %q", c.want, err, c.wantCode)
			}
			if err != nil {
				var e *engine.Error
				if errors.As(err, &e); e.Param != c.wantParam {
					t.Errorf("CreateKey(%+v) has param %q, want %q", c.want, e.Param, c.wantParam)
				}
				if secret != "" {
					t.Error("CreateKey gave a secret with an error")
				}
				return
			}
			if got := key.AccountID + "/" + key.UserID; got != c.wantOwner || key.ID == "mine" || !key.RevokedAt.IsZero() {
				t.Errorf("CreateKey(%+v) = %+v, want a new key of %s", c.want, key, c.wantOwner)
			}
			p, err := k.Authenticate(secret, testNow)
			if err != nil || p.KeyID != key.ID || p.Role.Rank() > c.who.Role.Rank() {
				t.Errorf("Authenticate(new key) = %+v, %v, want key %s with at most role %s", p, err, key.ID, c.who.Role)
			}
		})
	}
}

func TestListKeys(t *testing.T) {
	t.Parallel()
	k, s, _ := open(t)
	populate(t, s)
	admin := engine.Principal{AccountID: engine.DefaultAccount, UserID: BootstrapUser, Role: engine.RoleSuperAdmin, Scopes: engine.AllScopes}
	for _, u := range people {
		_, _, err := k.CreateKey(t.Context(), admin, engine.Key{AccountID: u.AccountID, UserID: u.ID, Name: u.AccountID + "/" + u.ID})
		must(t, err)
	}
	for _, c := range []struct {
		name string
		who  engine.Principal
		want []string
	}{
		{"nobody", engine.Principal{}, nil},
		{"user", principal(person("acme", "user")), []string{"acme/user"}},
		{"team lead", principal(person("acme", "lead")), []string{"acme/lead", "acme/lead2", "acme/user"}},
		{"rival admin", principal(person("rival", "boss")), []string{"rival/boss", "rival/user"}},
	} {
		keys, next, err := k.ListKeys(t.Context(), c.who, engine.TenantFilter{}, engine.Page{})
		must(t, err)
		if next != "" {
			t.Errorf("ListKeys(%s) goes on at %q, want all on one page", c.name, next)
		}
		var got []string
		for _, key := range keys {
			got = append(got, key.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("ListKeys(%s) = %v, want %v", c.name, got, c.want)
		}
	}
	all, _, err := k.ListKeys(t.Context(), admin, engine.TenantFilter{}, engine.Page{})
	must(t, err)
	if len(all) != len(people)+1 {
		t.Errorf("ListKeys(super admin) = %d keys, want %d", len(all), len(people)+1)
	}
}

func TestRevokeKey(t *testing.T) {
	t.Parallel()
	k, s, adminSecret := open(t)
	populate(t, s)
	ctx := t.Context()
	admin, err := k.Authenticate(adminSecret, testNow)
	must(t, err)
	key, secret, err := k.CreateKey(ctx, admin, engine.Key{AccountID: "acme", UserID: "user", Name: "n"})
	must(t, err)
	for _, c := range []struct {
		name    string
		who     engine.Principal
		account string
		id      string
	}{
		{"unknown id", admin, "", "ghost"},
		{"wrong account", admin, "rival", key.ID},
		{"rival admin", principal(person("rival", "boss")), "acme", key.ID},
		{"team mate", principal(person("acme", "blue")), "", key.ID},
		{"nobody", engine.Principal{}, "", key.ID},
	} {
		if err := k.RevokeKey(ctx, c.who, c.account, c.id); engine.CodeOf(err) != engine.CodeNotFound {
			t.Errorf("%s: RevokeKey = %v, want CodeNotFound", c.name, err)
		}
	}
	if _, err := k.Authenticate(secret, testNow); err != nil {
		t.Fatalf("Authenticate after refused revocations = %v, want no error", err)
	}
	must(t, k.RevokeKey(ctx, principal(person("acme", "lead")), "", key.ID))
	must(t, k.RevokeKey(ctx, admin, "acme", key.ID)) // again: no change
	rows, err := s.ListKeys(ctx)
	must(t, err)
	i := slices.IndexFunc(rows, func(r engine.Key) bool { return r.ID == key.ID })
	if !rows[i].RevokedAt.Equal(testNow) {
		t.Errorf("RevokedAt = %v, want %v", rows[i].RevokedAt, testNow)
	}
}

func TestLastSuperAdminKey(t *testing.T) {
	t.Parallel()
	k, _, secret := open(t)
	ctx := t.Context()
	admin, err := k.Authenticate(secret, testNow)
	must(t, err)
	_, _, err = k.CreateKey(ctx, admin, engine.Key{Name: "expires", ExpiresAt: testNow.Add(time.Minute)})
	must(t, err)
	k.WithClock(func() time.Time { return testNow.Add(time.Hour) }) // it has expired
	if err := k.RevokeKey(ctx, admin, "", admin.KeyID); engine.CodeOf(err) != engine.CodeConflict {
		t.Errorf("RevokeKey(last super-admin key) = %v, want CodeConflict", err)
	}
	_, _, err = k.CreateKey(ctx, admin, engine.Key{Name: "second"})
	must(t, err)
	if err := k.RevokeKey(ctx, admin, "", admin.KeyID); err != nil {
		t.Errorf("RevokeKey with another key in use = %v, want no error", err)
	}
}
