package engine

import "time"

// Role is what a user may manage: its own level and those below.
type Role string

// Roles, highest first.
const (
	RoleSuperAdmin   Role = "super_admin"
	RoleAccountAdmin Role = "account_admin"
	RoleTeamLead     Role = "team_lead"
	RoleUser         Role = "user"
)

// Rank orders roles: 3 for the super admin down to 0 for a user, -1 for any other text.
func (r Role) Rank() int {
	switch r {
	case RoleSuperAdmin:
		return 3
	case RoleAccountAdmin:
		return 2
	case RoleTeamLead:
		return 1
	case RoleUser:
		return 0
	}
	return -1
}

// DefaultAccount is the id of the account that the first start makes.
const DefaultAccount = "default"

// Account is a tenant. Its id is the first part of every other key.
type Account struct {
	ID        string
	Name      string
	CreatedAt time.Time
}

// User is a person or a service of one account. TeamID may be empty.
type User struct {
	AccountID string
	ID        string
	TeamID    string
	Name      string
	Role      Role
	CreatedAt time.Time
}

// Key is an API key as it is stored: only its digest, never its text.
type Key struct {
	AccountID string
	ID        string
	UserID    string
	Name      string
	Prefix    string // the first characters, to recognise it by; never enough to use it
	Digest    []byte // HMAC-SHA-256 under the pepper, 32 bytes
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	RevokedAt time.Time // zero: not revoked
}

// Principal is who sent a request, as its key says. A value; the zero value may do nothing.
type Principal struct {
	AccountID string
	TeamID    string
	UserID    string
	KeyID     string
	KeyName   string
	Role      Role
}
