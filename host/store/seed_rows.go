package store

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// fate is what the seed does with one of its rows.
type fate int

const (
	insert fate = iota
	renew
	keep
)

// fateOf decides by the stored row's times. A renewed row stays unedited: it keeps
// UpdatedAt equal to CreatedAt.
func fateOf(stored bool, created, updated time.Time) fate {
	switch {
	case !stored:
		return insert
	case created.Equal(updated):
		return renew
	}
	return keep
}

func seedProviders(ctx context.Context, s engine.CatalogueStore, providers []engine.Provider) error {
	stored, err := s.ListProviders(ctx)
	if err != nil {
		return err
	}
	global := map[string]engine.Provider{}
	for _, p := range stored {
		if p.AccountID == "" {
			global[p.ID] = p
		}
	}
	for _, p := range providers {
		old, ok := global[p.ID]
		switch fateOf(ok, old.CreatedAt, old.UpdatedAt) {
		case keep:
			continue
		case renew:
			p.CreatedAt, p.UpdatedAt = old.CreatedAt, old.UpdatedAt
		}
		if err := s.PutProvider(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// seedPrices inserts only: a price row does not tell whether it was edited, and a
// vendor's new price is a new row anyway.
func seedPrices(ctx context.Context, s engine.CatalogueStore, prices []engine.Price) error {
	type key struct {
		provider, upstream string
		from, above        int64
	}
	keyOf := func(p engine.Price) key {
		return key{p.ProviderID, p.UpstreamID, p.From.UnixMilli(), p.AbovePrompt}
	}
	stored, err := s.ListPrices(ctx)
	if err != nil {
		return err
	}
	global := map[key]bool{}
	for _, p := range stored {
		if p.AccountID == "" {
			global[keyOf(p)] = true
		}
	}
	for _, p := range prices {
		if global[keyOf(p)] {
			continue
		}
		if err := s.PutPrice(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func seedModels(ctx context.Context, s engine.CatalogueStore, models []engine.Model) error {
	stored, err := s.ListModels(ctx)
	if err != nil {
		return err
	}
	global := map[string]engine.Model{}
	for _, m := range stored {
		if m.AccountID == "" {
			global[m.ID] = m
		}
	}
	for _, m := range models {
		old, ok := global[m.ID]
		switch fateOf(ok, old.CreatedAt, old.UpdatedAt) {
		case keep:
			continue
		case renew:
			m.CreatedAt, m.UpdatedAt = old.CreatedAt, old.UpdatedAt
		}
		if err := s.PutModel(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// seedRules makes one version of the global rules of all that it changes.
func seedRules(ctx context.Context, s engine.Store, rules []engine.Rule, now time.Time) error {
	stored, err := s.ListRules(ctx)
	if err != nil {
		return err
	}
	set := engine.RuleSet{Note: "Pointsman's own rules", CreatedAt: now}
	at := map[string]int{}
	for _, r := range stored {
		if r.AccountID == "" {
			at[r.ID] = len(set.Rules)
			set.Rules = append(set.Rules, r)
		}
	}
	changes := false
	for _, r := range rules {
		i, ok := at[r.ID]
		if !ok {
			set.Rules, changes = append(set.Rules, r), true
			continue
		}
		old := set.Rules[i]
		if fateOf(ok, old.CreatedAt, old.UpdatedAt) == renew && old.System { // not an operator's own rule of that id
			r.CreatedAt, r.UpdatedAt = old.CreatedAt, old.UpdatedAt
			set.Rules[i], changes = r, true
		}
	}
	if !changes {
		return nil
	}
	// The rules as they were, if nothing tells of them yet.
	if err := s.StartRuleSets(ctx, now); err != nil {
		return err
	}
	versions, err := s.RuleSetVersions(ctx)
	if err != nil {
		return err
	}
	set.Version = versions[""] + 1
	return s.PublishRuleSet(ctx, set, versions[""])
}
