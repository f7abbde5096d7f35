package engine

import (
	"context"
	"maps"
	"slices"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Target is a model as it can be called now: its provider, and the upstream id
// that serves it.
type Target struct {
	Model       *Model // as served, see Model.At; shared: read only
	Provider    *Provider
	Substituted bool // Model.UpstreamID is the vendor's replacement for a retired one
	// Credential is the id of the provider's key to use; empty: the upstream's choice.
	Credential string

	rates     rates // at which it is billed
	simulated bool  // served by the simulator; known when it is tried
}

// plan is the ranking after the policy envelope clipped it.
type plan struct {
	decision Decision
	targets  []Target
	skips    []Skip
	// desperate: every target is down, and is asked all the same.
	desperate bool
	// continued: a stream was cut, and these targets go on with it.
	continued bool
}

// maxTargets bounds a plan. It is more than are tried: of some it is found only on the
// way that they cannot be asked.
const maxTargets = 16

// plan finds the models to try, in the order of decide, then the default handler's unless
// the ranking says only; what the caller may not use, or cannot be called now, is left out.
// What it makes is in pl, whose targets may bring room; the decision also when there is an error.
func (p *Pipeline) plan(ctx context.Context, r *Request, c *Catalogue, pl *plan) (err error) {
	d := &pl.decision
	*d, err = p.decide(ctx, r, c)
	if x, ok := r.states.(*execution); ok {
		x.asked = len(x.seen)
	}
	pl.skips = slices.Clone(d.Skipped)
	if err != nil {
		return err
	}
	ranking, own := d.Models, len(d.Models)
	var room [2 * usualCandidates]string
	if !d.Only {
		ranking = p.defaults(append(room[:0], ranking...), r, c)
	}
	before := len(ranking)
	ranking, left := p.stay(r, c, d, ranking)
	own += len(ranking) - before
	var down, degraded []Target
	// A degraded target comes after the others for who wants speed, unless one was named.
	lowered := r.Prefers().Speed && d.Source != SourcePinned && d.Source != SourceOverride
	for i, id := range ranking {
		if id == "" || slices.Contains(ranking[:i], id) {
			continue
		}
		t, skip := p.clip(r, c, id)
		if (skip == nil || skip.Reason == SkipDown) && !d.Assignment.allows(id) {
			skip = &Skip{What: id, Reason: SkipNotAllowed, Detail: "assignment " + d.Assignment.ID}
		}
		if r.Record {
			r.considered(c, id)
		}
		if r.dry != nil {
			p.candidate(r, c, id, t, skip, i >= own)
		}
		if skip != nil {
			pl.skips = append(pl.skips, *skip)
			if skip.Reason == SkipDown {
				down = append(down, t)
			}
			continue
		}
		if lowered && r.health(t.Model, t.Provider).Status == HealthDegraded {
			degraded = append(degraded, t)
			continue
		}
		pl.targets = append(pl.targets, t)
		if len(pl.targets) == maxTargets {
			break
		}
	}
	pl.targets = append(pl.targets, degraded...)
	if len(pl.targets) == 0 {
		// The last ones are never taken out: somebody has to find out that they are back.
		pl.targets, pl.desperate = down, len(down) > 0
	}
	if left != nil {
		pl.skips = append(pl.skips, *left)
	}
	if len(pl.targets) == 0 {
		return r.noTarget(pl.skips)
	}
	return nil
}

// clip turns a model id into a target, or says why it may not be one now.
func (p *Pipeline) clip(r *Request, c *Catalogue, id string) (Target, *Skip) {
	skip := func(reason SkipReason, detail string) (Target, *Skip) {
		return Target{}, &Skip{What: id, Reason: reason, Detail: detail}
	}
	account := r.Principal.AccountID
	m, ok := c.model(account, id)
	if !ok {
		return skip(SkipUnknownModel, "")
	}
	if !r.Policy.Allows(id) {
		return skip(SkipNotAllowed, "")
	}
	if !m.Enabled {
		return skip(SkipDisabled, "")
	}
	upstream := m.UpstreamID
	m, substituted, ok := m.at(r.Received)
	if !ok {
		return skip(SkipRetired, upstream)
	}
	provider, ok := c.Provider(account, m.ProviderID)
	if !ok || !provider.Enabled {
		return skip(SkipDisabled, "provider "+m.ProviderID)
	}
	if !p.cfg.Upstream.HasCredential(provider) {
		return skip(SkipNoCredential, "provider "+provider.ID)
	}
	if lacks := lacksOperation(r, m); lacks != "" {
		return skip(SkipCapability, lacks)
	}
	for _, need := range r.Features.Needs {
		if !m.Has(need) {
			return skip(SkipCapability, string(need))
		}
	}
	m = r.onWire(c, m)
	if p.skipsWire(r, m, provider) {
		return skip(SkipWire, r.WireOnly.Param)
	}
	if m.ContextWindow > 0 && r.operation() == abi.OperationChat && r.Features.Tokens > m.ContextWindow {
		return skip(SkipContext, itoa(r.Features.Tokens)+" of "+itoa(m.ContextWindow)+" tokens")
	}
	rates := c.rates(account, provider.ID, m.UpstreamID)
	if _, ok := rates.charge(r.Received, r.Features.Tokens); !ok {
		return skip(SkipUnpriced, m.UpstreamID)
	}
	t := Target{Model: m, Provider: provider, Substituted: substituted, rates: rates}
	switch state := r.health(m, provider); {
	case state.Off:
		return t, &Skip{What: id, Reason: SkipDrained, Detail: state.Reason}
	case state.Out:
		return t, &Skip{What: id, Reason: SkipDown, Detail: state.Reason}
	}
	return t, nil
}

// noTarget is the error when every candidate was clipped: the status of the first one's reason.
func noTarget(skips []Skip) *Error {
	code := CodeNoTarget
	for _, s := range skips {
		switch s.Reason {
		case SkipRuleFailed, SkipRuleSuspended, SkipAssignmentFailed:
			continue
		case SkipNotAllowed:
			code = CodeModelNotAllowed
		case SkipUnknownModel:
			code = CodeModelNotFound
		case SkipContext:
			code = CodeContextLength
		case SkipCapability, SkipWire:
			code = CodeInvalid
		case SkipCooldown, SkipLimit:
			code = CodeRateLimited
		case SkipBudget:
			code = CodeBudgetExceeded
		}
		break
	}
	e := Errorf(code, "No model can take this request: %s.", describeSkips(skips))
	switch code {
	case CodeModelNotFound, CodeModelNotAllowed:
		e.Param = "model"
	case CodeContextLength:
		e.Param = "messages"
	}
	return e
}

// callDocument is document 5 of the boundary for that target.
func callDocument(r *Request, t Target, attempt int) *document.Doc {
	b := make([]byte, 0, 512)
	b = append(b, `{"operation":"`...)
	b = append(b, r.operation()...)
	b = append(b, `","target":{"id":`...)
	b = document.AppendString(b, t.Model.ID)
	b = append(b, `,"upstream_id":`...)
	b = document.AppendString(b, t.Model.UpstreamID)
	b = append(b, `,"api":`...)
	b = document.AppendString(b, string(t.Model.API))
	b = append(b, `,"max_output":`...)
	b = append(b, itoa(t.Model.MaxOutput)...)
	b = append(b, `,"capabilities":`...)
	b = appendStrings(b, t.Model.Capabilities)
	b = append(b, `,"unsupported":`...)
	b = appendStrings(b, t.Model.Unsupported)
	b = append(b, `,"rename":{`...)
	for i, from := range slices.Sorted(maps.Keys(t.Model.Rename)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = document.AppendString(b, from)
		b = append(b, ':')
		b = document.AppendString(b, t.Model.Rename[from])
	}
	b = append(b, `}},"headers":{`...)
	for i, h := range r.Headers {
		if i > 0 {
			b = append(b, ',')
		}
		b = document.AppendString(b, h.Name)
		b = append(b, ':')
		b = document.AppendString(b, h.Value)
	}
	b = append(b, `},"attempt":`...)
	b = append(b, itoa(int64(attempt))...)
	b = append(b, '}')
	doc, err := document.Parse(b, document.Limits{})
	if err != nil {
		// Every part is our own syntax around escaped strings; an invalid one cannot be built.
		panic("engine: call document: " + err.Error())
	}
	return doc
}

func appendStrings[S ~string](b []byte, list []S) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = document.AppendString(b, string(s))
	}
	return append(b, ']')
}
