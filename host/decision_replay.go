package host

import (
	"context"
	"errors"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/rule"
)

// replayer makes recorded decisions again with the rules of their time. Safe for concurrent use.
type replayer struct {
	sets      engine.RuleSetStore
	router    *rule.Router
	catalogue func() *engine.Catalogue
	drafts    *lru.Cache[draftOf, pastRules]
}

// draftOf names rules of the past.
type draftOf struct {
	account string
	set     engine.RuleSetRef
	only    bool // the account's alone
}

type pastRules struct {
	draft *rule.Draft
	known func(phrase string) bool
}

// maxPastRules is how many are kept compiled.
const maxPastRules = 8

func (h *Host) newReplayer() *replayer {
	drafts, err := lru.New[draftOf, pastRules](maxPastRules)
	if err != nil {
		panic("host: " + err.Error()) // it refuses only a size below 1
	}
	return &replayer{sets: h.store, router: h.router, catalogue: h.catalogue.Load, drafts: drafts}
}

// Explained implements decision.Replayer. Plugins are asked at the versions that are active now,
// unless a rule names one.
func (r *replayer) Explained(ctx context.Context, d *engine.DecisionRecord) ([]engine.RuleStep, error) {
	account := d.Inputs.Principal.AccountID
	switch {
	case d.Variant != "":
		return nil, engine.Errorf(engine.CodeNotFound, "A rollout's draft decided: ask for it to be explained.")
	case d.Rules == engine.RuleSetRef{} && ruleDecided(d):
		return nil, engine.Errorf(engine.CodeNotFound, "Which rules were in force is not in the record.")
	}
	past, err := r.past(ctx, draftOf{account, d.Rules, d.Inputs.OwnOnly})
	if err != nil {
		return nil, err
	}
	q, err := d.Inputs.Replay(r.catalogue().Models(account), past.known)
	if err != nil {
		return nil, err
	}
	defer d.Inputs.Forget(q)
	q.Recorded.Skipped = d.Decision.Skipped
	if !ruleDecided(d) {
		return past.draft.Steps(q), nil
	}
	_, steps, err := past.draft.Explain(ctx, q)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case engine.IsUndecided(err):
		return steps, engine.Errorf(engine.CodeInvalid, "What a rule asks for was not kept: the steps end there.")
	}
	return steps, nil // an error is the decision's own: the steps show it
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
	var rules []engine.Rule
	sets := map[string][]engine.Rule{"": nil, of.account: nil}
	for account, version := range map[string]int64{"": of.set.Global, of.account: of.set.Account} {
		if version == 0 {
			continue
		}
		set, err := r.sets.GetRuleSet(ctx, account, version)
		if errors.Is(err, engine.ErrNotFound) {
			return pastRules{}, engine.Errorf(engine.CodeNotFound, "The rules that were in force are no longer known.")
		}
		if err != nil {
			return pastRules{}, fmt.Errorf("read the rules of a decision: %w", err)
		}
		sets[account] = set.Rules
		if account != "" || !of.only {
			rules = append(rules, set.Rules...)
		}
	}
	draft, _ := r.router.Draft(rule.DraftOptions{Sets: sets, Versions: map[string]int64{"": of.set.Global, of.account: of.set.Account}})
	past := pastRules{draft, rule.Known(rules)}
	r.drafts.Add(of, past)
	return past, nil
}
