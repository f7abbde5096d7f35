package tenancy

import (
	"context"

	"github.com/pointsman/pointsman/engine"
)

// GetEffective returns what holds for a user that the principal manages; of an empty user id,
// for the principal. Errors: CodeNotFound; CodeInvalid for no user in another account.
func (s *Preferences) GetEffective(ctx context.Context, p engine.Principal, account, user string) (engine.EffectivePolicy, error) {
	who := engine.Principal{AccountID: p.AccountID, TeamID: p.TeamID, UserID: p.UserID, Role: p.Role}
	switch {
	case !sees(p, account):
		return engine.EffectivePolicy{}, notFound("account", account)
	case user == "" && account != p.AccountID:
		return engine.EffectivePolicy{}, invalid("user_id", "'user_id' is required for another account.")
	case user != "":
		d, err := s.Keys.read(ctx)
		if err != nil {
			return engine.EffectivePolicy{}, err
		}
		u, err := d.user(p, account, user)
		if err != nil {
			return engine.EffectivePolicy{}, err
		}
		who = engine.Principal{AccountID: u.AccountID, TeamID: u.TeamID, UserID: u.ID, Role: u.Role}
	}
	policy := s.Policies().Of(who)
	return engine.EffectivePolicy{Principal: who, Policy: policy, Assignments: policy.Assignments(s.Now())}, nil
}
