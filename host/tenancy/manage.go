package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// maxUsable bounds the usable keys of one user.
const maxUsable = 200

// recordedKey is a key as the audit log has it: nothing of its text but what lists show.
type recordedKey struct {
	ID        string      `json:"id"`
	UserID    string      `json:"user_id"`
	Name      string      `json:"name"`
	Prefix    string      `json:"prefix"`
	Scopes    []string    `json:"scopes"`
	Role      engine.Role `json:"role"`
	RotatedTo string      `json:"rotated_to,omitempty"`
	ExpiresAt *time.Time  `json:"expires_at,omitempty"`
	RevokedAt *time.Time  `json:"revoked_at,omitempty"`
}

func (k *Keys) audited(ctx context.Context, now time.Time, verb string, key engine.Key) context.Context {
	return engine.Audited(ctx, now, key.AccountID, "key."+verb, "key/"+key.ID, recordedKey{
		key.ID, key.UserID, key.Name, key.Prefix, key.Scopes.Names(), key.Role, key.RotatedTo, at(key.ExpiresAt), at(key.RevokedAt),
	})
}

// ListKeys returns keys that the principal manages, without digests: of everybody (super
// admin), its account, its team, or its own; and where to go on, "" at the end.
func (k *Keys) ListKeys(ctx context.Context, p engine.Principal, f engine.TenantFilter, page engine.Page) ([]engine.Key, string, error) {
	if !within(p, &f) {
		return nil, "", nil
	}
	d, err := k.read(ctx)
	if err != nil {
		return nil, "", err
	}
	f.Now = k.now()
	rows, next, err := collect(page, func(page engine.Page) ([]engine.Key, error) { return k.store.PageKeys(ctx, f, page) },
		func(key engine.Key) string { return key.AccountID + "/" + key.ID },
		func(key engine.Key) bool {
			return manages(p, d.owner(key)) && (f.Inactive || d.standing(d.owner(key)) != gone)
		})
	for i := range rows {
		rows[i].Digest = nil
	}
	return rows, next, err
}

// GetKey returns one key without its digest; an empty accountID finds the id in any account
// that the principal sees. Errors: CodeNotFound, also for keys the principal does not manage.
func (k *Keys) GetKey(ctx context.Context, p engine.Principal, accountID, id string) (engine.Key, error) {
	d, err := k.read(ctx)
	if err != nil {
		return engine.Key{}, err
	}
	key, err := d.key(p, accountID, id)
	key.Digest = nil
	return key, err
}

// CreateKey makes a key for a user that the principal manages and puts it in force.
// Only AccountID (empty: the principal's), UserID (empty: the principal itself), Name,
// Scopes (0: those of the principal's key) and ExpiresAt (zero: as that key) of want count.
// The key has its user's role, but never more than its user and the principal have now, so
// that nobody can grant more than they hold. secret is the key's text: it is not stored and
// cannot be read again.
// Errors: CodeInvalid, CodeForbidden, CodeNotFound for another account's user, CodeConflict
// when there are too many.
func (k *Keys) CreateKey(ctx context.Context, p engine.Principal, want engine.Key) (key engine.Key, secret string, err error) {
	if err := checkName(want.Name); err != nil {
		return key, "", err
	}
	if want.Scopes == 0 {
		want.Scopes = p.Scopes
	}
	if err := grantsScopes(p, want.Scopes); err != nil {
		return key, "", err
	}
	err = k.change(ctx, func(now time.Time) error {
		d, err := k.read(ctx)
		if err != nil {
			return err
		}
		owner, err := d.ownerToBe(p, want)
		if err != nil {
			return err
		}
		expires, err := d.expiry(p, want.ExpiresAt, now)
		if err != nil {
			return err
		}
		if err := d.roomForKey(owner, now); err != nil {
			return err
		}
		key = engine.Key{AccountID: owner.AccountID, UserID: owner.ID, Name: want.Name, Scopes: want.Scopes, Role: owner.Role.Lower(p.Role), ExpiresAt: expires}
		if secret, err = k.mint(&key, now); err != nil {
			return err
		}
		return k.store.CreateKey(k.audited(ctx, now, "create", key), key)
	})
	if err != nil {
		return engine.Key{}, "", err
	}
	key.Digest = nil
	return key, secret, nil
}

// mint gives a new row its id, digest and times, and returns the key's text.
func (k *Keys) mint(key *engine.Key, now time.Time) (secret string, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make key id: %w", err)
	}
	secret = newKey()
	digest := k.digest(secret)
	key.ID, key.Prefix, key.Digest, key.CreatedAt, key.UpdatedAt = id.String(), shownPart(secret), digest[:], now, now
	return secret, nil
}

// expiry is when a key that the principal makes expires, zero for never.
func (d *directory) expiry(p engine.Principal, wanted, now time.Time) (time.Time, error) {
	if wanted.IsZero() {
		return d.grantsTime(p, wanted)
	}
	wanted = wanted.UTC().Truncate(time.Millisecond)
	switch {
	case !wanted.After(now):
		return wanted, invalid("expires_at", "'expires_at' must be in the future.")
	case wanted.Year() > 9999:
		return wanted, invalid("expires_at", "'expires_at' must be before the year 10000.")
	}
	return d.grantsTime(p, wanted)
}

// roomForKey refuses one key too many.
func (d *directory) roomForKey(owner engine.User, now time.Time) error {
	m, own := d.rows(owner.AccountID), 0
	ids, _ := m.owned.Get(owner.ID)
	for _, id := range ids {
		if key, _ := m.keys.Get(id); usable(key, now) {
			own++
		}
	}
	switch {
	case own >= maxUsable:
		return engine.Errorf(engine.CodeConflict, "A user may have %d keys. Revoke one first.", maxUsable)
	case m.keys.Len() >= MaxKeys:
		return engine.Errorf(engine.CodeConflict, "An account may have %d keys, revoked ones too.", MaxKeys)
	}
	return nil
}

// ownerToBe finds the user that a new key is to be for, if the principal manages it.
func (d *directory) ownerToBe(p engine.Principal, want engine.Key) (engine.User, error) {
	account, user := want.AccountID, want.UserID
	if account == "" {
		account = p.AccountID
	}
	if user == "" {
		if account != p.AccountID && sees(p, account) {
			return engine.User{}, invalid("user_id", "'user_id' is required for a key of another account.")
		}
		user = p.UserID
	}
	u, ok := d.userRow(account, user)
	_, err := d.account(p, account)
	switch {
	case err != nil || !ok || !u.DeletedAt.IsZero():
		return u, &engine.Error{Code: engine.CodeNotFound, Param: "user_id", Message: "There is no such user."}
	case !manages(p, u):
		return u, engine.Errorf(engine.CodeForbidden, "This key may not manage keys of that user.")
	}
	return u, nil
}

// ChangeKey applies edit, maybe more than once, to the row as it is stored. Name, Scopes and
// ExpiresAt count; scopes that are added, and a later end, must be the principal's to give.
// was is the UpdatedAt that the caller has seen; zero: whatever is stored.
// Errors: CodeNotFound, CodeForbidden, CodeInvalid; CodeConflict for a key that is revoked,
// rotated or expired, when it changed meanwhile, or when nobody could undo it.
func (k *Keys) ChangeKey(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, edit func(*engine.Key)) (row engine.Key, err error) {
	err = k.change(ctx, func(now time.Time) error {
		return again(was, func() error {
			d, err := k.read(ctx)
			if err != nil {
				return err
			}
			old, err := d.inUse(p, accountID, id, now)
			if err != nil {
				return err
			}
			row = old
			edit(&row)
			wanted := row
			row = old
			row.Name, row.Scopes = wanted.Name, wanted.Scopes
			if err := checkName(row.Name); err != nil {
				return err
			}
			if row.Scopes != old.Scopes {
				if err := d.widensScopes(p, old, row); err != nil {
					return err
				}
			}
			if !wanted.ExpiresAt.Equal(old.ExpiresAt) {
				if row.ExpiresAt, err = d.widensTime(p, old, wanted.ExpiresAt, now); err != nil {
					return err
				}
			}
			if err := d.lockedOut(p, d.with(row), row.AccountID, now); err != nil {
				return err
			}
			row.UpdatedAt = stamp(now, old.UpdatedAt)
			return k.store.UpdateKey(k.audited(ctx, now, "update", row), row, seen(was, old.UpdatedAt))
		})
	})
	row.Digest = nil
	return row, overtaken(err, "key", id)
}

// inUse is key for one that still works.
func (d *directory) inUse(p engine.Principal, accountID, id string, now time.Time) (engine.Key, error) {
	key, err := d.key(p, accountID, id)
	switch {
	case err != nil:
		return key, err
	case !usable(key, now):
		return key, engine.Errorf(engine.CodeConflict, "That key was revoked or has expired. Create another one.")
	case key.RotatedTo != "":
		return key, engine.Errorf(engine.CodeConflict, "That key was rotated: %s takes its place.", key.RotatedTo)
	}
	return key, nil
}

// widensScopes checks a change of scopes: what is taken away may be anybody's, what is added
// must be the principal's.
func (d *directory) widensScopes(p engine.Principal, old, row engine.Key) error {
	holder := p
	holder.Scopes |= old.Scopes
	return grantsScopes(holder, row.Scopes)
}

// widensTime checks a change of a key's end: an earlier one is anybody's to set.
func (d *directory) widensTime(p engine.Principal, old engine.Key, wanted, now time.Time) (time.Time, error) {
	if !wanted.IsZero() && (old.ExpiresAt.IsZero() || wanted.Before(old.ExpiresAt)) {
		p = engine.Principal{} // bounded by nothing but the key itself
	}
	end, err := d.expiry(p, wanted, now)
	if err == nil && wanted.IsZero() && !end.IsZero() {
		err = forbidden("expires_at", "This key expires and may not let another one last for ever.")
	}
	return end, err
}

// RevokeKey ends a key for good; one that is revoked already stays as it is.
// An empty accountID finds the id in any account that the principal sees.
// Errors: CodeNotFound, also for keys the principal does not manage; CodeConflict for
// the last usable key of a super admin, which would lock everybody out.
func (k *Keys) RevokeKey(ctx context.Context, p engine.Principal, accountID, id string) error {
	return k.change(ctx, func(now time.Time) error {
		d, err := k.read(ctx)
		if err != nil {
			return err
		}
		key, err := d.key(p, accountID, id)
		if err != nil {
			return err
		}
		if !key.RevokedAt.IsZero() {
			return nil
		}
		key.RevokedAt = now
		if err := d.lockedOut(p, d.with(key), key.AccountID, now); err != nil {
			return err
		}
		err = k.store.RevokeKey(k.audited(ctx, now, "revoke", key), key.AccountID, key.ID, now)
		if errors.Is(err, engine.ErrNotFound) {
			return notFound("key", id)
		}
		return err
	})
}

func usable(key engine.Key, now time.Time) bool {
	return key.RevokedAt.IsZero() && (key.ExpiresAt.IsZero() || key.ExpiresAt.After(now))
}
