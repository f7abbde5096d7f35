package engine

import (
	"cmp"
	"math"
	"time"
)

// assumedOutput is how many completion tokens a request is taken to cost when two prices
// are compared, if it allows so many.
const assumedOutput = 1_000

// defaults appends the default handler's models: the caller's own default, then the
// installation's two in the order that the caller prefers. See RATIONALE.md, "What do
// preferences order?".
func (p *Pipeline) defaults(ranking []string, r *Request, c *Catalogue) []string {
	if own := r.Policy.orUnset().DefaultModel; own != "" {
		ranking = append(ranking, own)
	}
	first, second := p.cfg.DefaultModel, p.cfg.DefaultFallback
	if prefer := r.Prefers(); prefer.Cost || prefer.Vision && r.Features.HasImage {
		a, b := r.preferred(c, first, prefer), r.preferred(c, second, prefer)
		if cmp.Or(cmp.Compare(b.blind, a.blind), cmp.Compare(b.cost, a.cost)) < 0 {
			first, second = second, first
		}
	}
	return append(ranking, first, second)
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
