package engine

import "time"

// DefaultAccount is the id of the account that the first start makes.
const DefaultAccount = "default"

// Account is a tenant, a company. Its id is the first part of every other key.
// A suspended or deleted account's keys open nothing; its ledger stays.
type Account struct {
	ID          string // a slug, chosen when it is made; never used again after deletion
	Name        string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	SuspendedAt time.Time // zero: it is not
	DeletedAt   time.Time // zero: it is not; a deleted row is kept, for its ledger
}

// Team is a part of an account.
type Team struct {
	AccountID string
	ID        string // a slug, unique in its account
	Name      string
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt time.Time // zero: it is not
}

// User is a person or a service of one account. TeamID may be empty.
// A suspended or deleted user's keys open nothing.
type User struct {
	AccountID   string
	ID          string // a slug, unique in its account
	TeamID      string
	Name        string
	Role        Role
	CreatedAt   time.Time
	UpdatedAt   time.Time
	SuspendedAt time.Time // zero: it is not
	DeletedAt   time.Time // zero: it is not
}

// Key is an API key as it is stored: only its digest, never its text.
type Key struct {
	AccountID string
	ID        string
	UserID    string
	Name      string
	Prefix    string // the first characters, to recognise it by; never enough to use it
	Digest    []byte // HMAC-SHA-256 under the pepper, 32 bytes
	Scopes    Scopes // what it may be used for; in the store never zero
	// Role is the highest that the key gives, whatever its user's: what maker and user both had
	// when it was made. Somebody else may have a copy, and must not rise with the user.
	Role Role
	// RotatedTo is the id of the key that takes this one's place; this one expires after
	// an overlap in which both work. Empty: it was not rotated.
	RotatedTo string
	CreatedAt time.Time
	UpdatedAt time.Time
	ExpiresAt time.Time // zero: never
	RevokedAt time.Time // zero: not revoked
}

// How long a key that was rotated goes on working beside the one in its place.
const (
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 7 * 24 * time.Hour
)

// KeyRotation is how a key is replaced by another one.
type KeyRotation struct {
	// Overlap is 0 to MaxOverlap; the old key never lasts longer than it would have.
	Overlap   time.Duration
	ExpiresAt time.Time // of the new key; zero: as the old one's was
}

// Page is a part of a long list, in the order of ids. The zero value is the first
// part of the default size.
type Page struct {
	After string // the id of the last row that was seen; "": from the start
	Limit int    // 1–200; 0: 50
}

// TenantFilter narrows a list of accounts, teams, users or keys. Empty members do not narrow.
type TenantFilter struct {
	AccountID string // "": every account
	TeamID    string // of teams: that one; of keys: their users'
	UserID    string // of users: that one; of keys: whose they are
	Role      Role   // of keys: their users'
	Search    string // a part of the id or the name, in any letter case
	// Inactive includes what is deleted, and keys that are revoked or expired.
	Inactive bool
	Now      time.Time // when keys must not have expired; zero: the time of the call
}
