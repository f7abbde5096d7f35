package row

import (
	"crypto/sha256"

	"github.com/pointsman/pointsman/engine"
)

// CheckIdempotencyKey says why there can be no such row: an *engine.Error with CodeInvalid.
func CheckIdempotencyKey(k engine.IdempotencyKey) error {
	var c check
	c.key("account_id", k.AccountID)
	c.key("claim_id", k.ClaimID)
	c.key("request_id", k.RequestID)
	c.text("seal_key", k.SealKey)
	if len(k.Digest) != sha256.Size {
		c.refuse("digest", "is not 32 bytes long")
	}
	if len(k.Fingerprint) != sha256.Size {
		c.refuse("fingerprint", "is not 32 bytes long")
	}
	c.time("created_at", k.CreatedAt)
	c.time("lease_until", k.LeaseUntil)
	return c.result()
}
