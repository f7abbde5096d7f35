package engine

import "time"

// Level is where a setting is made: for the whole installation, or for one account,
// team or user. A setting of a lower level is more specific.
type Level string

// The levels, highest first.
const (
	LevelGlobal  Level = "global"
	LevelAccount Level = "account" // the company
	LevelTeam    Level = "team"
	LevelUser    Level = "user"
)

// Tenant names whom a setting is for, at any level. The zero value is the whole
// installation. A team has no UserID, and a user no TeamID: a user keeps its settings in
// another team. It can be compared, and is a key of maps.
type Tenant struct {
	AccountID string
	TeamID    string
	UserID    string
}

// Level is the tenant's level.
func (t Tenant) Level() Level {
	switch {
	case t.AccountID == "":
		return LevelGlobal
	case t.UserID != "":
		return LevelUser
	case t.TeamID != "":
		return LevelTeam
	}
	return LevelAccount
}

// Preferences are the settings of one tenant: what is set there, nothing of what is
// inherited. A nil member is not set. At most one row exists for a tenant, and beside it
// at most one override, which only a super admin makes and removes.
type Preferences struct {
	Tenant
	// Override marks the super admin's row: what it sets holds whatever is set at any level.
	Override bool

	DefaultModel *string // a catalogue id: what a request goes to that no rule matched
	// Model is where every request goes, pinned or not. Only an override can set it.
	Model           *string
	AllowedModels   *[]string // catalogue ids; a lower level can only narrow it
	BlockedModels   *[]string // catalogue ids; adds up over the levels
	MaxTokensPerDay *int64    // of all requests of that tenant together; ≥ 0
	MaxCostPerDay   *int64    // nano-USD, likewise
	PreferVision    *bool
	PreferSpeed     *bool
	PreferCost      *bool
	CustomRulesOnly *bool // of global or account level: system and global rules are left out
	StoreText       *bool // text of exchanges may be kept in session notes; default true

	// Locked names members (as the API writes them) that no lower level may set anew.
	Locked []string

	Reason    string // of an override: why, shown to those below
	UpdatedBy string // the user who wrote it last, as "account/user"
	CreatedAt time.Time
	UpdatedAt time.Time
}

// TenantPreferences is all that is set for one tenant.
type TenantPreferences struct {
	Set      Preferences  // zero but for its Tenant when nothing is set
	Override *Preferences // nil: there is none
}

// EffectivePolicy is what holds for a user, and who that is.
type EffectivePolicy struct {
	Principal Principal
	Policy    *Policy // never nil
	// Assignments that count now, by task type, in the order in which they are considered.
	Assignments map[string][]*Assignment
}

// Assignment says which models a type of task goes to, for one tenant.
type Assignment struct {
	Tenant
	ID        string   // a slug, unique in its account
	TaskType  string   // as metadata.task_type names it
	Model     string   // the primary one; a catalogue id
	Fallbacks []string // catalogue ids
	// Allowed are the only models that may serve such a task; empty: any. A caller's pin
	// outside it is refused.
	Allowed []string
	// Priority is 0–10,000 within a level, higher first; default DefaultPriority. What a user
	// made for itself counts after what others made for it, whatever its priority.
	Priority  int
	When      string    // expr source, boolean, as of a rule; "": always
	ExpiresAt time.Time // zero: never
	// Locked: no assignment of a lower level counts for this task type.
	Locked    bool
	Enabled   bool
	UpdatedBy string // as "account/user"; whose it is, at the level of a user
	CreatedAt time.Time
	UpdatedAt time.Time
}
