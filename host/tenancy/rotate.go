package tenancy

import (
	"context"
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// RotateKey makes a key in the place of another, with its user, name and scopes. Whoever
// rotates a key gets its text, so it must hold the scopes itself.
// Errors: those of ChangeKey.
func (k *Keys) RotateKey(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, r engine.KeyRotation) (next engine.Key, secret string, err error) {
	if r.Overlap < 0 || r.Overlap > engine.MaxOverlap {
		return next, "", invalid("overlap_seconds", fmt.Sprintf("'overlap_seconds' must be 0 to %d.", int(engine.MaxOverlap.Seconds())))
	}
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
			if err := grantsScopes(p, old.Scopes); err != nil {
				return err
			}
			if r.ExpiresAt.IsZero() {
				r.ExpiresAt = old.ExpiresAt
			}
			expires, err := d.expiry(p, r.ExpiresAt, now)
			if err != nil {
				return err
			}
			if err := d.roomForKey(d.owner(old), now); err != nil {
				return err
			}
			next = engine.Key{AccountID: old.AccountID, UserID: old.UserID, Name: old.Name, Scopes: old.Scopes, Role: old.Role, ExpiresAt: expires}
			if secret, err = k.mint(&next, now); err != nil {
				return err
			}
			gone := old
			gone.RotatedTo, gone.UpdatedAt = next.ID, stamp(now, old.UpdatedAt)
			if end := now.Add(r.Overlap); gone.ExpiresAt.IsZero() || end.Before(gone.ExpiresAt) {
				gone.ExpiresAt = end
			}
			return k.store.RotateKey(k.audited(ctx, now, "rotate", gone), gone, next, seen(was, old.UpdatedAt))
		})
	})
	if err != nil {
		return engine.Key{}, "", overtaken(err, "key", id)
	}
	next.Digest = nil
	return next, secret, nil
}
