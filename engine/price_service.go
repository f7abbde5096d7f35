package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// Bounds of prices.
const (
	// MaxPriceTiers is how many tiers a version of a price may have.
	MaxPriceTiers = 8
	// MaxPrices is how many rows of prices an account may have, and as many are global: every
	// process keeps all of them in memory.
	MaxPrices = 8192
	// maxPriceAhead is how far ahead a price may be announced.
	maxPriceAhead = 10 * 365 * 24 * time.Hour
)

// firstPrice is the earliest date of a price; what is before it is a mistake.
var firstPrice = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// PriceVersion is what an upstream model costs from a date on: all of its tiers.
type PriceVersion struct {
	AccountID  string // whose: an account's own goes before the global one
	ProviderID string
	UpstreamID string
	From       time.Time
	Source     string
	InForce    bool    // it is what the account that asks is billed at now
	Tiers      []Price // by AbovePrompt, from 0 on
}

// PriceService is the management of prices: who may set which, what makes one valid, and
// that a write is in force here before it returns. Safe for concurrent use.
type PriceService struct {
	*catalogueWriter
	ledger RatingStore
}

// Prices returns the management of the prices of those models. ledger is where past rows are
// rated again.
func (s *ModelService) Prices(ledger RatingStore) *PriceService {
	return &PriceService{s.catalogueWriter, ledger}
}

// model is what the account, "" for the global catalogue, sees under that id.
func (s *PriceService) model(p Principal, accountID, id string) (Model, error) {
	if mayRead(p, accountID) {
		if m, ok := s.Catalogue().Model(accountID, id); ok {
			return m, nil
		}
	}
	return Model{}, noSuchModel(id)
}

// upstreams are the ids that the model is called by, now or once.
func upstreams(m Model) []string {
	ids := []string{m.UpstreamID}
	if m.Replacement != nil && m.Replacement.UpstreamID != m.UpstreamID {
		ids = append(ids, m.Replacement.UpstreamID)
	}
	return ids
}

// ListPrices returns every version of the model's prices that the account sees, the global
// ones and its own: by upstream id as the model names them, then the newest first, an
// account's own before a global one. Errors: CodeNotFound.
func (s *PriceService) ListPrices(ctx context.Context, p Principal, accountID, modelID string) ([]PriceVersion, error) {
	m, err := s.model(p, accountID, modelID)
	if err != nil {
		return nil, err
	}
	rows, err := s.Store.ListPrices(ctx)
	if err != nil {
		return nil, err
	}
	var list []PriceVersion
	for _, upstream := range upstreams(m) {
		versions := versionsOf(rows, accountID, m.ProviderID, upstream)
		now := s.Now()
		current := slices.IndexFunc(versions, func(v PriceVersion) bool { return v.AccountID == accountID && !v.From.After(now) })
		if current < 0 {
			current = slices.IndexFunc(versions, func(v PriceVersion) bool { return v.AccountID == "" && !v.From.After(now) })
		}
		if current >= 0 {
			versions[current].InForce = true
		}
		list = append(list, versions...)
	}
	return list, nil
}

// versionsOf gathers rows, which are in the store's order.
func versionsOf(rows []Price, accountID, providerID, upstreamID string) []PriceVersion {
	var list []PriceVersion
	for _, r := range rows {
		if r.ProviderID != providerID || r.UpstreamID != upstreamID || r.AccountID != "" && r.AccountID != accountID {
			continue
		}
		if n := len(list); n > 0 && list[n-1].AccountID == r.AccountID && list[n-1].From.Equal(r.From) {
			list[n-1].Tiers = append(list[n-1].Tiers, r)
			continue
		}
		list = append(list, PriceVersion{AccountID: r.AccountID, ProviderID: providerID, UpstreamID: upstreamID, From: r.From, Source: r.Source, Tiers: []Price{r}})
	}
	slices.SortStableFunc(list, func(a, b PriceVersion) int {
		return cmp.Or(b.From.Compare(a.From), cmp.Compare(b.AccountID, a.AccountID))
	})
	return list
}

// SetPrice stores v as the model's price from v.From on, and replaces the version of that
// very date. A zero From is now; an empty UpstreamID the one that serves the model then. Of v.Tiers
// only the amounts and AbovePrompt count; one of them must be of 0.
//
// An account's admin sets its account's own prices. What a provider of the operator's costs is
// the operator's to say: there no price of an account's admin may be below the global one.
// Errors: CodeNotFound, CodeForbidden, CodeInvalid with the member at fault, CodeConflict.
func (s *PriceService) SetPrice(ctx context.Context, p Principal, modelID string, v PriceVersion) (PriceVersion, error) {
	m, err := s.model(p, v.AccountID, modelID)
	if err != nil {
		return v, err
	}
	if !mayWrite(p, v.AccountID) {
		return v, Errorf(CodeForbidden, "Only a super admin may set a global price, and only an admin the price of an account.")
	}
	now := s.Now().UTC().Truncate(time.Millisecond)
	if v.From.IsZero() {
		v.From = now
	}
	v.From, v.ProviderID = v.From.UTC().Truncate(time.Millisecond), m.ProviderID
	if v.From.Before(firstPrice) || v.From.After(now.Add(maxPriceAhead)) {
		return v, invalidMember("from", "'from' must be from 2020 on, and within the next ten years.")
	}
	if v.UpstreamID == "" {
		served, _, _ := m.At(v.From)
		v.UpstreamID = served.UpstreamID
	}
	if !slices.Contains(upstreams(m), v.UpstreamID) {
		return v, invalidMember("upstream_id", "'upstream_id' must be one that serves the model: %s.", joined(upstreams(m)))
	}
	if !printable(v.Source, 255) {
		return v, invalidMember("source", "'source' must have up to 255 bytes and no control characters.")
	}
	if err := v.complete(); err != nil {
		return v, err
	}
	err = s.change(ctx, func() error {
		rows, err := s.Store.ListPrices(ctx)
		if err != nil {
			return err
		}
		if p.Role != RoleSuperAdmin {
			if err := s.bounded(ctx, m, v, rows); err != nil {
				return err
			}
		}
		others := slices.DeleteFunc(rows, func(r Price) bool { return r.AccountID != v.AccountID || v.holds(r) })
		if len(others)+len(v.Tiers) > MaxPrices {
			return Errorf(CodeConflict, "An account may have %d rows of prices.", MaxPrices)
		}
		detail := recordPriceVersion(v)
		return s.Store.ReplacePrices(Audited(ctx, s.Now(), v.AccountID, "price.set", "price/"+m.ID, detail), v.Tiers)
	})
	return v, err
}

// complete gives the tiers the version's key, in order, or says what is wrong with them.
func (v *PriceVersion) complete() error {
	v.Tiers = slices.Clone(v.Tiers)
	slices.SortFunc(v.Tiers, func(a, b Price) int { return cmp.Compare(a.AbovePrompt, b.AbovePrompt) })
	if len(v.Tiers) == 0 || v.Tiers[0].AbovePrompt != 0 || len(v.Tiers) > MaxPriceTiers {
		return invalidMember("tiers", "A price holds for every prompt, and may have up to %d tiers.", MaxPriceTiers)
	}
	for i := range v.Tiers {
		t := &v.Tiers[i]
		if i > 0 && t.AbovePrompt == v.Tiers[i-1].AbovePrompt {
			return invalidMember("tiers", "Two tiers are above the same number of tokens.")
		}
		if t.AbovePrompt > maxModelTokens {
			return invalidMember("tiers", "No prompt has so many tokens.")
		}
		t.AccountID, t.ProviderID, t.UpstreamID, t.From, t.Source = v.AccountID, v.ProviderID, v.UpstreamID, v.From, v.Source
		for _, amount := range []int64{t.Input, t.Output, t.PerRequest, t.PerImage, valueOr(t.Reasoning), valueOr(t.CachedInput), valueOr(t.CacheWrite), valueOr(t.CacheWrite1h)} {
			if amount < 0 {
				return invalidMember("tiers", "A price must not be negative.")
			}
		}
	}
	return nil
}

func valueOr(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// holds reports whether the row is of the version with v's key.
func (v *PriceVersion) holds(r Price) bool {
	return r.AccountID == v.AccountID && r.ProviderID == v.ProviderID && r.UpstreamID == v.UpstreamID && r.From.Equal(v.From)
}

// bounded refuses a price of an account's own for what the operator pays, if it is below what
// the operator says of that time or of a later one.
func (s *PriceService) bounded(ctx context.Context, m Model, v PriceVersion, rows []Price) error {
	provider, ok, err := s.provider(ctx, v.AccountID, m.ProviderID)
	if err != nil {
		return err
	}
	if ok && provider.AccountID != "" {
		return nil
	}
	refused := Errorf(CodeForbidden, "Provider '%s' is the operator's: an account's own price may not be below the global one.", m.ProviderID)
	known := false
	for _, global := range versionsOf(rows, "", v.ProviderID, v.UpstreamID) { // the newest first
		for _, tier := range append(slices.Clone(global.Tiers), v.Tiers...) {
			theirs, _ := inForce(newestTierFirst(global.Tiers), global.From, tier.AbovePrompt+1)
			ours, _ := inForce(newestTierFirst(v.Tiers), v.From, tier.AbovePrompt+1)
			if ours.undercuts(*theirs) {
				return refused
			}
		}
		if !global.From.After(v.From) {
			known = true
			break // what was before does not matter
		}
	}
	if !known {
		return refused
	}
	return nil
}

func newestTierFirst(tiers []Price) []Price {
	tiers = slices.Clone(tiers)
	slices.Reverse(tiers)
	return tiers
}

// undercuts reports whether anything is cheaper at p than at the other price.
func (p Price) undercuts(other Price) bool {
	for _, each := range []func(Price) int64{
		func(p Price) int64 { return p.PerRequest },
		func(p Price) int64 { return p.PerImage },
		func(p Price) int64 { return p.Input },
		func(p Price) int64 { return p.Output },
		func(p Price) int64 { return valueElse(p.Reasoning, p.Output) },
		func(p Price) int64 { return valueElse(p.CachedInput, p.Input) },
		func(p Price) int64 { return valueElse(p.CacheWrite, p.Input) },
		func(p Price) int64 { return valueElse(p.CacheWrite1h, valueElse(p.CacheWrite, p.Input)) },
	} {
		if each(p) < each(other) {
			return true
		}
	}
	return false
}

func valueElse(n *int64, otherwise int64) int64 {
	if n == nil {
		return otherwise
	}
	return *n
}

// DeletePrice takes back a price that does not hold yet. upstreamID may be empty when only
// one version of the account's has that date. Errors: CodeNotFound, CodeForbidden,
// CodeConflict for a price that holds or held: what was billed at it refers to it.
func (s *PriceService) DeletePrice(ctx context.Context, p Principal, accountID, modelID, upstreamID string, from time.Time) error {
	m, err := s.model(p, accountID, modelID)
	if err != nil {
		return err
	}
	if !mayWrite(p, accountID) {
		return Errorf(CodeForbidden, "Only a super admin may take back a global price, and only an admin that of an account.")
	}
	return s.change(ctx, func() error {
		rows, err := s.Store.ListPrices(ctx)
		if err != nil {
			return err
		}
		var found []PriceVersion
		for _, upstream := range upstreams(m) {
			for _, v := range versionsOf(rows, accountID, m.ProviderID, upstream) {
				if v.AccountID == accountID && v.From.Equal(from) && (upstreamID == "" || upstream == upstreamID) {
					found = append(found, v)
				}
			}
		}
		switch {
		case len(found) == 0:
			return Errorf(CodeNotFound, "Model '%s' has no such price. GET /api/v1/models/%s/prices lists them.", m.ID, m.ID)
		case len(found) > 1:
			return invalidMember("upstream_id", "There are prices of that date for %s: say which in 'upstream_id'.", joined(upstreams(m)))
		case !from.After(s.Now()):
			return Errorf(CodeConflict, "That price holds already, or held once. Set another one; the history stays.")
		}
		v := found[0]
		audited := Audited(ctx, s.Now(), accountID, "price.delete", "price/"+m.ID, recordPriceVersion(v))
		err = s.Store.DeletePrices(audited, v.AccountID, v.ProviderID, v.UpstreamID, v.From)
		if errors.Is(err, ErrNotFound) {
			return Errorf(CodeNotFound, "Model '%s' has no such price.", m.ID)
		}
		return err
	})
}
