package engine

// RuleDraft is what is tried in the place of live rules. One of its members is set.
type RuleDraft struct {
	// Rules are all rules of the account, or all global ones.
	Rules []Rule
	// Plugin runs at Version wherever the live rules name it without a version.
	Plugin, Version string
	// LeaveOut: rules that do not compile are left out, as when rules are put in force; else they
	// are an error.
	LeaveOut bool
}

// DraftRules decide as the rules of a RuleDraft would, together with the live rules that it
// leaves as they are. Safe for concurrent use.
type DraftRules interface {
	Decider
	Explainer
}

// Drafter compiles drafts.
type Drafter interface {
	// Draft compiles a draft of that account's rules, or of the global ones ("").
	// Errors: *SourceError, *Error with CodeInvalid for a rule that does not compile, or CodeNotFound for a plugin.
	Draft(accountID string, d RuleDraft) (DraftRules, error)
}
