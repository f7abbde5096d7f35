package host

import (
	"context"
	"errors"
	"fmt"
	"maps"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/rule"
)

// replayer makes recorded decisions again with the rules of their time. Safe for concurrent use.
type replayer struct {
	store interface {
		engine.RuleSetStore
		GetRollout(ctx context.Context, accountID, id string) (engine.Rollout, error)
	}
	router    *rule.Router
	catalogue func() *engine.Catalogue
	drafts    *lru.Cache[draftOf, pastRules]
}

// draftOf names rules of the past.
type draftOf struct {
	account string
	set     engine.RuleSetRef
	only    bool   // the account's alone
	variant string // id of the rollout whose draft decided; "": none
}

type pastRules struct {
	draft   *rule.Draft
	known   func(phrase string) bool
	set     engine.RuleSetDigests
	rollout *engine.Rollout // whose draft decided; nil: none
}

// maxPastRules is how many are kept compiled.
const maxPastRules = 8

func (h *Host) newReplayer() *replayer {
	drafts, err := lru.New[draftOf, pastRules](maxPastRules)
	if err != nil {
		panic("host: " + err.Error()) // it refuses only a size below 1
	}
	return &replayer{store: h.store, router: h.router, catalogue: h.catalogue.Load, drafts: drafts}
}

// Explained implements decision.Replayer. Each plugin is asked at the version that was asked then.
func (r *replayer) Explained(ctx context.Context, d *engine.DecisionRecord) (engine.RetoldDecision, error) {
	account := d.Inputs.Principal.AccountID
	if (d.Rules == engine.RuleSetRef{}) && ruleDecided(d) {
		return engine.RetoldDecision{}, engine.Errorf(engine.CodeNotFound, "Which rules were in force is not in the record.")
	}
	past, err := r.past(ctx, draftOf{account, d.Rules, d.Inputs.OwnOnly, d.Variant})
	if err != nil {
		return engine.RetoldDecision{}, err
	}
	told := engine.RetoldDecision{Digests: past.set, Rollout: past.rollout}
	q, err := d.Inputs.Replay(r.catalogue().Models(account), past.known)
	if err != nil {
		return told, err
	}
	defer d.Inputs.Forget(q)
	q.Recorded.Skipped, q.Recorded.Plugins = d.Decision.Skipped, d.Decision.Plugins
	if !ruleDecided(d) {
		told.Rules = past.draft.Steps(q)
		return told, nil
	}
	_, told.Rules, err = past.draft.Explain(ctx, q)
	asThen(told.Rules, d.Decision.Plugins)
	switch {
	case ctx.Err() != nil:
		return told, ctx.Err()
	case engine.IsUndecided(err):
		return told, err
	}
	return told, nil // an error is the decision's own: the steps show it
}

// asThen puts what plugins spent then in the place of what they spend now.
func asThen(steps []engine.RuleStep, calls []engine.PluginCall) {
	for i := range steps {
		s := &steps[i]
		then := engine.CallOf(calls, s.RuleID)
		if then == nil || s.Outcome == engine.RuleShadowed || s.Outcome == engine.RuleDisabled {
			continue
		}
		s.Plugin, s.Fuel, s.TookNS = then.Plugin, then.Fuel, then.TookNS
		if s.Digest == "" {
			s.Digest = then.Digest
		}
	}
}

// ruleDecided reports whether rules were asked.
func ruleDecided(d *engine.DecisionRecord) bool {
	switch d.Decision.Source {
	case engine.SourceOverride, engine.SourcePinned, engine.SourceAssignment, "":
		return false
	}
	return true
}

// past returns the rules of that time, compiled.
func (r *replayer) past(ctx context.Context, of draftOf) (pastRules, error) {
	if kept, ok := r.drafts.Get(of); ok {
		return kept, nil
	}
	sets, found := map[string][]engine.Rule{"": nil, of.account: nil}, pastRules{}
	for account, version := range map[string]int64{"": of.set.Global, of.account: of.set.Account} {
		if version == 0 {
			continue
		}
		set, err := r.store.GetRuleSet(ctx, account, version)
		if errors.Is(err, engine.ErrNotFound) {
			return pastRules{}, engine.Errorf(engine.CodeNotFound, "The rules that were in force are no longer known.")
		}
		if err != nil {
			return pastRules{}, fmt.Errorf("read the rules of a decision: %w", err)
		}
		sets[account] = set.Rules
		if account == "" {
			found.set.Global = set.Digest
		} else {
			found.set.Account = set.Digest
		}
	}
	known := []func(string) bool{rule.Known(of.seen(sets))}
	options := rule.DraftOptions{Sets: sets, Versions: map[string]int64{"": of.set.Global, of.account: of.set.Account}}
	if of.variant != "" {
		rollout, err := r.rollout(ctx, of)
		if err != nil {
			return pastRules{}, err
		}
		found.rollout = &rollout
		if d := rollout.Draft; d.Plugin != "" {
			options.Plugins = draftOptions(rollout.AccountID, d).Plugins
		} else {
			options.Sets = maps.Clone(sets)
			options.Sets[rollout.AccountID] = d.Rules
			known = append(known, rule.Known(of.seen(options.Sets))) // the phrases of both were looked for
		}
	}
	found.draft, _ = r.router.Draft(options)
	found.known = func(phrase string) bool {
		for _, of := range known {
			if of(phrase) {
				return true
			}
		}
		return false
	}
	r.drafts.Add(of, found)
	return found, nil
}

// seen are the rules that the account's requests were tried against.
func (of *draftOf) seen(sets map[string][]engine.Rule) (rules []engine.Rule) {
	for account, set := range sets {
		if account != "" || !of.only {
			for _, r := range set {
				r.AccountID = account
				rules = append(rules, r)
			}
		}
	}
	return rules
}

// rollout is the one whose draft decided: the account's own, or a global one.
func (r *replayer) rollout(ctx context.Context, of draftOf) (engine.Rollout, error) {
	for _, account := range [...]string{of.account, ""} {
		found, err := r.store.GetRollout(ctx, account, of.variant)
		if err == nil {
			return found, nil
		}
		if !errors.Is(err, engine.ErrNotFound) {
			return engine.Rollout{}, fmt.Errorf("read the rollout of a decision: %w", err)
		}
	}
	return engine.Rollout{}, engine.Errorf(engine.CodeNotFound, "The rollout whose draft decided is no longer known.")
}
