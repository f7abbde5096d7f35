package sqlite

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// ReplacePrices implements engine.PriceStore.
func (s *Store) ReplacePrices(ctx context.Context, version []engine.Price) error {
	key, err := row.CheckPriceVersion(version)
	if err != nil {
		return err
	}
	return s.write(ctx, row.Changed(engine.AreaCatalogue, key.AccountID, ""), "replace prices of "+key.UpstreamID, func(ctx context.Context, q *query.Queries) error {
		if _, err := q.DeletePriceVersion(ctx, priceVersion(key.AccountID, key.ProviderID, key.UpstreamID, key.From)); err != nil {
			return err
		}
		return putPrices(ctx, q, version)
	})
}

// DeletePrices implements engine.PriceStore.
func (s *Store) DeletePrices(ctx context.Context, accountID, providerID, upstreamID string, from time.Time) error {
	if !row.IsKey(accountID, providerID, upstreamID) {
		return engine.ErrNotFound
	}
	return s.write(ctx, row.Changed(engine.AreaCatalogue, accountID, ""), "delete prices of "+upstreamID, func(ctx context.Context, q *query.Queries) error {
		deleted, err := q.DeletePriceVersion(ctx, priceVersion(accountID, providerID, upstreamID, from))
		if err == nil && deleted == 0 {
			err = engine.ErrNotFound
		}
		return err
	})
}

func priceVersion(accountID, providerID, upstreamID string, from time.Time) query.DeletePriceVersionParams {
	return query.DeletePriceVersionParams{
		AccountID: accountID, ProviderID: providerID, UpstreamID: upstreamID, ValidFrom: millis(from),
	}
}
