package engine

import (
	"sync/atomic"
)

// Policies is an immutable snapshot of every tenant's preferences and assignments, put
// together for each caller. Memory goes with the rows, not with the users. Nil has no
// rows. Safe for concurrent use.
type Policies struct {
	global   *Policy // of accounts without rows
	accounts map[string]*accountPolicies
	problems []AssignmentProblem
}

type accountPolicies struct {
	base  *Policy                  // of users without rows, in a team without or in none
	teams map[string]*Policy       // of teams with rows
	users map[string]*userPolicies // of users with rows
}

// userPolicies are those of a user with rows of its own, who may be in any team.
type userPolicies struct {
	alone *Policy // in a team without rows, or in none
	rows  *tenantRows
	// inTeam is the last combination with a team: a user is in one at a time.
	inTeam atomic.Pointer[teamPolicy]
}

type teamPolicy struct {
	team   string
	policy *Policy
}

// AssignmentProblem is an assignment whose condition does not compile, and why. It never
// matches, but a lock of its own holds.
type AssignmentProblem struct {
	AccountID string
	ID        string
	Err       error
}

// NewPolicies puts the rows together. Disabled assignments are left out; conditions
// compiles those that have one (nil: none of them matches). The rows are kept and must not
// change afterwards.
func NewPolicies(preferences []Preferences, assignments []Assignment, conditions ConditionCompiler) *Policies {
	s := &Policies{accounts: map[string]*accountPolicies{}}
	rows := map[Tenant]*tenantRows{}
	of := func(t Tenant) *tenantRows {
		t = t.normal()
		if rows[t] == nil {
			rows[t] = &tenantRows{tenant: t}
		}
		return rows[t]
	}
	for i := range preferences {
		p := &preferences[i]
		if p.Override {
			of(p.Tenant).override = p
		} else {
			of(p.Tenant).set = p
		}
	}
	for i := range assignments {
		if a := &assignments[i]; a.Enabled {
			of(a.Tenant).add(a)
		}
	}
	for _, r := range rows {
		s.problems = append(s.problems, r.compile(conditions)...)
	}
	s.global = merge(chain{rows[Tenant{}]})
	account := func(id string) *accountPolicies {
		if s.accounts[id] == nil {
			s.accounts[id] = &accountPolicies{
				base:  merge(chain{rows[Tenant{}], rows[Tenant{AccountID: id}]}),
				teams: map[string]*Policy{}, users: map[string]*userPolicies{},
			}
		}
		return s.accounts[id]
	}
	for t, r := range rows {
		switch t.Level() {
		case LevelAccount:
			account(t.AccountID)
		case LevelTeam:
			a := account(t.AccountID)
			above := a.base.chain
			above[rankTeam] = r
			a.teams[t.TeamID] = merge(above)
		case LevelUser:
			a := account(t.AccountID)
			above := a.base.chain
			above[rankUser] = r
			a.users[t.UserID] = &userPolicies{alone: merge(above), rows: r}
		}
	}
	return s
}

// Of returns what holds for the caller; never nil. It takes no lock, and allocates only
// when a user with settings is first seen in a team with settings.
func (s *Policies) Of(p Principal) *Policy {
	if s == nil {
		return unsetPolicy
	}
	a := s.accounts[p.AccountID]
	if a == nil {
		return s.global
	}
	team, user := a.teams[p.TeamID], a.users[p.UserID]
	switch {
	case user == nil && team == nil:
		return a.base
	case user == nil:
		return team
	case team == nil:
		return user.alone
	}
	if c := user.inTeam.Load(); c != nil && c.team == p.TeamID {
		return c.policy
	}
	c := team.chain
	c[rankUser] = user.rows
	both := &teamPolicy{team: p.TeamID, policy: merge(c)}
	user.inTeam.Store(both)
	return both.policy
}

// Problems lists the assignments that can never match.
func (s *Policies) Problems() []AssignmentProblem {
	if s == nil {
		return nil
	}
	return s.problems
}
