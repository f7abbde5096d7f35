package engine

import "time"

// LimitKind is what a limit counts.
type LimitKind string

// Kinds of limits.
const (
	LimitRequests    LimitKind = "requests"
	LimitTokens      LimitKind = "tokens"      // prompt and completion together
	LimitConcurrency LimitKind = "concurrency" // requests in flight; has no window
)

// LimitDimensions is a set of what a request can be told apart by.
type LimitDimensions uint8

// The dimensions. A team, a user and a key are always those of one account.
const (
	LimitByAccount LimitDimensions = 1 << iota
	LimitByTeam
	LimitByUser
	LimitByKey
	LimitByProvider
	LimitByModel

	// LimitByTarget are those that are known only when a target has been chosen.
	LimitByTarget = LimitByProvider | LimitByModel
)

var limitDimensionNames = [...]string{"account", "team", "user", "key", "provider", "model"}

// Names returns the dimensions' names, as the API and the store write them, in the
// order of the constants.
func (d LimitDimensions) Names() []string {
	names := make([]string, 0, len(limitDimensionNames))
	for i, name := range limitDimensionNames {
		if d&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// ParseLimitDimension returns the dimension of that name; ok is false for any other text.
func ParseLimitDimension(name string) (d LimitDimensions, ok bool) {
	for i, known := range limitDimensionNames {
		if name == known {
			return 1 << i, true
		}
	}
	return 0, false
}

// LimitScope says which requests a limit is about: those that have every value that is
// set. The zero value is about all of them.
type LimitScope struct {
	AccountID  string
	TeamID     string
	UserID     string
	KeyID      string
	ProviderID string
	ModelID    string // of the catalogue
}

// Dimensions are those that the scope names a value of.
func (s LimitScope) Dimensions() (d LimitDimensions) {
	for i, value := range [...]string{s.AccountID, s.TeamID, s.UserID, s.KeyID, s.ProviderID, s.ModelID} {
		if value != "" {
			d |= 1 << i
		}
	}
	return d
}

// Bounds of a limit.
const (
	// MaxLimitAmount bounds Amount and Burst.
	MaxLimitAmount = 1_000_000_000_000
	// MaxLimits is how many limits one account may have.
	MaxLimits = 1_000
)

// Limit bounds what the requests of its scope may use: a token bucket that holds Burst
// and gains Amount each Window, evenly. RATIONALE.md, "Which limits hold for a request?".
//
// AccountID is whose row it is: an account's limits are about that account's requests
// alone. It is empty for a row of the super admin's, which may be about everybody's.
type Limit struct {
	AccountID string
	ID        string // a slug, unique in its account
	Name      string
	Scope     LimitScope
	// Per gives each value of these dimensions a bucket of its own, as "every user, on
	// every model". Zero: all requests of the scope share one.
	Per    LimitDimensions
	Kind   LimitKind
	Amount int64         // 0–MaxLimitAmount; 0 admits nothing
	Window time.Duration // 1 s, 1 min, 1 h or 24 h; 0 for concurrency
	Burst  int64         // 0: Amount. Always 0 for concurrency
	// Override: it takes the place of the limits of the same owner, kind, window and
	// dimensions instead of holding beside them.
	Override bool
	Enabled  bool
	// LeastRole is the least role that may change it: RoleTeamLead where a team lead made it,
	// else, and when it is empty, RoleAccountAdmin.
	LeastRole Role
	// Resets is how often the limit was reset: one more fills its buckets again. In-flight
	// requests keep counting against a concurrency limit.
	Resets    int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Dimensions are all that the limit names or is split by: the level that it is of.
func (l Limit) Dimensions() LimitDimensions { return l.Scope.Dimensions() | l.Per }

// Size is the most that may be used at one moment: the burst, else the amount.
func (l Limit) Size() int64 {
	if l.Burst > 0 && l.Kind != LimitConcurrency {
		return l.Burst
	}
	return l.Amount
}
