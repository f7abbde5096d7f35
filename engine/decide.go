package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/pointsman/pointsman/sdk/abi"
)

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
		d, err = p.decideBy(ctx, r)
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
