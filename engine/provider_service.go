package engine

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ProviderService is the management of providers and their credentials: who may do what,
// what makes a provider valid, and that a write is in force here before it returns.
// Make one with NewCatalogueServices. Safe for concurrent use.
type ProviderService struct{ *catalogueWriter }

// ListProviders returns the stored rows that the principal sees, by account, then id.
// Their Credentials are not filled.
func (s *ProviderService) ListProviders(ctx context.Context, p Principal) ([]Provider, error) {
	all, err := s.Store.ListProviders(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r Provider) bool { return !mayRead(p, r.AccountID) }), nil
}

// GetProvider returns one stored row. Errors: CodeNotFound, also for another account's.
func (s *ProviderService) GetProvider(ctx context.Context, p Principal, accountID, id string) (Provider, error) {
	if !mayRead(p, accountID) {
		return Provider{}, noSuchProvider(id)
	}
	all, err := s.Store.ListProviders(ctx)
	if err != nil {
		return Provider{}, err
	}
	i := slices.IndexFunc(all, func(r Provider) bool { return r.AccountID == accountID && r.ID == id })
	if i < 0 {
		return Provider{}, noSuchProvider(id)
	}
	return all[i], nil
}

func noSuchProvider(id string) *Error {
	return Errorf(CodeNotFound, "There is no provider '%s'. GET /api/v1/providers lists them.", clipText(id, 64))
}

func forbiddenProvider(accountID string) *Error {
	if accountID == "" {
		return Errorf(CodeForbidden, "Only a super admin may manage global providers.")
	}
	return Errorf(CodeForbidden, "This key may not manage providers of that account.")
}

// CreateProvider checks, stores and puts in force a new provider. An empty BaseURL is the
// adapter's own. Errors: CodeForbidden, CodeInvalid with the member at fault, CodeConflict
// when the id is taken.
func (s *ProviderService) CreateProvider(ctx context.Context, p Principal, row Provider) (Provider, error) {
	if !mayWrite(p, row.AccountID) {
		return Provider{}, forbiddenProvider(row.AccountID)
	}
	if !providerID.MatchString(row.ID) {
		return Provider{}, invalidMember("id", "'id' must be 1 to 64 of a-z, 0-9, '.', '_' and '-', and begin with a letter or digit.")
	}
	err := s.change(ctx, func() error {
		manifest, err := s.Adapters.AdapterManifest(row.AccountID, row.Adapter)
		if err != nil {
			return unknownAdapter(row.Adapter, err)
		}
		if row.BaseURL == "" && manifest.Provider != nil {
			row.BaseURL = manifest.Provider.BaseURL
		}
		if err := s.checkProvider(ctx, &row); err != nil {
			return err
		}
		all, err := s.Store.ListProviders(ctx)
		if err != nil {
			return err
		}
		if n := len(slices.DeleteFunc(all, func(r Provider) bool { return r.AccountID != row.AccountID })); n >= MaxProviders {
			return Errorf(CodeConflict, "An account may have %d providers. Delete one first.", MaxProviders)
		}
		row.CreatedAt = s.stamp(time.Time{})
		// Unlike a seeded row's, the two differ: no later seed takes the row for its own.
		row.UpdatedAt = row.CreatedAt.Add(time.Millisecond)
		row.Credential, row.Credentials = "", nil
		err = s.Store.CreateProvider(Audited(ctx, s.Now(), row.AccountID, "provider.create", "provider/"+row.ID, recordProvider(row)), row)
		if errors.Is(err, ErrConflict) {
			return Errorf(CodeConflict, "A provider '%s' exists already. Change it with PUT or PATCH, or choose another id.", row.ID)
		}
		return err
	})
	return row, err
}

// ChangeProvider applies edit to the stored row; it may be called more than once, and what
// it does to the key and times is undone. was is the UpdatedAt that the caller has seen;
// zero: whatever is stored. Errors: those of CreateProvider, CodeNotFound, CodeConflict
// when the row changed meanwhile.
func (s *ProviderService) ChangeProvider(ctx context.Context, p Principal, accountID, id string, was time.Time, edit func(*Provider)) (row Provider, err error) {
	err = s.change(ctx, func() error {
		return again(was, func() error {
			old, err := s.writable(ctx, p, accountID, id)
			if err != nil {
				return err
			}
			row = old
			edit(&row)
			row.AccountID, row.ID, row.CreatedAt, row.Credential, row.Credentials = old.AccountID, old.ID, old.CreatedAt, old.Credential, nil
			row.UpdatedAt = s.stamp(old.UpdatedAt)
			if row.BaseURL != "" || old.BaseURL != "" {
				err = s.checkProvider(ctx, &row)
			} else {
				// A seeded row without an address may be disabled as it is.
				err = s.checkAdapter(ctx, &row)
			}
			if err != nil {
				return err
			}
			seen := was
			if seen.IsZero() {
				seen = old.UpdatedAt
			}
			audited := Audited(ctx, s.Now(), row.AccountID, "provider.update", "provider/"+row.ID, recordProvider(row))
			return s.Store.UpdateProvider(audited, row, seen)
		})
	})
	if errors.Is(err, ErrConflict) {
		err = Errorf(CodeConflict, "The provider '%s' was changed meanwhile. Read it again.", clipText(id, 64))
	} else if errors.Is(err, ErrNotFound) {
		err = noSuchProvider(id)
	}
	return row, err
}

// DeleteProvider deletes a provider with its credentials and its account's prices for it.
// Errors: CodeConflict while models are on it, which it names; CodeNotFound, CodeForbidden.
func (s *ProviderService) DeleteProvider(ctx context.Context, p Principal, accountID, id string) error {
	return s.change(ctx, func() error {
		if _, err := s.writable(ctx, p, accountID, id); err != nil {
			return err
		}
		err := s.Store.DeleteProvider(Audited(ctx, s.Now(), accountID, "provider.delete", "provider/"+id, nil), accountID, id)
		switch {
		case errors.Is(err, ErrConflict):
			return s.inUse(ctx, accountID, id)
		case errors.Is(err, ErrNotFound):
			return noSuchProvider(id)
		}
		return err
	})
}

// inUse names the models that keep a provider from being deleted.
func (s *ProviderService) inUse(ctx context.Context, accountID, id string) error {
	models, err := s.Store.ListModels(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, m := range models {
		if m.ProviderID == id && (m.AccountID == accountID || accountID == "") {
			names = append(names, m.ID)
		}
	}
	const shown = 10
	if len(names) > shown {
		names = append(names[:shown], "…")
	}
	return Errorf(CodeConflict, "Provider '%s' serves models: %s. Delete them first, or disable the provider.", id, strings.Join(names, ", "))
}

// writable is GetProvider for a change.
func (s *ProviderService) writable(ctx context.Context, p Principal, accountID, id string) (Provider, error) {
	row, err := s.GetProvider(ctx, p, accountID, id)
	if err == nil && !mayWrite(p, accountID) {
		err = forbiddenProvider(accountID)
	}
	return row, err
}

func (s *ProviderService) checkProvider(ctx context.Context, row *Provider) error {
	if row.Name == "" {
		row.Name = row.ID
	}
	if !printable(row.Name, 128) {
		return invalidMember("name", "'name' must have up to 128 bytes and no control characters.")
	}
	if err := s.checkBaseURL(row); err != nil {
		return err
	}
	return s.checkAdapter(ctx, row)
}

func (s *ProviderService) checkAdapter(ctx context.Context, row *Provider) error {
	err := s.Adapters.ConfigureAdapter(ctx, row.AccountID, row.Adapter, row.Config)
	if errors.Is(err, ErrNotFound) {
		return unknownAdapter(row.Adapter, err)
	}
	return err
}

func unknownAdapter(name string, err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	return invalidMember("adapter", "There is no provider adapter '%s'.", clipText(name, 64))
}

// checkBaseURL refuses what could not be called or is not the tenant's to call. Names are
// looked up, and addresses judged, when a connection is made: a name may change its mind.
func (s *ProviderService) checkBaseURL(row *Provider) error {
	refuse := func(why string) error { return invalidMember("base_url", "'base_url' %s", why) }
	if row.BaseURL == "" || len(row.BaseURL) > 2048 {
		return refuse("must be a URL of up to 2,048 bytes, as https://host/path.")
	}
	u, err := url.Parse(row.BaseURL)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "" || strings.ContainsFunc(row.BaseURL, func(r rune) bool { return r <= ' ' || r > '~' }):
		return refuse("must be a URL, as https://host/path.")
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("must begin with https:// or http://.")
	case u.User != nil:
		return refuse("must hold no user name or password: POST the key to its credentials.")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(row.BaseURL, "#"):
		return refuse("must have neither a query nor a fragment.")
	}
	if row.AccountID == "" {
		return nil // the operator's: only a super admin writes global rows
	}
	switch {
	case u.Scheme != "https":
		return refuse("must begin with https://. Only a super admin may name another on a global provider.")
	case !s.PublicHost(u.Hostname()):
		return refuse("must be on the public internet. Only a super admin may name a private address, on a global provider.")
	}
	return nil
}
