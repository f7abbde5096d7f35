package httpapi

import (
	"context"
	"encoding/json"

	"github.com/pointsman/pointsman/engine"
)

// rulePatch is what PATCH may change; what is left out stays.
type rulePatch struct {
	Name             *string         `json:"name,omitempty" minLength:"1" maxLength:"128"`
	Description      *string         `json:"description,omitempty" maxLength:"2000"`
	Priority         *int            `json:"priority,omitempty" minimum:"0" maximum:"10000"`
	When             *string         `json:"when,omitempty"`
	Plugin           *string         `json:"plugin,omitempty" maxLength:"128"`
	Config           json.RawMessage `json:"config,omitempty"`
	Target           *string         `json:"target,omitempty" maxLength:"256"`
	Fallbacks        *[]string       `json:"fallbacks,omitempty" maxItems:"16"`
	Only             *bool           `json:"only,omitempty"`
	OnFailure        *string         `json:"on_failure,omitempty" enum:"skip,refuse"`
	ContinueAfterCut *bool           `json:"continue_after_cut,omitempty"`
	Enabled          *bool           `json:"enabled,omitempty"`
	TeamID           *string         `json:"team_id,omitempty" maxLength:"128"`
}

// into overlays the patch.
func (p rulePatch) into(r *engine.Rule) {
	overlay(&r.Name, p.Name)
	overlay(&r.Description, p.Description)
	overlay(&r.Priority, p.Priority)
	overlay(&r.When, p.When)
	overlay(&r.Plugin, p.Plugin)
	overlay(&r.Target, p.Target)
	overlay(&r.Fallbacks, p.Fallbacks)
	overlay(&r.Only, p.Only)
	overlay(&r.ContinueAfterCut, p.ContinueAfterCut)
	overlay(&r.Enabled, p.Enabled)
	overlay(&r.TeamID, p.TeamID)
	if p.OnFailure != nil {
		r.OnFailure = engine.FailurePolicy(*p.OnFailure)
	}
	if p.Config != nil {
		r.Config = config(p.Config)
	}
}

func overlay[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func etag(r engine.Rule) string { return etagOf(r.UpdatedAt) }

// matched checks If-Match against the stored rule.
func matched(m RuleMatch, r engine.Rule) error { return matchedAt(m, "rule", r.ID, r.UpdatedAt) }

func (s *Server) patchRule(ctx context.Context, in *struct {
	RuleKey
	RuleMatch
	RuleOverride
	Body rulePatch
}) (*ruleOutput, error) {
	r, err := s.findRule(ctx, in.RuleKey)
	if err != nil {
		return nil, err
	}
	if err := matched(in.RuleMatch, r); err != nil {
		return nil, err
	}
	in.Body.into(&r)
	return s.saveRule(ctx, engine.RuleWrite{Rule: r, Was: r.UpdatedAt, Override: in.Override})
}

// ruleSwitch is a rule to enable or disable.
type ruleSwitch struct {
	RuleKey
	RuleOverride
}

// switchRule makes the handler that enables or disables.
func (s *Server) switchRule(enabled bool) func(context.Context, *ruleSwitch) (*ruleOutput, error) {
	return func(ctx context.Context, in *ruleSwitch) (*ruleOutput, error) {
		r, err := s.findRule(ctx, in.RuleKey)
		if err != nil {
			return nil, err
		}
		r.Enabled = enabled
		return s.saveRule(ctx, engine.RuleWrite{Rule: r, Was: r.UpdatedAt, Override: in.Override})
	}
}
