// Package tenancy says who sent a request and what they may manage: API keys, the
// users they belong to, and the roles super admin > account admin > team lead > user,
// each of which manages its own level and those below.
//
// Authenticate works on a snapshot in memory and never touches the database. The
// package is not for deciding what a request may use (models, limits): the pipeline does.
//
// Read key.go first (what a key looks like), then keys.go and manage.go.
package tenancy

import (
	"github.com/pointsman/pointsman/engine"
)

// Store is the persistence that keys need. Both drivers' engine.Store is one.
type Store interface {
	engine.KeyStore
	engine.TenantStore
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
