package engine

import "context"

// Where a decision came from, for the x-pointsman-rule header: a rule's id or one of these.
const (
	SourceDefault    = "default"
	SourcePinned     = "pinned"
	SourceAssignment = "assignment"
	SourceOverride   = "override"
)

// Decision is the ranking that the rules made, before the policy envelope clips it.
type Decision struct {
	Source  string   // rule id, or a Source constant
	Models  []string // catalogue ids, best first: target, then fallbacks
	Only    bool     // the default handler's models are not appended
	Reason  string   // of a plugin
	Tags    []Pair
	Params  []Pair // max_tokens, reasoning_effort as a plugin proposed them
	Skipped []Skip // rules that failed
	Fuel    int64  // that the plugins spent which were asked, also those that failed
	// Found has the PhraseHash of each phrase of the rules that the text holds, sorted; filled
	// when Request.Record asks for it. Searched: all phrases were looked for.
	Found    []uint32
	Searched bool
	// Plugins are the calls of rules' plugins, in order; filled when Request.Record asks for it.
	Plugins []PluginCall
	Rules   RuleSetRef // whose decision it is; zero when no rule was asked
	Variant string     // id of the rollout whose draft decided; "": the live rules
	// Continue: a stream that is cut may go on at a fallback that can prefill.
	Continue bool
	// Assignment is that of the request's task type, whose Allowed bounds every target,
	// also when the caller's pin or something else decided. Nil: there is none.
	Assignment *Assignment
}

// Skip is a rule or a target that was passed over, and why.
type Skip struct {
	What   string // rule id or model id
	Reason SkipReason
	Detail string // safe to show; may be empty
}

// SkipReason is one word that says why something was passed over.
type SkipReason string

// Reasons.
const (
	SkipRuleFailed       SkipReason = "rule_failed"
	SkipRuleSuspended    SkipReason = "rule_suspended"
	SkipAssignmentFailed SkipReason = "assignment_failed" // its condition broke
	SkipUnknownModel     SkipReason = "unknown_model"
	SkipDisabled         SkipReason = "disabled"
	SkipRetired          SkipReason = "retired"
	SkipNoCredential     SkipReason = "no_credential"
	SkipNotAllowed       SkipReason = "not_allowed"
	SkipCapability       SkipReason = "lacks_capability"
	SkipContext          SkipReason = "context_too_small"
	SkipWire             SkipReason = "wire" // does not speak the caller's wire, which the request needs
	SkipUnpriced         SkipReason = "unpriced"
	SkipCooldown         SkipReason = "cooldown"        // its provider asked for a pause that is not over
	SkipDown             SkipReason = "down"            // its health is down, and no trial is free
	SkipDrained          SkipReason = "drained"         // an administrator took it out
	SkipRetryBudget      SkipReason = "retry_budget"    // too many retries have failed lately
	SkipLimit            SkipReason = "rate_limited"    // a limit of the caller's tenant, or of the provider, is reached
	SkipBudget           SkipReason = "budget_exceeded" // it may cost more than a hard budget leaves
	SkipFailed           SkipReason = "failed"          // tried; the attempt's outcome says how
)

// Decider ranks models for a request.
type Decider interface {
	// Decide tries the account's and the global rules by priority and returns the
	// first match. When none matches, the Decision has SourceDefault and no models:
	// the default handler is the pipeline's.
	// Errors: CodeRuleRejected when a plugin said no, CodeRuleFailed when a rule with
	// FailureRefuse broke. Safe for concurrent use; takes no lock.
	Decide(ctx context.Context, r *Request) (Decision, error)
}

// DecideEnv is what Decider implementations are built from.
type DecideEnv struct {
	Rules  []Rule // every account's, enabled or not
	Guests RuleGuests
}

// RuleChecker compiles a rule without keeping it.
type RuleChecker interface {
	// CheckRule validates when-source or plugin reference and config.
	// Errors: *SourceError for a text that does not compile, *Error with CodeInvalid
	// for the rest. Safe for concurrent use; bounded in time and memory by its input caps.
	CheckRule(r Rule) error
}
