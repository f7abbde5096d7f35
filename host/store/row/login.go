package row

import (
	"crypto/sha256"

	"github.com/pointsman/pointsman/engine"
)

// CheckLogin says why there can be no such row: an *engine.Error with CodeInvalid.
func CheckLogin(l engine.Login) error {
	var c check
	c.account(l.AccountID)
	c.key("id", l.ID)
	c.key("key_id", l.KeyID)
	if len(l.Digest) != sha256.Size {
		c.refuse("digest", "is not 32 bytes long")
	}
	c.time("created_at", l.CreatedAt)
	c.time("seen_at", l.SeenAt)
	c.time("expires_at", l.ExpiresAt)
	return c.result()
}
