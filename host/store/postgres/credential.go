package postgres

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// ListCredentials implements engine.CredentialStore.
func (s *Store) ListCredentials(ctx context.Context) (credentials []engine.StoredCredential, err error) {
	err = s.read(ctx, "list credentials", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListCredentials(ctx)
		if err == nil {
			credentials, err = row.ParseAll(rows, parseCredential)
		}
		return err
	})
	return credentials, err
}

// CreateCredential implements engine.CredentialStore.
func (s *Store) CreateCredential(ctx context.Context, c engine.StoredCredential) error {
	if err := row.CheckCredential(c); err != nil {
		return err
	}
	return s.writeOf(ctx, row.Changed(engine.AreaCatalogue, c.AccountID, ""), "create credential of "+c.ProviderID, func(ctx context.Context, q *query.Queries) error {
		found, err := q.HasProvider(ctx, query.HasProviderParams{AccountID: c.AccountID, ID: c.ProviderID})
		switch {
		case err != nil:
			return err
		case found == 0:
			return engine.ErrNotFound
		}
		return q.CreateCredential(ctx, query.CreateCredentialParams(credentialRow(c)))
	})
}

// UpdateCredential implements engine.CredentialStore.
func (s *Store) UpdateCredential(ctx context.Context, c engine.StoredCredential, was time.Time) error {
	if err := row.CheckCredential(c); err != nil {
		return err
	}
	n := credentialRow(c)
	return s.writeOf(ctx, row.Changed(engine.AreaCatalogue, c.AccountID, ""), "update credential of "+c.ProviderID, func(ctx context.Context, q *query.Queries) error {
		changed, err := q.UpdateCredential(ctx, query.UpdateCredentialParams{
			Name: n.Name, Hint: n.Hint, Weight: n.Weight, Enabled: n.Enabled, Sealed: n.Sealed, SealKey: n.SealKey,
			Version: n.Version, UpdatedAt: n.UpdatedAt, AccountID: n.AccountID, ProviderID: n.ProviderID, ID: n.ID, Was: row.TimeOrNil(was),
		})
		if err != nil || changed > 0 {
			return err
		}
		return absent(q.HasCredential(ctx, query.HasCredentialParams{AccountID: c.AccountID, ProviderID: c.ProviderID, ID: c.ID}))
	})
}

// DeleteCredential implements engine.CredentialStore.
func (s *Store) DeleteCredential(ctx context.Context, accountID, providerID, id string) error {
	if !row.IsKey(accountID, providerID, id) {
		return engine.ErrNotFound
	}
	return s.writeOf(ctx, row.Changed(engine.AreaCatalogue, accountID, ""), "delete credential of "+providerID, func(ctx context.Context, q *query.Queries) error {
		deleted, err := q.DeleteCredential(ctx, query.DeleteCredentialParams{AccountID: accountID, ProviderID: providerID, ID: id})
		if err == nil && deleted == 0 {
			err = engine.ErrNotFound
		}
		return err
	})
}

func credentialRow(c engine.StoredCredential) query.Credential {
	return query.Credential{
		AccountID: c.AccountID, ProviderID: c.ProviderID, ID: c.ID, Name: c.Name, Hint: c.Hint, Weight: int64(c.Weight),
		Enabled: c.Enabled, Sealed: c.Sealed, SealKey: c.SealKey, Version: c.Version,
		CreatedAt: row.Time(c.CreatedAt), UpdatedAt: row.Time(c.UpdatedAt),
	}
}

func parseCredential(n query.Credential) (engine.StoredCredential, error) {
	return engine.StoredCredential{
		AccountID: n.AccountID, ProviderID: n.ProviderID, ID: n.ID, Name: n.Name, Hint: n.Hint, Weight: int(n.Weight),
		Enabled: n.Enabled, Sealed: n.Sealed, SealKey: n.SealKey, Version: n.Version,
		CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(),
	}, nil
}
