package httpapi

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// settable is a member of a patch: left out, null or a value.
type settable[T any] struct {
	sent  bool
	value *T
}

// UnmarshalJSON is called for what was sent, null too.
func (m *settable[T]) UnmarshalJSON(b []byte) error {
	m.sent = true
	return json.Unmarshal(b, &m.value)
}

// Schema implements huma.SchemaProvider: that of the value, or null.
func (settable[T]) Schema(r huma.Registry) *huma.Schema {
	s := *huma.SchemaFromType(r, reflect.TypeFor[T]())
	s.Nullable = true
	return &s
}

func (m settable[T]) into(to **T) {
	if m.sent {
		*to = m.value
	}
}

// preferencesPatch is what PATCH may change; what is left out stays, null unsets.
type preferencesPatch struct {
	DefaultModel    settable[string]   `json:"default_model,omitempty" required:"false" maxLength:"256"`
	AllowedModels   settable[[]string] `json:"allowed_models,omitempty" required:"false" maxItems:"200"`
	BlockedModels   settable[[]string] `json:"blocked_models,omitempty" required:"false" maxItems:"200"`
	MaxTokensPerDay settable[int64]    `json:"max_tokens_per_day,omitempty" required:"false" minimum:"0"`
	MaxCostPerDay   settable[string]   `json:"max_cost_per_day,omitempty" required:"false" maxLength:"20" doc:"In US dollars."`
	PreferVision    settable[bool]     `json:"prefer_vision,omitempty" required:"false"`
	PreferSpeed     settable[bool]     `json:"prefer_speed,omitempty" required:"false"`
	PreferCost      settable[bool]     `json:"prefer_cost,omitempty" required:"false"`
	CustomRulesOnly settable[bool]     `json:"custom_rules_only,omitempty" required:"false"`
	StoreText       settable[bool]     `json:"store_text,omitempty" required:"false"`
	Locked          settable[[]string] `json:"locked,omitempty" required:"false" maxItems:"10"`
}

func (s *Server) patchPreferences(ctx context.Context, in *struct {
	TenantQuery
	RuleMatch
	Body preferencesPatch
}) (*preferencesOutput, error) {
	cost, err := dollars("max_cost_per_day", in.Body.MaxCostPerDay.value)
	if err != nil {
		return nil, err
	}
	t, was, err := s.storedPreferences(ctx, in.TenantQuery, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	return s.savePreferences(ctx, t, was, func(p *engine.Preferences) {
		b := &in.Body
		b.DefaultModel.into(&p.DefaultModel)
		b.AllowedModels.into(&p.AllowedModels)
		b.BlockedModels.into(&p.BlockedModels)
		b.MaxTokensPerDay.into(&p.MaxTokensPerDay)
		settable[int64]{b.MaxCostPerDay.sent, cost}.into(&p.MaxCostPerDay)
		b.PreferVision.into(&p.PreferVision)
		b.PreferSpeed.into(&p.PreferSpeed)
		b.PreferCost.into(&p.PreferCost)
		b.CustomRulesOnly.into(&p.CustomRulesOnly)
		b.StoreText.into(&p.StoreText)
		if b.Locked.sent {
			p.Locked = nil
			if b.Locked.value != nil {
				p.Locked = *b.Locked.value
			}
		}
	})
}
