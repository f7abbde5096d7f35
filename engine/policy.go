package engine

import "slices"

// Policy is what holds for a caller: the preferences of its levels put together, as
// RATIONALE.md says under "Which setting holds?". Immutable and shared; nil is a policy
// under which nothing is set.
type Policy struct {
	Model           string   // where every request goes, by a super admin's override; "": not set
	DefaultModel    string   // "": the installation's
	Allowed         []string // sorted; nil: every model, empty: none
	Blocked         []string // sorted
	PreferVision    bool
	PreferSpeed     bool
	PreferCost      bool
	CustomRulesOnly bool
	StoreText       bool // text of exchanges may be kept
	// Assignments by task type, in the order in which they are considered.
	Assignments map[string][]Assignment
	// Sources name where each value comes from, by the API's name of the member.
	Sources map[string]Source
}

// Source is where a value of a Policy comes from.
type Source struct {
	Level    Level
	Tenant   Tenant
	Override bool
	Locked   bool
	Reason   string // of an override
	By       string // the user who set it, as "account/user"
}

// Allows reports whether the model may serve the caller.
func (p *Policy) Allows(model string) bool {
	if p == nil {
		return true
	}
	if _, blocked := slices.BinarySearch(p.Blocked, model); blocked {
		return false
	}
	if p.Allowed == nil {
		return true
	}
	_, allowed := slices.BinarySearch(p.Allowed, model)
	return allowed
}
