package tenancy

import (
	"context"
	"fmt"

	"github.com/pointsman/pointsman/engine"
)

// limitAccount is the account whose requests a limit is about; "": not those of one alone.
func limitAccount(l engine.Limit) string {
	if l.AccountID != "" {
		return l.AccountID
	}
	return l.Scope.AccountID
}

// leastRole is the role that may change what the principal makes.
func leastRole(p engine.Principal) engine.Role {
	if p.Role == engine.RoleTeamLead {
		return engine.RoleTeamLead
	}
	return engine.RoleAccountAdmin
}

// readsLimit reports whether the principal may see a limit: it may hold for the principal,
// or for somebody whom it manages.
func (d *directory) readsLimit(p engine.Principal, l engine.Limit) bool {
	account := limitAccount(l)
	switch {
	case p.Role.Rank() < 0 || account != "" && !sees(p, account):
		return false
	case p.Role.Rank() >= engine.RoleAccountAdmin.Rank():
		return true
	case l.Scope.TeamID != "" && l.Scope.TeamID != p.TeamID:
		return false
	case l.Scope.UserID != "" && !d.managesUser(p, account, l.Scope.UserID):
		return false
	case l.Scope.KeyID != "":
		_, err := d.key(p, account, l.Scope.KeyID)
		return err == nil
	}
	return true
}

// mayWriteLimit refuses a limit that the principal sees and may not make or change.
func (d *directory) mayWriteLimit(p engine.Principal, l engine.Limit) error {
	switch {
	case p.Role == engine.RoleSuperAdmin:
		return nil
	case l.AccountID == "":
		return forbidden("", "Only a super admin may manage limits that are not of one account.")
	case p.Role == engine.RoleAccountAdmin && sees(p, l.AccountID):
		return nil
	case p.Role != engine.RoleTeamLead || !sees(p, l.AccountID) || p.TeamID == "":
		return forbidden("", "This key may not manage limits.")
	case l.LeastRole != engine.RoleTeamLead:
		return forbidden("", "This limit was set above the team, and is changed there.")
	case l.Override:
		// It would take the place of what an admin set for the same requests.
		return forbidden("override", "Only an account admin may let a limit take the place of others.")
	case l.Scope.TeamID == "" && l.Scope.UserID == "" && l.Scope.KeyID == "":
		return forbidden("scope", "A team lead's limits name its team, a user or a key in it.")
	case !d.readsLimit(p, l):
		return forbidden("scope", "A team lead's limits are of its own team, and of users and keys in it.")
	}
	return nil
}

// GetStanding returns the limits that hold for a key or a user that the principal manages,
// without either for the principal itself, and what is left of each. model may name a model of
// the catalogue, whose limits are then told too. Errors: CodeNotFound.
func (s *Limits) GetStanding(ctx context.Context, p engine.Principal, account, user, key, model string) (engine.Principal, []engine.LimitStanding, error) {
	who := engine.Principal{AccountID: p.AccountID, TeamID: p.TeamID, UserID: p.UserID, KeyID: p.KeyID, Role: p.Role}
	if user != "" || key != "" {
		d, err := s.Keys.read(ctx)
		if err != nil {
			return who, nil, err
		}
		if key != "" {
			k, err := d.key(p, account, key)
			if err != nil || user != "" && k.UserID != user {
				return who, nil, notFound("key", key)
			}
			user = k.UserID
		}
		u, err := d.user(p, account, user)
		if err != nil {
			return who, nil, err
		}
		who = engine.Principal{AccountID: u.AccountID, TeamID: u.TeamID, UserID: u.ID, KeyID: key, Role: u.Role}
	}
	q := engine.LimitRequest{AccountID: who.AccountID, TeamID: who.TeamID, UserID: who.UserID, KeyID: who.KeyID}
	if model != "" {
		c := s.Catalogue()
		m, ok := c.Model(who.AccountID, model)
		if !ok {
			return who, nil, notFound("model", model)
		}
		q.ModelOwner, q.ModelID, q.UpstreamID, q.ProviderID = m.AccountID, m.ID, m.UpstreamID, m.ProviderID
		if provider, ok := c.Provider(who.AccountID, m.ProviderID); ok {
			q.ProviderOwner = provider.AccountID
		}
	}
	return who, s.Gauge.Standing(&q), nil
}

// maxLimitStats is how many buckets are shown: those that refused most.
const maxLimitStats = 500

// GetStats returns what became of buckets in all replicas: of the account's requests; for a
// super admin and no account of all. Errors: CodeNotFound.
func (s *Limits) GetStats(ctx context.Context, p engine.Principal, account string) (engine.LimitStats, error) {
	if account == "" && p.Role != engine.RoleSuperAdmin {
		account = p.AccountID
	}
	q := engine.LimitStatQuery{AccountID: account, Most: maxLimitStats}
	d, err := s.Keys.read(ctx)
	if err != nil {
		return engine.LimitStats{}, err
	}
	if account != "" {
		if _, err := d.account(p, account); err != nil {
			return engine.LimitStats{}, err
		}
		q.Keep = func(l engine.Limit) bool { return d.readsLimit(p, l) }
	}
	stats, err := s.Gauge.Stats(ctx, q)
	if err != nil {
		return stats, fmt.Errorf("sum up limits: %w", err)
	}
	return stats, nil
}
