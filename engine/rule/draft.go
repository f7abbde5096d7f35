package rule

import (
	"context"
	"slices"

	"github.com/pointsman/pointsman/engine"
)

// DraftOptions say in what a draft differs from the rules in force. The zero value differs in nothing.
type DraftOptions struct {
	// Sets replaces all rules of an account by these, "" the global ones; an empty list leaves
	// it without any. AccountID of the rules is taken from the key. Not kept.
	Sets map[string][]engine.Rule
	// Versions are those of Sets, for Decision.Rules; an account that is missing has what is in force.
	Versions map[string]int64
	// Plugins asks plugins at other versions: what rules name ("name" or "name@version") → "name@version".
	Plugins map[string]string
	// Counts: failures of rules count towards suspensions of the draft's own, told to
	// Config.OnSuspend, and plugins' towards those of their version: for a draft that decides on live traffic. Without it
	// a draft leaves no trace.
	Counts bool
}

// Draft is rules that are not in force. It decides by itself, does not change when the
// rules in force do, and is safe for concurrent use.
type Draft struct {
	judge judge
	table *table
}

var (
	_ engine.Decider   = (*Draft)(nil)
	_ engine.Explainer = (*Draft)(nil)
)

// Draft compiles rules over those in force without putting them there. Texts that are in
// force are not compiled again. Problems are those of the draft's sets.
func (r *Router) Draft(o DraftOptions) (*Draft, []Problem) {
	return r.draft(o, r.table.Load(), nil)
}

// draft compiles a draft over a table. Its rules' records of failures are those of before, which may be nil.
func (r *Router) draft(o DraftOptions, live, before *table) (*Draft, []Problem) {
	sets, versions, rest := o.over(live)
	for account, version := range o.Versions {
		versions[account] = version
	}
	from := &table{programs: live.programs}
	if before != nil {
		from.global, from.accounts = before.global, before.accounts
	}
	d := &Draft{
		judge: judge{guests: r.guests, work: r.cfg.Work, counts: o.Counts},
		table: tableOf(sets, versions, from),
	}
	d.table.rest = rest
	if o.Counts {
		d.judge.onSuspend = r.cfg.OnSuspend
	}
	problems := slices.DeleteFunc(d.table.problems(), func(p Problem) bool {
		_, own := o.Sets[p.AccountID]
		return !own
	})
	if len(problems) == 0 {
		problems = nil
	}
	return d, problems
}

// over are the rules of a draft over a table, and their versions. A draft of some accounts' rules
// alone has theirs and the global ones, and rest decides for the others.
func (o *DraftOptions) over(live *table) (sets map[string][]engine.Rule, versions map[string]int64, rest *table) {
	if _, global := o.Sets[""]; global || len(o.Sets) == 0 || len(o.Plugins) > 0 {
		sets, versions = live.sets()
	} else {
		rest = live
		sets, versions = map[string][]engine.Rule{"": live.global.given}, map[string]int64{"": live.global.versions.Global}
		for account := range o.Sets {
			if a := live.lists(account); a != nil && a.versions.Account != 0 {
				versions[account] = a.versions.Account
			}
		}
	}
	for account, rules := range o.Sets {
		rules = slices.Clone(rules)
		for i := range rules {
			rules[i].AccountID = account
		}
		sets[account] = rules
	}
	if len(o.Plugins) == 0 {
		return sets, versions, rest
	}
	for account, rules := range sets {
		rules = slices.Clone(rules)
		for i := range rules {
			rules[i].Plugin = o.plugin(rules[i].Plugin)
		}
		sets[account] = rules
	}
	return sets, versions, rest
}

// plugin is what a rule's plugin is called in the draft.
func (o *DraftOptions) plugin(ref string) string {
	if other, ok := o.Plugins[ref]; ok && ref != "" {
		return other
	}
	return ref
}

// Decide implements engine.Decider. For a request of engine.DecisionInputs.Replay that asks for something that
// was not kept the error is engine.ErrUndecided.
func (d *Draft) Decide(ctx context.Context, req *engine.Request) (engine.Decision, error) {
	return d.judge.decide(ctx, req, d.table.of(req.Principal.AccountID))
}

// Explain implements engine.Explainer.
func (d *Draft) Explain(ctx context.Context, req *engine.Request) (engine.Decision, []engine.RuleStep, error) {
	return d.judge.explain(ctx, req, d.table, d.table.of(req.Principal.AccountID))
}

// Steps implements engine.Explainer.
func (d *Draft) Steps(req *engine.Request) []engine.RuleStep { return d.table.steps(req) }

// Phrases are those that the draft's rules look for in the account's texts, as Known counts them.
func (d *Draft) Phrases(account string) []string {
	return slices.Clone(d.table.of(account).all().phrases)
}
