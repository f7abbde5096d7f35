package tenancy

import (
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// What cannot be looked up is neither right nor wrong.
func TestAgeOfKeys(t *testing.T) {
	t.Parallel()
	k, _, secret := open(t)
	unknown := newKey()
	for _, c := range []struct {
		name                   string
		age                    Age
		wantKnown, wantUnknown engine.Code
	}{
		{"fresh", Fresh, "", engine.CodeUnauthorized},
		{"old", Old, "", engine.CodeDatabaseUnavailable},
		{"stale", Stale, engine.CodeDatabaseUnavailable, engine.CodeDatabaseUnavailable},
		{"fresh again", Fresh, "", engine.CodeUnauthorized},
	} {
		k.SetAge(c.age)
		for _, p := range []struct {
			name, key string
			want      engine.Code
		}{
			{"a key in the snapshot", secret, c.wantKnown},
			{"a key that is not", unknown, c.wantUnknown},
			{"no key at all", "pm_nonsense", engine.CodeUnauthorized},
		} {
			_, err := k.Authenticate(p.key, testNow)
			if got := engine.CodeOf(err); got != p.want {
				t.Errorf("%s: Authenticate(%s) = %q, want %q", c.name, p.name, got, p.want)
			}
			if f, ok := err.(*engine.Error); ok && f.Code == engine.CodeDatabaseUnavailable && f.After <= 0 {
				t.Errorf("%s: Authenticate(%s) does not say when to come again", c.name, p.name)
			}
		}
		snapshot := k.snapshot.Load()
		for _, h := range snapshot.held.All() {
			_, known, err := k.holder(h.principal.AccountID, h.principal.KeyID, testNow)
			if got := engine.CodeOf(err); got != c.wantKnown || known != (c.wantKnown == "") {
				t.Errorf("%s: holder() = %q, known: %t, want %q", c.name, got, known, c.wantKnown)
			}
		}
		_, known, err := k.holder("nobody", "x", testNow)
		if got := engine.CodeOf(err); got != c.wantUnknown || known {
			t.Errorf("%s: holder() of an unknown key = %q, known: %t, want %q", c.name, got, known, c.wantUnknown)
		}
	}
}
