package engine

import (
	"errors"
)

// enter asks to make an attempt at the target with its credential. last says that nothing
// else is left.
func (x *execution) enter(t *Target, last bool) (HealthPass, bool) {
	if x.p.cfg.Health == nil || x.free() {
		return HealthPass{}, true
	}
	x.healthAsked = t.healthTarget()
	return x.p.cfg.Health.Begin(&x.healthAsked, last)
}

// report tells what the attempt says of its target: the first time it ends the pass, and
// after that it tells only of a stream that broke.
func (a *attempt) report(err error) {
	health := a.x.p.cfg.Health
	if health == nil || a.x.free() {
		return
	}
	first := a.pass.Holder != nil
	if !first && (err == nil || a.first == 0) {
		return
	}
	if !a.sent && err != nil || CodeOf(err) == CodeCanceled || a.ours(err) {
		a.pass.Cancel()
		return
	}
	o := HealthOutcome{
		Code: CodeOf(err), Unsent: a.unsent, Latency: a.ended - a.after, FirstByte: a.first,
		Fallback: a.number > 1 || len(a.x.plan.skips) > 0 && a.x.stands(a.target),
	}
	if a.reply != nil {
		o.Status, o.Stream = a.reply.Status, a.reply.Events != nil
	}
	if f := asAttemptError(err); f != nil {
		o.Class, o.Pause, o.Detail = f.class, f.After, f.summary
	}
	if first {
		a.pass.Done(o)
		return
	}
	h := a.target.healthTarget()
	health.Observe(&h, o)
}

// ours reports whether the failure is none of the provider's: a budget that a stream
// crossed, a guest that broke, a panic.
func (a *attempt) ours(err error) bool {
	if errors.Is(err, ErrNoCredential) {
		return true // nothing was sent
	}
	switch CodeOf(err) {
	case CodeBudgetExceeded, CodePluginFailed, CodeInternal, CodeRuleFailed:
		return true
	}
	return false
}

// stands reports whether the target stands in for one before it that is down.
func (x *execution) stands(t Target) bool {
	for _, s := range x.plan.skips {
		if s.Reason == SkipDown || s.Reason == SkipDrained || s.Reason == SkipCooldown {
			return s.What != t.Model.ID
		}
	}
	return false
}
