package tenancy

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Whoever made a user's key may have kept a copy: the key does not rise with the user,
// rotated or not, while it falls with it. A key that is made afterwards has the new role.
func TestKeysDoNotRise(t *testing.T) {
	t.Parallel()
	k, _, _, u := populated(t)
	ctx := t.Context()
	lead := principal(person("acme", "lead"))
	kept, secret, err := k.CreateKey(ctx, lead, engine.Key{UserID: "user", Name: "made by the lead"})
	must(t, err)
	_, copied, err := k.RotateKey(ctx, lead, "", kept.ID, time.Time{}, engine.KeyRotation{Overlap: time.Hour})
	must(t, err)
	_, own, err := k.CreateKey(ctx, admin, engine.Key{Name: "the super admin's own"})
	must(t, err)
	role := func(secret string) engine.Role {
		t.Helper()
		p, err := k.Authenticate(secret, testNow)
		must(t, err)
		return p.Role
	}
	rise := func(to engine.Role) {
		t.Helper()
		_, err := u.ChangeUser(ctx, admin, "acme", "user", time.Time{}, func(row *engine.User) { row.Role = to })
		must(t, err)
	}
	rise(engine.RoleAccountAdmin)
	for name, s := range map[string]string{"a key of before": secret, "one that took its place": copied} {
		if got := role(s); got != engine.RoleUser {
			t.Errorf("%s gives %s after its user rose, want user", name, got)
		}
	}
	_, after, err := k.CreateKey(ctx, admin, engine.Key{AccountID: "acme", UserID: "user", Name: "made afterwards"})
	must(t, err)
	if got := role(after); got != engine.RoleAccountAdmin {
		t.Errorf("a key made afterwards gives %s, want account_admin", got)
	}
	low, err := k.Authenticate(secret, testNow)
	must(t, err)
	_, minted, err := k.CreateKey(ctx, low, engine.Key{Name: "made with the key of before"})
	must(t, err)
	if got := role(minted); got != engine.RoleUser {
		t.Errorf("a key made with one of before gives %s, want user", got)
	}
	rise(engine.RoleUser)
	if got := role(after); got != engine.RoleUser {
		t.Errorf("a key of an admin who fell gives %s, want user", got)
	}
	if got := role(own); got != engine.RoleSuperAdmin {
		t.Errorf("the super admin's own key gives %s, want super_admin", got)
	}
}
