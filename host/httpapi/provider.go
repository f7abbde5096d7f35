package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// provider is a provider as the admin API shows it: never with the text of a credential.
// What only the server sets is read-only: it may be sent back as it came and is ignored.
type provider struct {
	ID        string          `json:"id" required:"false" maxLength:"64" doc:"As it stands in provider/model: a-z, 0-9, '.', '_' and '-'. Needed to create."`
	AccountID string          `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own account, for a super admin all accounts."`
	Name      string          `json:"name" required:"false" maxLength:"128" doc:"Default: the id."`
	Adapter   string          `json:"adapter" minLength:"1" maxLength:"128" doc:"The provider plugin that speaks its wire: openai (also for compatible servers), anthropic, google, or one that was uploaded."`
	BaseURL   string          `json:"base_url" required:"false" maxLength:"2048" doc:"What the adapter's paths are added to: scheme, host and path. Default: the adapter's own. An account's provider must be https and public; a global one, which only a super admin makes, may be anywhere."`
	Config    json.RawMessage `json:"config,omitempty" doc:"Quirks of the server, as the adapter's config_schema has them."`
	Keyless   bool            `json:"keyless,omitempty" doc:"Called without a credential when it has none."`
	Enabled   *bool           `json:"enabled" required:"false" doc:"Default true."`

	Credential  string               `json:"credential,omitempty" readOnly:"true" doc:"Where the operator's own key is from."`
	Credentials []providerCredential `json:"credentials,omitempty" readOnly:"true" doc:"The keys in use, for who may manage them. They are added under /credentials."`
	CreatedAt   *time.Time           `json:"created_at,omitempty" readOnly:"true"`
	UpdatedAt   *time.Time           `json:"updated_at,omitempty" readOnly:"true" doc:"Sent back with PUT, it guards against lost updates."`
}

// providerPatch is what PATCH may change; what is left out stays.
type providerPatch struct {
	Name    *string         `json:"name,omitempty" maxLength:"128"`
	Adapter *string         `json:"adapter,omitempty" minLength:"1" maxLength:"128"`
	BaseURL *string         `json:"base_url,omitempty" maxLength:"2048"`
	Config  json.RawMessage `json:"config,omitempty" doc:"The whole of it, or null for none."`
	Keyless *bool           `json:"keyless,omitempty"`
	Enabled *bool           `json:"enabled,omitempty"`
}

type (
	providerList struct {
		Body struct {
			Data []provider `json:"data" doc:"By account, then id."`
		}
	}
	providerOutput struct {
		ETag string `header:"ETag"`
		Body provider
	}
	createdProvider struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     provider
	}
)

func (s *Server) shownProvider(p engine.Principal, row engine.Provider) provider {
	created, updated := row.CreatedAt.UTC(), row.UpdatedAt.UTC()
	out := provider{
		ID: row.ID, AccountID: row.AccountID, Name: row.Name, Adapter: row.Adapter, BaseURL: row.BaseURL,
		Config: row.Config, Keyless: row.Keyless, Enabled: &row.Enabled, Credential: row.Credential,
		CreatedAt: &created, UpdatedAt: &updated,
	}
	if p.Role == engine.RoleSuperAdmin || row.AccountID != "" {
		for _, k := range s.inForce(row) {
			out.Credentials = append(out.Credentials, providerCredential{ID: k.ID, Weight: k.Weight, Enabled: k.Enabled, Source: sourceOf(row, k.ID)})
		}
	}
	return out
}

// inForce returns the credentials that requests to the provider can use.
func (s *Server) inForce(row engine.Provider) []engine.Credential {
	if p, ok := s.cfg.Catalogue().Provider(row.AccountID, row.ID); ok && p.AccountID == row.AccountID {
		return p.Credentials
	}
	return nil
}

// stored is the provider as the engine keeps it; account is where it lives.
func (p provider) stored(account string) engine.Provider {
	out := engine.Provider{
		AccountID: account, ID: p.ID, Name: p.Name, Adapter: p.Adapter, BaseURL: p.BaseURL,
		Config: config(p.Config), Keyless: p.Keyless, Enabled: true,
	}
	if p.Enabled != nil {
		out.Enabled = *p.Enabled
	}
	return out
}

func (s *Server) registerProviders() {
	tag := []string{"providers"}
	operation(s, huma.Operation{OperationID: "list-providers", Method: http.MethodGet, Path: "/api/v1/providers", Summary: "List the providers that the key sees", Tags: tag}, s.listProviders)
	operation(s, huma.Operation{OperationID: "create-provider", Method: http.MethodPost, Path: "/api/v1/providers", Summary: "Create a provider; it is in force when this returns", Description: "Then add its keys under /credentials, or say 'keyless', and create its models.", Tags: tag, DefaultStatus: http.StatusCreated}, s.createProvider)
	operation(s, huma.Operation{OperationID: "get-provider", Method: http.MethodGet, Path: "/api/v1/providers/{id}", Summary: "Get a provider", Tags: tag}, s.getProvider)
	operation(s, huma.Operation{OperationID: "replace-provider", Method: http.MethodPut, Path: "/api/v1/providers/{id}", Summary: "Replace a provider; its credentials stay", Tags: tag}, s.replaceProvider)
	operation(s, huma.Operation{OperationID: "patch-provider", Method: http.MethodPatch, Path: "/api/v1/providers/{id}", Summary: "Change members of a provider", Tags: tag}, s.patchProvider)
	operation(s, huma.Operation{OperationID: "delete-provider", Method: http.MethodDelete, Path: "/api/v1/providers/{id}", Summary: "Delete a provider that serves no model, with its credentials and prices", Description: "A provider that Pointsman ships stays away until a release changes the catalogue; disabling it lasts.", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteProvider)
}

func (s *Server) listProviders(ctx context.Context, _ *nothing) (*providerList, error) {
	p := principalOf(ctx)
	rows, err := s.cfg.Providers.ListProviders(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &providerList{}
	out.Body.Data = make([]provider, 0, len(rows))
	for _, row := range rows {
		out.Body.Data = append(out.Body.Data, s.shownProvider(p, row))
	}
	return out, nil
}

// findProvider reads the stored row that a path names.
func (s *Server) findProvider(ctx context.Context, k CatalogueKey) (engine.Provider, error) {
	p := principalOf(ctx)
	return find(p, k.AccountID, func(account string) (engine.Provider, error) {
		return s.cfg.Providers.GetProvider(ctx, p, account, k.ID)
	})
}

func (s *Server) getProvider(ctx context.Context, in *CatalogueKey) (*providerOutput, error) {
	row, err := s.findProvider(ctx, *in)
	if err != nil {
		return nil, err
	}
	return &providerOutput{etagOf(row.UpdatedAt), s.shownProvider(principalOf(ctx), row)}, nil
}

func (s *Server) createProvider(ctx context.Context, in *struct{ Body provider }) (*createdProvider, error) {
	p := principalOf(ctx)
	row, err := s.cfg.Providers.CreateProvider(ctx, p, in.Body.stored(homeOf(p, in.Body.AccountID)))
	if err != nil {
		return nil, err
	}
	return &createdProvider{"/api/v1/providers/" + row.ID, etagOf(row.UpdatedAt), s.shownProvider(p, row)}, nil
}

func (s *Server) replaceProvider(ctx context.Context, in *struct {
	CatalogueKey
	RuleMatch
	Body provider
}) (*providerOutput, error) {
	if in.Body.AccountID != "" && in.AccountID == "" {
		in.AccountID = in.Body.AccountID
	}
	old, err := s.findProvider(ctx, in.CatalogueKey)
	if err != nil {
		return nil, err
	}
	was, err := replaces(in.RuleMatch, "provider", row{old.AccountID, old.ID, old.UpdatedAt}, row{in.Body.AccountID, in.Body.ID, timeOf(in.Body.UpdatedAt)})
	if err != nil {
		return nil, err
	}
	return s.saveProvider(ctx, old, was, func(p *engine.Provider) { *p = in.Body.stored(old.AccountID) })
}

func (s *Server) patchProvider(ctx context.Context, in *struct {
	CatalogueKey
	RuleMatch
	Body providerPatch
}) (*providerOutput, error) {
	old, err := s.findProvider(ctx, in.CatalogueKey)
	if err != nil {
		return nil, err
	}
	was, err := changes(in.RuleMatch, "provider", row{old.AccountID, old.ID, old.UpdatedAt})
	if err != nil {
		return nil, err
	}
	return s.saveProvider(ctx, old, was, func(p *engine.Provider) {
		overlay(&p.Name, in.Body.Name)
		overlay(&p.Adapter, in.Body.Adapter)
		overlay(&p.BaseURL, in.Body.BaseURL)
		overlay(&p.Keyless, in.Body.Keyless)
		overlay(&p.Enabled, in.Body.Enabled)
		if in.Body.Config != nil {
			p.Config = config(in.Body.Config)
		}
	})
}

func (s *Server) saveProvider(ctx context.Context, old engine.Provider, was time.Time, edit func(*engine.Provider)) (*providerOutput, error) {
	p := principalOf(ctx)
	row, err := s.cfg.Providers.ChangeProvider(ctx, p, old.AccountID, old.ID, was, edit)
	if err != nil {
		return nil, err
	}
	return &providerOutput{etagOf(row.UpdatedAt), s.shownProvider(p, row)}, nil
}

func (s *Server) deleteProvider(ctx context.Context, in *struct {
	CatalogueKey
	RuleMatch
}) (*nothing, error) {
	row, err := s.findProvider(ctx, in.CatalogueKey)
	if err != nil {
		return nil, err
	}
	if err := matchedAt(in.RuleMatch, "provider", row.ID, row.UpdatedAt); err != nil {
		return nil, err
	}
	return nil, s.cfg.Providers.DeleteProvider(ctx, principalOf(ctx), row.AccountID, row.ID)
}
