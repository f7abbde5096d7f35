package engine

import (
	"slices"
	"strconv"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Parameters that a rule plugin may propose.
const (
	paramMaxTokens = "max_tokens"
	paramEffort    = "reasoning_effort"
)

// efforts are the values of reasoning_effort (OpenAI's API reference, 2026-08).
var efforts = []string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}

// propose gives the body what a rule plugin proposed. A proposal never takes from the
// caller: max_tokens only lowers a limit or sets a missing one, an effort that the
// caller chose stays. What is no proposal of ours, or out of range, is passed over.
func (r *Request) propose(params []Pair) {
	root := r.Doc.Root()
	var edits []document.Edit
	var added []byte
	limit, effort := int64(0), ""
	add := func(name, value string) {
		added = append(added, `,"`+name+`":`+value...)
	}
	for _, p := range params {
		switch p.Name {
		case paramMaxTokens:
			n, err := strconv.ParseInt(p.Value, 10, 32)
			if err != nil || n < 1 {
				continue
			}
			limit = n
			limited := false
			for _, name := range [...]string{"max_completion_tokens", paramMaxTokens} {
				if set := root.Get(name); set.Kind() == abi.KindNumber {
					limited = true
					if set.Int() > n {
						start, end := set.Span()
						edits = append(edits, document.Edit{Start: start, End: end, With: strconv.AppendInt(nil, n, 10)})
					}
				}
			}
			if !limited && !root.Get(paramMaxTokens).Exists() {
				add(paramMaxTokens, strconv.FormatInt(n, 10))
			}
		case paramEffort:
			if slices.Contains(efforts, p.Value) && !root.Get(paramEffort).Exists() {
				effort = p.Value
				add(paramEffort, `"`+p.Value+`"`)
			}
		}
	}
	if len(edits) == 0 && len(added) == 0 {
		return
	}
	_, end := root.Span()
	edits = append(edits, document.Edit{Start: end - 1, End: end - 1, With: added})
	slices.SortStableFunc(edits, func(a, b document.Edit) int { return a.Start - b.Start })
	doc, err := document.Parse(document.Splice(nil, r.Doc, edits...), contextLimits)
	if err != nil {
		return // a name proposed twice: the body stays as the caller sent it
	}
	r.Doc = doc
	r.proposed.maxTokens, r.proposed.effort = limit, effort
}
