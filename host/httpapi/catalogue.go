package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// catalogueModel is a catalogue row as the admin API shows it: all of it, also when disabled.
type catalogueModel struct {
	ID            string              `json:"id"`
	AccountID     string              `json:"account_id,omitempty" doc:"Left out: all accounts."`
	Family        string              `json:"family"`
	DisplayName   string              `json:"display_name"`
	Tier          string              `json:"tier"`
	Premium       float64             `json:"premium_requests" doc:"Premium requests that one call costs."`
	Provider      string              `json:"provider"`
	UpstreamID    string              `json:"upstream_id"`
	API           engine.API          `json:"api" enum:"chat,responses,messages,generate"`
	ContextWindow int64               `json:"context_window" doc:"Tokens; 0: unknown."`
	MaxOutput     int64               `json:"max_output" doc:"Tokens; 0: unknown."`
	Modalities    []string            `json:"modalities,omitempty"`
	Capabilities  []engine.Capability `json:"capabilities,omitempty"`
	Unsupported   []string            `json:"unsupported,omitempty" doc:"Request members that the upstream model rejects."`
	Rename        map[string]string   `json:"rename,omitempty"`
	Fallbacks     []string            `json:"fallbacks,omitempty"`
	Source        string              `json:"source,omitempty"`
	RetiresAt     *time.Time          `json:"retires_at,omitempty"`
	Replacement   *engine.Replacement `json:"replacement,omitempty"`
	NoSubstitute  bool                `json:"no_substitute,omitempty"`
	Status        string              `json:"status" enum:"active,substituted,retired"`
	SubstitutedBy string              `json:"substituted_by,omitempty"`
	Enabled       bool                `json:"enabled"`
	UpdatedAt     time.Time           `json:"updated_at"`
}

// provider is a provider as the admin API shows it: where its credential is from, never the credential.
type provider struct {
	ID         string    `json:"id"`
	AccountID  string    `json:"account_id,omitempty" doc:"Left out: all accounts."`
	Name       string    `json:"name"`
	Adapter    string    `json:"adapter" doc:"The plugin that speaks its wire."`
	BaseURL    string    `json:"base_url"`
	Credential string    `json:"credential,omitempty" doc:"Where the key is from."`
	Enabled    bool      `json:"enabled"`
	UpdatedAt  time.Time `json:"updated_at"`
}

type (
	catalogueID struct {
		ID string `path:"id" maxLength:"256"`
	}
	modelList struct {
		Body struct {
			Data []catalogueModel `json:"data"`
		}
	}
	modelOutput struct{ Body catalogueModel }
	modelPatch  struct {
		ID        string `path:"id" maxLength:"256"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Whose row. Left out: the caller's own account, for a super admin the global catalogue."`
		Body      struct {
			Enabled      *bool     `json:"enabled,omitempty"`
			NoSubstitute *bool     `json:"no_substitute,omitempty" doc:"true: once its vendor has retired it, the model is skipped and not served by the replacement."`
			Fallbacks    *[]string `json:"fallbacks,omitempty" maxItems:"16" doc:"Model ids, tried in order when this one is pinned and fails."`
		}
	}
	providerList struct {
		Body struct {
			Data []provider `json:"data"`
		}
	}
	providerOutput struct{ Body provider }
)

func catalogueRow(m engine.Model, at time.Time) catalogueModel {
	shown := shownModel(m, at)
	return catalogueModel{
		ID: m.ID, AccountID: m.AccountID, Family: m.Family, DisplayName: m.DisplayName, Tier: m.Tier,
		Premium: shown.Premium, Provider: m.ProviderID, UpstreamID: m.UpstreamID, API: m.API,
		ContextWindow: m.ContextWindow, MaxOutput: m.MaxOutput, Modalities: m.Modalities,
		Capabilities: m.Capabilities, Unsupported: m.Unsupported, Rename: m.Rename, Fallbacks: m.Fallbacks,
		Source: m.Source, RetiresAt: shown.RetiresAt, Replacement: m.Replacement, NoSubstitute: m.NoSubstitute,
		Status: shown.Status, SubstitutedBy: shown.SubstitutedBy, Enabled: m.Enabled, UpdatedAt: m.UpdatedAt.UTC(),
	}
}

func shownProvider(p engine.Provider) provider {
	return provider{
		ID: p.ID, AccountID: p.AccountID, Name: p.Name, Adapter: p.Adapter, BaseURL: p.BaseURL,
		Credential: p.Credential, Enabled: p.Enabled, UpdatedAt: p.UpdatedAt.UTC(),
	}
}

func (s *Server) registerCatalogue() {
	models, providers := []string{"models"}, []string{"providers"}
	operation(s, huma.Operation{OperationID: "list-models", Method: http.MethodGet, Path: "/api/v1/models", Summary: "List the catalogue", Tags: models}, s.listCatalogue)
	operation(s, huma.Operation{OperationID: "get-model", Method: http.MethodGet, Path: "/api/v1/models/{id}", Summary: "Get a model of the catalogue", Tags: models}, s.getCatalogueModel)
	operation(s, huma.Operation{OperationID: "patch-model", Method: http.MethodPatch, Path: "/api/v1/models/{id}", Summary: "Change members of a model of the catalogue", Tags: models}, s.patchModel)
	operation(s, huma.Operation{OperationID: "list-providers", Method: http.MethodGet, Path: "/api/v1/providers", Summary: "List the providers", Tags: providers}, s.listProviders)
	operation(s, huma.Operation{OperationID: "get-provider", Method: http.MethodGet, Path: "/api/v1/providers/{id}", Summary: "Get a provider", Tags: providers}, s.getProvider)
}

func (s *Server) listCatalogue(ctx context.Context, _ *nothing) (*modelList, error) {
	rq := requestOf(ctx)
	out := &modelList{}
	out.Body.Data = []catalogueModel{}
	for _, m := range s.cfg.Catalogue().Models(rq.principal.AccountID) {
		out.Body.Data = append(out.Body.Data, catalogueRow(m, rq.received))
	}
	return out, nil
}

func (s *Server) getCatalogueModel(ctx context.Context, in *catalogueID) (*modelOutput, error) {
	rq := requestOf(ctx)
	catalogue := s.cfg.Catalogue()
	m, ok := catalogue.Model(rq.principal.AccountID, in.ID)
	if !ok {
		return nil, engine.Errorf(engine.CodeModelNotFound, "There is no model '%s'. Nearest: %s.", in.ID,
			strings.Join(catalogue.Nearest(rq.principal.AccountID, in.ID, 3), ", "))
	}
	return &modelOutput{catalogueRow(m, rq.received)}, nil
}

func (s *Server) patchModel(ctx context.Context, in *modelPatch) (*modelOutput, error) {
	rq := requestOf(ctx)
	change := engine.ModelChange{Enabled: in.Body.Enabled, NoSubstitute: in.Body.NoSubstitute}
	if in.Body.Fallbacks != nil {
		change.Fallbacks = append([]string{}, *in.Body.Fallbacks...) // not nil: an empty list means none
	}
	m, err := s.cfg.Models.ChangeModel(ctx, rq.principal, homeOf(rq.principal, in.AccountID), in.ID, change)
	if err != nil {
		return nil, err
	}
	return &modelOutput{catalogueRow(m, rq.received)}, nil
}

func (s *Server) listProviders(ctx context.Context, _ *nothing) (*providerList, error) {
	out := &providerList{}
	out.Body.Data = []provider{}
	for _, p := range s.cfg.Catalogue().Providers(principalOf(ctx).AccountID) {
		out.Body.Data = append(out.Body.Data, shownProvider(p))
	}
	return out, nil
}

func (s *Server) getProvider(ctx context.Context, in *catalogueID) (*providerOutput, error) {
	p, ok := s.cfg.Catalogue().Provider(principalOf(ctx).AccountID, in.ID)
	if !ok {
		return nil, engine.Errorf(engine.CodeNotFound, "There is no provider '%s'. GET /api/v1/providers lists them.", in.ID)
	}
	return &providerOutput{shownProvider(*p)}, nil
}
