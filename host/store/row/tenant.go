package row

import "github.com/pointsman/pointsman/engine"

// DigestSize is the length of a key's digest, in bytes.
const DigestSize = 32

// CheckAccount says why an account cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckAccount(a engine.Account) error {
	var c check
	c.key("id", a.ID)
	c.text("name", a.Name)
	c.time("created_at", a.CreatedAt)
	return c.result()
}

// CheckUser says why a user cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckUser(u engine.User) error {
	var c check
	c.key("account_id", u.AccountID)
	c.key("id", u.ID)
	c.text("team_id", u.TeamID)
	c.text("name", u.Name)
	if u.Role.Rank() < 0 {
		c.refuse("role", "is not one of super_admin, account_admin, team_lead, user")
	}
	c.time("created_at", u.CreatedAt)
	return c.result()
}

// CheckKey says why a key cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckKey(k engine.Key) error {
	var c check
	c.key("account_id", k.AccountID)
	c.key("id", k.ID)
	c.key("user_id", k.UserID)
	c.text("name", k.Name)
	c.text("prefix", k.Prefix)
	if len(k.Digest) != DigestSize {
		c.refuse("digest", "is not 32 bytes long")
	}
	c.time("created_at", k.CreatedAt)
	c.time("expires_at", k.ExpiresAt)
	c.time("revoked_at", k.RevokedAt)
	return c.result()
}

// CheckSetting says why a setting cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckSetting(name, value string) error {
	var c check
	c.key("name", name)
	c.text("value", value)
	return c.result()
}
