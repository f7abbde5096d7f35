package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// maxKeyName is the most characters of a key's name.
const maxKeyName = 128

// ListKeys returns the keys that the principal manages, without digests: of
// everybody (super admin), its account, its team, or its own.
func (k *Keys) ListKeys(ctx context.Context, p engine.Principal) ([]engine.Key, error) {
	all, owners, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	visible := all[:0]
	for _, key := range all {
		if manages(p, owners[userKey{key.AccountID, key.UserID}]) {
			key.Digest = nil
			visible = append(visible, key)
		}
	}
	return visible, nil
}

func (k *Keys) read(ctx context.Context) ([]engine.Key, map[userKey]engine.User, error) {
	users, err := k.store.ListUsers(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list users: %w", err)
	}
	keys, err := k.store.ListKeys(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list keys: %w", err)
	}
	return keys, byID(users), nil
}

// CreateKey makes a key for a user that the principal manages and puts it in force.
// Only AccountID (empty: the principal's), UserID (empty: the principal itself), Name
// and ExpiresAt of want count; the key has its user's role, so nobody can grant more
// than they hold. secret is the key's text: it is not stored and cannot be read again.
// Errors: CodeInvalid, CodeForbidden, CodeNotFound for another account's user.
func (k *Keys) CreateKey(ctx context.Context, p engine.Principal, want engine.Key) (key engine.Key, secret string, err error) {
	if len(k.pepper) < minPepper {
		return key, "", errPepper
	}
	now := k.now().UTC().Truncate(time.Millisecond)
	if err := checkName(want.Name); err != nil {
		return key, "", err
	}
	if !want.ExpiresAt.IsZero() && !want.ExpiresAt.After(now) {
		return key, "", invalid("expires_at", "'expires_at' must be in the future.")
	}
	owner, err := k.owner(ctx, p, want)
	if err != nil {
		return key, "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return key, "", fmt.Errorf("make key id: %w", err)
	}
	secret = newKey()
	digest := k.digest(secret)
	key = engine.Key{
		AccountID: owner.AccountID, ID: id.String(), UserID: owner.ID, Name: want.Name,
		Prefix: shownPart(secret), Digest: digest[:], Scopes: engine.AllScopes, CreatedAt: now, UpdatedAt: now,
	}
	if !want.ExpiresAt.IsZero() {
		key.ExpiresAt = want.ExpiresAt.UTC().Truncate(time.Millisecond)
	}
	if err := k.store.CreateKey(ctx, key); err != nil {
		return engine.Key{}, "", fmt.Errorf("create key: %w", err)
	}
	key.Digest = nil
	return key, secret, k.Load(ctx)
}

// owner finds the user that the key is to be for, if the principal manages it.
func (k *Keys) owner(ctx context.Context, p engine.Principal, want engine.Key) (engine.User, error) {
	account, user := want.AccountID, want.UserID
	if account == "" {
		account = p.AccountID
	}
	if user == "" {
		if account != p.AccountID {
			return engine.User{}, invalid("user_id", "'user_id' is required for a key of another account.")
		}
		user = p.UserID
	}
	users, err := k.store.ListUsers(ctx)
	if err != nil {
		return engine.User{}, fmt.Errorf("list users: %w", err)
	}
	u, ok := byID(users)[userKey{account, user}]
	visible := p.Role == engine.RoleSuperAdmin || account == p.AccountID
	switch {
	case !ok || !visible:
		return u, &engine.Error{Code: engine.CodeNotFound, Param: "user_id", Message: "There is no such user."}
	case !manages(p, u):
		return u, engine.Errorf(engine.CodeForbidden, "This key may not manage keys of that user.")
	}
	return u, nil
}

// RevokeKey ends a key for good; one that is revoked already stays as it is.
// An empty accountID finds the id in any account that the principal sees.
// Errors: CodeNotFound, also for keys the principal does not manage; CodeConflict for
// the last usable key of a super admin, which would lock everybody out.
func (k *Keys) RevokeKey(ctx context.Context, p engine.Principal, accountID, id string) error {
	all, owners, err := k.read(ctx)
	if err != nil {
		return err
	}
	now := k.now().UTC().Truncate(time.Millisecond)
	var found *engine.Key
	others := 0 // usable super-admin keys beside it
	for i, key := range all {
		u := owners[userKey{key.AccountID, key.UserID}]
		if key.ID == id && (accountID == "" || key.AccountID == accountID) && manages(p, u) {
			found = &all[i]
		} else if u.Role == engine.RoleSuperAdmin && usable(key, now) {
			others++
		}
	}
	if found == nil {
		return &engine.Error{Code: engine.CodeNotFound, Message: "There is no such key. GET /api/v1/keys lists them."}
	}
	if owners[userKey{found.AccountID, found.UserID}].Role == engine.RoleSuperAdmin && others == 0 && usable(*found, now) {
		return engine.Errorf(engine.CodeConflict, "This is the last key of a super admin. Create another one first.")
	}
	err = k.store.RevokeKey(ctx, found.AccountID, found.ID, now)
	if errors.Is(err, engine.ErrNotFound) {
		return &engine.Error{Code: engine.CodeNotFound, Message: "There is no such key.", Err: err}
	}
	if err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	return k.Load(ctx)
}

func usable(key engine.Key, now time.Time) bool {
	return key.RevokedAt.IsZero() && (key.ExpiresAt.IsZero() || key.ExpiresAt.After(now))
}

func invalid(param, message string) *engine.Error {
	return &engine.Error{Code: engine.CodeInvalid, Param: param, Message: message}
}

func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return invalid("name", "'name' must not be empty.")
	case !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxKeyName:
		return invalid("name", fmt.Sprintf("'name' must be at most %d characters of text.", maxKeyName))
	case strings.ContainsFunc(name, unicode.IsControl):
		return invalid("name", "'name' must not hold control characters.")
	}
	return nil
}
