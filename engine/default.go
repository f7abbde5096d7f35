package engine

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// assumedOutput is how many completion tokens a request is taken to cost when two prices
// are compared, if it allows so many.
const assumedOutput = 1_000

// defaults are the default handler's models: the caller's own default, then the
// installation's two in the order that the caller prefers. See RATIONALE.md, "What do
// preferences order?".
func (p *Pipeline) defaults(r *Request, c *Catalogue) []string {
	both := []string{p.cfg.DefaultModel, p.cfg.DefaultFallback}
	if prefer := r.Prefers(); prefer.Cost || prefer.Vision && r.Features.HasImage {
		by := make(map[string]preferred, len(both))
		for _, id := range both {
			by[id] = r.preferred(c, id, prefer)
		}
		slices.SortStableFunc(both, func(a, b string) int {
			return cmp.Or(cmp.Compare(by[a].blind, by[b].blind), cmp.Compare(by[a].cost, by[b].cost))
		})
	}
	if own := r.Policy.orUnset().DefaultModel; own != "" {
		return append([]string{own}, both...)
	}
	return both
}

// preferred is what candidates are ordered by, the lower the better.
type preferred struct {
	blind int   // 1: the request has an image, which this one does not see
	cost  int64 // nano-USD for this request; what has no price comes last
}

func (r *Request) preferred(c *Catalogue, id string, prefer Prefer) (v preferred) {
	account := r.Principal.AccountID
	m, known := c.Model(account, id)
	m, _, served := m.At(r.Received)
	if prefer.Vision && r.Features.HasImage && !m.Has(CapVision) {
		v.blind = 1
	}
	if prefer.Cost {
		v.cost = math.MaxInt64
		if known && served {
			if cost, ok := r.estimatedCost(c, m, r.Received); ok {
				v.cost = cost
			}
		}
	}
	return v
}

// estimatedCost is what the request costs at that model, in nano-USD: its estimated
// prompt, and assumedOutput tokens of answer or what the caller limits it to.
func (r *Request) estimatedCost(c *Catalogue, m Model, at time.Time) (nanoUSD int64, ok bool) {
	prompt := r.Features.Tokens
	price, ok := c.Charge(r.Principal.AccountID, m.ProviderID, m.UpstreamID, at, prompt)
	if !ok {
		return 0, false
	}
	output := int64(assumedOutput)
	for _, member := range []string{"max_completion_tokens", "max_tokens"} {
		if n := r.Doc.Root().Get(member); n.Exists() && n.Int() > 0 {
			output = min(output, n.Int())
			break
		}
	}
	return saturatingAdd(price.Cost(Tokens{Prompt: prompt, Completion: output}), price.Images(r.Features.Images)), true
}
