package tenancy

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

// writing is what a key needs to change anything.
const writing = engine.ScopeRead | engine.ScopeManage

// grantsScopes refuses scopes that the principal's own key does not have, and sets that
// make no sense.
func grantsScopes(p engine.Principal, s engine.Scopes) error {
	switch {
	case s == 0 || s&^engine.AllScopes != 0:
		return invalid("scopes", "'scopes' must be some of inference, read and manage.")
	case s.Has(engine.ScopeManage) && !s.Has(engine.ScopeRead):
		return invalid("scopes", "'manage' needs 'read' beside it.")
	case !p.Scopes.Has(s):
		return &engine.Error{Code: engine.CodeForbidden, Param: "scopes", Message: "This key may not give scopes that it does not have itself."}
	}
	return nil
}

// grantsTime refuses a key that would outlive the one by which it is made: whoever holds a
// key for a day must not be able to make one for ever. A zero time is bounded, too.
func (d *directory) grantsTime(p engine.Principal, expires time.Time) (time.Time, error) {
	key, _ := d.keyRow(p.AccountID, p.KeyID)
	switch {
	case key.ExpiresAt.IsZero():
	case expires.IsZero():
		return key.ExpiresAt, nil
	case expires.After(key.ExpiresAt):
		return expires, &engine.Error{
			Code: engine.CodeForbidden, Param: "expires_at",
			Message: "This key expires at " + key.ExpiresAt.UTC().Format(time.RFC3339) + " and may not give a later time than that.",
		}
	}
	return expires, nil
}

// grantsRole refuses a role above the principal's own. A team lead gives none but the lowest.
func grantsRole(p engine.Principal, r engine.Role) error {
	switch {
	case r.Rank() < 0:
		return invalid("role", "'role' must be super_admin, account_admin, team_lead or user.")
	case r.Rank() > p.Role.Rank(), p.Role.Rank() < engine.RoleAccountAdmin.Rank() && r != engine.RoleUser:
		return forbidden("role", "This key may not give the role "+string(r)+".")
	}
	return nil
}

// grantsTeam refuses a team that is not there or that the principal does not manage.
func (d *directory) grantsTeam(p engine.Principal, account, team string) error {
	if team == "" {
		if p.Role.Rank() < engine.RoleAccountAdmin.Rank() {
			return forbidden("team_id", "This key may not have users outside of its team.")
		}
		return nil
	}
	t, ok := d.teamRow(account, team)
	switch {
	case !ok || !t.DeletedAt.IsZero():
		return &engine.Error{Code: engine.CodeNotFound, Param: "team_id", Message: "There is no such team."}
	case !managesTeam(p, account, team):
		return forbidden("team_id", "This key may not put users into that team.")
	}
	return nil
}

func forbidden(param, message string) *engine.Error {
	return &engine.Error{Code: engine.CodeForbidden, Param: param, Message: message}
}
