package rule

import (
	"bytes"
	"slices"

	"github.com/pointsman/pointsman/engine"
)

// again are the same lists in another table.
func (a *accountLists) again() *accountLists {
	next := *a
	next.versions, next.rollouts = engine.RuleSetRef{}, nil
	return &next
}

// sameRules reports whether two accounts' rules are the same in the same order.
func sameRules(a, b []engine.Rule) bool {
	return slices.EqualFunc(a, b, func(a, b engine.Rule) bool { return sameRule(&a, &b) })
}

// sameRule compares all that a rule is.
func sameRule(a, b *engine.Rule) bool {
	return a.AccountID == b.AccountID && a.ID == b.ID && a.Name == b.Name && a.Description == b.Description &&
		a.Priority == b.Priority && a.When == b.When && a.Plugin == b.Plugin && bytes.Equal(a.Config, b.Config) &&
		a.Target == b.Target && slices.Equal(a.Fallbacks, b.Fallbacks) && a.Only == b.Only && a.OnFailure == b.OnFailure &&
		a.ContinueAfterCut == b.ContinueAfterCut && a.Enabled == b.Enabled && a.System == b.System && a.TeamID == b.TeamID &&
		a.CreatedAt.Equal(b.CreatedAt) && a.UpdatedAt.Equal(b.UpdatedAt)
}
