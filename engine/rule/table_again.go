package rule

import (
	"bytes"
	"slices"

	"github.com/pointsman/pointsman/engine"
)

// take takes over what a table knows of an account whose rules have not changed.
func (t *table) take(account string, previous *table) (own []entry) {
	t.hidden[account], t.known[account] = previous.hidden[account], previous.known[account]
	for _, p := range previous.problems {
		if p.AccountID == account {
			t.problems = append(t.problems, p)
		}
	}
	lists := previous.global
	if account != "" {
		lists = previous.accounts[account]
	}
	for i := range lists.entries {
		e := &lists.entries[i]
		t.breakers[e.key] = e.breaker
		if e.program != nil {
			t.programs[e.when] = e.program
		}
	}
	return lists.entries
}

// again are the same lists in another table.
func (a *accountLists) again() *accountLists {
	return &accountLists{entries: a.entries, all: a.all, own: a.own}
}

// sameRules reports whether two accounts' rules are the same in the same order.
func sameRules(a, b []*engine.Rule) bool {
	return slices.EqualFunc(a, b, sameRule)
}

// sameRule compares all that a rule is.
func sameRule(a, b *engine.Rule) bool {
	return a.AccountID == b.AccountID && a.ID == b.ID && a.Name == b.Name && a.Description == b.Description &&
		a.Priority == b.Priority && a.When == b.When && a.Plugin == b.Plugin && bytes.Equal(a.Config, b.Config) &&
		a.Target == b.Target && slices.Equal(a.Fallbacks, b.Fallbacks) && a.Only == b.Only && a.OnFailure == b.OnFailure &&
		a.ContinueAfterCut == b.ContinueAfterCut && a.Enabled == b.Enabled && a.System == b.System && a.TeamID == b.TeamID &&
		a.CreatedAt.Equal(b.CreatedAt) && a.UpdatedAt.Equal(b.UpdatedAt)
}
