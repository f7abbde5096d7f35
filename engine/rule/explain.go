package rule

import (
	"context"

	"github.com/pointsman/pointsman/engine"
)

// Explain implements engine.Explainer: the decision that Decide makes now. It counts no
// failure and is no suspended rule's trial.
func (r *Router) Explain(ctx context.Context, req *engine.Request) (engine.Decision, []engine.RuleStep, error) {
	t := r.table.Load()
	a := t.of(req.Principal.AccountID)
	if v := a.rollout(req); v != nil {
		return v.explain(ctx, req, a)
	}
	return r.judge.explain(ctx, req, t, a)
}

// Steps implements engine.Explainer.
func (r *Router) Steps(req *engine.Request) []engine.RuleStep { return r.table.Load().steps(req) }

// steps are those of rules that nobody asks.
func (t *table) steps(req *engine.Request) []engine.RuleStep {
	seen := t.seen(req.Principal.AccountID, req.Policy.RulesOwnOnly())
	steps := make([]engine.RuleStep, len(seen))
	for i := range seen {
		steps[i] = seen[i].step()
		switch {
		case steps[i].Outcome != "":
		case seen[i].team != "" && seen[i].team != req.Principal.TeamID:
			steps[i].Outcome = engine.RuleOtherTeam
		default:
			steps[i].Outcome = engine.RuleNotAsked
		}
	}
	return steps
}

func (k *known) step() engine.RuleStep {
	return engine.RuleStep{
		RuleID: k.id, AccountID: k.account, Name: k.name, Priority: k.priority,
		Outcome: k.outcome, Detail: k.detail, Plugin: k.plugin,
	}
}

// explain is decide with a step for every rule.
func (j *judge) explain(ctx context.Context, req *engine.Request, t *table, a *accountLists) (engine.Decision, []engine.RuleStep, error) {
	ownOnly := req.Policy.RulesOwnOnly()
	d := engine.Decision{Source: engine.SourceDefault, Rules: a.versions, Searched: req.Record}
	seen := t.seen(req.Principal.AccountID, ownOnly)
	steps := make([]engine.RuleStep, len(seen))
	l := a.list(ownOnly)
	s := newScratch(req, l)
	defer s.release()
	s.dry = true
	over := false
	var err error
	next := 0 // of the entries, which have the same order
	for i := range seen {
		step := &steps[i]
		*step = seen[i].step()
		if step.Outcome != "" {
			continue
		}
		e := &l.entries[next]
		next++
		if over {
			step.Outcome = engine.RuleNotReached
			continue
		}
		skipped, fuel := len(d.Skipped), d.Fuel
		s.guest, s.spent, s.note = nil, 0, ""
		step.Outcome, err = j.consider(ctx, s, e, &d)
		over = err != nil || step.Outcome == engine.RuleMatched
		if len(d.Skipped) > skipped {
			step.Detail = d.Skipped[skipped].Detail
		}
		step.Fuel = d.Fuel - fuel
		s.tell(step, e, err)
	}
	if req.Record && len(l.entries) > 0 {
		s.record(&d)
	}
	return d, steps, err
}

// tell adds what is known of how the rule came to its outcome.
func (s *scratch) tell(step *engine.RuleStep, e *entry, err error) {
	if e.program != nil {
		step.Clause = e.program.clauseOf(s.request, step.Outcome)
	}
	if s.guest != nil {
		step.Plugin, step.Digest, step.TookNS = s.guest.Ref(), s.guest.Digest(), s.spent
	}
	switch step.Outcome {
	case engine.RuleMatched, engine.RuleAbstained:
		if s.guest != nil {
			step.Detail = clip(s.answer.Reason, maxReason)
		}
	case engine.RuleRejected, engine.RuleUndecided:
		step.Detail = detail(err)
	}
	if s.note != "" {
		step.Detail = s.note
	}
}
