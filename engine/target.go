package engine

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Target is a model as it can be called now: its provider, and the upstream id
// that serves it.
type Target struct {
	Model       Model // as served, see Model.At
	Provider    *Provider
	Substituted bool // Model.UpstreamID is the vendor's replacement for a retired one
	// Credential is the id of the provider's key to use; empty: the upstream's choice.
	Credential string
}

// plan is the ranking after the policy envelope clipped it.
type plan struct {
	decision Decision
	targets  []Target
	skips    []Skip
	// continued: a stream was cut, and these targets go on with it.
	continued bool
}

// maxTargets bounds a plan. It is more than are tried: of some it is found only on the
// way that they cannot be asked.
const maxTargets = 16

// plan finds the models to try, in the order of decide, then the default handler's unless
// the ranking says only; what the caller may not use, or cannot be called now, is left out.
func (p *Pipeline) plan(ctx context.Context, r *Request, c *Catalogue) (plan, error) {
	d, err := p.decide(ctx, r, c)
	pl := plan{decision: d, skips: slices.Clone(d.Skipped)}
	if err != nil {
		return pl, err
	}
	ranking := d.Models
	if !d.Only {
		ranking = append(slices.Clone(ranking), p.defaults(r, c)...)
	}
	ranking, left := p.stay(r, c, &pl.decision, ranking)
	tried := make([]string, 0, len(ranking))
	for _, id := range ranking {
		if id == "" || slices.Contains(tried, id) {
			continue
		}
		tried = append(tried, id)
		t, skip := p.clip(r, c, id)
		if skip == nil && !d.Assignment.allows(id) {
			skip = &Skip{What: id, Reason: SkipNotAllowed, Detail: "assignment " + d.Assignment.ID}
		}
		if skip != nil {
			pl.skips = append(pl.skips, *skip)
			continue
		}
		pl.targets = append(pl.targets, t)
		if len(pl.targets) == maxTargets {
			break
		}
	}
	if left != nil {
		pl.skips = append(pl.skips, *left)
	}
	if len(pl.targets) == 0 {
		return pl, r.noTarget(pl.skips)
	}
	return pl, nil
}

// decide returns the ranking of whoever has the first say: a super admin's override, the
// caller's pin, the assignment of the task, the rules.
func (p *Pipeline) decide(ctx context.Context, r *Request, c *Catalogue) (Decision, error) {
	if r.operation() == abi.OperationEmbeddings {
		return pinEmbedding(r, c)
	}
	if d, ok := overridden(r); ok {
		return d, nil
	}
	assignment, failed := r.Policy.assigned(r)
	var d Decision
	var err error
	switch {
	case r.Model != ModelAuto:
		d, err = pin(r, c, assignment)
	case assignment != nil:
		d = Decision{
			Source: SourceAssignment, Models: append([]string{assignment.Model}, assignment.Fallbacks...),
			Reason: "assignment " + assignment.ID + ", " + string(assignment.Level()),
		}
	default:
		d, err = p.cfg.Decider.Decide(ctx, r)
	}
	d.Assignment = assignment
	if len(failed) > 0 {
		d.Skipped = append(failed, d.Skipped...)
	}
	return d, err
}

// overridden is the decision of a super admin's override: that model and no other.
func overridden(r *Request) (d Decision, ok bool) {
	if r.Policy == nil || r.Policy.Model == "" {
		return d, false
	}
	d = Decision{Source: SourceOverride, Models: []string{r.Policy.Model}, Only: true}
	if from := r.Policy.Sources[MemberModel]; len(from) > 0 {
		d.Reason = "override, " + string(from[0].Level)
	}
	return d, true
}

// pin is the decision of a caller who named a model.
func pin(r *Request, c *Catalogue, task *Assignment) (Decision, error) {
	d := Decision{Source: SourcePinned}
	m, byProvider, ok := pinned(c, r.Principal.AccountID, r.Model)
	if !ok {
		return d, r.unknownModel(c, r.Model, "model")
	}
	if !r.Policy.Allows(m.ID) || !task.allows(m.ID) {
		return d, notAllowed(m.ID)
	}
	d.Models, d.Only = []string{m.ID}, true
	if byProvider {
		return d, nil
	}
	asked := r.Doc.Root().Get("models")
	if !asked.Exists() {
		d.Models = append(d.Models, m.Fallbacks...)
		return d, nil
	}
	for i, n := range asked.Elements() {
		id := n.Text()
		if _, known := c.Model(r.Principal.AccountID, id); !known {
			return Decision{Source: SourcePinned}, r.unknownModel(c, id, "models["+itoa(int64(i))+"]")
		}
		d.Models = append(d.Models, id)
	}
	return d, nil
}

func notAllowed(id string) *Error {
	e := Errorf(CodeModelNotAllowed, "The model '%s' is not allowed here. GET /api/v1/preferences/effective says by whom; 'auto' lets the gateway choose.", clipText(id, 64))
	e.Param = "model"
	return e
}

// pinned finds the model that a caller named: by its id, or as provider/model.
func pinned(c *Catalogue, account, name string) (m Model, byProvider, ok bool) {
	if m, ok = c.Model(account, name); ok {
		return m, false, true
	}
	if provider, id, cut := strings.Cut(name, "/"); cut {
		for _, m := range c.Models(account) {
			if m.ProviderID == provider && (m.ID == id || m.UpstreamID == id) {
				return m, true, true
			}
		}
	}
	return Model{}, false, false
}

// unknownModel names the nearest ones of those that the caller may use.
func (r *Request) unknownModel(c *Catalogue, id, param string) *Error {
	shown, nearest := id, ""
	if len(shown) > 64 {
		shown = strings.ToValidUTF8(shown[:64], "") + "…"
	}
	ids := slices.DeleteFunc(c.Nearest(r.Principal.AccountID, id, 16), func(id string) bool { return !r.Policy.Allows(id) })
	if ids = ids[:min(len(ids), 3)]; len(ids) > 0 {
		nearest = " Nearest: " + strings.Join(ids, ", ") + "."
	}
	e := Errorf(CodeModelNotFound, "The model '%s' does not exist or this key may not use it.%s Use 'auto' to let the routing rules choose.", shown, nearest)
	e.Param = param
	return e
}

// clip turns a model id into a target, or says why it may not be one now.
func (p *Pipeline) clip(r *Request, c *Catalogue, id string) (Target, *Skip) {
	skip := func(reason SkipReason, detail string) (Target, *Skip) {
		return Target{}, &Skip{What: id, Reason: reason, Detail: detail}
	}
	account := r.Principal.AccountID
	m, ok := c.Model(account, id)
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
	m, substituted, ok := m.At(r.Received)
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
	if _, ok := c.AccountPrice(account, provider.ID, m.UpstreamID, r.Received, r.Features.Tokens); !ok {
		return skip(SkipUnpriced, m.UpstreamID)
	}
	return Target{Model: m, Provider: provider, Substituted: substituted}, nil
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
		case SkipCooldown:
			code = CodeRateLimited
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
