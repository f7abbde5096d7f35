package engine

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine/document"
)

// Catalogue is an immutable snapshot of models, providers and prices. An account
// sees the global rows and its own; its own shadows a global one of the same id.
// Safe for concurrent use. The zero value is an empty catalogue.
type Catalogue struct {
	accounts  map[string]*accountCatalogue // "" holds the global rows alone
	providers map[accountKey]*Provider
	prices    map[priceKey][]Price // newest From first, then the highest AbovePrompt
	pricing   map[string]bool      // accounts with prices of their own
	ceiling   *Price               // what is charged where no price is known; nil: nothing is called then
}

type accountCatalogue struct {
	models []Model // by id
	index  map[string]int
}

type accountKey struct{ account, id string }
type priceKey struct{ account, provider, upstream string }

// NewCatalogue indexes the rows. It keeps the slices' contents, not the slices.
func NewCatalogue(models []Model, providers []Provider, prices []Price) *Catalogue {
	c := &Catalogue{
		accounts:  map[string]*accountCatalogue{},
		providers: make(map[accountKey]*Provider, len(providers)),
		prices:    make(map[priceKey][]Price, len(prices)),
		pricing:   map[string]bool{},
	}
	for _, p := range providers {
		if len(p.Config) > 0 {
			// What is not JSON was not written by us: the adapter then sees no config.
			p.config, _ = document.Parse(p.Config, document.Limits{})
		}
		c.providers[accountKey{p.AccountID, p.ID}] = &p
	}
	for _, p := range prices {
		k := priceKey{p.AccountID, p.ProviderID, p.UpstreamID}
		c.prices[k] = append(c.prices[k], p)
		c.pricing[p.AccountID] = true
	}
	for _, list := range c.prices {
		slices.SortStableFunc(list, func(a, b Price) int {
			return cmp.Or(b.From.Compare(a.From), cmp.Compare(b.AbovePrompt, a.AbovePrompt))
		})
	}
	own := map[string]map[string]Model{"": {}}
	for _, m := range models {
		if own[m.AccountID] == nil {
			own[m.AccountID] = map[string]Model{}
		}
		own[m.AccountID][m.ID] = m
	}
	for account, rows := range own {
		merged := map[string]Model{}
		for id, m := range own[""] {
			merged[id] = m
		}
		for id, m := range rows {
			merged[id] = m
		}
		a := &accountCatalogue{index: make(map[string]int, len(merged))}
		for _, m := range merged {
			a.models = append(a.models, m)
		}
		slices.SortFunc(a.models, func(x, y Model) int { return strings.Compare(x.ID, y.ID) })
		for i, m := range a.models {
			a.index[m.ID] = i
		}
		c.accounts[account] = a
	}
	return c
}

func (c *Catalogue) account(id string) *accountCatalogue {
	if a := c.accounts[id]; a != nil {
		return a
	}
	if a := c.accounts[""]; a != nil {
		return a
	}
	return &accountCatalogue{}
}

// Model returns the row that the account sees under that id.
func (c *Catalogue) Model(accountID, id string) (Model, bool) {
	m, ok := c.model(accountID, id)
	if !ok {
		return Model{}, false
	}
	return *m, true
}

// model is Model, shared: read only.
func (c *Catalogue) model(accountID, id string) (*Model, bool) {
	a := c.account(accountID)
	i, ok := a.index[id]
	if !ok {
		return nil, false
	}
	return &a.models[i], true
}

// Models returns every row that the account sees, by id. The slice is shared: read only.
func (c *Catalogue) Models(accountID string) []Model { return c.account(accountID).models }

// Provider returns the provider that the account sees under that id. The value is
// shared: read only.
func (c *Catalogue) Provider(accountID, id string) (*Provider, bool) {
	if p, ok := c.providers[accountKey{accountID, id}]; ok {
		return p, true
	}
	p, ok := c.providers[accountKey{"", id}]
	return p, ok
}

// Providers returns every provider that the account sees, by id.
func (c *Catalogue) Providers(accountID string) []Provider {
	var list []Provider
	for k, p := range c.providers {
		if k.account == accountID {
			list = append(list, *p)
		} else if k.account == "" {
			if _, shadowed := c.providers[accountKey{accountID, k.id}]; !shadowed {
				list = append(list, *p)
			}
		}
	}
	slices.SortFunc(list, func(a, b Provider) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Price returns the global price in force at that instant for a request with so many
// prompt tokens: the newest whose From is not after at, and of those the highest
// tier that the prompt exceeds. ok is false when none is known; that is not a price of 0.
func (c *Catalogue) Price(providerID, upstreamID string, at time.Time, promptTokens int64) (p Price, ok bool) {
	return priced(inForce(c.prices[priceKey{"", providerID, upstreamID}], at, promptTokens))
}

// AccountPrice is Price for a request of that account: one of its own prices, if any is in
// force, goes before the global ones.
func (c *Catalogue) AccountPrice(accountID, providerID, upstreamID string, at time.Time, promptTokens int64) (p Price, ok bool) {
	r := c.rates(accountID, providerID, upstreamID)
	r.ceiling = nil
	return priced(r.charge(at, promptTokens))
}

// rates are the prices of an upstream model for an account, looked up once for the request.
type rates struct {
	own, global []Price
	ceiling     *Price
}

func (c *Catalogue) rates(accountID, providerID, upstreamID string) rates {
	r := rates{global: c.prices[priceKey{"", providerID, upstreamID}], ceiling: c.ceiling}
	if accountID != "" && c.pricing[accountID] {
		r.own = c.prices[priceKey{accountID, providerID, upstreamID}]
	}
	return r
}

// charge is Catalogue.Charge of them; the price is shared: read only.
func (r *rates) charge(at time.Time, promptTokens int64) (p *Price, ok bool) {
	if p, ok = inForce(r.own, at, promptTokens); ok {
		return p, true
	}
	if p, ok = inForce(r.global, at, promptTokens); ok || r.ceiling == nil {
		return p, ok
	}
	return r.ceiling, true
}

// noPrice stands where none is known.
var noPrice = new(Price)

func priced(p *Price, ok bool) (Price, bool) { return *p, ok }

func inForce(prices []Price, at time.Time, promptTokens int64) (p *Price, ok bool) {
	var from time.Time
	for i := range prices {
		p := &prices[i]
		if p.From.After(at) {
			continue
		}
		if !from.IsZero() && !p.From.Equal(from) {
			break
		}
		from = p.From
		if p.AbovePrompt == 0 || promptTokens > p.AbovePrompt {
			return p, true
		}
	}
	return noPrice, false
}

// Nearest returns up to n model ids that the account sees, the most alike first.
func (c *Catalogue) Nearest(accountID, id string, n int) []string {
	const longest = 128
	if len(id) > longest {
		id = id[:longest]
	}
	id = strings.ToLower(id)
	type scored struct {
		id string
		d  int
	}
	var list []scored
	for _, m := range c.Models(accountID) {
		d := editDistance(id, m.ID)
		if strings.HasPrefix(m.ID, id) || strings.HasPrefix(id, m.ID) {
			d /= 2
		}
		list = append(list, scored{m.ID, d})
	}
	slices.SortStableFunc(list, func(a, b scored) int { return cmp.Compare(a.d, b.d) })
	var out []string
	for _, s := range list[:min(n, len(list))] {
		out = append(out, s.id)
	}
	return out
}

// editDistance is Levenshtein's, over bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
