package engine

import (
	"context"
	"slices"
)

// Replanned is what other rules would have made of a recorded request.
type Replanned struct {
	Source   string // as Decision.Source
	Model    string // catalogue id of the first target; "": none
	Provider string
	Upstream string
	Premium  int64 // hundredths
	Code     Code  // of the answer when there is no target; else ""
	// Limited and Broke: a target before this one was passed over because of a limit, or a
	// budget, that had passed it over then.
	Limited bool
	Broke   bool
	Faults  int // rules that failed
}

// Replan decides again on a request of DecisionInputs.Replay, with d in the place of the live
// rules, and with the catalogue and the policies of today. was is what the record says was
// passed over: what was down, limited or over budget then is so again. Much cheaper than Explain.
// Errors: those for which IsUndecided is true, ctx's. Any other refusal is in Replanned.Code.
func (p *Pipeline) Replan(ctx context.Context, r *Request, d Decider, was []Skip) (Replanned, error) {
	c := p.cfg.Catalogue()
	if p.cfg.Policies != nil {
		r.Policy = p.cfg.Policies().Of(r.Principal).with(r.Prefers(), r.Policy.RulesOwnOnly())
	}
	r.decider = d
	var pl plan
	err := p.plan(ctx, r, c, &pl)
	out := Replanned{Source: pl.decision.Source}
	for _, s := range pl.decision.Skipped {
		if s.Reason == SkipRuleFailed || s.Reason == SkipAssignmentFailed {
			out.Faults++
		}
	}
	if err != nil {
		if IsUndecided(err) || ctx.Err() != nil {
			return out, err
		}
		out.Code = CodeOf(err)
		return out, nil
	}
	var last SkipReason
	var down *Target
	for i := range pl.targets {
		t := &pl.targets[i]
		at := slices.IndexFunc(was, func(s Skip) bool { return s.What == t.Model.ID && s.Reason.passing() })
		if at >= 0 {
			last = was[at].Reason
			if last == SkipDown && down == nil {
				down = t
			}
			out.Limited = out.Limited || last == SkipLimit || last == SkipCooldown
			out.Broke = out.Broke || last == SkipBudget
			continue
		}
		out.to(t)
		return out, nil
	}
	if down != nil {
		out.to(down) // the last ones are never taken out
		return out, nil
	}
	out.Code = noTarget([]Skip{{Reason: last}}).Code
	return out, nil
}

func (r *Replanned) to(t *Target) {
	r.Model, r.Provider, r.Upstream, r.Premium = t.Model.ID, t.Provider.ID, t.Model.UpstreamID, t.Model.PremiumCenti
}

// passing reports whether the reason is of a moment, and not of the configuration.
func (s SkipReason) passing() bool {
	switch s {
	case SkipDown, SkipDrained, SkipCooldown, SkipLimit, SkipBudget, SkipNoCredential:
		return true
	}
	return false
}
