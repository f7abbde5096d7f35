package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// CreateModel implements engine.ModelStore.
func (s *Store) CreateModel(ctx context.Context, m engine.Model, prices []engine.Price) error {
	if err := checkModel(m, prices); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaCatalogue, m.AccountID, ""), "create model "+m.ID, func(ctx context.Context, q *query.Queries) error {
		if err := q.CreateModel(ctx, query.CreateModelParams(modelRow(m))); err != nil {
			return err
		}
		return putPrices(ctx, q, prices)
	})
}

// UpdateModel implements engine.ModelStore.
func (s *Store) UpdateModel(ctx context.Context, m engine.Model, prices []engine.Price, was time.Time) error {
	if err := checkModel(m, prices); err != nil {
		return err
	}
	n := modelRow(m)
	return s.writeOf(ctx, row.Changed(engine.AreaCatalogue, m.AccountID, ""), "update model "+m.ID, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdateModel(ctx, query.UpdateModelParams{
			Family: n.Family, DisplayName: n.DisplayName, Tier: n.Tier, PremiumCenti: n.PremiumCenti,
			ProviderID: n.ProviderID, UpstreamID: n.UpstreamID, Api: n.Api, ContextWindow: n.ContextWindow,
			MaxOutput: n.MaxOutput, Modalities: n.Modalities, Capabilities: n.Capabilities, Unsupported: n.Unsupported,
			Rename: n.Rename, Fallbacks: n.Fallbacks, Source: n.Source, RetiresAt: n.RetiresAt, Replacement: n.Replacement,
			NoSubstitute: n.NoSubstitute, Enabled: n.Enabled, UpdatedAt: n.UpdatedAt,
			AccountID: n.AccountID, ID: n.ID, Was: row.TimeOrNil(was),
		})
		switch {
		case err != nil:
			return err
		case changed == 0:
			return absent(q.HasModel(ctx, query.HasModelParams{AccountID: m.AccountID, ID: m.ID}))
		}
		return putPrices(ctx, q, prices)
	})
}

// DeleteModel implements engine.ModelStore.
func (s *Store) DeleteModel(ctx context.Context, accountID, id string) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	return s.writeOf(ctx, row.Changed(engine.AreaCatalogue, accountID, ""), "delete model "+id, func(ctx context.Context, q *query.Queries) error {
		deleted, err := q.DeleteModel(ctx, query.DeleteModelParams{AccountID: accountID, ID: id})
		if err == nil && deleted == 0 {
			err = engine.ErrNotFound
		}
		return err
	})
}

func checkModel(m engine.Model, prices []engine.Price) error {
	for _, p := range prices {
		if err := row.CheckPrice(p); err != nil {
			return err
		}
	}
	return row.CheckModel(m)
}

func putPrices(ctx context.Context, q *query.Queries, prices []engine.Price) error {
	for _, p := range prices {
		if err := q.PutPrice(ctx, priceRow(p)); err != nil {
			return err
		}
	}
	return nil
}
