package engine

import (
	"cmp"
	"slices"
)

// AllProviders returns the providers of every account, by account, then id. The values are
// shared: read only.
func (c *Catalogue) AllProviders() []*Provider {
	list := make([]*Provider, 0, len(c.providers))
	for _, p := range c.providers {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *Provider) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// ModelsAt returns the enabled models that a provider serves: of an account's own one those
// that the account sees, of a global one the global models and those of accounts that have no
// provider of that id themselves. They are by account, then id.
func (c *Catalogue) ModelsAt(p *Provider) []Model {
	var list []Model
	for account, rows := range c.accounts {
		if p.AccountID != "" && account != p.AccountID {
			continue
		}
		if _, shadowed := c.providers[accountKey{account, p.ID}]; p.AccountID == "" && account != "" && shadowed {
			continue
		}
		for _, m := range rows.models {
			if m.ProviderID == p.ID && m.Enabled && (p.AccountID != "" || m.AccountID == account) {
				list = append(list, m)
			}
		}
	}
	if p.AccountID != "" && c.accounts[p.AccountID] == nil {
		for _, m := range c.Models(p.AccountID) { // it has no models of its own
			if m.ProviderID == p.ID && m.Enabled {
				list = append(list, m)
			}
		}
	}
	slices.SortFunc(list, func(a, b Model) int { return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Estimate returns what a Call of the model costs at most, unless the provider ignores the
// bound on its answer. ok is false when the model has no price: then it must not be called.
func (p *Prober) Estimate(provider *Provider, m Model) (nanoUSD int64, ok bool) {
	x := p.begin(ProbeRequest{Provider: provider})
	served, _, ok := m.At(x.now)
	if !ok {
		return 0, false
	}
	price, ok := x.catalogue.AccountPrice(provider.AccountID, provider.ID, served.UpstreamID, x.now, 0)
	return price.most(4*trialPrompt, 4*trialTokens, 0), ok
}
