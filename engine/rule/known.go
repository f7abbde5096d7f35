package rule

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// known is what is told of a rule, in force or not, where a decision is explained.
type known struct {
	id       string
	account  string
	name     string
	team     string
	plugin   string
	priority int
	created  time.Time

	outcome engine.RuleOutcome // why it is not in force; "": it is
	detail  string
}

// know notes a rule.
func (a *accountLists) know(r *engine.Rule, outcome engine.RuleOutcome, err error) {
	k := known{
		id: r.ID, account: r.AccountID, name: r.Name, team: r.TeamID, plugin: r.Plugin,
		priority: r.Priority, created: r.CreatedAt, outcome: outcome,
	}
	if err != nil {
		k.detail = clip(problemText(err), maxReason)
	}
	a.known = append(a.known, k)
}

// problemText says why a rule is left out, in words that are safe to show.
func problemText(err error) string {
	var e *engine.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error() // an *engine.SourceError
}

// seen returns every rule that the account sees, in the order in which they are tried, with
// why it is not.
func (t *table) seen(account string, ownOnly bool) []known {
	if account != "" && t.rest != nil && t.lists(account) == nil {
		return t.rest.seen(account, ownOnly)
	}
	var all []known
	var hidden map[string]bool
	if own := t.lists(account); own != nil && account != "" {
		all, hidden = slices.Clone(own.known), own.hidden
	}
	for _, k := range t.global.known {
		switch {
		case account != "" && hidden[k.id]:
			k.outcome, k.detail = engine.RuleShadowed, "rule "+k.id+" of the account has its id"
		case ownOnly:
			k.outcome, k.detail = engine.RuleLeftOut, "the account uses its own rules only"
		}
		all = append(all, k)
	}
	slices.SortStableFunc(all, func(a, b known) int {
		return cmp.Or(
			cmp.Compare(b.priority, a.priority),
			cmp.Compare(rank(a.account), rank(b.account)),
			a.created.Compare(b.created),
			cmp.Compare(a.id, b.id),
		)
	})
	return all
}
