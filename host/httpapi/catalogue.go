package httpapi

import (
	"context"
	"math"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// catalogueModel is a catalogue row as the admin API shows it: all of it, also when
// disabled. What only the server sets is read-only: it may be sent back as it came and is ignored.
type catalogueModel struct {
	ID            string              `json:"id" required:"false" maxLength:"64" doc:"What callers ask for: a-z, 0-9, '.', '_', '-' and ':'. Needed to create."`
	AccountID     string              `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own account, for a super admin all accounts."`
	Family        string              `json:"family" required:"false" maxLength:"64"`
	DisplayName   string              `json:"display_name" required:"false" maxLength:"128" doc:"Default: the id."`
	Tier          string              `json:"tier" required:"false" maxLength:"64" doc:"flagship, standard, economy or preview; rules may read it. Default standard."`
	Premium       float64             `json:"premium_requests" required:"false" minimum:"0" maximum:"10000" doc:"Premium requests that one call costs, in hundredths at the finest."`
	Provider      string              `json:"provider" minLength:"1" maxLength:"64" doc:"Provider id."`
	UpstreamID    string              `json:"upstream_id" minLength:"1" maxLength:"255" doc:"What the provider calls it."`
	API           engine.API          `json:"api,omitempty" enum:"chat,responses,messages,generate,embeddings" doc:"The wire it is called by. Default: the adapter's own."`
	ContextWindow int64               `json:"context_window" required:"false" minimum:"0" doc:"Tokens; 0: unknown."`
	MaxOutput     int64               `json:"max_output" required:"false" minimum:"0" doc:"Tokens; 0: unknown."`
	Modalities    []string            `json:"modalities,omitempty" maxItems:"16"`
	Capabilities  []engine.Capability `json:"capabilities,omitempty" maxItems:"16" doc:"vision, tools, structured_output, reasoning, audio, files, image_url, embeddings, prefill. A request that needs another skips the model."`
	Unsupported   []string            `json:"unsupported,omitempty" maxItems:"64" doc:"Request members that the upstream model rejects."`
	Rename        map[string]string   `json:"rename,omitempty" maxProperties:"64" doc:"Request members that it knows by another name."`
	Fallbacks     []string            `json:"fallbacks,omitempty" maxItems:"16" doc:"Model ids, tried in order when this one is pinned and fails."`
	Source        string              `json:"source,omitempty" maxLength:"255" doc:"Where the facts are from."`
	RetiresAt     *time.Time          `json:"retires_at,omitempty" doc:"When the vendor ends upstream_id."`
	Replacement   *engine.Replacement `json:"replacement,omitempty" doc:"What serves it from then on."`
	NoSubstitute  bool                `json:"no_substitute,omitempty" doc:"true: once its vendor has retired it, the model is skipped and not served by the replacement."`
	Enabled       *bool               `json:"enabled" required:"false" doc:"Default true."`
	Price         *ModelPrice         `json:"price,omitempty" doc:"What it costs from now on, unless it is the price in force already. A model whose price is unknown is never called; \"0\" is a price, for a server of your own. Left out of a change: as before."`

	Status        string     `json:"status,omitempty" readOnly:"true" doc:"active, substituted or retired."`
	SubstitutedBy string     `json:"substituted_by,omitempty" readOnly:"true"`
	CreatedAt     *time.Time `json:"created_at,omitempty" readOnly:"true"`
	UpdatedAt     *time.Time `json:"updated_at,omitempty" readOnly:"true" doc:"Sent back with PUT, it guards against lost updates."`
}

// ModelPrice is in US dollars per million tokens, as decimal strings. Exported because huma
// skips embedded structs that are not.
type ModelPrice struct {
	Input        string  `json:"input" maxLength:"20" doc:"US dollars per million tokens, as \"2.50\"." example:"2.50"`
	Output       string  `json:"output" maxLength:"20"`
	CachedInput  *string `json:"cached_input,omitempty" maxLength:"20" doc:"Left out: as input."`
	CacheWrite   *string `json:"cache_write,omitempty" maxLength:"20" doc:"Left out: as input."`
	CacheWrite1h *string `json:"cache_write_1h,omitempty" maxLength:"20" doc:"Left out: as cache_write."`
	Reasoning    *string `json:"reasoning,omitempty" maxLength:"20" doc:"Of the output, what the model only thought. Left out: as output."`
	PerRequest   *string `json:"per_request,omitempty" maxLength:"20" doc:"US dollars for a request, beside its tokens. Left out: nothing."`
	PerImage     *string `json:"per_image,omitempty" maxLength:"20" doc:"US dollars for each image of the input, beside its tokens. Left out: nothing."`
}

type (
	// CatalogueKey is the model, or the provider, that a path means. Exported because huma
	// skips embedded structs that are not.
	CatalogueKey struct {
		ID        string `path:"id" maxLength:"256"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Whose row. Left out: the caller's own before a global one, for a super admin the other way round."`
	}
	modelsQuery struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Whose view. Left out: the caller's own; another one only for a super admin."`
	}
	modelList struct {
		Body struct {
			Data []catalogueModel `json:"data"`
		}
	}
	modelOutput struct {
		ETag string `header:"ETag"`
		Body catalogueModel
	}
	createdModel struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     catalogueModel
	}
)

// row shows a catalogue row with the price that holds for small requests now.
func (s *Server) row(m engine.Model, at time.Time) catalogueModel {
	shown := shownModel(m, at)
	created, updated := m.CreatedAt.UTC(), m.UpdatedAt.UTC()
	out := catalogueModel{
		ID: m.ID, AccountID: m.AccountID, Family: m.Family, DisplayName: m.DisplayName, Tier: m.Tier,
		Premium: shown.Premium, Provider: m.ProviderID, UpstreamID: m.UpstreamID, API: m.API,
		ContextWindow: m.ContextWindow, MaxOutput: m.MaxOutput, Modalities: m.Modalities,
		Capabilities: m.Capabilities, Unsupported: m.Unsupported, Rename: m.Rename, Fallbacks: m.Fallbacks,
		Source: m.Source, RetiresAt: shown.RetiresAt, Replacement: m.Replacement, NoSubstitute: m.NoSubstitute,
		Status: shown.Status, SubstitutedBy: shown.SubstitutedBy, Enabled: &m.Enabled, CreatedAt: &created, UpdatedAt: &updated,
	}
	if p, ok := s.cfg.Catalogue().AccountPrice(m.AccountID, m.ProviderID, m.UpstreamID, at, 0); ok {
		out.Price = shownPrice(p)
	}
	return out
}

// stored is the model as the engine keeps it; account is where it lives.
func (m catalogueModel) stored(account string) engine.Model {
	out := engine.Model{
		AccountID: account, ID: m.ID, Family: m.Family, DisplayName: m.DisplayName, Tier: m.Tier,
		PremiumCenti: int64(math.Round(m.Premium * 100)), ProviderID: m.Provider, UpstreamID: m.UpstreamID, API: m.API,
		ContextWindow: m.ContextWindow, MaxOutput: m.MaxOutput, Modalities: m.Modalities, Capabilities: m.Capabilities,
		Unsupported: m.Unsupported, Rename: m.Rename, Fallbacks: m.Fallbacks, Source: m.Source,
		Replacement: m.Replacement, NoSubstitute: m.NoSubstitute, Enabled: true,
	}
	if out.Tier == "" {
		out.Tier = "standard"
	}
	if m.RetiresAt != nil {
		out.RetiresAt = *m.RetiresAt
	}
	if m.Enabled != nil {
		out.Enabled = *m.Enabled
	}
	return out
}

func shownPrice(p engine.Price) *ModelPrice {
	optional := func(nano *int64) *string {
		if nano == nil {
			return nil
		}
		text := engine.FormatUSD(*nano)
		return &text
	}
	nonzero := func(nano int64) *string {
		if nano == 0 {
			return nil
		}
		return optional(&nano)
	}
	return &ModelPrice{
		Input: engine.FormatUSD(p.Input), Output: engine.FormatUSD(p.Output), CachedInput: optional(p.CachedInput),
		CacheWrite: optional(p.CacheWrite), CacheWrite1h: optional(p.CacheWrite1h), Reasoning: optional(p.Reasoning),
		PerRequest: nonzero(p.PerRequest), PerImage: nonzero(p.PerImage),
	}
}

// amounts reads the price. Errors name the member, after prefix.
func (p *ModelPrice) amounts(prefix string) (engine.Price, error) {
	var out engine.Price
	var cached, write, write1h, reasoning int64
	for _, part := range []struct {
		member string
		text   *string
		to     *int64
		into   **int64
	}{
		{"input", &p.Input, &out.Input, nil}, {"output", &p.Output, &out.Output, nil}, {"cached_input", p.CachedInput, &cached, &out.CachedInput},
		{"cache_write", p.CacheWrite, &write, &out.CacheWrite}, {"cache_write_1h", p.CacheWrite1h, &write1h, &out.CacheWrite1h},
		{"reasoning", p.Reasoning, &reasoning, &out.Reasoning}, {"per_request", p.PerRequest, &out.PerRequest, nil},
		{"per_image", p.PerImage, &out.PerImage, nil},
	} {
		if part.text == nil {
			continue
		}
		nano, err := engine.ParseUSD(*part.text)
		if err != nil {
			return out, invalid(prefix+part.member, "'"+prefix+part.member+"' must be US dollars, as \"2.50\".")
		}
		*part.to = nano
		if part.into != nil {
			*part.into = part.to
		}
	}
	return out, nil
}

// amounts reads the price; nil for none, and for the one that is in force of that upstream
// model already, which may be one of several tiers.
func (s *Server) amounts(p *ModelPrice, account, provider, upstream string, at time.Time) (*engine.Price, error) {
	if p == nil {
		return nil, nil
	}
	out, err := p.amounts("price.")
	if err != nil {
		return nil, err
	}
	if now, ok := s.cfg.Catalogue().AccountPrice(account, provider, upstream, at, 0); ok && reflect.DeepEqual(shownPrice(now), shownPrice(out)) {
		return nil, nil
	}
	return &out, nil
}

func (s *Server) registerCatalogue() {
	tag := []string{"models"}
	operation(s, huma.Operation{OperationID: "list-models", Method: http.MethodGet, Path: "/api/v1/models", Summary: "List the catalogue", Tags: tag}, s.listCatalogue)
	operation(s, huma.Operation{OperationID: "create-model", Method: http.MethodPost, Path: "/api/v1/models", Summary: "Create a model; it is in force when this returns", Description: "A model needs a price, or it would never be called. On a provider of its own an account may call what it likes; on a global one only a super admin says which models are called, and at which price.", Tags: tag, DefaultStatus: http.StatusCreated}, s.createModel)
	operation(s, huma.Operation{OperationID: "get-model", Method: http.MethodGet, Path: "/api/v1/models/{id}", Summary: "Get a model of the catalogue", Tags: tag}, s.getCatalogueModel)
	operation(s, huma.Operation{OperationID: "replace-model", Method: http.MethodPut, Path: "/api/v1/models/{id}", Summary: "Replace a model of the catalogue", Tags: tag}, s.replaceModel)
	operation(s, huma.Operation{OperationID: "patch-model", Method: http.MethodPatch, Path: "/api/v1/models/{id}", Summary: "Change members of a model of the catalogue", Tags: tag}, s.patchModel)
	operation(s, huma.Operation{OperationID: "delete-model", Method: http.MethodDelete, Path: "/api/v1/models/{id}", Summary: "Delete a model", Description: "Rules and fallbacks that name it skip it from then on. A model that Pointsman ships stays away until a release changes the catalogue; disabling it lasts.", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteModel)
}

func (s *Server) listCatalogue(ctx context.Context, in *modelsQuery) (*modelList, error) {
	rq := requestOf(ctx)
	account := rq.principal.AccountID
	if in.AccountID != "" && in.AccountID != account {
		if rq.principal.Role != engine.RoleSuperAdmin {
			return nil, engine.Errorf(engine.CodeNotFound, "There is no such account.")
		}
		account = in.AccountID
	}
	out := &modelList{}
	out.Body.Data = []catalogueModel{}
	for _, m := range s.cfg.Catalogue().Models(account) {
		out.Body.Data = append(out.Body.Data, s.row(m, rq.received))
	}
	return out, nil
}

// findCatalogueModel reads the stored row that a path names.
func (s *Server) findCatalogueModel(ctx context.Context, k CatalogueKey) (engine.Model, error) {
	p := principalOf(ctx)
	return find(p, k.AccountID, func(account string) (engine.Model, error) {
		return s.cfg.Models.GetModel(ctx, p, account, k.ID)
	})
}

// find reads a row of the account, or without one of the caller's own account and then a
// global one; for a super admin the other way round.
func find[T any](p engine.Principal, account string, get func(account string) (T, error)) (T, error) {
	if account != "" {
		return get(account)
	}
	first, second := p.AccountID, ""
	if p.Role == engine.RoleSuperAdmin {
		first, second = second, first
	}
	row, err := get(first)
	if err != nil && failureOf(err).status == http.StatusNotFound {
		return get(second)
	}
	return row, err
}

func (s *Server) getCatalogueModel(ctx context.Context, in *CatalogueKey) (*modelOutput, error) {
	m, err := s.findCatalogueModel(ctx, *in)
	if err != nil {
		if nearest := s.cfg.Catalogue().Nearest(principalOf(ctx).AccountID, in.ID, 3); failureOf(err).status == http.StatusNotFound && len(nearest) > 0 {
			return nil, engine.Errorf(engine.CodeNotFound, "There is no model '%s'. Nearest: %s.", in.ID, strings.Join(nearest, ", "))
		}
		return nil, err
	}
	return s.shown(ctx, m), nil
}

func (s *Server) shown(ctx context.Context, m engine.Model) *modelOutput {
	return &modelOutput{etagOf(m.UpdatedAt), s.row(m, requestOf(ctx).received)}
}

func (s *Server) createModel(ctx context.Context, in *struct{ Body catalogueModel }) (*createdModel, error) {
	rq := requestOf(ctx)
	m := in.Body.stored(homeOf(rq.principal, in.Body.AccountID))
	price, err := s.amounts(in.Body.Price, m.AccountID, m.ProviderID, m.UpstreamID, rq.received)
	if err != nil {
		return nil, err
	}
	if m, err = s.cfg.Models.CreateModel(ctx, rq.principal, m, price); err != nil {
		return nil, err
	}
	return &createdModel{"/api/v1/models/" + m.ID, etagOf(m.UpdatedAt), s.row(m, rq.received)}, nil
}

func (s *Server) replaceModel(ctx context.Context, in *struct {
	CatalogueKey
	RuleMatch
	Body catalogueModel
}) (*modelOutput, error) {
	if in.Body.AccountID != "" && in.AccountID == "" {
		in.AccountID = in.Body.AccountID
	}
	old, err := s.findCatalogueModel(ctx, in.CatalogueKey)
	if err != nil {
		return nil, err
	}
	was, err := replaces(in.RuleMatch, "model", row{old.AccountID, old.ID, old.UpdatedAt}, row{in.Body.AccountID, in.Body.ID, timeOf(in.Body.UpdatedAt)})
	if err != nil {
		return nil, err
	}
	return s.saveModel(ctx, old, was, in.Body.Price, func(m *engine.Model) { *m = in.Body.stored(old.AccountID) })
}

func (s *Server) saveModel(ctx context.Context, old engine.Model, was time.Time, price *ModelPrice, edit func(*engine.Model)) (*modelOutput, error) {
	rq := requestOf(ctx)
	next := old
	edit(&next)
	amounts, err := s.amounts(price, old.AccountID, next.ProviderID, next.UpstreamID, rq.received)
	if err != nil {
		return nil, err
	}
	m, err := s.cfg.Models.ChangeModel(ctx, rq.principal, old.AccountID, old.ID, was, amounts, edit)
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, m), nil
}

func (s *Server) deleteModel(ctx context.Context, in *struct {
	CatalogueKey
	RuleMatch
}) (*nothing, error) {
	m, err := s.findCatalogueModel(ctx, in.CatalogueKey)
	if err != nil {
		return nil, err
	}
	if err := matchedAt(in.RuleMatch, "model", m.ID, m.UpdatedAt); err != nil {
		return nil, err
	}
	return nil, s.cfg.Models.DeleteModel(ctx, principalOf(ctx), m.AccountID, m.ID)
}
