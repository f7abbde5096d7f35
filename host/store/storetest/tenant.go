package storetest

import (
	"testing"

	"github.com/pointsman/pointsman/engine"
)

var tenantTests = []test{
	{"keeps accounts", accountKeep},
	{"keeps users, in order, with their account", userKeep},
}

func accountKeep(t *testing.T, d Database) {
	s := open(t, d)
	a := engine.Account{ID: "acme", Name: "Acme", CreatedAt: finest(1)}
	must(t, "CreateAccount()", s.CreateAccount(t.Context(), a))
	got, err := s.GetAccount(t.Context(), "acme")
	must(t, "GetAccount()", err)
	a.CreatedAt = at(1)
	wantEqual(t, "GetAccount()", got, a)
	wantErr(t, "CreateAccount() again", s.CreateAccount(t.Context(), engine.Account{ID: "acme", Name: "x"}), engine.ErrConflict)
	wantInvalid(t, "CreateAccount() without id", s.CreateAccount(t.Context(), engine.Account{}), "id")
	for _, id := range []string{"", "ACME", "acme "} {
		_, err = s.GetAccount(t.Context(), id)
		wantErr(t, "GetAccount("+id+")", err, engine.ErrNotFound)
	}
}

func userKeep(t *testing.T, d Database) {
	s := open(t, d)
	want := []engine.User{
		{AccountID: "a", ID: "1", Role: engine.RoleUser, CreatedAt: at(9)},
		{AccountID: "a", ID: "2", TeamID: "ops", Name: "Ann", Role: engine.RoleSuperAdmin, CreatedAt: at(1)},
		{AccountID: "b", ID: "1", Role: engine.RoleTeamLead, CreatedAt: at(0)},
	}
	wantErr(t, "CreateUser() without its account", s.CreateUser(t.Context(), want[0]), engine.ErrNotFound)
	for _, id := range []string{"a", "b"} {
		must(t, "CreateAccount()", s.CreateAccount(t.Context(), engine.Account{ID: id}))
	}
	for _, i := range []int{2, 1, 0} {
		must(t, "CreateUser()", s.CreateUser(t.Context(), want[i]))
	}
	got, err := s.ListUsers(t.Context())
	must(t, "ListUsers()", err)
	wantEqual(t, "ListUsers()", got, want)
	wantErr(t, "CreateUser() again", s.CreateUser(t.Context(), want[0]), engine.ErrConflict)
	wantInvalid(t, "CreateUser() of no role", s.CreateUser(t.Context(), engine.User{AccountID: "a", ID: "3"}), "role")
	wantInvalid(t, "CreateUser() of no account", s.CreateUser(t.Context(), engine.User{ID: "3", Role: engine.RoleUser}), "account_id")
}
