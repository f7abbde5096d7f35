package engine

import (
	"context"
	"errors"
	"time"
)

// ErrUndecided is in the chain of what a Decider returns for a request of DecisionInputs.Replay
// that a rule cannot decide on: it asks for something that was not kept.
var ErrUndecided = errors.New("what the rule asks for was not kept")

// RuleOutcome is what became of one rule in a decision.
type RuleOutcome string

// Outcomes.
const (
	RuleMatched    RuleOutcome = "matched"
	RuleNoMatch    RuleOutcome = "no_match" // Clause is the part that did not hold
	RuleAbstained  RuleOutcome = "abstained"
	RuleRejected   RuleOutcome = "rejected"    // a plugin refused the request
	RuleFailedStep RuleOutcome = "failed"      // Detail says how
	RuleSuspended  RuleOutcome = "suspended"   // it failed too often
	RuleOtherTeam  RuleOutcome = "other_team"  // it is a team's, and the caller is of another
	RuleDisabled   RuleOutcome = "disabled"    // it is not in force
	RuleShadowed   RuleOutcome = "shadowed"    // an account's rule has its id
	RuleLeftOut    RuleOutcome = "left_out"    // the account uses its own rules only, or it does not compile
	RuleNotReached RuleOutcome = "not_reached" // a rule before it matched
	RuleNotAsked   RuleOutcome = "not_asked"   // something else decided: an override, a pin, an assignment
	RuleUndecided  RuleOutcome = "undecided"   // of a record without the text that it asks for
)

// RuleStep is one rule in a decision that is explained.
type RuleStep struct {
	RuleID    string
	AccountID string // whose rule it is; "": global
	Name      string
	Priority  int
	Outcome   RuleOutcome
	// Clause is the part of the expression that did not hold, or that made it hold, as written.
	Clause string
	Detail string // safe to show
	Plugin string // name@version of the one that was asked
	Digest string // of its module, hex SHA-256
	Fuel   int64
	TookNS int64
}

// Candidate is one model of a ranking, and whether it may be asked.
type Candidate struct {
	Model           string // catalogue id
	Provider        string
	Upstream        string // id there; another vendor id when a replacement serves
	Substituted     bool
	Skip            *Skip // why not; nil: it is a target
	State           ModelState
	EstimatedCost   int64 // nano-USD with a usual answer; meaningless without Priced
	EstimatedMost   int64 // with the longest answer
	Priced          bool
	PremiumCenti    int64
	OfDefault       bool // it is the default handler's, not the rule's
	LastResort      bool // it is down, and would be asked because everything is
	ContextWindow   int64
	DegradedLowered bool // it comes later because it is degraded
}

// Explanation is a decision told whole.
type Explanation struct {
	RequestID  string
	At         time.Time
	Principal  Principal
	Asked      string // the model that the caller named
	Source     string // as Decision.Source
	Reason     string
	Assignment string // id; "": none
	Rules      []RuleStep
	Set        RuleSetRef
	Variant    string
	Tags       []Pair
	Params     []Pair
	Candidates []Candidate // in order
	Failed     []Skip      // rules and conditions that failed or are suspended
	Budget     BudgetLeft
	Prefer     Prefer
	Session    Session
	Features   Features // Text is left out unless it was kept
	Fuel       int64
	TookUS     int64
	// Err is the answer that the caller would get; nil: the first candidate without Skip is asked.
	Err *Error
}

// Explainer tells every rule's part in a decision. It decides exactly as the Decider does that
// it explains, counts nothing towards suspensions, and is slower. Safe for concurrent use.
type Explainer interface {
	// Explain returns the decision and a step for every rule that the account sees, in order.
	// Errors: those of Decider.Decide, with the steps up to it.
	Explain(ctx context.Context, r *Request) (Decision, []RuleStep, error)
	// Steps returns the same rules without asking any, each with RuleNotAsked or why it could
	// not be asked.
	Steps(r *Request) []RuleStep
}

// WhatIf changes what a dry run decides on. The zero value changes nothing. The request's own
// members (Received, Principal, Hints) say the rest.
type WhatIf struct {
	Down         []string // catalogue ids of models, or ids of providers, taken to be down
	Up           []string // likewise to be well
	BudgetLeft   *BudgetLeft
	SessionModel *string   // who served the last turn; "": this is the first one
	Explainer    Explainer // decides with other rules; nil: the live ones
}

// IsUndecided reports whether the error is ErrUndecided.
func IsUndecided(err error) bool { return errors.Is(err, ErrUndecided) }
