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
	c.time("updated_at", a.UpdatedAt)
	c.time("suspended_at", a.SuspendedAt)
	c.time("deleted_at", a.DeletedAt)
	return c.result()
}

// CheckTeam says why a team cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckTeam(t engine.Team) error {
	var c check
	c.key("account_id", t.AccountID)
	c.key("id", t.ID)
	c.text("name", t.Name)
	c.time("created_at", t.CreatedAt)
	c.time("updated_at", t.UpdatedAt)
	c.time("deleted_at", t.DeletedAt)
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
	c.time("updated_at", u.UpdatedAt)
	c.time("suspended_at", u.SuspendedAt)
	c.time("deleted_at", u.DeletedAt)
	return c.result()
}

// CheckKey says why a key cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckKey(k engine.Key) error {
	var c check
	checkKeyChange(&c, k)
	c.key("user_id", k.UserID)
	if k.Role.Rank() < 0 {
		c.refuse("role", "is not a role")
	}
	c.text("prefix", k.Prefix)
	if len(k.Digest) != DigestSize {
		c.refuse("digest", "is not 32 bytes long")
	}
	c.time("created_at", k.CreatedAt)
	c.time("revoked_at", k.RevokedAt)
	return c.result()
}

// CheckKeyChange is CheckKey for what an update writes.
func CheckKeyChange(k engine.Key) error {
	var c check
	checkKeyChange(&c, k)
	return c.result()
}

func checkKeyChange(c *check, k engine.Key) {
	c.key("account_id", k.AccountID)
	c.key("id", k.ID)
	c.text("name", k.Name)
	if k.Scopes == 0 || k.Scopes&^engine.AllScopes != 0 {
		c.refuse("scopes", "is not one or more of inference, read, manage")
	}
	c.text("rotated_to", k.RotatedTo)
	c.time("updated_at", k.UpdatedAt)
	c.time("expires_at", k.ExpiresAt)
}

// CheckRotation says why next cannot take the place of old: an *engine.Error with
// CodeInvalid, or nil.
func CheckRotation(old, next engine.Key) error {
	if err := CheckKeyChange(old); err != nil {
		return err
	}
	if err := CheckKey(next); err != nil {
		return err
	}
	var c check
	if next.AccountID != old.AccountID || next.UserID != old.UserID {
		c.refuse("user_id", "is not the user of the key that is rotated")
	}
	if old.RotatedTo != next.ID {
		c.refuse("rotated_to", "is not the id of the next key")
	}
	return c.result()
}

// Scopes writes a key's scopes as a JSON array of their names.
func Scopes(s engine.Scopes) []byte { return List(s.Names()) }

// ParseScopes reads what Scopes wrote. A name that it does not know, of a later version,
// allows nothing.
func ParseScopes(b []byte) (engine.Scopes, error) {
	names, err := ParseList[string](b)
	var all engine.Scopes
	for _, name := range names {
		s, _ := engine.ParseScope(name)
		all |= s
	}
	return all, err
}

// CheckSetting says why a setting cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckSetting(name, value string) error {
	var c check
	c.key("name", name)
	c.text("value", value)
	return c.result()
}
