package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

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
	if _, ok := byID(users)[userKey{engine.DefaultAccount, BootstrapUser}]; ok {
		return nil
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
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("bootstrap key: %w", err)
	}
	digest := k.digest(adminKey)
	err = k.store.CreateKey(ctx, engine.Key{
		AccountID: engine.DefaultAccount, ID: id.String(), UserID: BootstrapUser, Name: name,
		Prefix: shownPart(adminKey), Digest: digest[:], Scopes: engine.AllScopes, CreatedAt: now, UpdatedAt: now,
	})
	if errors.Is(err, engine.ErrConflict) {
		return "", nil // that very key exists
	}
	if err != nil {
		return "", fmt.Errorf("bootstrap key: %w", err)
	}
	return adminKey, nil
}
