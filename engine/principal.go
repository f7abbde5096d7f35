package engine

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

// Lower returns the lower of two roles.
func (r Role) Lower(other Role) Role {
	if other.Rank() < r.Rank() {
		return other
	}
	return r
}

// Principal is who sent a request, as its key says. A value; the zero value may do nothing.
type Principal struct {
	AccountID string
	TeamID    string
	UserID    string
	KeyID     string
	KeyName   string
	Role      Role
	Scopes    Scopes
}

// Scopes is what a key may be used for, whatever its user's role: a set of bits.
// The zero value allows nothing.
type Scopes uint8

// The scopes. ScopeManage allows writing through the admin API, which needs ScopeRead beside it.
const (
	ScopeInference Scopes = 1 << iota // /v1
	ScopeRead                         // reading under /api/v1
	ScopeManage                       // writing under /api/v1

	AllScopes = ScopeInference | ScopeRead | ScopeManage
)

var scopeNames = [...]string{"inference", "read", "manage"}

// Has reports whether every scope of want is in s.
func (s Scopes) Has(want Scopes) bool { return s&want == want }

// Names returns the scopes' names, as the API and the store write them, in the order
// of the constants.
func (s Scopes) Names() []string {
	names := make([]string, 0, len(scopeNames))
	for i, name := range scopeNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// ParseScope returns the scope of that name; ok is false for any other text.
func ParseScope(name string) (s Scopes, ok bool) {
	for i, known := range scopeNames {
		if name == known {
			return 1 << i, true
		}
	}
	return 0, false
}
