package rule

import (
	"context"
	"maps"
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
	r.loading.Lock()
	live, versions, previous := r.live, r.versions, r.table.Load()
	r.loading.Unlock()
	return r.draft(o, live, versions, previous, nil)
}

// draft compiles a draft. Its rules' records of failures are those of before, which may be nil.
func (r *Router) draft(o DraftOptions, live []engine.Rule, versions map[string]int64, compiled, before *table) (*Draft, []Problem) {
	rules := slices.DeleteFunc(slices.Clone(live), func(rule engine.Rule) bool {
		_, replaced := o.Sets[rule.AccountID]
		return replaced
	})
	for _, account := range slices.Sorted(maps.Keys(o.Sets)) {
		for _, rule := range o.Sets[account] {
			rule.AccountID = account
			rules = append(rules, rule)
		}
	}
	for i := range rules {
		rules[i].Plugin = o.plugin(rules[i].Plugin)
	}
	versions = maps.Clone(versions)
	for account, version := range o.Versions {
		if versions == nil {
			versions = map[string]int64{}
		}
		versions[account] = version
	}
	from := &table{programs: compiled.programs}
	if before != nil {
		from.breakers = before.breakers
	}
	d := &Draft{
		judge: judge{guests: r.guests, work: r.cfg.Work, counts: o.Counts},
		table: newTable(rules, versions, from),
	}
	if o.Counts {
		d.judge.onSuspend = r.cfg.OnSuspend
	}
	problems := slices.DeleteFunc(slices.Clone(d.table.problems), func(p Problem) bool {
		_, own := o.Sets[p.AccountID]
		return !own
	})
	if len(problems) == 0 {
		problems = nil
	}
	return d, problems
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
