package tenancy

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// admin is the super admin that the first start makes.
var admin = engine.Principal{AccountID: engine.DefaultAccount, UserID: BootstrapUser, Role: engine.RoleSuperAdmin, Scopes: engine.AllScopes}

// populated is open with the people in it and the services over it.
func populated(t *testing.T) (*Keys, *Accounts, *Teams, *Users) {
	t.Helper()
	k, s, _ := open(t)
	populate(t, s)
	for _, team := range []engine.Team{{AccountID: "acme", ID: "red"}, {AccountID: "acme", ID: "blue"}, {AccountID: "rival", ID: "red"}} {
		team.Name, team.CreatedAt, team.UpdatedAt = team.ID, testNow, testNow
		must(t, s.CreateTeam(t.Context(), team))
	}
	return k, NewAccounts(k), NewTeams(k), NewUsers(k)
}

// secretOf makes a key of that user.
func secretOf(t *testing.T, k *Keys, account, user string) string {
	t.Helper()
	_, secret, err := k.CreateKey(t.Context(), admin, engine.Key{AccountID: account, UserID: user, Name: "k"})
	must(t, err)
	return secret
}

// TestOutOfForce: what is suspended is told so to the holder of a right key alone; what is
// deleted is a wrong key like any other.
func TestOutOfForce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		change   func(k *Keys, a *Accounts, m *Teams, u *Users) error
		wantCode engine.Code
		wantText string
		back     func(k *Keys, a *Accounts, m *Teams, u *Users) error
	}{
		{
			"account suspended", func(_ *Keys, a *Accounts, _ *Teams, _ *Users) error {
				_, err := a.ChangeAccount(context.Background(), admin, "acme", time.Time{}, func(a *engine.Account) { a.SuspendedAt = testNow })
				return err
			}, engine.CodeForbidden, "account is suspended",
			func(_ *Keys, a *Accounts, _ *Teams, _ *Users) error {
				_, err := a.ChangeAccount(context.Background(), admin, "acme", time.Time{}, func(a *engine.Account) { a.SuspendedAt = time.Time{} })
				return err
			},
		},
		{
			"user suspended", func(_ *Keys, _ *Accounts, _ *Teams, u *Users) error {
				_, err := u.ChangeUser(context.Background(), admin, "acme", "user", time.Time{}, func(u *engine.User) { u.SuspendedAt = testNow })
				return err
			}, engine.CodeForbidden, "user is suspended",
			func(_ *Keys, _ *Accounts, _ *Teams, u *Users) error {
				_, err := u.ChangeUser(context.Background(), admin, "acme", "user", time.Time{}, func(u *engine.User) { u.SuspendedAt = time.Time{} })
				return err
			},
		},
		{
			"team deleted", func(_ *Keys, _ *Accounts, m *Teams, _ *Users) error {
				return m.DeleteTeam(context.Background(), admin, "acme", "red", time.Time{})
			}, engine.CodeUnauthorized, "Incorrect API key",
			func(_ *Keys, _ *Accounts, _ *Teams, u *Users) error {
				_, err := u.ChangeUser(context.Background(), admin, "acme", "user", time.Time{}, func(u *engine.User) { u.TeamID = "blue" })
				return err
			},
		},
		{
			"user deleted", func(_ *Keys, _ *Accounts, _ *Teams, u *Users) error {
				return u.DeleteUser(context.Background(), admin, "acme", "user", time.Time{})
			}, engine.CodeUnauthorized, "Incorrect API key", nil,
		},
		{
			"account deleted", func(_ *Keys, a *Accounts, _ *Teams, _ *Users) error {
				return a.DeleteAccount(context.Background(), admin, "acme", time.Time{})
			}, engine.CodeUnauthorized, "Incorrect API key", nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k, a, m, u := populated(t)
			secret, other := secretOf(t, k, "acme", "user"), secretOf(t, k, "rival", "user")
			must(t, c.change(k, a, m, u))
			if _, err := k.Authenticate(secret, testNow); engine.CodeOf(err) != c.wantCode || !strings.Contains(err.Error(), c.wantText) {
				t.Errorf("Authenticate = %v, want %s with %q", err, c.wantCode, c.wantText)
			}
			if _, err := k.Authenticate(newKey(), testNow); err != error(errUnauthorized) {
				t.Errorf("Authenticate(unknown key) = %v, want the constant error", err)
			}
			if _, err := k.Authenticate(other, testNow); err != nil {
				t.Errorf("Authenticate(another account's key) = %v, want no error", err)
			}
			if c.back != nil {
				must(t, c.back(k, a, m, u))
				if _, err := k.Authenticate(secret, testNow); err != nil {
					t.Errorf("Authenticate after it was taken back = %v, want no error", err)
				}
			}
		})
	}
}

// TestSuspendedRevoked: a revoked key says nothing of its account's suspension.
func TestSuspendedRevoked(t *testing.T) {
	t.Parallel()
	k, a, _, _ := populated(t)
	secret := secretOf(t, k, "acme", "user")
	p, err := k.Authenticate(secret, testNow)
	must(t, err)
	must(t, k.RevokeKey(t.Context(), admin, "", p.KeyID))
	_, err = a.ChangeAccount(t.Context(), admin, "acme", time.Time{}, func(a *engine.Account) { a.SuspendedAt = testNow })
	must(t, err)
	if _, err := k.Authenticate(secret, testNow); err != error(errUnauthorized) {
		t.Errorf("Authenticate(revoked key of a suspended account) = %v, want the constant error", err)
	}
}

// TestLockOut: nobody takes the last way in.
func TestLockOut(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	role := func(r engine.Role) func(*engine.User) { return func(u *engine.User) { u.Role = r } }
	suspend := func(u *engine.User) { u.SuspendedAt = testNow }
	boss := principal(person("acme", "boss"))
	for _, c := range []struct {
		name   string
		before func(u *Users) error
		try    func(a *Accounts, m *Teams, u *Users) error
		want   engine.Code
		text   string // of the refusal
	}{
		{"the last super admin demotes itself", nil, func(_ *Accounts, _ *Teams, u *Users) error {
			_, err := u.ChangeUser(ctx, admin, engine.DefaultAccount, BootstrapUser, time.Time{}, role(engine.RoleUser))
			return err
		}, engine.CodeConflict, "no super admin"},
		{"the last super admin suspends itself", nil, func(_ *Accounts, _ *Teams, u *Users) error {
			_, err := u.ChangeUser(ctx, admin, engine.DefaultAccount, BootstrapUser, time.Time{}, suspend)
			return err
		}, engine.CodeConflict, "no super admin"},
		{"the last super admin deletes itself", nil, func(_ *Accounts, _ *Teams, u *Users) error {
			return u.DeleteUser(ctx, admin, engine.DefaultAccount, BootstrapUser, time.Time{})
		}, engine.CodeConflict, "no super admin"},
		{"its account is suspended", nil, func(a *Accounts, _ *Teams, _ *Users) error {
			_, err := a.ChangeAccount(ctx, admin, engine.DefaultAccount, time.Time{}, func(a *engine.Account) { a.SuspendedAt = testNow })
			return err
		}, engine.CodeConflict, "no super admin"},
		{"its account is deleted", nil, func(a *Accounts, _ *Teams, _ *Users) error {
			return a.DeleteAccount(ctx, admin, engine.DefaultAccount, time.Time{})
		}, engine.CodeConflict, "no super admin"},
		{"another super admin without a key is left", func(u *Users) error {
			_, err := u.CreateUser(ctx, admin, engine.User{AccountID: "acme", ID: "second", Name: "second", Role: engine.RoleSuperAdmin})
			return err
		}, func(_ *Accounts, _ *Teams, u *Users) error {
			return u.DeleteUser(ctx, admin, engine.DefaultAccount, BootstrapUser, time.Time{})
		}, engine.CodeConflict, "last key of a super admin"},
		{"another super admin with a key is left", func(u *Users) error {
			if _, err := u.CreateUser(ctx, admin, engine.User{AccountID: "acme", ID: "second", Name: "second", Role: engine.RoleSuperAdmin}); err != nil {
				return err
			}
			_, _, err := u.CreateKey(ctx, admin, engine.Key{AccountID: "acme", UserID: "second", Name: "k"})
			return err
		}, func(_ *Accounts, _ *Teams, u *Users) error {
			return u.DeleteUser(ctx, admin, engine.DefaultAccount, BootstrapUser, time.Time{})
		}, "", ""},
		{"one of two account admins demotes itself", nil, func(_ *Accounts, _ *Teams, u *Users) error {
			_, err := u.ChangeUser(ctx, boss, "acme", "boss", time.Time{}, role(engine.RoleUser))
			return err
		}, "", ""},
		{"the last account admin demotes itself", func(u *Users) error { return u.DeleteUser(ctx, boss, "acme", "boss2", time.Time{}) },
			func(_ *Accounts, _ *Teams, u *Users) error {
				_, err := u.ChangeUser(ctx, boss, "acme", "boss", time.Time{}, role(engine.RoleUser))
				return err
			}, engine.CodeConflict, "without an administrator"},
		{"the last account admin deletes itself", func(u *Users) error { return u.DeleteUser(ctx, boss, "acme", "boss2", time.Time{}) },
			func(_ *Accounts, _ *Teams, u *Users) error {
				return u.DeleteUser(ctx, boss, "acme", "boss", time.Time{})
			}, engine.CodeConflict, "without an administrator"},
		{"the last account admin deletes the team it is in", func(u *Users) error {
			if err := u.DeleteUser(ctx, boss, "acme", "boss2", time.Time{}); err != nil {
				return err
			}
			_, err := u.ChangeUser(ctx, boss, "acme", "boss", time.Time{}, func(u *engine.User) { u.TeamID = "red" })
			return err
		}, func(_ *Accounts, m *Teams, _ *Users) error {
			return m.DeleteTeam(ctx, boss, "acme", "red", time.Time{})
		}, engine.CodeConflict, "without an administrator"},
		{"a super admin removes the last account admin", nil, func(_ *Accounts, _ *Teams, u *Users) error {
			return u.DeleteUser(ctx, admin, "rival", "boss", time.Time{})
		}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, a, m, u := populated(t)
			if c.before != nil {
				must(t, c.before(u))
			}
			if err := c.try(a, m, u); engine.CodeOf(err) != c.want || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("the change = %v, want code %q and %q", err, c.want, c.text)
			}
		})
	}
}

// TestBootstrapRestores: the operator's new key goes to a super admin that can use it.
func TestBootstrapRestores(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	k, _, _, u := populated(t)
	_, err := u.CreateUser(ctx, admin, engine.User{AccountID: "acme", ID: "second", Name: "second", Role: engine.RoleSuperAdmin})
	must(t, err)
	secretOf(t, k, "acme", "second")
	must(t, u.DeleteUser(ctx, admin, engine.DefaultAccount, BootstrapUser, time.Time{}))
	_, err = k.Bootstrap(ctx, chosen, testNow)
	must(t, err)
	if p, err := k.Authenticate(chosen, testNow); err != nil || p.UserID != "second" || p.Role != engine.RoleSuperAdmin {
		t.Errorf("Authenticate(new admin key) = %+v, %v, want the other super admin", p, err)
	}
	// Whoever writes rows by hand may leave none at all.
	d, err := k.read(ctx)
	must(t, err)
	second, _ := d.userRow("acme", "second")
	second.SuspendedAt, second.UpdatedAt = testNow, testNow.Add(time.Second)
	must(t, k.store.UpdateUser(ctx, second, time.Time{}))
	_, err = k.Bootstrap(ctx, chosen, testNow)
	must(t, err)
	if _, err := k.Authenticate(chosen, testNow); engine.CodeOf(err) != engine.CodeForbidden {
		t.Errorf("Authenticate(a known admin key) = %v, want the same value again to change nothing", err)
	}
	_, err = k.Bootstrap(ctx, chosen+"-2", testNow)
	must(t, err)
	if p, err := k.Authenticate(chosen+"-2", testNow); err != nil || p.UserID != BootstrapUser || p.Role != engine.RoleSuperAdmin {
		t.Errorf("Authenticate(new admin key) = %+v, %v, want the first super admin put back", p, err)
	}
}

// recorder keeps the audit entries of writes.
type recorder struct {
	Store
	entries []engine.AuditEntry
}

func (r *recorder) note(ctx context.Context) {
	if e := engine.AuditOf(ctx); e != nil {
		r.entries = append(r.entries, *e)
	} else {
		r.entries = append(r.entries, engine.AuditEntry{Action: "none"})
	}
}

func (r *recorder) CreateAccount(ctx context.Context, a engine.Account) error {
	r.note(ctx)
	return r.Store.CreateAccount(ctx, a)
}

func (r *recorder) UpdateAccount(ctx context.Context, a engine.Account, was time.Time) error {
	r.note(ctx)
	return r.Store.UpdateAccount(ctx, a, was)
}

func (r *recorder) CreateTeam(ctx context.Context, m engine.Team) error {
	r.note(ctx)
	return r.Store.CreateTeam(ctx, m)
}

func (r *recorder) UpdateTeam(ctx context.Context, m engine.Team, was time.Time) error {
	r.note(ctx)
	return r.Store.UpdateTeam(ctx, m, was)
}

func (r *recorder) CreateUser(ctx context.Context, u engine.User) error {
	r.note(ctx)
	return r.Store.CreateUser(ctx, u)
}

func (r *recorder) UpdateUser(ctx context.Context, u engine.User, was time.Time) error {
	r.note(ctx)
	return r.Store.UpdateUser(ctx, u, was)
}

func (r *recorder) CreateKey(ctx context.Context, k engine.Key) error {
	r.note(ctx)
	return r.Store.CreateKey(ctx, k)
}

func (r *recorder) UpdateKey(ctx context.Context, k engine.Key, was time.Time) error {
	r.note(ctx)
	return r.Store.UpdateKey(ctx, k, was)
}

func (r *recorder) RotateKey(ctx context.Context, old, next engine.Key, was time.Time) error {
	r.note(ctx)
	return r.Store.RotateKey(ctx, old, next, was)
}

func (r *recorder) RevokeKey(ctx context.Context, account, id string, at time.Time) error {
	r.note(ctx)
	return r.Store.RevokeKey(ctx, account, id, at)
}

// TestAudited: every change leaves an entry of who did what to which row, without secrets.
func TestAudited(t *testing.T) {
	t.Parallel()
	k, a, m, u := populated(t)
	rec := &recorder{Store: k.store}
	k.store = rec
	ctx := engine.WithActor(t.Context(), engine.Actor{Principal: admin, RequestID: "req-1"})
	_, err := a.CreateAccount(ctx, admin, engine.Account{ID: "new", Name: "New"})
	must(t, err)
	_, err = a.ChangeAccount(ctx, admin, "new", time.Time{}, func(a *engine.Account) { a.Name = "Newer" })
	must(t, err)
	_, err = m.CreateTeam(ctx, admin, engine.Team{AccountID: "new", Name: "The Team"})
	must(t, err)
	_, err = m.ChangeTeam(ctx, admin, "new", "the-team", time.Time{}, func(m *engine.Team) { m.Name = "x" })
	must(t, err)
	_, err = u.CreateUser(ctx, admin, engine.User{AccountID: "new", Name: "Ann", TeamID: "the-team"})
	must(t, err)
	_, err = u.ChangeUser(ctx, admin, "new", "ann", time.Time{}, func(u *engine.User) { u.SuspendedAt = testNow.Add(-time.Hour) })
	must(t, err)
	key, secret, err := k.CreateKey(ctx, admin, engine.Key{AccountID: "new", UserID: "ann", Name: "k"})
	must(t, err)
	_, err = k.ChangeKey(ctx, admin, "new", key.ID, time.Time{}, func(k *engine.Key) { k.Scopes = engine.ScopeInference })
	must(t, err)
	next, second, err := k.RotateKey(ctx, admin, "new", key.ID, time.Time{}, engine.KeyRotation{Overlap: time.Hour})
	must(t, err)
	must(t, k.RevokeKey(ctx, admin, "new", next.ID))
	must(t, u.DeleteUser(ctx, admin, "new", "ann", time.Time{}))
	must(t, m.DeleteTeam(ctx, admin, "new", "the-team", time.Time{}))
	must(t, a.DeleteAccount(ctx, admin, "new", time.Time{}))
	want := []string{
		"account.create account/new", "account.update account/new", "team.create team/the-team", "team.update team/the-team",
		"user.create user/ann", "user.update user/ann", "key.create key/" + key.ID, "key.update key/" + key.ID, "key.rotate key/" + key.ID,
		"key.revoke key/" + next.ID, "user.delete user/ann", "team.delete team/the-team", "account.delete account/new",
	}
	if len(rec.entries) != len(want) {
		t.Fatalf("%d entries, want %d", len(rec.entries), len(want))
	}
	for i, e := range rec.entries {
		if got := e.Action + " " + e.Object; got != want[i] || e.AccountID != "new" || e.ActorUser != BootstrapUser || e.RequestID != "req-1" || !e.At.Equal(testNow) {
			t.Errorf("entry %d = %s of %s by %s in %s at %v, want %s", i, got, e.AccountID, e.ActorUser, e.RequestID, e.At, want[i])
		}
		var detail map[string]any
		if err := json.Unmarshal(e.Detail, &detail); err != nil || detail["id"] == nil {
			t.Errorf("entry %d: detail %s, want the row", i, e.Detail)
		}
		for _, text := range []string{secret, second, "digest", "Digest"} {
			if strings.Contains(string(e.Detail), text) {
				t.Errorf("entry %d: detail %s holds a secret", i, e.Detail)
			}
		}
	}
	if got := string(rec.entries[5].Detail); !strings.Contains(got, `"suspended_at":"2026-11-22T12:00:00Z"`) {
		t.Errorf("detail of a suspension = %s, want the time of the change, not the caller's", got)
	}
}
