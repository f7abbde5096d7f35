package tenancy

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// maxModels is how many models a list of a setting may name.
const maxModels = 200

// Preferences is the management of preferences and of the super admin's overrides: an
// account admin writes those of its account, teams and users, a team lead those of its team
// and users; for itself each of the latter sets ownMembers. Safe for concurrent use.
type Preferences struct{ *settings }

// member is a part of preferences that can be set, and locked.
type member struct {
	name string
	get  func(*engine.Preferences) any
}

var members = []member{
	{engine.MemberDefaultModel, func(p *engine.Preferences) any { return p.DefaultModel }},
	{engine.MemberAllowedModels, func(p *engine.Preferences) any { return p.AllowedModels }},
	{engine.MemberBlockedModels, func(p *engine.Preferences) any { return p.BlockedModels }},
	{engine.MemberMaxTokens, func(p *engine.Preferences) any { return p.MaxTokensPerDay }},
	{engine.MemberMaxCost, func(p *engine.Preferences) any { return p.MaxCostPerDay }},
	{engine.MemberPreferVision, func(p *engine.Preferences) any { return p.PreferVision }},
	{engine.MemberPreferSpeed, func(p *engine.Preferences) any { return p.PreferSpeed }},
	{engine.MemberPreferCost, func(p *engine.Preferences) any { return p.PreferCost }},
	{engine.MemberCustomRulesOnly, func(p *engine.Preferences) any { return p.CustomRulesOnly }},
	{engine.MemberStoreText, func(p *engine.Preferences) any { return p.StoreText }},
}

// Members that are not locked like the others: only an override has the model.
var (
	modelMember  = member{engine.MemberModel, func(p *engine.Preferences) any { return p.Model }}
	lockedMember = member{"locked", func(p *engine.Preferences) any { return slices.Sorted(slices.Values(p.Locked)) }}
)

// ownMembers are what a user or a team lead may set for itself.
var ownMembers = []string{engine.MemberDefaultModel, engine.MemberPreferVision, engine.MemberPreferSpeed, engine.MemberPreferCost}

// changed are the members in which two rows differ.
func changed(old, row *engine.Preferences) []string {
	var names []string
	for _, m := range append([]member{modelMember, lockedMember}, members...) {
		if !reflect.DeepEqual(m.get(old), m.get(row)) {
			names = append(names, m.name)
		}
	}
	return names
}

// GetPreferences returns what is set for a tenant: at one of the caller's own levels, or of
// whom it manages. Errors: CodeNotFound.
func (s *Preferences) GetPreferences(ctx context.Context, p engine.Principal, t engine.Tenant) (engine.TenantPreferences, error) {
	d, err := s.Keys.read(ctx)
	if err != nil {
		return engine.TenantPreferences{}, err
	}
	if err := d.readable(p, t); err != nil {
		return engine.TenantPreferences{}, err
	}
	rows, err := s.Store.ListPreferences(ctx)
	return storedOf(rows, t), err
}

func storedOf(rows []engine.Preferences, t engine.Tenant) engine.TenantPreferences {
	out := engine.TenantPreferences{Set: engine.Preferences{Tenant: t}}
	for _, r := range rows {
		switch {
		case r.Tenant != t:
		case r.Override:
			out.Override = &r
		default:
			out.Set = r
		}
	}
	return out
}

// ChangePreferences applies edit, maybe more than once, to what is set for a tenant; what it
// does to the key, times and author is undone. was is the UpdatedAt that the caller has
// seen; zero: whatever is stored.
// Errors: CodeNotFound, CodeForbidden (naming the level that locked a member), CodeInvalid
// with the member at fault, CodeConflict when the row changed meanwhile.
func (s *Preferences) ChangePreferences(ctx context.Context, p engine.Principal, t engine.Tenant, was time.Time, edit func(*engine.Preferences)) (out engine.TenantPreferences, err error) {
	err = s.alter(ctx, p, t, was, func(d *directory, rows []engine.Preferences, old engine.Preferences, now time.Time) error {
		row := old
		edit(&row)
		row.Tenant, row.Override, row.Reason = t, false, ""
		s.stamped(&row, old, p, now)
		if err := s.check(d, p, rows, &old, &row); err != nil {
			return err
		}
		out = engine.TenantPreferences{Set: row, Override: storedOf(rows, t).Override}
		ctx := engine.Audited(ctx, now, t.AccountID, "preferences.update", "preferences/"+objectOf(t), recorded(row))
		return s.Store.PutPreferences(ctx, row, seen(was, old.UpdatedAt))
	})
	return out, err
}

// DeletePreferences unsets all of a tenant; an override stays. Errors: those of ChangePreferences.
func (s *Preferences) DeletePreferences(ctx context.Context, p engine.Principal, t engine.Tenant, was time.Time) error {
	return s.alter(ctx, p, t, was, func(d *directory, rows []engine.Preferences, old engine.Preferences, now time.Time) error {
		if old.CreatedAt.IsZero() {
			return engine.Errorf(engine.CodeNotFound, "Nothing is set at that level.")
		}
		if err := s.mayChange(d, p, rows, t, changed(&old, &engine.Preferences{Tenant: t})); err != nil {
			return err
		}
		if !was.IsZero() && !was.Equal(old.UpdatedAt) {
			return engine.ErrConflict
		}
		return s.Store.DeletePreferences(engine.Audited(ctx, now, t.AccountID, "preferences.delete", "preferences/"+objectOf(t), nil), t, false)
	})
}

// alter is one change of a tenant's row, made again when another process overtook it.
func (s *Preferences) alter(ctx context.Context, p engine.Principal, t engine.Tenant, was time.Time, write func(d *directory, rows []engine.Preferences, old engine.Preferences, now time.Time) error) error {
	err := s.change(ctx, func(d *directory, now time.Time) error {
		if err := d.writable(p, t); err != nil {
			return err
		}
		return again(was, func() error {
			rows, err := s.Store.ListPreferences(ctx)
			if err != nil {
				return fmt.Errorf("list preferences: %w", err)
			}
			return write(d, rows, storedOf(rows, t).Set, now)
		})
	})
	return overtakenSetting(err)
}

func overtakenSetting(err error) error {
	switch {
	case errors.Is(err, engine.ErrConflict):
		return engine.Errorf(engine.CodeConflict, "These settings were changed meanwhile. Read them again.")
	case errors.Is(err, engine.ErrNotFound):
		return engine.Errorf(engine.CodeNotFound, "Nothing is set at that level.")
	}
	return err
}

func (s *settings) stamped(row *engine.Preferences, old engine.Preferences, p engine.Principal, now time.Time) {
	row.UpdatedBy, row.CreatedAt, row.UpdatedAt = writer(p), old.CreatedAt, stamp(now, old.UpdatedAt)
	if row.CreatedAt.IsZero() {
		row.CreatedAt = row.UpdatedAt
	}
}

// check says what is wrong with a changed row, and who must not change it.
func (s *Preferences) check(d *directory, p engine.Principal, rows []engine.Preferences, old, row *engine.Preferences) error {
	names := changed(old, row)
	if err := s.mayChange(d, p, rows, row.Tenant, names); err != nil {
		return err
	}
	if row.Model != nil {
		return invalid(engine.MemberModel, "Only an override can set 'model'. 'default_model' is what requests go to that nothing else decides.")
	}
	level := row.Level()
	if row.CustomRulesOnly != nil && level != engine.LevelGlobal && level != engine.LevelAccount {
		return invalid(engine.MemberCustomRulesOnly, "'custom_rules_only' is a setting of the account.")
	}
	if len(row.Locked) > 0 && level == engine.LevelUser {
		return invalid(lockedMember.name, "Nobody is below a user to lock anything from.")
	}
	if len(row.Locked) > len(members) {
		return invalid(lockedMember.name, "'locked' names a member twice.")
	}
	for i, name := range row.Locked {
		if !slices.ContainsFunc(members, func(m member) bool { return m.name == name }) {
			return invalid(fmt.Sprintf("locked[%d]", i), "'locked' has the names of other members, as 'default_model'.")
		}
	}
	return s.checkValues(row, names)
}

// mayChange refuses members that a level above locked, to those who may not write that
// level, and to a user or team lead, for itself, all but ownMembers.
func (s *Preferences) mayChange(d *directory, p engine.Principal, rows []engine.Preferences, t engine.Tenant, names []string) error {
	for _, name := range names {
		if self(p, t) && !slices.Contains(ownMembers, name) {
			return forbidden(name, "A user may set 'default_model' and 'prefer_vision', 'prefer_speed', 'prefer_cost' for itself, not '"+name+"'.")
		}
		for _, up := range d.above(t) {
			if !d.writes(p, up) && slices.Contains(storedOf(rows, up).Set.Locked, name) {
				return forbidden(name, fmt.Sprintf("'%s' is locked by the level %s.", name, up.Level()))
			}
		}
	}
	return nil
}

// checkValues checks those members that are new: what was stored before may name a model
// that is gone.
func (s *settings) checkValues(row *engine.Preferences, names []string) error {
	for _, name := range names {
		switch name {
		case engine.MemberDefaultModel, engine.MemberModel:
			id := row.DefaultModel
			if name == engine.MemberModel {
				id = row.Model
			}
			if id == nil {
				continue
			}
			if err := s.checkModel(row.AccountID, name, *id, true); err != nil {
				return err
			}
		case engine.MemberAllowedModels, engine.MemberBlockedModels:
			list := row.AllowedModels
			if name == engine.MemberBlockedModels {
				list = row.BlockedModels
			}
			if list == nil {
				continue
			}
			if err := s.checkList(row.AccountID, name, *list); err != nil {
				return err
			}
		case engine.MemberMaxTokens, engine.MemberMaxCost:
			for _, n := range []*int64{row.MaxTokensPerDay, row.MaxCostPerDay} {
				if n != nil && (*n < 0 || *n > engine.NoLimit) {
					return invalid(name, "'"+name+"' must not be negative.")
				}
			}
		}
	}
	return nil
}

func (s *settings) checkList(account, param string, ids []string) error {
	if len(ids) > maxModels {
		return invalid(param, fmt.Sprintf("'%s' has up to %d models.", param, maxModels))
	}
	for i, id := range ids {
		if err := s.checkModel(account, fmt.Sprintf("%s[%d]", param, i), id, false); err != nil {
			return err
		}
	}
	return nil
}

// recordedPreferences is a row as the audit log has it.
type recordedPreferences struct {
	AccountID       string    `json:"account_id,omitempty"`
	TeamID          string    `json:"team_id,omitempty"`
	UserID          string    `json:"user_id,omitempty"`
	Model           *string   `json:"model,omitempty"`
	DefaultModel    *string   `json:"default_model,omitempty"`
	AllowedModels   *[]string `json:"allowed_models,omitempty"`
	BlockedModels   *[]string `json:"blocked_models,omitempty"`
	MaxTokensPerDay *int64    `json:"max_tokens_per_day,omitempty"`
	MaxCostPerDay   *int64    `json:"max_cost_per_day_nano_usd,omitempty"`
	PreferVision    *bool     `json:"prefer_vision,omitempty"`
	PreferSpeed     *bool     `json:"prefer_speed,omitempty"`
	PreferCost      *bool     `json:"prefer_cost,omitempty"`
	CustomRulesOnly *bool     `json:"custom_rules_only,omitempty"`
	StoreText       *bool     `json:"store_text,omitempty"`
	Locked          []string  `json:"locked,omitempty"`
}

func recorded(p engine.Preferences) recordedPreferences {
	return recordedPreferences{
		p.AccountID, p.TeamID, p.UserID, p.Model, p.DefaultModel, p.AllowedModels, p.BlockedModels, p.MaxTokensPerDay, p.MaxCostPerDay,
		p.PreferVision, p.PreferSpeed, p.PreferCost, p.CustomRulesOnly, p.StoreText, p.Locked,
	}
}
