package tenancy

import (
	"context"
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// SettingStore keeps what tenants set. Both drivers' engine.Store is one.
type SettingStore interface {
	engine.PreferenceStore
	engine.AssignmentStore
}

// ConditionChecker compiles the condition of an assignment without keeping it.
type ConditionChecker interface {
	// CheckCondition's error is an *engine.SourceError. An empty text is no error.
	CheckCondition(source string) error
}

// SettingConfig is what the management of settings is made of. All of it is required.
type SettingConfig struct {
	Keys       *Keys // whose tenants they are for
	Store      SettingStore
	Catalogue  func() *engine.Catalogue // the snapshots in force
	Policies   func() *engine.Policies
	Conditions ConditionChecker
	// Reload puts the stored settings in force in this process.
	Reload func(context.Context) error
	Now    func() time.Time
}

// settings is what both services share.
type settings struct {
	SettingConfig
	changing chan struct{} // 1 slot: one change at a time, without a lock held over queries
}

// NewSettings returns the management of preferences and of assignments. Changes of this
// process are made one after the other, so that what one of them checked still holds when it writes.
func NewSettings(cfg SettingConfig) (*Preferences, *Assignments) {
	s := &settings{cfg, make(chan struct{}, 1)}
	return &Preferences{s}, &Assignments{s}
}

// change runs a change alone in this process; what it wrote is in force when it returns.
func (s *settings) change(ctx context.Context, run func(d *directory, now time.Time) error) error {
	select {
	case s.changing <- struct{}{}:
		defer func() { <-s.changing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	d, err := s.Keys.read(ctx)
	if err != nil {
		return err
	}
	if err := run(d, s.Now().UTC().Truncate(time.Millisecond)); err != nil {
		return err
	}
	return s.Reload(ctx)
}

// readable refuses a tenant that is not there, or whose settings the principal may not see:
// those of its own levels, and of whom it manages. Errors: CodeNotFound.
func (d *directory) readable(p engine.Principal, t engine.Tenant) error {
	if t.Level() == engine.LevelGlobal {
		if p.Role.Rank() < 0 {
			return notFound("account", "")
		}
		return nil
	}
	if _, err := d.account(p, t.AccountID); err != nil {
		return err
	}
	switch t.Level() {
	case engine.LevelTeam:
		row, ok := d.teamRow(t.AccountID, t.TeamID)
		own := p.AccountID == t.AccountID && p.TeamID == t.TeamID
		if !ok || !row.DeletedAt.IsZero() || !own && !managesTeam(p, t.AccountID, t.TeamID) {
			return notFound("team", t.TeamID)
		}
	case engine.LevelUser:
		_, err := d.user(p, t.AccountID, t.UserID)
		return err
	}
	return nil
}

// writes reports whether the principal may write settings of a tenant that it may read.
func (d *directory) writes(p engine.Principal, t engine.Tenant) bool {
	switch t.Level() {
	case engine.LevelGlobal:
		return p.Role == engine.RoleSuperAdmin
	case engine.LevelAccount:
		return p.Role.Rank() >= engine.RoleAccountAdmin.Rank() && sees(p, t.AccountID)
	case engine.LevelTeam:
		return managesTeam(p, t.AccountID, t.TeamID)
	}
	return d.managesUser(p, t.AccountID, t.UserID)
}

// writable refuses a tenant whose settings the principal may not write.
// Errors: CodeNotFound when it may not see them, CodeForbidden.
func (d *directory) writable(p engine.Principal, t engine.Tenant) error {
	if err := d.readable(p, t); err != nil {
		return err
	}
	if !d.writes(p, t) {
		return forbidden("", fmt.Sprintf("This key may not write settings of the level %s.", t.Level()))
	}
	return nil
}

// leftBehind reports whether a tenant is a deleted team or user, and the principal an
// administrator who may still see and delete what was set for it.
func (d *directory) leftBehind(p engine.Principal, t engine.Tenant) bool {
	if _, err := d.account(p, t.AccountID); err != nil || p.Role.Rank() < engine.RoleAccountAdmin.Rank() {
		return false
	}
	switch t.Level() {
	case engine.LevelTeam:
		team, _ := d.teamRow(t.AccountID, t.TeamID)
		return !team.DeletedAt.IsZero()
	case engine.LevelUser:
		u, _ := d.userRow(t.AccountID, t.UserID)
		return !u.DeletedAt.IsZero() && manages(p, u)
	}
	return false
}

// self reports whether a tenant is the principal itself, which must not undo what binds it.
// Administrators may: they write what binds the others.
func self(p engine.Principal, t engine.Tenant) bool {
	return p.Role.Rank() < engine.RoleAccountAdmin.Rank() && t.Level() == engine.LevelUser &&
		t.AccountID == p.AccountID && t.UserID == p.UserID
}

// above are the tenants over this one, highest first.
func (d *directory) above(t engine.Tenant) []engine.Tenant {
	global, account := engine.Tenant{}, engine.Tenant{AccountID: t.AccountID}
	switch t.Level() {
	case engine.LevelAccount:
		return []engine.Tenant{global}
	case engine.LevelTeam:
		return []engine.Tenant{global, account}
	case engine.LevelUser:
		if u, _ := d.userRow(t.AccountID, t.UserID); u.TeamID != "" {
			team := u.TeamID
			return []engine.Tenant{global, account, {AccountID: t.AccountID, TeamID: team}}
		}
		return []engine.Tenant{global, account}
	}
	return nil
}

// objectOf names a tenant in the audit log, as "team/red".
func objectOf(t engine.Tenant) string {
	switch level := t.Level(); level {
	case engine.LevelTeam:
		return string(level) + "/" + t.TeamID
	case engine.LevelUser:
		return string(level) + "/" + t.UserID
	default:
		return string(level)
	}
}

// checkModel refuses what is no model of that account; chat: nor one that serves no chat.
func (s *settings) checkModel(account, param, id string, chat bool) error {
	m, ok := s.Catalogue().Model(account, id)
	switch {
	case !ok:
		return invalid(param, fmt.Sprintf("There is no model %q. GET /api/v1/models lists them.", id[:min(len(id), maxID)]))
	case chat && m.Has(engine.CapEmbeddings):
		return invalid(param, fmt.Sprintf("The model %q makes embeddings and serves no chat.", m.ID))
	}
	return nil
}

// writer is who wrote a setting, as its row has it.
func writer(p engine.Principal) string { return p.AccountID + "/" + p.UserID }
