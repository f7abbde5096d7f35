package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// PreferenceService manages what tenants set. Errors of its methods: *engine.Error. edit and
// was are as in ModelService.
type PreferenceService interface {
	GetPreferences(ctx context.Context, p engine.Principal, t engine.Tenant) (engine.TenantPreferences, error)
	ChangePreferences(ctx context.Context, p engine.Principal, t engine.Tenant, was time.Time, edit func(*engine.Preferences)) (engine.TenantPreferences, error)
	DeletePreferences(ctx context.Context, p engine.Principal, t engine.Tenant, was time.Time) error
	// SetOverride takes the members and the reason of want.
	SetOverride(ctx context.Context, p engine.Principal, t engine.Tenant, want engine.Preferences) (engine.TenantPreferences, error)
	RemoveOverride(ctx context.Context, p engine.Principal, t engine.Tenant) error
	// GetEffective returns what holds for a user; of an empty userID, for the principal.
	GetEffective(ctx context.Context, p engine.Principal, accountID, userID string) (engine.EffectivePolicy, error)
}

// SettingValues are the members of preferences. Exported because huma skips embedded
// structs that are not; so are the next. What is left out is not set.
type SettingValues struct {
	DefaultModel    *string   `json:"default_model,omitempty" minLength:"1" maxLength:"256" doc:"What a request goes to that nothing else decides."`
	AllowedModels   *[]string `json:"allowed_models,omitempty" maxItems:"200" doc:"The only models that may serve; an empty list allows none. Lower levels can only narrow it."`
	BlockedModels   *[]string `json:"blocked_models,omitempty" maxItems:"200" doc:"Adds up over the levels."`
	MaxTokensPerDay *int64    `json:"max_tokens_per_day,omitempty" minimum:"0" doc:"Of all requests of that tenant together."`
	MaxCostPerDay   *string   `json:"max_cost_per_day,omitempty" maxLength:"20" example:"25.00" doc:"Likewise, in US dollars."`
	PreferVision    *bool     `json:"prefer_vision,omitempty"`
	PreferSpeed     *bool     `json:"prefer_speed,omitempty"`
	PreferCost      *bool     `json:"prefer_cost,omitempty"`
	CustomRulesOnly *bool     `json:"custom_rules_only,omitempty" doc:"System and global rules are left out. For the account."`
	StoreText       *bool     `json:"store_text,omitempty" doc:"Text of exchanges may be kept in session notes."`
}

// TenantShown says whose settings these are. What is sent of it is ignored: the query says it.
type TenantShown struct {
	Level     engine.Level `json:"level,omitempty" readOnly:"true" enum:"global,account,team,user"`
	AccountID string       `json:"account_id,omitempty" readOnly:"true"`
	TeamID    string       `json:"team_id,omitempty" readOnly:"true"`
	UserID    string       `json:"user_id,omitempty" readOnly:"true"`
}

// preferences are the settings of one tenant as the API shows them.
type preferences struct {
	TenantShown
	SettingValues
	Locked []string `json:"locked,omitempty" maxItems:"10" doc:"Names of members that no lower level may set."`

	Override  *override  `json:"override,omitempty" readOnly:"true" doc:"What a super admin set in their place."`
	UpdatedBy string     `json:"updated_by,omitempty" readOnly:"true" doc:"As account/user."`
	CreatedAt *time.Time `json:"created_at,omitempty" readOnly:"true"`
	UpdatedAt *time.Time `json:"updated_at,omitempty" readOnly:"true" doc:"Sent back with PUT, it guards against lost updates."`
}

// override is what a super admin set at a level, whatever is set at any.
type override struct {
	SettingValues
	Model  *string    `json:"model,omitempty" minLength:"1" maxLength:"256" doc:"Where every chat goes, pinned or not, and nowhere else."`
	Reason string     `json:"reason" minLength:"1" maxLength:"500" doc:"Why; those below see it."`
	By     string     `json:"by,omitempty" readOnly:"true" doc:"As account/user."`
	At     *time.Time `json:"at,omitempty" readOnly:"true"`
}

type (
	// TenantQuery names a tenant.
	TenantQuery struct {
		Level     engine.Level `query:"level" enum:"global,account,team,user" doc:"Left out: what the ids say, else the caller's highest: account for an admin, team for a lead, user for others."`
		AccountID string       `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		TeamID    string       `query:"team_id" maxLength:"128" doc:"Left out, of the level team: the caller's own."`
		UserID    string       `query:"user_id" maxLength:"128" doc:"Left out, of the level user: the caller itself."`
	}
	preferencesOutput struct {
		ETag string `header:"ETag"`
		Body preferences
	}
)

// tenant is whom a request means. Errors: CodeInvalid for ids that do not fit the level.
func (q TenantQuery) tenant(p engine.Principal) (engine.Tenant, error) {
	level := q.Level
	switch {
	case level != "":
	case q.UserID != "":
		level = engine.LevelUser
	case q.TeamID != "":
		level = engine.LevelTeam
	case q.AccountID != "" || p.Role.Rank() >= engine.RoleAccountAdmin.Rank():
		level = engine.LevelAccount
	case p.Role == engine.RoleTeamLead && p.TeamID != "":
		level = engine.LevelTeam
	default:
		level = engine.LevelUser
	}
	t := engine.Tenant{AccountID: q.AccountID}
	if t.AccountID == "" {
		t.AccountID = p.AccountID
	}
	own := t.AccountID == p.AccountID
	wrong := func(param string) error {
		return invalid(param, "'"+param+"' does not go with the level "+string(level)+".")
	}
	switch level {
	case engine.LevelGlobal:
		if q.AccountID != "" {
			return t, wrong("account_id")
		}
		t = engine.Tenant{}
	case engine.LevelTeam:
		if t.TeamID = q.TeamID; t.TeamID == "" && own {
			t.TeamID = p.TeamID
		}
		if t.TeamID == "" {
			return t, invalid("team_id", "'team_id' is required: this key is in no team of that account.")
		}
	case engine.LevelUser:
		if t.UserID = q.UserID; t.UserID == "" && own {
			t.UserID = p.UserID
		}
		if t.UserID == "" {
			return t, invalid("user_id", "'user_id' is required for another account.")
		}
	}
	if q.TeamID != "" && t.TeamID == "" {
		return t, wrong("team_id")
	}
	if q.UserID != "" && t.UserID == "" {
		return t, wrong("user_id")
	}
	return t, nil
}

func shownTenant(t engine.Tenant) TenantShown {
	return TenantShown{t.Level(), t.AccountID, t.TeamID, t.UserID}
}

func shownValues(p engine.Preferences) SettingValues {
	v := SettingValues{
		DefaultModel: p.DefaultModel, AllowedModels: p.AllowedModels, BlockedModels: p.BlockedModels, MaxTokensPerDay: p.MaxTokensPerDay,
		PreferVision: p.PreferVision, PreferSpeed: p.PreferSpeed, PreferCost: p.PreferCost, CustomRulesOnly: p.CustomRulesOnly, StoreText: p.StoreText,
	}
	if p.MaxCostPerDay != nil {
		text := engine.FormatUSD(*p.MaxCostPerDay)
		v.MaxCostPerDay = &text
	}
	return v
}

// into overwrites every member of the row.
func (v SettingValues) into(p *engine.Preferences, cost *int64) {
	p.DefaultModel, p.AllowedModels, p.BlockedModels = v.DefaultModel, v.AllowedModels, v.BlockedModels
	p.MaxTokensPerDay, p.MaxCostPerDay = v.MaxTokensPerDay, cost
	p.PreferVision, p.PreferSpeed, p.PreferCost = v.PreferVision, v.PreferSpeed, v.PreferCost
	p.CustomRulesOnly, p.StoreText = v.CustomRulesOnly, v.StoreText
}

// dollars reads an amount; nil for none.
func dollars(member string, text *string) (*int64, error) {
	if text == nil {
		return nil, nil
	}
	n, err := engine.ParseUSD(*text)
	if err != nil {
		return nil, invalid(member, "'"+member+"': "+err.Error()+".")
	}
	return &n, nil
}

func shownPreferences(s engine.TenantPreferences) *preferencesOutput {
	out := &preferencesOutput{ETag: etagOf(version(s.Set.UpdatedAt)), Body: preferences{
		TenantShown: shownTenant(s.Set.Tenant), SettingValues: shownValues(s.Set), Locked: s.Set.Locked,
		UpdatedBy: s.Set.UpdatedBy, CreatedAt: optional(s.Set.CreatedAt), UpdatedAt: optional(s.Set.UpdatedAt),
	}}
	if o := s.Override; o != nil {
		out.Body.Override = &override{SettingValues: shownValues(*o), Model: o.Model, Reason: o.Reason, By: o.UpdatedBy, At: optional(o.UpdatedAt)}
	}
	return out
}

// version is what the ETag of a row is made of; where there is none, the beginning of time.
func version(updated time.Time) time.Time {
	if updated.IsZero() {
		return time.UnixMilli(0)
	}
	return updated
}

func (s *Server) registerPreferences() {
	tag := []string{"preferences"}
	const path = "/api/v1/preferences"
	operation(s, huma.Operation{OperationID: "get-preferences", Method: http.MethodGet, Path: path, Summary: "Get what is set at one level", Description: "With the super admin's override of it, if there is one. What holds in the end is /api/v1/preferences/effective.", Tags: tag}, s.getPreferences)
	operation(s, huma.Operation{OperationID: "replace-preferences", Method: http.MethodPut, Path: path, Summary: "Replace what is set at one level", Tags: tag}, s.replacePreferences)
	operation(s, huma.Operation{OperationID: "patch-preferences", Method: http.MethodPatch, Path: path, Summary: "Change members; null unsets one", Tags: tag}, s.patchPreferences)
	operation(s, huma.Operation{OperationID: "delete-preferences", Method: http.MethodDelete, Path: path, Summary: "Unset everything at one level", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deletePreferences)
	operation(s, huma.Operation{OperationID: "set-override", Method: http.MethodPut, Path: path + "/override", Summary: "Override settings of a level and of all below it", Tags: tag}, s.setOverride)
	operation(s, huma.Operation{OperationID: "remove-override", Method: http.MethodDelete, Path: path + "/override", Summary: "Remove an override", Tags: tag, DefaultStatus: http.StatusNoContent}, s.removeOverride)
	operation(s, huma.Operation{OperationID: "get-effective-preferences", Method: http.MethodGet, Path: path + "/effective", Summary: "Get what holds for a user, and where each value comes from", Tags: tag}, s.getEffective)
}

// storedPreferences reads the row that a request means, and which version of it a change is for.
func (s *Server) storedPreferences(ctx context.Context, q TenantQuery, m RuleMatch) (t engine.Tenant, was time.Time, err error) {
	if t, err = q.tenant(principalOf(ctx)); err != nil || m.IfMatch == "" {
		return t, was, err
	}
	old, err := s.cfg.Preferences.GetPreferences(ctx, principalOf(ctx), t)
	if err != nil {
		return t, was, err
	}
	if _, err := changes(m, "setting", row{updated: version(old.Set.UpdatedAt)}); err != nil {
		return t, was, err
	}
	if m.IfMatch != "*" {
		was = old.Set.UpdatedAt
	}
	return t, was, nil
}

func (s *Server) getPreferences(ctx context.Context, in *TenantQuery) (*preferencesOutput, error) {
	t, err := in.tenant(principalOf(ctx))
	if err != nil {
		return nil, err
	}
	stored, err := s.cfg.Preferences.GetPreferences(ctx, principalOf(ctx), t)
	if err != nil {
		return nil, err
	}
	return shownPreferences(stored), nil
}

func (s *Server) replacePreferences(ctx context.Context, in *struct {
	TenantQuery
	RuleMatch
	Body preferences
}) (*preferencesOutput, error) {
	cost, err := dollars("max_cost_per_day", in.Body.MaxCostPerDay)
	if err != nil {
		return nil, err
	}
	t, was, err := s.storedPreferences(ctx, in.TenantQuery, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	if was.IsZero() && in.Body.UpdatedAt != nil {
		was = *in.Body.UpdatedAt
	}
	return s.savePreferences(ctx, t, was, func(p *engine.Preferences) {
		in.Body.SettingValues.into(p, cost)
		p.Locked = in.Body.Locked
	})
}

func (s *Server) savePreferences(ctx context.Context, t engine.Tenant, was time.Time, edit func(*engine.Preferences)) (*preferencesOutput, error) {
	stored, err := s.cfg.Preferences.ChangePreferences(ctx, principalOf(ctx), t, was, edit)
	if err != nil {
		return nil, err
	}
	return shownPreferences(stored), nil
}

func (s *Server) deletePreferences(ctx context.Context, in *struct {
	TenantQuery
	RuleMatch
}) (*nothing, error) {
	t, was, err := s.storedPreferences(ctx, in.TenantQuery, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Preferences.DeletePreferences(ctx, principalOf(ctx), t, was)
}
