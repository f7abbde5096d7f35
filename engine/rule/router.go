// Package rule decides which models a request goes to: it compiles the tenants'
// rules (expr expressions and plugin references) into an immutable table and tries
// them in order. A rule's text comes from a tenant and is treated as hostile: see
// source.go and gate.go for what is refused, cost.go for what the rest may cost.
//
// It does not know which models exist, who may use them or whether they answer:
// that is the pipeline's envelope, after the decision. Nor does it run plugins; it
// asks an engine.RuleGuests for them.
//
// Read router.go first, then decide.go; compile.go for the way of a text.
package rule

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/pointsman/pointsman/engine"
)

// Config holds what is optional. The zero value works.
type Config struct {
	// Work bounds what the expressions of all rules may cost for one request, in the
	// unit of cost.go (about a nanosecond of a slow case). Rules that would go beyond
	// it count as failed for that request. 0: DefaultWork.
	Work int
	// OnSuspend is told when a rule is suspended for the requests of an account. It is
	// called from Decide, must not block, and may be called concurrently. May be nil.
	OnSuspend func(accountID, ruleID string)
}

// Router implements engine.Decider, engine.Explainer, engine.RuleChecker and engine.ConditionCompiler.
// Make one with New. Safe for concurrent use.
type Router struct {
	guests engine.RuleGuests
	cfg    Config
	judge  judge

	table    atomic.Pointer[table]
	compiled *lru.Cache[string, *program] // conditions of assignments, by source

	loading  sync.Mutex // one load at a time; Decide takes no part. Guards what follows
	rollouts []Rollout
}

var (
	_ engine.Decider           = (*Router)(nil)
	_ engine.Explainer         = (*Router)(nil)
	_ engine.RuleChecker       = (*Router)(nil)
	_ engine.ConditionCompiler = (*Router)(nil)
)

// New returns a router without rules. guests finds the plugins that rules name; it
// is asked at every call, so that a new plugin version needs no Load.
func New(guests engine.RuleGuests, cfg Config) *Router {
	if cfg.Work <= 0 {
		cfg.Work = DefaultWork
	}
	r := &Router{
		guests: guests, cfg: cfg,
		judge: judge{guests: guests, work: cfg.Work, counts: true, onSuspend: cfg.OnSuspend},
	}
	r.compiled, _ = lru.New[string, *program](maxConditions) // fails for sizes below 1 only
	r.table.Store(newTable(nil, nil, nil))
	return r
}

// Problem is a rule that Load left out, and why.
type Problem struct {
	AccountID string
	RuleID    string
	Err       error // *engine.SourceError, or *engine.Error with CodeInvalid
}

// Load compiles the rules of every account and puts them in force at once for every
// Decide that begins afterwards. A rule that is not valid is left out and reported;
// an account's rule that is left out still hides the global rule of the same id,
// which the account meant to replace. Texts that were in force before are not
// compiled again. rules is not kept.
func (r *Router) Load(rules []engine.Rule) []Problem { return r.LoadVersions(rules, nil) }

// LoadVersions is Load with the versions of the rule sets that the rules are of, by account, ""
// the global one: see engine.RuleSetStore. Decisions say them in Decision.Rules, from
// the same instant on. versions is not kept.
func (r *Router) LoadVersions(rules []engine.Rule, versions map[string]int64) []Problem {
	r.loading.Lock()
	defer r.loading.Unlock()
	return r.load(divide(owned(rules)), versions)
}

// LoadAccount puts the rules of one account, "" the global ones, and their version in force and
// leaves all others as they are: it costs what the account's rules cost, however many accounts there
// are, unless the rules are global or a rollout of everybody's runs. Problems are the account's.
func (r *Router) LoadAccount(account string, rules []engine.Rule, version int64) []Problem {
	r.loading.Lock()
	defer r.loading.Unlock()
	previous := r.table.Load()
	rules = owned(rules)
	if account != "" && !slices.ContainsFunc(r.rollouts, func(v Rollout) bool { return v.AccountID == "" || v.AccountID == account }) {
		t := previous.with(account, rules, version)
		r.table.Store(t)
		if a := t.lists(account); a != nil {
			return a.problems
		}
		return nil
	}
	sets, versions := previous.sets()
	sets[account], versions[account] = rules, version
	if version == 0 {
		delete(versions, account)
	}
	if len(rules) == 0 {
		delete(sets, account)
	}
	return slices.DeleteFunc(r.load(sets, versions), func(p Problem) bool { return p.AccountID != account })
}

// GlobalRules returns the global rules in force. They are shared: read only.
func (r *Router) GlobalRules() []engine.Rule { return r.table.Load().global.given }

// load puts these rules in force, and the rollouts over them.
func (r *Router) load(sets map[string][]engine.Rule, versions map[string]int64) []Problem {
	previous := r.table.Load()
	t := tableOf(sets, versions, previous)
	t.rollOut(r, previous)
	t.ready()
	r.table.Store(t)
	return t.problems()
}

// owned copies rules as far as somebody else could change them.
func owned(rules []engine.Rule) []engine.Rule {
	rules = slices.Clone(rules)
	for i := range rules {
		rules[i].Config, rules[i].Fallbacks = bytes.Clone(rules[i].Config), slices.Clone(rules[i].Fallbacks)
	}
	return rules
}
