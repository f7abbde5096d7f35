package engine_test

import (
	"context"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// accountRules has no list of every account's rules: asked for it, it panics.
type accountRules struct{ engine.RuleStore }

func (accountRules) ListAccountRules(_ context.Context, accountID string) ([]engine.Rule, error) {
	return []engine.Rule{{AccountID: accountID, ID: "r"}}, nil
}

// What an account's list of rules reads are its own and the global ones, not everybody's.
func TestListRulesReadsTheAccounts(t *testing.T) {
	t.Parallel()
	s := engine.NewRuleService(accountRules{}, nil, nil, nil, nil)
	rules, err := s.ListRules(t.Context(), engine.Principal{AccountID: "acme", Role: engine.RoleUser})
	if err != nil || len(rules) != 2 || rules[0].AccountID != "" || rules[1].AccountID != "acme" {
		t.Errorf("ListRules() = %+v, %v, want the global rule, then the account's", rules, err)
	}
}
