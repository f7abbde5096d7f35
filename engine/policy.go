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
	// Caps are those of each level that has one, highest level first. All of them hold.
	Caps []Cap
	// Sources name where each value comes from, by the API's name of the member. A single
	// value has one, a list and a cap one for each level that says something, highest
	// first. What is not there is the installation's default.
	Sources map[string][]Source

	chain chain
}

// Cap bounds what all requests of a tenant may take together in a day.
type Cap struct {
	Tenant  Tenant
	Tokens  int64 // Uncapped: any number
	NanoUSD int64 // likewise
}

// Uncapped is a bound that is not set; 0 is one that lets nothing pass.
const Uncapped int64 = -1

// Source is where a value of a Policy comes from.
type Source struct {
	Level    Level
	Tenant   Tenant
	Override bool
	Locked   bool   // no level below the one that locked it may set it
	Reason   string // of an override
	By       string // the user who set it, as "account/user"
}

// unsetPolicy is the policy under which nothing is set.
var unsetPolicy = &Policy{PreferVision: true, StoreText: true}

// orUnset is p, or what nil stands for.
func (p *Policy) orUnset() *Policy {
	if p == nil {
		return unsetPolicy
	}
	return p
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

// Prefer is what a caller prefers where several models would do.
type Prefer struct{ Vision, Speed, Cost bool }

// Prefers returns the preferences, also of a nil Policy.
func (p *Policy) Prefers() Prefer {
	p = p.orUnset()
	return Prefer{Vision: p.PreferVision, Speed: p.PreferSpeed, Cost: p.PreferCost}
}

// RulesOwnOnly reports whether system and global rules are left out, also of a nil Policy.
func (p *Policy) RulesOwnOnly() bool { return p != nil && p.CustomRulesOnly }

// KeepsText reports whether text of exchanges may be kept, also of a nil Policy.
func (p *Policy) KeepsText() bool { return p.orUnset().StoreText }
