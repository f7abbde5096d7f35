package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// CreateProvider implements engine.ProviderStore.
func (s *Store) CreateProvider(ctx context.Context, p engine.Provider) error {
	if err := row.CheckProvider(p); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaCatalogue, p.AccountID, ""), "create provider "+p.ID, func(ctx context.Context, q *query.Queries) error {
		return q.CreateProvider(ctx, query.CreateProviderParams(providerRow(p)))
	})
}

// UpdateProvider implements engine.ProviderStore.
func (s *Store) UpdateProvider(ctx context.Context, p engine.Provider, was time.Time) error {
	if err := row.CheckProvider(p); err != nil {
		return err
	}
	n := providerRow(p)
	return s.writeOf(ctx, row.Changed(engine.AreaCatalogue, p.AccountID, ""), "update provider "+p.ID, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdateProvider(ctx, query.UpdateProviderParams{
			Name: n.Name, Adapter: n.Adapter, BaseUrl: n.BaseUrl, Credential: n.Credential, Enabled: n.Enabled,
			UpdatedAt: n.UpdatedAt, Config: n.Config, Keyless: n.Keyless, AccountID: n.AccountID, ID: n.ID, Was: row.TimeOrNil(was),
		})
		if err != nil || changed > 0 {
			return err
		}
		return absent(q.HasProvider(ctx, query.HasProviderParams{AccountID: p.AccountID, ID: p.ID}))
	})
}

// DeleteProvider implements engine.ProviderStore.
func (s *Store) DeleteProvider(ctx context.Context, accountID, id string) error {
	if !row.IsKey(accountID, id) {
		return engine.ErrNotFound
	}
	return s.writeOf(ctx, row.Changed(engine.AreaCatalogue, accountID, ""), "delete provider "+id, func(ctx context.Context, q *query.Queries) error {
		serves, err := q.CountModelsOfProvider(ctx, query.CountModelsOfProviderParams{AccountID: accountID, ID: id})
		if err != nil {
			return err
		}
		found, err := q.HasProvider(ctx, query.HasProviderParams{AccountID: accountID, ID: id})
		switch {
		case err != nil:
			return err
		case found == 0:
			return engine.ErrNotFound
		case serves > 0:
			return engine.ErrConflict
		}
		if err := q.DeleteCredentialsOfProvider(ctx, query.DeleteCredentialsOfProviderParams{AccountID: accountID, ProviderID: id}); err != nil {
			return err
		}
		if err := q.DeletePricesOfProvider(ctx, query.DeletePricesOfProviderParams{AccountID: accountID, ProviderID: id}); err != nil {
			return err
		}
		_, err = q.DeleteProvider(ctx, query.DeleteProviderParams{AccountID: accountID, ID: id})
		return err
	})
}

// absent says why an update changed no row, by how many there are with its key.
func absent(found int64, err error) error {
	switch {
	case err != nil:
		return err
	case found == 0:
		return engine.ErrNotFound
	}
	return engine.ErrConflict
}

func providerRow(p engine.Provider) query.Provider {
	n := query.Provider{
		AccountID: p.AccountID, ID: p.ID, Name: p.Name, Adapter: p.Adapter, BaseUrl: p.BaseURL, Credential: p.Credential,
		Enabled: p.Enabled, CreatedAt: row.Time(p.CreatedAt), UpdatedAt: row.Time(p.UpdatedAt), Keyless: p.Keyless,
	}
	if len(p.Config) > 0 {
		config := string(p.Config)
		n.Config = &config
	}
	return n
}

func parseProvider(n query.Provider) (engine.Provider, error) {
	p := engine.Provider{
		AccountID: n.AccountID, ID: n.ID, Name: n.Name, Adapter: n.Adapter, BaseURL: n.BaseUrl, Credential: n.Credential,
		Enabled: n.Enabled, CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(), Keyless: n.Keyless,
	}
	if n.Config != nil {
		p.Config = []byte(*n.Config)
	}
	return p, nil
}
