package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var credentialTests = []test{
	{"keeps every member, in order", credentialRoundTrip},
	{"is created once, changed as it was seen, deleted once", credentialChange},
	{"refuses what no row may be", credentialInvalid},
	{"belongs to a provider", credentialOrphan},
}

func plainCredential(account, provider, id string, n int64) engine.StoredCredential {
	return engine.StoredCredential{
		AccountID: account, ProviderID: provider, ID: id, Weight: 1, Sealed: []byte{0, 1, 255}, SealKey: "k",
		Version: 1, CreatedAt: at(n), UpdatedAt: at(n),
	}
}

// withProvider makes provider p of the accounts.
func withProvider(t *testing.T, s engine.Store, accounts ...string) {
	t.Helper()
	for _, account := range accounts {
		must(t, "CreateProvider()", s.CreateProvider(t.Context(), engine.Provider{AccountID: account, ID: "p"}))
	}
}

func wantCredentials(t *testing.T, s engine.Store, want ...engine.StoredCredential) {
	t.Helper()
	got, err := s.ListCredentials(t.Context())
	must(t, "ListCredentials()", err)
	wantEqual(t, "ListCredentials()", got, want)
}

func credentialRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	withProvider(t, s, "", "acme")
	full := engine.StoredCredential{
		AccountID: "acme", ProviderID: "p", ID: "b", Name: "the second \U0001f511", Hint: "ab12", Weight: engine.MaxWeight, Enabled: true,
		Sealed: []byte("\x00\xffsealed"), SealKey: "key-1", Version: 1 << 40, CreatedAt: finest(1), UpdatedAt: finest(2),
	}
	want := full
	want.CreatedAt, want.UpdatedAt = at(1), at(2)
	for _, c := range []engine.StoredCredential{full, plainCredential("acme", "p", "z", 0), plainCredential("", "p", "b", 5), plainCredential("", "p", "a", 5)} {
		must(t, "CreateCredential()", s.CreateCredential(t.Context(), c))
	}
	wantCredentials(t, s, plainCredential("", "p", "a", 5), plainCredential("", "p", "b", 5), plainCredential("acme", "p", "z", 0), want)
}

func credentialChange(t *testing.T, d Database) {
	s := open(t, d)
	withProvider(t, s, "acme")
	c := plainCredential("acme", "p", "a", 1)
	must(t, "CreateCredential()", s.CreateCredential(t.Context(), c))
	wantErr(t, "CreateCredential() again", s.CreateCredential(t.Context(), c), engine.ErrConflict)
	next := c
	next.Name, next.Hint, next.Weight, next.Enabled, next.Sealed, next.SealKey, next.Version = "n", "h", 7, true, []byte("other"), "k2", 2
	next.CreatedAt, next.UpdatedAt = at(8), at(9)
	wantErr(t, "UpdateCredential() of a stale row", s.UpdateCredential(t.Context(), next, at(2)), engine.ErrConflict)
	must(t, "UpdateCredential()", s.UpdateCredential(t.Context(), next, at(1)))
	next.CreatedAt = at(1)
	wantCredentials(t, s, next)
	must(t, "UpdateCredential() unchecked", s.UpdateCredential(t.Context(), c, time.Time{}))
	wantCredentials(t, s, c)
	wantErr(t, "UpdateCredential() of none", s.UpdateCredential(t.Context(), plainCredential("acme", "p", "b", 1), time.Time{}), engine.ErrNotFound)
	wantErr(t, "DeleteCredential() of another account", s.DeleteCredential(t.Context(), "", "p", "a"), engine.ErrNotFound)
	wantErr(t, "DeleteCredential() of an impossible key", s.DeleteCredential(t.Context(), "acme", "p", "\x00"), engine.ErrNotFound)
	must(t, "DeleteCredential()", s.DeleteCredential(t.Context(), "acme", "p", "a"))
	wantErr(t, "DeleteCredential() again", s.DeleteCredential(t.Context(), "acme", "p", "a"), engine.ErrNotFound)
}

func credentialInvalid(t *testing.T, d Database) {
	s := open(t, d)
	withProvider(t, s, "")
	was := revision(t, s)
	for _, c := range []struct {
		param  string
		change func(*engine.StoredCredential)
	}{
		{"id", func(c *engine.StoredCredential) { c.ID = "" }},
		{"provider_id", func(c *engine.StoredCredential) { c.ProviderID = "" }},
		{"name", func(c *engine.StoredCredential) { c.Name = "a\x00" }},
		{"weight", func(c *engine.StoredCredential) { c.Weight = 0 }},
		{"weight", func(c *engine.StoredCredential) { c.Weight = engine.MaxWeight + 1 }},
		{"secret", func(c *engine.StoredCredential) { c.Sealed = nil }},
		{"secret", func(c *engine.StoredCredential) { c.Version = 0 }},
	} {
		k := plainCredential("", "p", "a", 0)
		c.change(&k)
		wantInvalid(t, "CreateCredential()", s.CreateCredential(t.Context(), k), c.param)
		wantInvalid(t, "UpdateCredential()", s.UpdateCredential(t.Context(), k, time.Time{}), c.param)
	}
	wantRevision(t, s, was, 0)
}

func credentialOrphan(t *testing.T, d Database) {
	s := open(t, d)
	withProvider(t, s, "")
	was := revision(t, s)
	wantErr(t, "CreateCredential() of no provider", s.CreateCredential(t.Context(), plainCredential("acme", "p", "a", 0)), engine.ErrNotFound)
	wantRevision(t, s, was, 0)
}
