package engine

import "time"

// Unpriced is what becomes of a model whose price nobody knows.
type Unpriced string

// What may become of it.
const (
	UnpricedRefuse  Unpriced = "refuse"  // it is not called
	UnpricedCeiling Unpriced = "ceiling" // it costs what the dearest model of the catalogue costs
)

// ChargeCeiling makes the catalogue charge the ceiling where no price is known: of each
// kind of token the highest price that any global row names, at any time and of any tier. It
// is for a catalogue that nobody uses yet, which it returns. Without any price that is not 0
// there is no ceiling: nothing is free because nobody knows what it costs.
func (c *Catalogue) ChargeCeiling() *Catalogue {
	top := Price{Source: "ceiling", ceiling: true}
	for key, list := range c.prices {
		if key.account != "" {
			continue // no account's price is another one's business
		}
		for _, p := range list {
			input, output := p.dearest()
			top.Input, top.Output = max(top.Input, input), max(top.Output, output)
			top.PerRequest, top.PerImage = max(top.PerRequest, p.PerRequest), max(top.PerImage, p.PerImage)
		}
	}
	if top.Input > 0 && top.Output > 0 {
		c.ceiling = &top
	}
	return c
}

// Charge is what a request of the account is billed at: AccountPrice, and where none is
// known the ceiling, of which Price.Ceiling is true. ok is false when there is neither: such
// a model is not called.
func (c *Catalogue) Charge(accountID, providerID, upstreamID string, at time.Time, promptTokens int64) (p Price, ok bool) {
	r := c.rates(accountID, providerID, upstreamID)
	return priced(r.charge(at, promptTokens))
}

// Ceiling reports whether it is no price of the model's, but what a model without one costs.
func (p *Price) Ceiling() bool { return p.ceiling }

// charge sets what the row's tokens and so many images cost. known is false when there was
// no price at all. At the ceiling the cost counts, and is marked as an estimate.
func (u *Usage) charge(p *Price, known bool, images int64) {
	u.CostNanoUSD, u.Unpriced, u.Images = saturatingAdd(p.Cost(u.Tokens), p.Images(images)), !known, max(images, 0)
	u.PriceFrom, u.PriceOf = p.From, p.AccountID
	u.Estimated = u.Estimated || p.ceiling
}
