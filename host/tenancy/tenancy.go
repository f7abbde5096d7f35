// Package tenancy says who sent a request and what they may manage: accounts, their teams,
// users and API keys, and the roles super admin > account admin > team lead > user, each
// of which manages its own level and those below.
//
// Authenticate works on a snapshot in memory and never touches the database. The
// package is not for deciding what a request may use (models, limits): the pipeline does.
//
// Read key.go first (what a key looks like), then keys.go, directory.go and grant.go.
package tenancy

import (
	"context"

	"github.com/pointsman/pointsman/engine"
)

// Store is the persistence that tenants and keys need. Both drivers' engine.Store is one.
type Store interface {
	engine.KeyStore
	engine.TenantStore
	engine.HierarchyStore
	// Changes is engine.ChangeFeed's.
	Changes(ctx context.Context, since engine.Mark) (engine.Changes, error)
}

// sees reports whether the principal may know of what belongs to that account.
func sees(p engine.Principal, account string) bool {
	return p.Role == engine.RoleSuperAdmin || p.Role.Rank() >= 0 && p.AccountID != "" && p.AccountID == account
}

// manages reports whether the principal manages what belongs to that user.
// A team lead without a team manages only itself; the zero principal nothing.
func manages(p engine.Principal, u engine.User) bool {
	same := p.AccountID != "" && p.AccountID == u.AccountID
	below := u.Role.Rank() >= 0 && u.Role.Rank() <= p.Role.Rank()
	switch p.Role {
	case engine.RoleSuperAdmin:
		return true
	case engine.RoleAccountAdmin:
		return same && below
	case engine.RoleTeamLead:
		return same && (u.ID == p.UserID || below && p.TeamID != "" && u.TeamID == p.TeamID)
	case engine.RoleUser:
		return same && u.ID == p.UserID
	}
	return false
}

// managesUser is manages for what belongs to a user by its id.
func (d *directory) managesUser(p engine.Principal, account, id string) bool {
	u, _ := d.userRow(account, id)
	return manages(p, u)
}

// managesTeam reports whether the principal manages that team.
func managesTeam(p engine.Principal, account, id string) bool {
	switch p.Role {
	case engine.RoleSuperAdmin, engine.RoleAccountAdmin:
		return sees(p, account)
	case engine.RoleTeamLead:
		return sees(p, account) && id != "" && p.TeamID == id
	}
	return false
}
