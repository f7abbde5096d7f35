package engine

import (
	"context"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine/document"
)

// dryRun is what is noted of a decision that is explained.
type dryRun struct {
	what       WhatIf
	live       bool // the request is really made: its limits and budget are asked for on the way
	steps      []RuleStep
	candidates []Candidate
}

// Explain decides as Complete would, tells why, and asks nobody: no provider is called, no
// limit or budget is touched, no row written, and no session moved. r is as for Complete, or one
// of DecisionInputs.Replay, whose features, session and states are then taken as they are.
// Errors: none of the decision's, which are in Explanation.Err; *Error with CodeCanceled.
func (p *Pipeline) Explain(ctx context.Context, r *Request, w WhatIf) (Explanation, error) {
	x := &execution{p: p, r: r, catalogue: p.cfg.Catalogue(), began: time.Now()}
	r.dry = &dryRun{what: w}
	replayed := r.Recorded != nil
	if p.cfg.Policies != nil {
		policy := p.cfg.Policies().Of(r.Principal)
		if replayed {
			policy = policy.with(r.Prefers(), r.Policy.RulesOwnOnly())
		}
		r.Policy = policy
	}
	if !replayed {
		r.Features = featuresOf(r)
		if p.cfg.Spending != nil {
			r.Budget = p.cfg.Spending.Left(r.Principal)
		}
		r.Models = x.catalogue.Models(r.Principal.AccountID)
		p.join(ctx, r)
	}
	if w.BudgetLeft != nil {
		r.Budget = *w.BudgetLeft
	}
	if w.SessionModel != nil {
		r.Session.Model = *w.SessionModel
		r.Session.Turns = max(r.Session.Turns, 1)
		if *w.SessionModel == "" {
			r.Session = Session{}
		}
	}
	r.states = whatIfStates{x: x, recorded: r.states, what: &w}
	defer r.ReleaseContext()
	var err error
	err = p.plan(ctx, r, x.catalogue, &x.plan)
	if ctx.Err() != nil {
		return Explanation{}, gone(ctx)
	}
	return x.explanation(err), nil
}

// with is the policy with other preferences.
func (p *Policy) with(prefer Prefer, ownOnly bool) *Policy {
	q := *p.orUnset()
	q.PreferVision, q.PreferSpeed, q.PreferCost, q.CustomRulesOnly = prefer.Vision, prefer.Speed, prefer.Cost, ownOnly
	return &q
}

// decideBy asks the rules. In a dry run each of them is noted.
func (p *Pipeline) decideBy(ctx context.Context, r *Request) (Decision, error) {
	if r.decider != nil {
		return r.decider.Decide(ctx, r)
	}
	e := p.explainer(r)
	if e == nil {
		return p.cfg.Decider.Decide(ctx, r)
	}
	d, steps, err := e.Explain(ctx, r)
	r.dry.steps = steps
	return d, err
}

// explainer tells of the rules that decide on the request; nil when nothing is to be told, or
// nobody can.
func (p *Pipeline) explainer(r *Request) Explainer {
	if r.dry == nil {
		return nil
	}
	if r.dry.what.Explainer != nil {
		return r.dry.what.Explainer
	}
	e, _ := p.cfg.Decider.(Explainer)
	return e
}

// candidate notes one model of the ranking in a dry run.
func (p *Pipeline) candidate(r *Request, c *Catalogue, id string, t Target, skip *Skip, ofDefault bool) {
	out := Candidate{Model: id, Skip: skip, OfDefault: ofDefault, State: unmeasured}
	if m, ok := c.Model(r.Principal.AccountID, id); ok {
		served, substituted, _ := m.At(r.Received)
		out.Provider, out.Upstream, out.Substituted = m.ProviderID, served.UpstreamID, substituted
		out.PremiumCenti, out.ContextWindow, out.State = m.PremiumCenti, m.ContextWindow, r.ModelState(&m)
		if cost, ok := r.estimatedCost(c, m, r.Received); ok {
			out.Priced, out.EstimatedCost, out.EstimatedMost = true, cost, cost
		}
	}
	if t.Provider != nil && out.Priced {
		x := execution{p: p, r: r, catalogue: c}
		out.EstimatedMost = max(out.EstimatedCost, x.worst(t).NanoUSD)
		if skip == nil && !r.dry.live {
			out.Skip = unadmitted(r, &out)
		}
	}
	r.dry.candidates = append(r.dry.candidates, out)
}

// unadmitted is why limits or budgets would pass the candidate over now; nil: they would not.
func unadmitted(r *Request, c *Candidate) *Skip {
	switch {
	case c.State.RemainingRequests < 1 || c.State.RemainingTokens < r.Features.Tokens:
		return &Skip{What: c.Model, Reason: SkipLimit}
	case r.Budget.Bounded && c.EstimatedMost > r.Budget.NanoUSD:
		return &Skip{What: c.Model, Reason: SkipBudget}
	}
	return nil
}

// explanation tells the plan; err is what it ended with.
func (x *execution) explanation(err error) Explanation {
	r, d := x.r, &x.plan.decision
	out := Explanation{
		RequestID: r.ID, At: r.Received, Principal: r.Principal, Asked: r.Model,
		Source: d.Source, Reason: d.Reason, Rules: r.dry.steps, Set: d.Rules, Variant: d.Variant,
		Tags: d.Tags, Params: d.Params, Candidates: r.dry.candidates, Failed: d.Skipped,
		Budget: r.Budget, Prefer: r.Prefers(), Session: r.Session, Features: r.Features,
		Fuel: d.Fuel, TookUS: time.Since(x.began).Microseconds(),
	}
	out.Features.Text, out.Features.said, out.Features.Metadata = "", document.Node{}, document.Node{}
	if d.Assignment != nil {
		out.Assignment = d.Assignment.ID
	}
	if out.Rules == nil {
		if e := x.p.explainer(r); e != nil {
			out.Rules = e.Steps(r)
		}
	}
	if err != nil {
		out.Err = asError(err)
		return out
	}
	if x.plan.desperate {
		for i := range out.Candidates {
			if c := &out.Candidates[i]; c.Skip != nil && c.Skip.Reason == SkipDown {
				c.Skip, c.LastResort = nil, true
			}
		}
	}
	if !r.dry.live && !slices.ContainsFunc(out.Candidates, func(c Candidate) bool { return c.Skip == nil }) {
		var skips []Skip
		for _, c := range out.Candidates {
			if c.Skip != nil {
				skips = append(skips, *c.Skip)
			}
		}
		out.Err = r.noTarget(skips)
	}
	return out
}

// whatIfStates are the states of a dry run.
type whatIfStates struct {
	x        *execution
	recorded modelStates // of a request that is made again; nil otherwise
	what     *WhatIf
}

func (s whatIfStates) modelState(m *Model) ModelState {
	state := unmeasured
	if s.recorded != nil {
		state = s.recorded.modelState(m)
	} else {
		state = s.x.modelState(m)
	}
	if assumed, ok := s.assumed(m.ID, m.ProviderID); ok {
		state.Health = string(assumed.Status)
	}
	return state
}

func (s whatIfStates) health(m *Model, p *Provider) HealthState {
	if assumed, ok := s.assumed(m.ID, p.ID); ok {
		return assumed
	}
	if s.recorded != nil {
		return s.recorded.health(m, p)
	}
	return s.x.health(m, p)
}

func (s whatIfStates) assumed(model, provider string) (HealthState, bool) {
	among := func(list []string) bool { return slices.Contains(list, model) || slices.Contains(list, provider) }
	switch {
	case among(s.what.Down):
		return HealthState{Status: HealthDown, Out: true, Reason: "assumed"}, true
	case among(s.what.Up):
		return HealthState{Status: HealthHealthy}, true
	}
	return HealthState{}, false
}
