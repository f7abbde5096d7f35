package engine

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"
)

// ModelService is the management of models: who may do what, what makes a model valid,
// and that a write is in force here before it returns.
// Make one with NewCatalogueServices. Safe for concurrent use.
type ModelService struct{ *catalogueWriter }

// GetModel returns one stored row. Errors: CodeNotFound, also for another account's.
func (s *ModelService) GetModel(ctx context.Context, p Principal, accountID, id string) (Model, error) {
	if !mayRead(p, accountID) {
		return Model{}, noSuchModel(id)
	}
	// The stored row, not the snapshot's: another process may have changed it just now.
	models, err := s.Store.ListModels(ctx)
	if err != nil {
		return Model{}, err
	}
	i := slices.IndexFunc(models, func(m Model) bool { return m.AccountID == accountID && m.ID == id })
	if i < 0 {
		return Model{}, noSuchModel(id)
	}
	return models[i], nil
}

func noSuchModel(id string) *Error {
	return Errorf(CodeNotFound, "There is no model '%s'. GET /api/v1/models lists them.", clipText(id, 64))
}

func forbiddenModel(accountID string) *Error {
	if accountID == "" {
		return Errorf(CodeForbidden, "Only a super admin may change the catalogue.")
	}
	return Errorf(CodeForbidden, "This key may not manage models of that account.")
}

// CreateModel checks, stores and puts in force a new model. price is what it costs from now
// on, of which only the amounts count; nil: a price of that upstream model is known already,
// else the model could not be called and is refused. An empty API is the adapter's first.
// Errors: CodeForbidden, CodeInvalid with the member at fault, CodeConflict when the id is taken.
func (s *ModelService) CreateModel(ctx context.Context, p Principal, m Model, price *Price) (Model, error) {
	if !mayWrite(p, m.AccountID) {
		return Model{}, forbiddenModel(m.AccountID)
	}
	if !modelID.MatchString(m.ID) || m.ID == ModelAuto {
		return Model{}, invalidMember("id", "'id' must be 1 to 64 of a-z, 0-9, '.', '_', '-' and ':', begin with a letter or digit, and not be 'auto'.")
	}
	err := s.change(ctx, func() error {
		if err := s.checkModel(ctx, p, &m, nil, price); err != nil {
			return err
		}
		if err := s.room(ctx, m.AccountID); err != nil {
			return err
		}
		m.CreatedAt = s.stamp(time.Time{})
		// Unlike a seeded row's, the two differ: no later seed takes the row for its own.
		m.UpdatedAt = m.CreatedAt.Add(time.Millisecond)
		prices := s.prices(m, price)
		audited := Audited(ctx, s.Now(), m.AccountID, "model.create", "model/"+m.ID, recordModel(m, prices))
		err := s.Store.CreateModel(audited, m, prices)
		if errors.Is(err, ErrConflict) {
			return Errorf(CodeConflict, "A model '%s' exists already. Change it with PUT or PATCH, or choose another id.", m.ID)
		}
		return err
	})
	return m, err
}

// ChangeModel applies edit to the stored row; it may be called more than once, and what it
// does to the key and times is undone. price is what the model costs from now on; nil: as
// before. was is the UpdatedAt that the caller has seen; zero: whatever is stored.
// Errors: those of CreateModel, CodeNotFound, CodeConflict when the row changed meanwhile.
func (s *ModelService) ChangeModel(ctx context.Context, p Principal, accountID, id string, was time.Time, price *Price, edit func(*Model)) (m Model, err error) {
	if !mayWrite(p, accountID) {
		return Model{}, forbiddenModel(accountID)
	}
	err = s.change(ctx, func() error {
		return again(was, func() error {
			old, err := s.GetModel(ctx, p, accountID, id)
			if err != nil {
				return err
			}
			m = old
			edit(&m)
			m.AccountID, m.ID, m.CreatedAt, m.UpdatedAt = old.AccountID, old.ID, old.CreatedAt, s.stamp(old.UpdatedAt)
			if err := s.checkModel(ctx, p, &m, &old, price); err != nil {
				return err
			}
			seen := was
			if seen.IsZero() {
				seen = old.UpdatedAt
			}
			prices := s.prices(m, price)
			audited := Audited(ctx, s.Now(), m.AccountID, "model.update", "model/"+m.ID, recordModel(m, prices))
			return s.Store.UpdateModel(audited, m, prices, seen)
		})
	})
	if errors.Is(err, ErrConflict) {
		err = Errorf(CodeConflict, "The model '%s' was changed meanwhile. Read it again.", clipText(id, 64))
	} else if errors.Is(err, ErrNotFound) {
		err = noSuchModel(id)
	}
	return m, err
}

// DeleteModel deletes a model. Rules and fallbacks that name it skip it from then on.
// Errors: CodeForbidden, CodeNotFound.
func (s *ModelService) DeleteModel(ctx context.Context, p Principal, accountID, id string) error {
	if !mayWrite(p, accountID) {
		return forbiddenModel(accountID)
	}
	return s.change(ctx, func() error {
		err := s.Store.DeleteModel(Audited(ctx, s.Now(), accountID, "model.delete", "model/"+id, nil), accountID, id)
		if errors.Is(err, ErrNotFound) {
			return noSuchModel(id)
		}
		return err
	})
}

// room refuses a model too many.
func (s *ModelService) room(ctx context.Context, accountID string) error {
	all, err := s.Store.ListModels(ctx)
	if err != nil {
		return err
	}
	if n := len(slices.DeleteFunc(all, func(m Model) bool { return m.AccountID != accountID })); n >= MaxModels {
		return Errorf(CodeConflict, "An account may have %d models. Delete one first.", MaxModels)
	}
	return nil
}

// prices is the row of a new price: it holds for every size of request.
func (s *ModelService) prices(m Model, price *Price) []Price {
	if price == nil {
		return nil
	}
	row := *price
	row.AccountID, row.ProviderID, row.UpstreamID = m.AccountID, m.ProviderID, m.UpstreamID
	row.From, row.AbovePrompt, row.Source = s.Now().UTC().Truncate(time.Millisecond), 0, "API"
	return []Price{row}
}

// checkModel completes the row and says what is wrong with it. old is nil for a new one.
func (s *ModelService) checkModel(ctx context.Context, p Principal, m, old *Model, price *Price) error {
	moved := old == nil || m.ProviderID != old.ProviderID || m.UpstreamID != old.UpstreamID
	if err := checkModelMembers(m); err != nil {
		return err
	}
	provider, ok, err := s.provider(ctx, m.AccountID, m.ProviderID)
	if err != nil {
		return err
	}
	if !ok && moved {
		return invalidMember("provider", "There is no provider '%s'. GET /api/v1/providers lists them.", clipText(m.ProviderID, 64))
	}
	if m.API == "" && !moved {
		m.API = old.API
	}
	if ok && provider.AccountID == "" && p.Role != RoleSuperAdmin {
		// The operator pays for it: what is called, how, and at which price, is not the tenant's to say.
		if old == nil || price != nil || !reflect.DeepEqual(presented(*m, *old), *old) {
			return Errorf(CodeForbidden, "Provider '%s' is the operator's: only a super admin may say which of its models are called, how, and at which price.", provider.ID)
		}
	}
	if m.API == "" {
		m.API = APIChat
		if manifest, err := s.Adapters.AdapterManifest(provider.AccountID, provider.Adapter); err == nil && manifest.Provider != nil && len(manifest.Provider.Native) > 0 {
			m.API = API(manifest.Provider.Native[0])
		}
	}
	c := s.Catalogue()
	for i, id := range m.Fallbacks {
		if _, ok := c.Model(m.AccountID, id); !ok || id == m.ID {
			return invalidMember("fallbacks["+itoa(int64(i))+"]", "There is no other model '%s'.", clipText(id, 64))
		}
	}
	if _, known := c.AccountPrice(m.AccountID, m.ProviderID, m.UpstreamID, s.Now(), 0); moved && price == nil && !known {
		return invalidMember("price", "No price of '%s' at provider '%s' is known, and what has no price is not called. Say it in 'price'; \"0\" is a price.", m.UpstreamID, m.ProviderID)
	}
	return nil
}

var (
	knownAPIs         = []API{APIChat, APIResponses, APIMessages, APIGenerate, APIEmbeddings}
	knownCapabilities = []Capability{CapVision, CapTools, CapStructured, CapReasoning, CapAudio, CapFiles, CapImageURL, CapEmbeddings, CapPrefill}
)

// maxModelTokens bounds windows and outputs: more is a mistake.
const maxModelTokens = 1 << 40

func checkModelMembers(m *Model) error {
	for _, text := range []struct{ member, value string }{
		{"family", m.Family}, {"display_name", m.DisplayName}, {"tier", m.Tier}, {"upstream_id", m.UpstreamID}, {"source", m.Source},
	} {
		if !printable(text.value, 255) {
			return invalidMember(text.member, "'%s' must have up to 255 bytes and no control characters.", text.member)
		}
	}
	if m.DisplayName == "" {
		m.DisplayName = m.ID
	}
	if m.UpstreamID == "" {
		return invalidMember("upstream_id", "'upstream_id' is what the provider calls the model; it must not be empty.")
	}
	if m.API != "" && !slices.Contains(knownAPIs, m.API) {
		return invalidMember("api", "'api' must be chat, responses, messages, generate or embeddings.")
	}
	for i, c := range m.Capabilities {
		if !slices.Contains(knownCapabilities, c) {
			return invalidMember("capabilities["+itoa(int64(i))+"]", "'%s' is no capability. Known are %s.", clipText(string(c), 32), joined(knownCapabilities))
		}
	}
	if m.ContextWindow < 0 || m.ContextWindow > maxModelTokens {
		return invalidMember("context_window", "'context_window' must not be negative.")
	}
	if m.MaxOutput < 0 || m.MaxOutput > maxModelTokens {
		return invalidMember("max_output", "'max_output' must not be negative.")
	}
	if m.PremiumCenti < 0 || m.PremiumCenti > 1_000_000 {
		return invalidMember("premium_requests", "'premium_requests' must be 0 to 10,000.")
	}
	for _, list := range []struct {
		member string
		values []string
	}{{"modalities", m.Modalities}, {"unsupported", m.Unsupported}, {"fallbacks", m.Fallbacks}} {
		for i, value := range list.values {
			if len(list.values) > 64 || !printable(value, 128) {
				return invalidMember(list.member+"["+itoa(int64(i))+"]", "'%s' must be up to 64 texts of up to 128 bytes without control characters.", list.member)
			}
		}
	}
	for from, to := range m.Rename {
		switch {
		case len(m.Rename) > 64 || !printable(from, 128) || !printable(to, 128) || from == "" || to == "":
			return invalidMember("rename", "'rename' must be up to 64 pairs of names of up to 128 bytes without control characters.")
		case to == "model" || from == "model":
			// A caller could name another model in the renamed member.
			return invalidMember("rename", "'rename' may not touch 'model': 'upstream_id' says what is called.")
		}
	}
	if r := m.Replacement; r != nil && (r.UpstreamID == "" || !slices.Contains(knownAPIs, r.API)) {
		return invalidMember("replacement", "'replacement' needs 'upstream_id' and 'api'.")
	}
	return nil
}

// presented is m with those members of old that say how an account sees a model, and not
// what is called.
func presented(m, old Model) Model {
	m.Family, m.DisplayName, m.Tier, m.Source = old.Family, old.DisplayName, old.Tier, old.Source
	m.Fallbacks, m.Enabled, m.NoSubstitute, m.UpdatedAt = old.Fallbacks, old.Enabled, old.NoSubstitute, old.UpdatedAt
	return m
}

func joined[S ~string](list []S) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = string(s)
	}
	return strings.Join(texts, ", ")
}
