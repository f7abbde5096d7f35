package tenancy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// BootstrapUser is the id of the super admin that the first start makes, in
// engine.DefaultAccount.
const BootstrapUser = "admin"

// Bootstrap makes sure that somebody can get in, and loads the snapshot: it creates
// the default account and its super admin where they are missing, and a key for them.
// adminKey is the operator's own key: a value not seen before is added, one that
// exists (also revoked) changes nothing. When it is empty, a key is made only if the
// store has none at all. secret is the text of a key that was added now, else "".
// Several processes may do it at once. Errors: CodeInvalid for an adminKey that
// cannot be one.
func (k *Keys) Bootstrap(ctx context.Context, adminKey string, now time.Time) (secret string, err error) {
	if len(k.pepper) < minPepper {
		return "", errPepper
	}
	if adminKey != "" && !wellFormed(adminKey) {
		return "", badAdminKey(adminKey)
	}
	now = now.UTC().Truncate(time.Millisecond)
	if err := k.ensureAdmin(ctx, now); err != nil {
		return "", err
	}
	if secret, err = k.ensureKey(ctx, adminKey, now); err != nil {
		return "", err
	}
	return secret, k.Load(ctx)
}

func badAdminKey(key string) error {
	if strings.HasPrefix(key, keyPrefix) {
		return invalid("admin_key", "The admin key starts with pm_ but its checksum is wrong: it is mistyped, or was not made by Pointsman. Choose a text that does not start with pm_.")
	}
	return invalid("admin_key", fmt.Sprintf("The admin key must be %d to %d printable ASCII characters without blanks.", minChosenKey, maxChosenKey))
}

func (k *Keys) ensureAdmin(ctx context.Context, now time.Time) error {
	_, err := k.store.GetAccount(ctx, engine.DefaultAccount)
	if errors.Is(err, engine.ErrNotFound) {
		err = k.store.CreateAccount(ctx, engine.Account{ID: engine.DefaultAccount, Name: "Default", CreatedAt: now, UpdatedAt: now})
		if errors.Is(err, engine.ErrConflict) {
			err = nil // another process was faster
		}
	}
	if err != nil {
		return fmt.Errorf("bootstrap account: %w", err)
	}
	users, err := k.store.ListUsers(ctx)
	if err != nil {
		return fmt.Errorf("bootstrap user: %w", err)
	}
	for _, u := range users {
		if u.AccountID == engine.DefaultAccount && u.ID == BootstrapUser {
			return nil
		}
	}
	err = k.store.CreateUser(ctx, engine.User{
		AccountID: engine.DefaultAccount, ID: BootstrapUser, Name: "Super admin",
		Role: engine.RoleSuperAdmin, CreatedAt: now, UpdatedAt: now,
	})
	if err != nil && !errors.Is(err, engine.ErrConflict) {
		return fmt.Errorf("bootstrap user: %w", err)
	}
	return nil
}

func (k *Keys) ensureKey(ctx context.Context, adminKey string, now time.Time) (secret string, err error) {
	name := "bootstrap"
	if adminKey == "" {
		keys, err := k.store.ListKeys(ctx)
		if err != nil {
			return "", fmt.Errorf("bootstrap key: %w", err)
		}
		if len(keys) > 0 {
			return "", nil
		}
		adminKey = newKey()
	} else {
		name = "operator"
	}
	key := engine.Key{Name: name, Scopes: engine.AllScopes, Role: engine.RoleSuperAdmin}
	digest := k.digest(adminKey)
	d, err := k.read(ctx)
	if err != nil {
		return "", fmt.Errorf("bootstrap key: %w", err)
	}
	for _, m := range d.accounts.All() {
		for _, known := range m.keys.All() {
			if bytes.Equal(known.Digest, digest[:]) {
				return "", nil // that very key exists
			}
		}
	}
	if key.AccountID, key.UserID, err = k.superAdmin(ctx, d, now); err != nil {
		return "", err
	}
	if _, err := k.mint(&key, now); err != nil {
		return "", fmt.Errorf("bootstrap key: %w", err)
	}
	key.Prefix, key.Digest = shownPart(adminKey), digest[:]
	err = k.store.CreateKey(k.audited(ctx, now, "create", key), key)
	if errors.Is(err, engine.ErrConflict) {
		return "", nil // another process was faster
	}
	if err != nil {
		return "", fmt.Errorf("bootstrap key: %w", err)
	}
	return adminKey, nil
}

// superAdmin returns whose the operator's key is: the first start's super admin, else
// another one that is active. When nobody is, the first start's is put back: whoever sets
// the environment runs the installation, and must be able to get in.
func (k *Keys) superAdmin(ctx context.Context, d *directory, now time.Time) (account, user string, err error) {
	first := rowKey{engine.DefaultAccount, BootstrapUser}
	found := rowKey{}
	for account := range d.supers.All() {
		for id, u := range d.rows(account).users.All() {
			key := rowKey{account, id}
			if u.Role != engine.RoleSuperAdmin || d.standing(u) != active {
				continue
			}
			if key == first {
				return key.account, key.id, nil
			}
			if found == (rowKey{}) || cmp.Or(cmp.Compare(key.account, found.account), cmp.Compare(key.id, found.id)) < 0 {
				found = key
			}
		}
	}
	if found != (rowKey{}) {
		return found.account, found.id, nil
	}
	a, _ := d.accountRow(first.account)
	u, ok := d.userRow(first.account, first.id)
	if !ok {
		return first.account, first.id, nil // made a moment ago
	}
	if !a.SuspendedAt.IsZero() || !a.DeletedAt.IsZero() {
		was := a.UpdatedAt
		a.SuspendedAt, a.DeletedAt, a.UpdatedAt = time.Time{}, time.Time{}, stamp(now, was)
		if err := k.store.UpdateAccount((&Accounts{k}).audited(ctx, now, "update", a), a, was); err != nil {
			return "", "", fmt.Errorf("restore account: %w", err)
		}
	}
	was := u.UpdatedAt
	u.Role, u.TeamID, u.SuspendedAt, u.DeletedAt, u.UpdatedAt = engine.RoleSuperAdmin, "", time.Time{}, time.Time{}, stamp(now, was)
	if err := k.store.UpdateUser((&Users{k}).audited(ctx, now, "update", u), u, was); err != nil {
		return "", "", fmt.Errorf("restore super admin: %w", err)
	}
	return first.account, first.id, nil
}
