package postgres

import (
	"context"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// ListModels implements engine.CatalogueStore.
func (s *Store) ListModels(ctx context.Context) (models []engine.Model, err error) {
	err = s.read(ctx, "list models", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListModels(ctx)
		if err == nil {
			models, err = row.ParseAll(rows, parseModel)
		}
		return err
	})
	return models, err
}

// ListProviders implements engine.CatalogueStore.
func (s *Store) ListProviders(ctx context.Context) (providers []engine.Provider, err error) {
	err = s.read(ctx, "list providers", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListProviders(ctx)
		if err == nil {
			providers, err = row.ParseAll(rows, parseProvider)
		}
		return err
	})
	return providers, err
}

// ListPrices implements engine.CatalogueStore.
func (s *Store) ListPrices(ctx context.Context) (prices []engine.Price, err error) {
	err = s.read(ctx, "list prices", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListPrices(ctx)
		if err == nil {
			prices, err = row.ParseAll(rows, parsePrice)
		}
		return err
	})
	return prices, err
}

// PutModel implements engine.CatalogueStore.
func (s *Store) PutModel(ctx context.Context, m engine.Model) error {
	if err := row.CheckModel(m); err != nil {
		return err
	}
	return s.write(ctx, row.Changed(engine.AreaCatalogue, m.AccountID, ""), "put model "+m.ID, func(ctx context.Context, q *query.Queries) error {
		return q.PutModel(ctx, query.PutModelParams(modelRow(m)))
	})
}

// PutProvider implements engine.CatalogueStore.
func (s *Store) PutProvider(ctx context.Context, p engine.Provider) error {
	if err := row.CheckProvider(p); err != nil {
		return err
	}
	return s.write(ctx, row.Changed(engine.AreaCatalogue, p.AccountID, ""), "put provider "+p.ID, func(ctx context.Context, q *query.Queries) error {
		return q.PutProvider(ctx, query.PutProviderParams(providerRow(p)))
	})
}

// PutPrice implements engine.CatalogueStore.
func (s *Store) PutPrice(ctx context.Context, p engine.Price) error {
	if err := row.CheckPrice(p); err != nil {
		return err
	}
	return s.write(ctx, row.Changed(engine.AreaCatalogue, p.AccountID, ""), "put price of "+p.UpstreamID, func(ctx context.Context, q *query.Queries) error {
		return q.PutPrice(ctx, priceRow(p))
	})
}

func modelRow(m engine.Model) query.Model {
	n := query.Model{
		AccountID: m.AccountID, ID: m.ID, Family: m.Family, DisplayName: m.DisplayName, Tier: m.Tier,
		PremiumCenti: m.PremiumCenti, ProviderID: m.ProviderID, UpstreamID: m.UpstreamID, Api: string(m.API),
		ContextWindow: m.ContextWindow, MaxOutput: m.MaxOutput, Modalities: row.List(m.Modalities),
		Capabilities: row.List(m.Capabilities), Unsupported: row.List(m.Unsupported), Rename: row.Map(m.Rename),
		Fallbacks: row.List(m.Fallbacks), Source: m.Source, RetiresAt: row.TimeOrNil(m.RetiresAt),
		NoSubstitute: m.NoSubstitute, Enabled: m.Enabled, CreatedAt: row.Time(m.CreatedAt), UpdatedAt: row.Time(m.UpdatedAt),
	}
	if m.Replacement != nil {
		n.Replacement = row.Object(*m.Replacement)
	}
	return n
}

func parseModel(n query.Model) (m engine.Model, err error) {
	m = engine.Model{
		AccountID: n.AccountID, ID: n.ID, Family: n.Family, DisplayName: n.DisplayName, Tier: n.Tier,
		PremiumCenti: n.PremiumCenti, ProviderID: n.ProviderID, UpstreamID: n.UpstreamID, API: engine.API(n.Api),
		ContextWindow: n.ContextWindow, MaxOutput: n.MaxOutput, Source: n.Source, RetiresAt: row.TimeOrZero(n.RetiresAt),
		NoSubstitute: n.NoSubstitute, Enabled: n.Enabled, CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
	}
	if m.Modalities, err = row.ParseList[string](n.Modalities); err != nil {
		return m, err
	}
	if m.Capabilities, err = row.ParseList[engine.Capability](n.Capabilities); err != nil {
		return m, err
	}
	if m.Unsupported, err = row.ParseList[string](n.Unsupported); err != nil {
		return m, err
	}
	if m.Fallbacks, err = row.ParseList[string](n.Fallbacks); err != nil {
		return m, err
	}
	if m.Rename, err = row.ParseMap(n.Rename); err != nil || n.Replacement == nil {
		return m, err
	}
	r, err := row.ParseObject[engine.Replacement](n.Replacement)
	m.Replacement = &r
	return m, err
}

func priceRow(p engine.Price) query.PutPriceParams {
	return query.PutPriceParams{
		AccountID: p.AccountID, ProviderID: p.ProviderID, UpstreamID: p.UpstreamID, ValidFrom: row.Time(p.From),
		AbovePrompt: p.AbovePrompt, Input: p.Input, Output: p.Output, CachedInput: p.CachedInput,
		CacheWrite: p.CacheWrite, CacheWrite1h: p.CacheWrite1h, Source: p.Source,
		Reasoning: p.Reasoning, PerRequest: p.PerRequest, PerImage: p.PerImage,
	}
}

func parsePrice(n query.Price) (engine.Price, error) {
	return engine.Price{
		AccountID: n.AccountID, ProviderID: n.ProviderID, UpstreamID: n.UpstreamID, From: n.ValidFrom.UTC(),
		AbovePrompt: n.AbovePrompt, Input: n.Input, Output: n.Output, CachedInput: n.CachedInput,
		CacheWrite: n.CacheWrite, CacheWrite1h: n.CacheWrite1h, Source: n.Source,
		Reasoning: n.Reasoning, PerRequest: n.PerRequest, PerImage: n.PerImage,
	}, nil
}
