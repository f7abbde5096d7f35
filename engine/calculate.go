package engine

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Calculated are the tokens that a request is assumed to take.
type Calculated struct {
	Tokens Tokens
	Images int64
	// Open: nobody said how long the answer may be. Then Tokens.Completion is not looked at.
	Open bool
}

// Calculation is what a request would cost at one model.
type Calculation struct {
	Model       Model  // as it would be served
	ProviderID  string // that would serve it
	Substituted bool
	Priced      bool  // a price is known; else the four that follow are zero
	Price       Price // at which it would be billed
	Tokens      Tokens
	Images      int64
	// With the completion of Tokens: as asked for, or what an answer usually has.
	NanoUSD int64
	// With the longest answer that the request asks for, or that the model writes.
	MostCompletion int64
	MostNanoUSD    int64
	PremiumCenti   int64 // premium requests, in hundredths, if it succeeds
	// Skip is why the model would not be asked now; nil: it may be.
	Skip *Skip
}

// Calculate says what a request would cost on each model that its principal may use, the
// cheapest first, those without a price last. given are its tokens; nil: they are estimated
// from its body, and the answer is as long as that says. It asks nobody, counts against no limit and
// spends nothing. Errors: *Error.
func (p *Pipeline) Calculate(ctx context.Context, r *Request, given *Calculated) ([]Calculation, error) {
	c := p.cfg.Catalogue()
	r.Features = featuresOf(r)
	if p.cfg.Policies != nil {
		r.Policy = p.cfg.Policies().Of(r.Principal)
	}
	if p.cfg.Spending != nil {
		r.Budget = p.cfg.Spending.Left(r.Principal)
	}
	assumed := Calculated{Tokens: Tokens{Prompt: r.Features.Tokens, Completion: r.outputBound()}, Images: r.Features.Images}
	assumed.Open = assumed.Tokens.Completion == 0
	if given != nil {
		assumed = *given
		r.Features.Tokens, r.Features.Images = given.Tokens.Prompt, given.Images
	}
	if r.operation() == abi.OperationEmbeddings {
		assumed.Open, assumed.Tokens.Completion, assumed.Tokens.Reasoning = false, 0, 0
	}
	var list []Calculation
	models := c.Models(r.Principal.AccountID)
	for i := range models {
		m := &models[i]
		if ctx.Err() != nil {
			return nil, gone(ctx)
		}
		if m.Enabled && r.Policy.Allows(m.ID) && lacksOperation(r, m) == "" {
			list = append(list, p.calculate(r, c, m, assumed))
		}
	}
	slices.SortStableFunc(list, func(a, b Calculation) int {
		if a.Priced != b.Priced {
			return map[bool]int{true: -1, false: 1}[a.Priced]
		}
		return cmp.Or(cmp.Compare(a.NanoUSD, b.NanoUSD), cmp.Compare(a.MostNanoUSD, b.MostNanoUSD), strings.Compare(a.Model.ID, b.Model.ID))
	})
	return list, nil
}

func (p *Pipeline) calculate(r *Request, c *Catalogue, m *Model, assumed Calculated) Calculation {
	served, substituted, _ := m.At(r.Received)
	out := Calculation{Model: served, ProviderID: m.ProviderID, Substituted: substituted, PremiumCenti: m.PremiumCenti}
	_, out.Skip = p.clip(r, c, m.ID)
	price, ok := c.Charge(r.Principal.AccountID, m.ProviderID, served.UpstreamID, r.Received, assumed.Tokens.Prompt)
	if !ok {
		return out
	}
	out.Priced, out.Price, out.Tokens, out.Images = true, price, assumed.Tokens, assumed.Images
	out.MostCompletion = assumed.Tokens.Completion
	switch {
	case assumed.Open:
		out.MostCompletion, out.Tokens.Completion, out.Tokens.Reasoning = max(served.MaxOutput, usualOutput), usualOutput, 0
		if served.MaxOutput > 0 {
			out.MostCompletion, out.Tokens.Completion = served.MaxOutput, min(usualOutput, served.MaxOutput)
		}
	case served.MaxOutput > 0:
		out.MostCompletion = min(out.MostCompletion, served.MaxOutput)
		out.Tokens.Completion = out.MostCompletion
		out.Tokens.Reasoning = min(out.Tokens.Reasoning, out.MostCompletion)
	}
	images := price.Images(out.Images)
	out.NanoUSD = saturatingAdd(price.Cost(out.Tokens), images)
	most := out.Tokens
	most.Completion = out.MostCompletion
	out.MostNanoUSD = saturatingAdd(price.Cost(most), images)
	if out.Skip == nil && r.Budget.Bounded && out.NanoUSD > r.Budget.NanoUSD {
		out.Skip = &Skip{What: m.ID, Reason: SkipBudget}
	}
	return out
}
