package storetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

var loginTests = []test{
	{"is kept as it is", loginKept},
	{"is seen, never back", loginSeen},
	{"ends", loginEnds},
	{"a key has so many", loginTrimmed},
	{"must be whole", loginInvalid},
}

// keyed stores the users and keys that logins belong to.
func keyed(t *testing.T, s engine.Store, keys ...[2]string) {
	t.Helper()
	seen := map[string]bool{}
	for i, k := range keys {
		if !seen[k[0]] {
			seen[k[0]] = true
			must(t, "CreateAccount()", s.CreateAccount(t.Context(), engine.Account{ID: k[0], Name: k[0], CreatedAt: at(0), UpdatedAt: at(0)}))
			must(t, "CreateUser()", s.CreateUser(t.Context(), engine.User{AccountID: k[0], ID: "u", Name: "u", Role: engine.RoleUser, CreatedAt: at(0), UpdatedAt: at(0)}))
		}
		must(t, "CreateKey()", s.CreateKey(t.Context(), engine.Key{
			AccountID: k[0], ID: k[1], UserID: "u", Name: k[1], Prefix: "pm_", Digest: loginDigest(200 + i), Scopes: engine.AllScopes,
			Role: engine.RoleUser, CreatedAt: at(0), UpdatedAt: at(0),
		}))
	}
}

func loginDigest(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 32) }

func plainLogin(account, id, key string, n int) engine.Login {
	return engine.Login{AccountID: account, ID: id, KeyID: key, Digest: loginDigest(n), CreatedAt: at(int64(n)), SeenAt: at(int64(n)), ExpiresAt: at(int64(n) + 1000)}
}

func loginKept(t *testing.T, d Database) {
	s := open(t, d)
	keyed(t, s, [2]string{"acme", "k"}, [2]string{"rival", "k"})
	was := revision(t, s)
	one, other := plainLogin("acme", "a", "k", 1), plainLogin("rival", "a", "k", 2)
	one.CreatedAt, one.SeenAt, one.ExpiresAt = finest(1), finest(2), finest(3)
	for _, l := range []engine.Login{one, other} {
		must(t, "CreateLogin()", s.CreateLogin(t.Context(), l))
	}
	one.CreatedAt, one.SeenAt, one.ExpiresAt = at(1), at(2), at(3)
	for _, want := range []engine.Login{one, other} {
		got, err := s.FindLogin(t.Context(), want.Digest)
		must(t, "FindLogin()", err)
		wantEqual(t, "FindLogin()", got, want)
	}
	for _, digest := range [][]byte{nil, loginDigest(3), one.Digest[:31], append(bytes.Clone(one.Digest), 1)} {
		_, err := s.FindLogin(t.Context(), digest)
		wantErr(t, "FindLogin() of none", err, engine.ErrNotFound)
	}
	again := plainLogin("acme", "b", "k", 2)
	wantErr(t, "CreateLogin() with another's digest", s.CreateLogin(t.Context(), again), engine.ErrConflict)
	stray := plainLogin("acme", "b", "none", 9)
	wantErr(t, "CreateLogin() of no key", s.CreateLogin(t.Context(), stray), engine.ErrNotFound)
	wantRevision(t, s, was, 0)
}

func loginSeen(t *testing.T, d Database) {
	s := open(t, d)
	keyed(t, s, [2]string{"acme", "k"})
	l := plainLogin("acme", "a", "k", 1)
	must(t, "CreateLogin()", s.CreateLogin(t.Context(), l))
	for _, c := range []struct{ at, want int64 }{{50, 50}, {20, 50}, {60, 60}} {
		must(t, "SeeLogin()", s.SeeLogin(t.Context(), "acme", "a", at(c.at)))
		got, err := s.FindLogin(t.Context(), l.Digest)
		must(t, "FindLogin()", err)
		wantEqual(t, "SeenAt", got.SeenAt, at(c.want))
	}
	for _, key := range [][2]string{{"acme", "none"}, {"rival", "a"}, {"acme", ""}} {
		wantErr(t, "SeeLogin() of none", s.SeeLogin(t.Context(), key[0], key[1], at(99)), engine.ErrNotFound)
		wantErr(t, "DeleteLogin() of none", s.DeleteLogin(t.Context(), key[0], key[1]), engine.ErrNotFound)
	}
	must(t, "DeleteLogin()", s.DeleteLogin(t.Context(), "acme", "a"))
	_, err := s.FindLogin(t.Context(), l.Digest)
	wantErr(t, "FindLogin() of a deleted one", err, engine.ErrNotFound)
}

func loginEnds(t *testing.T, d Database) {
	s := open(t, d)
	keyed(t, s, [2]string{"acme", "k"}, [2]string{"rival", "k"})
	for _, l := range []engine.Login{
		{AccountID: "acme", ID: "expired", Digest: loginDigest(1), SeenAt: at(90), ExpiresAt: at(100)},
		{AccountID: "rival", ID: "idle", Digest: loginDigest(2), SeenAt: at(50), ExpiresAt: at(500)},
		{AccountID: "rival", ID: "live", Digest: loginDigest(3), SeenAt: at(51), ExpiresAt: at(101)},
	} {
		l.KeyID, l.CreatedAt = "k", at(1)
		must(t, "CreateLogin()", s.CreateLogin(t.Context(), l))
	}
	for i, want := range []int64{1, 1, 0} {
		got, err := s.DropLogins(t.Context(), at(100), at(50), 1)
		must(t, "DropLogins()", err)
		wantEqual(t, fmt.Sprintf("DropLogins() for the %d. time", i+1), got, want)
	}
	_, err := s.FindLogin(t.Context(), loginDigest(3))
	must(t, "FindLogin() of the one that is left", err)
}

func loginTrimmed(t *testing.T, d Database) {
	s := open(t, d)
	keyed(t, s, [2]string{"acme", "k"}, [2]string{"acme", "other"})
	must(t, "CreateLogin()", s.CreateLogin(t.Context(), plainLogin("acme", "other", "other", 0)))
	for n := 1; n <= engine.MaxLogins+2; n++ {
		must(t, "CreateLogin()", s.CreateLogin(t.Context(), plainLogin("acme", fmt.Sprint("l", n), "k", n)))
	}
	for n := 0; n <= engine.MaxLogins+2; n++ {
		_, err := s.FindLogin(t.Context(), loginDigest(n))
		if n == 1 || n == 2 {
			wantErr(t, fmt.Sprintf("FindLogin(%d)", n), err, engine.ErrNotFound)
		} else {
			must(t, fmt.Sprintf("FindLogin(%d)", n), err)
		}
	}
}

func loginInvalid(t *testing.T, d Database) {
	s := open(t, d)
	keyed(t, s, [2]string{"acme", "k"})
	for _, c := range []struct {
		param string
		alter func(*engine.Login)
	}{
		{"account_id", func(l *engine.Login) { l.AccountID = "a\x00" }},
		{"id", func(l *engine.Login) { l.ID = "" }},
		{"key_id", func(l *engine.Login) { l.KeyID = "" }},
		{"digest", func(l *engine.Login) { l.Digest = l.Digest[:31] }},
		{"expires_at", func(l *engine.Login) { l.ExpiresAt = at(0).AddDate(9000, 0, 0) }},
	} {
		l := plainLogin("acme", "a", "k", 1)
		c.alter(&l)
		wantInvalid(t, "CreateLogin() without "+c.param, s.CreateLogin(t.Context(), l), c.param)
	}
}
