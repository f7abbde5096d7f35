package httpapi

import (
	"context"

	"github.com/pointsman/pointsman/engine"
)

// effective is what holds for a user.
type effective struct {
	AccountID string `json:"account_id"`
	TeamID    string `json:"team_id,omitempty"`
	UserID    string `json:"user_id"`

	Model           string     `json:"model,omitempty" doc:"Where every chat goes, by a super admin's override."`
	DefaultModel    string     `json:"default_model,omitempty" doc:"Left out: the installation's."`
	AllowedModels   []string   `json:"allowed_models" nullable:"true" doc:"null: every model; an empty list: none."`
	BlockedModels   []string   `json:"blocked_models" nullable:"false"`
	PreferVision    bool       `json:"prefer_vision"`
	PreferSpeed     bool       `json:"prefer_speed"`
	PreferCost      bool       `json:"prefer_cost"`
	CustomRulesOnly bool       `json:"custom_rules_only"`
	StoreText       bool       `json:"store_text"`
	Caps            []dailyCap `json:"caps" nullable:"false" doc:"What may be used in a day, of each level that has a cap. All of them hold."`

	Sources     map[string][]source     `json:"sources" doc:"Where each value comes from, by the member's name; lists and caps have one for each level. What is not there is the installation's default."`
	Assignments map[string][]assignment `json:"assignments" doc:"By task type, in the order in which they are considered."`
}

type (
	dailyCap struct {
		TenantShown
		Tokens *int64  `json:"max_tokens_per_day,omitempty"`
		Cost   *string `json:"max_cost_per_day,omitempty" doc:"In US dollars."`
	}
	source struct {
		TenantShown
		Override bool   `json:"override" doc:"A super admin set it, whatever is set at any level."`
		Locked   bool   `json:"locked" doc:"Lower levels may not set it."`
		Reason   string `json:"reason,omitempty" doc:"Of an override."`
		By       string `json:"by,omitempty" doc:"Who set it, as account/user."`
	}
	effectiveQuery struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		UserID    string `query:"user_id" maxLength:"128" doc:"Left out: the caller itself. Another one that it manages."`
	}
	effectiveOutput struct {
		Body effective
	}
)

func (s *Server) getEffective(ctx context.Context, in *effectiveQuery) (*effectiveOutput, error) {
	e, err := s.cfg.Preferences.GetEffective(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID), in.UserID)
	if err != nil {
		return nil, err
	}
	p := e.Policy
	out := effective{
		AccountID: e.Principal.AccountID, TeamID: e.Principal.TeamID, UserID: e.Principal.UserID,
		Model: p.Model, DefaultModel: p.DefaultModel, AllowedModels: p.Allowed, BlockedModels: append([]string{}, p.Blocked...),
		PreferVision: p.PreferVision, PreferSpeed: p.PreferSpeed, PreferCost: p.PreferCost, CustomRulesOnly: p.CustomRulesOnly, StoreText: p.StoreText,
		Caps: shownAll(p.Caps, shownCap), Sources: map[string][]source{}, Assignments: map[string][]assignment{},
	}
	for name, from := range p.Sources {
		out.Sources[name] = shownAll(from, func(from engine.Source) source {
			return source{shownTenant(from.Tenant), from.Override, from.Locked, from.Reason, from.By}
		})
	}
	for task, rows := range e.Assignments {
		out.Assignments[task] = shownAll(rows, func(a *engine.Assignment) assignment { return shownAssignment(*a) })
	}
	return &effectiveOutput{out}, nil
}

func shownCap(c engine.Cap) dailyCap {
	out := dailyCap{TenantShown: shownTenant(c.Tenant)}
	if c.Tokens != engine.Uncapped {
		out.Tokens = &c.Tokens
	}
	if c.NanoUSD != engine.Uncapped {
		text := engine.FormatUSD(c.NanoUSD)
		out.Cost = &text
	}
	return out
}
