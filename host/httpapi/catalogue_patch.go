package httpapi

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// modelPatch is what PATCH may change; what is left out stays.
type modelPatch struct {
	Family        *string              `json:"family,omitempty" maxLength:"64"`
	DisplayName   *string              `json:"display_name,omitempty" maxLength:"128"`
	Tier          *string              `json:"tier,omitempty" maxLength:"64"`
	Premium       *float64             `json:"premium_requests,omitempty" minimum:"0" maximum:"10000"`
	Provider      *string              `json:"provider,omitempty" minLength:"1" maxLength:"64"`
	UpstreamID    *string              `json:"upstream_id,omitempty" minLength:"1" maxLength:"255"`
	API           *engine.API          `json:"api,omitempty" enum:"chat,responses,messages,generate,embeddings"`
	ContextWindow *int64               `json:"context_window,omitempty" minimum:"0"`
	MaxOutput     *int64               `json:"max_output,omitempty" minimum:"0"`
	Modalities    *[]string            `json:"modalities,omitempty" maxItems:"16"`
	Capabilities  *[]engine.Capability `json:"capabilities,omitempty" maxItems:"16"`
	Unsupported   *[]string            `json:"unsupported,omitempty" maxItems:"64"`
	Rename        *map[string]string   `json:"rename,omitempty"`
	Fallbacks     *[]string            `json:"fallbacks,omitempty" maxItems:"16" doc:"Model ids, tried in order when this one is pinned and fails."`
	Source        *string              `json:"source,omitempty" maxLength:"255"`
	RetiresAt     json.RawMessage      `json:"retires_at,omitempty" doc:"A time, or null for none."`
	Replacement   json.RawMessage      `json:"replacement,omitempty" doc:"What serves the model once it is retired, or null for nothing."`
	NoSubstitute  *bool                `json:"no_substitute,omitempty" doc:"true: once its vendor has retired it, the model is skipped and not served by the replacement."`
	Enabled       *bool                `json:"enabled,omitempty"`
	Price         *ModelPrice          `json:"price,omitempty" doc:"What it costs from now on."`
}

// edit returns what the patch does to a row.
func (p modelPatch) edit() (func(*engine.Model), error) {
	retires, err := orNull[time.Time]("retires_at", p.RetiresAt)
	if err != nil {
		return nil, err
	}
	replacement, err := orNull[engine.Replacement]("replacement", p.Replacement)
	if err != nil {
		return nil, err
	}
	return func(m *engine.Model) {
		overlay(&m.Family, p.Family)
		overlay(&m.DisplayName, p.DisplayName)
		overlay(&m.Tier, p.Tier)
		overlay(&m.ProviderID, p.Provider)
		overlay(&m.UpstreamID, p.UpstreamID)
		overlay(&m.API, p.API)
		overlay(&m.ContextWindow, p.ContextWindow)
		overlay(&m.MaxOutput, p.MaxOutput)
		overlay(&m.Modalities, p.Modalities)
		overlay(&m.Capabilities, p.Capabilities)
		overlay(&m.Unsupported, p.Unsupported)
		overlay(&m.Rename, p.Rename)
		overlay(&m.Fallbacks, p.Fallbacks)
		overlay(&m.Source, p.Source)
		overlay(&m.NoSubstitute, p.NoSubstitute)
		overlay(&m.Enabled, p.Enabled)
		if p.Premium != nil {
			m.PremiumCenti = int64(math.Round(*p.Premium * 100))
		}
		if p.RetiresAt != nil {
			m.RetiresAt = timeOf(retires)
		}
		if p.Replacement != nil {
			m.Replacement = replacement
		}
	}, nil
}

// orNull reads a member that null clears; nil for null and for what was left out.
func orNull[T any](member string, raw json.RawMessage) (*T, error) {
	if raw == nil || strings.TrimSpace(string(raw)) == "null" {
		return nil, nil
	}
	v := new(T)
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, invalid(member, "'"+member+"' is not of the form that GET shows.")
	}
	return v, nil
}

// timeOf is the time, zero for none.
func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func (s *Server) patchModel(ctx context.Context, in *struct {
	CatalogueKey
	RuleMatch
	Body modelPatch
}) (*modelOutput, error) {
	old, err := s.findCatalogueModel(ctx, in.CatalogueKey)
	if err != nil {
		return nil, err
	}
	was, err := changes(in.RuleMatch, "model", row{old.AccountID, old.ID, old.UpdatedAt})
	if err != nil {
		return nil, err
	}
	edit, err := in.Body.edit()
	if err != nil {
		return nil, err
	}
	return s.saveModel(ctx, old, was, in.Body.Price, edit)
}
