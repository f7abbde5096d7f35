package storetest

import (
	"bytes"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

var keyTests = []test{
	{"keeps keys, in order", keyKeep},
	{"a digest is one key's in all accounts", keyDigest},
	{"revokes once", keyRevoke},
}

func plainKey(account, id string, digest byte) engine.Key {
	return engine.Key{AccountID: account, ID: id, UserID: "u", Digest: bytes.Repeat([]byte{digest}, 32), Scopes: engine.ScopeInference, Role: engine.RoleUser, CreatedAt: at(0), UpdatedAt: at(0)}
}

// withUsers makes the accounts a and b with a user u each.
func withUsers(t *testing.T, s engine.Store) {
	t.Helper()
	for _, id := range []string{"a", "b"} {
		must(t, "CreateAccount()", s.CreateAccount(t.Context(), engine.Account{ID: id}))
		must(t, "CreateUser()", s.CreateUser(t.Context(), engine.User{AccountID: id, ID: "u", Role: engine.RoleUser}))
	}
}

func keyKeep(t *testing.T, d Database) {
	s := open(t, d)
	withUsers(t, s)
	full := plainKey("a", "z", 0)
	full.Name, full.Prefix, full.ExpiresAt, full.RevokedAt = "ci", "pm_abc", at(5), at(6)
	young := plainKey("a", "a", 255)
	young.CreatedAt = at(1)
	want := []engine.Key{full, young, plainKey("b", "k", 7)}
	for _, i := range []int{2, 1} {
		must(t, "CreateKey()", s.CreateKey(t.Context(), want[i]))
	}
	fine := full
	fine.CreatedAt, fine.ExpiresAt, fine.RevokedAt = finest(0), finest(5), finest(6)
	must(t, "CreateKey()", s.CreateKey(t.Context(), fine))
	got, err := s.ListKeys(t.Context())
	must(t, "ListKeys()", err)
	wantEqual(t, "ListKeys()", got, want)
}

func keyDigest(t *testing.T, d Database) {
	s := open(t, d)
	withUsers(t, s)
	must(t, "CreateKey()", s.CreateKey(t.Context(), plainKey("a", "k", 1)))
	wantErr(t, "CreateKey() of the same digest", s.CreateKey(t.Context(), plainKey("a", "other", 1)), engine.ErrConflict)
	wantErr(t, "CreateKey() of the same digest in another account", s.CreateKey(t.Context(), plainKey("b", "k", 1)), engine.ErrConflict)
	wantErr(t, "CreateKey() of the same id", s.CreateKey(t.Context(), plainKey("a", "k", 2)), engine.ErrConflict)
	must(t, "CreateKey() of the same id in another account", s.CreateKey(t.Context(), plainKey("b", "k", 2)))
	short := plainKey("a", "short", 3)
	short.Digest = short.Digest[:31]
	wantInvalid(t, "CreateKey() of a short digest", s.CreateKey(t.Context(), short), "digest")
	stranger := plainKey("a", "stranger", 4)
	stranger.UserID = "nobody"
	wantErr(t, "CreateKey() of an unknown user", s.CreateKey(t.Context(), stranger), engine.ErrNotFound)
}

func keyRevoke(t *testing.T, d Database) {
	s := open(t, d)
	withUsers(t, s)
	must(t, "CreateKey()", s.CreateKey(t.Context(), plainKey("a", "k", 1)))
	must(t, "CreateKey()", s.CreateKey(t.Context(), plainKey("b", "k", 2)))
	must(t, "RevokeKey()", s.RevokeKey(t.Context(), "a", "k", finest(3)))
	must(t, "RevokeKey() again", s.RevokeKey(t.Context(), "a", "k", at(9)))
	wantErr(t, "RevokeKey() of none", s.RevokeKey(t.Context(), "a", "none", at(9)), engine.ErrNotFound)
	got, err := s.ListKeys(t.Context())
	must(t, "ListKeys()", err)
	revoked := plainKey("a", "k", 1)
	revoked.RevokedAt, revoked.UpdatedAt = at(3), at(3)
	wantEqual(t, "ListKeys()", got, []engine.Key{revoked, plainKey("b", "k", 2)})
}
