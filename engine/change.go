package engine

// Area is a part of the configuration that is loaded by itself.
type Area string

// What each area holds.
const (
	AreaTenants   Area = "tenants"   // accounts, teams, users and keys
	AreaRules     Area = "rules"     // rules and their versions
	AreaPlugins   Area = "plugins"   // versions of plugins
	AreaCatalogue Area = "catalogue" // models, providers, their credentials and prices
	AreaPolicies  Area = "policies"  // preferences and assignments
	AreaLimits    Area = "limits"
	AreaBudgets   Area = "budgets"
	AreaRollouts  Area = "rollouts"
	AreaDecisions Area = "decisions" // settings of decisions
	AreaHealth    Area = "health"    // health controls
	AreaOther     Area = "other"     // what is in force without being loaded
)

// Mark is a place in the history of the configuration. Two histories of one database, as before
// and after a backup was restored, may have the same revisions, but not the same marks.
type Mark struct {
	Revision int64
	Write    string // which write it was; "": of before writes were told apart
}

// Change is what one write of configuration changed.
type Change struct {
	Mark
	Area      Area
	AccountID string // whose rows; "": global ones
	ID        string // which row, as "key/" and its id; "": any of the account's in that area
}

// Changes are the writes since a mark.
type Changes struct {
	Now   Mark
	Known bool     // List is all of them; false: anything may have changed
	List  []Change // in their order
}
