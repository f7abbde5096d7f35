package tenancy

import (
	"errors"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// A key opens so many sessions a minute, from wherever; the next one writes nothing. Other keys
// are not concerned.
func TestLoginOften(t *testing.T) {
	t.Parallel()
	d, secret := openDesk(t)
	ctx := t.Context()
	p, err := d.keys.Authenticate(secret, testNow)
	must(t, err)
	_, second, err := d.keys.CreateKey(ctx, p, engine.Key{AccountID: p.AccountID, UserID: p.UserID, Name: "second", Scopes: engine.ScopeRead})
	must(t, err)
	for i := range engine.MaxLogins {
		if _, err := d.Login(ctx, secret, []string{"192.0.2.1", "192.0.2.2"}[i%2], false); err != nil {
			t.Fatalf("Login() number %d = %v, want a session", i+1, err)
		}
	}
	d.now = d.now.Add(20 * time.Second)
	_, err = d.Login(ctx, secret, "192.0.2.3", false)
	if e := new(engine.Error); !errors.As(err, &e) || e.Code != engine.CodeRateLimited || e.After != 40*time.Second || d.store.creates != engine.MaxLogins {
		t.Errorf("Login() once more = %v with %d rows, want CodeRateLimited for 40s", err, d.store.creates)
	}
	if _, err := d.Login(ctx, second, "192.0.2.3", false); err != nil {
		t.Errorf("Login() with another key = %v, want a session", err)
	}
	d.now = d.now.Add(40 * time.Second)
	if _, err := d.Login(ctx, secret, "192.0.2.3", false); err != nil {
		t.Errorf("Login() a minute later = %v, want a session", err)
	}
}

// Others' failures behind one address do not keep out a made key that is right: nobody can guess
// one. A chosen key waits, right or wrong, and so does whatever made key is wrong.
func TestLoginBehindProxy(t *testing.T) {
	t.Parallel()
	const chosen = "an-admin-key-of-24-chars"
	s := newStore(t)
	k := NewKeys(s, testPepper).WithClock(func() time.Time { return testNow })
	_, err := k.Bootstrap(t.Context(), chosen, testNow)
	must(t, err)
	d := &loginDesk{keys: k, store: &loginCounter{LoginStore: s.(LoginStore)}, now: testNow}
	d.Logins = d.replica(t, k)
	ctx := t.Context()
	p, err := k.Authenticate(chosen, testNow)
	must(t, err)
	_, made, err := k.CreateKey(ctx, p, engine.Key{AccountID: p.AccountID, UserID: p.UserID, Name: "made", Scopes: engine.ScopeRead})
	must(t, err)
	_, unreading, err := k.CreateKey(ctx, p, engine.Key{AccountID: p.AccountID, UserID: p.UserID, Name: "no read", Scopes: engine.ScopeInference})
	must(t, err)
	revoked, ended, err := k.CreateKey(ctx, p, engine.Key{AccountID: p.AccountID, UserID: p.UserID, Name: "ended", Scopes: engine.ScopeRead})
	must(t, err)
	must(t, k.RevokeKey(ctx, p, p.AccountID, revoked.ID))
	for range guardFree {
		if _, err := d.Login(ctx, "pm_wrong", "192.0.2.1", false); err != error(errUnauthorized) {
			t.Fatalf("Login(pm_wrong) = %v, want the constant error", err)
		}
	}
	for _, c := range []struct {
		name, key string
		want      engine.Code
	}{
		{"a made key", made, ""},
		{"a made key that may not read", unreading, engine.CodeForbidden},
		{"a made key that was revoked", ended, engine.CodeRateLimited},
		{"a made key of nobody", newKey(), engine.CodeRateLimited},
		{"a chosen key", chosen, engine.CodeRateLimited},
		{"a wrong key, after a right one", "pm_wrong", engine.CodeRateLimited},
	} {
		if _, err := d.Login(ctx, c.key, "192.0.2.1", false); engine.CodeOf(err) != c.want {
			t.Errorf("%s: Login() = %v, want code %q", c.name, err, c.want)
		}
	}
}
