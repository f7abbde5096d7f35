package rule

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/pointsman/pointsman/engine"
)

// FindingKind is what is odd about a rule.
type FindingKind string

// Kinds.
const (
	FindingNever         FindingKind = "never"         // it can match no request
	FindingNeverClause   FindingKind = "never_clause"  // a part of it can never hold
	FindingAlways        FindingKind = "always"        // it matches every request
	FindingUnreachable   FindingKind = "unreachable"   // Other comes first and matches whatever it matches
	FindingShadowed      FindingKind = "shadowed"      // Other has its id, or its condition and comes first
	FindingContradictory FindingKind = "contradictory" // Other has its condition and priority, and another target
	FindingUnknownModel  FindingKind = "unknown_model" // it names a model that is not there
	FindingUnknownValue  FindingKind = "unknown_value" // it compares with a value that nothing has
)

// Finding is something odd about a rule that compiles. What it says is proved, never guessed; that
// there is none proves nothing.
type Finding struct {
	AccountID string
	RuleID    string
	Kind      FindingKind
	Clause    string // the part of the expression, as written; may be empty
	Other     string // id of another rule; may be empty
	Message   string // for the rule's author
}

// FindingOptions is what Findings may know besides the rules.
type FindingOptions struct {
	// Model reports whether a catalogue id exists. Nil: no model is reported.
	Model func(id string) bool
	// Tiers are those of the catalogue's models. Nil: none is reported.
	Tiers []string
}

// Work of one Findings, in steps of a solver.
const (
	findingSteps = 400_000
	pairSteps    = 2_000
	maxFindings  = 1_000
)

// Findings looks at the rules that one account sees (its own and the global ones; or the global
// ones alone) for what their author cannot have meant. Rules that do not compile or are
// disabled are left out, but for their ids. Its work is bounded: of very many rules not every pair is compared.
func Findings(rules []engine.Rule, o FindingOptions) []Finding {
	x := &inspection{options: o, solver: solver{steps: findingSteps}}
	x.gather(rules)
	for i := range x.rules {
		if len(x.found) >= maxFindings {
			break
		}
		r := &x.rules[i]
		x.models(r)
		x.values(r)
		x.clauses(r)
		if !r.never {
			x.earlier(r, x.rules[:i])
		}
	}
	return x.found
}

// inspection is one run of Findings.
type inspection struct {
	options FindingOptions
	solver  solver
	rules   []inspected // in the order in which they are tried
	cheap   bool        // all rules together cannot run out of work
	found   []Finding
}

type inspected struct {
	*engine.Rule
	program *program // nil: a plugin
	formula *formula // nil: nothing is known of it
	sure    bool     // it cannot fail
	never   bool
	always  bool
	names   map[string]bool
}

func (x *inspection) report(r *engine.Rule, kind FindingKind, clause, other, message string) {
	x.found = append(x.found, Finding{AccountID: r.AccountID, RuleID: r.ID, Kind: kind, Clause: clause, Other: other, Message: message})
}

// gather orders the rules that are in force, and reports those that others hide.
func (x *inspection) gather(rules []engine.Rule) {
	own := map[string]bool{}
	for i := range rules {
		if rules[i].AccountID != "" {
			own[rules[i].ID] = true
		}
	}
	seen := map[string]bool{}
	work, names, keys := 0, false, false
	for i := range rules {
		r := &rules[i]
		key := r.AccountID + "/" + r.ID
		switch {
		case seen[key]:
			x.report(r, FindingShadowed, "", r.ID, "Another rule before it has the same id.")
			continue
		case r.AccountID == "" && own[r.ID]:
			x.report(r, FindingShadowed, "", r.ID, "A rule of the account has the same id and hides it.")
			seen[key] = true
			continue
		}
		seen[key] = true
		if !r.Enabled || validate(r) != nil {
			continue
		}
		in := inspected{Rule: r}
		if r.When != "" {
			p, err := compile(r.When)
			if err != nil {
				continue
			}
			in.program = p
			work += p.cost.of(engine.MaxRuleText, maxName)
			names, keys = names || p.cost.perName > 0, keys || p.needs&needMetadata != 0
			in.read(strconv.Itoa(i))
		}
		x.rules = append(x.rules, in)
	}
	x.cheap = work <= DefaultWork && !(names && keys) // keys of metadata may be long
	slices.SortStableFunc(x.rules, func(a, b inspected) int {
		return cmp.Or(
			cmp.Compare(b.Priority, a.Priority), cmp.Compare(rank(a.AccountID), rank(b.AccountID)),
			a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID),
		)
	})
}

// read makes the rule's formula.
func (r *inspected) read(scope string) {
	form, former := formulaOf(r.When, scope)
	if form == nil {
		return
	}
	r.formula, r.sure, r.names = form, !former.fails && r.program.flow != nil, map[string]bool{}
	for _, name := range former.names {
		r.names[name] = true
	}
}

// may asks a solver with a bounded share of the work.
func (x *inspection) may(goals ...goal) bool {
	s := solver{steps: min(pairSteps, x.solver.steps)}
	before := s.steps
	possible := s.possible(goals...)
	x.solver.steps -= before - max(s.steps, 0)
	return possible
}

// models reports unknown ones.
func (x *inspection) models(r *inspected) {
	if x.options.Model == nil {
		return
	}
	for i, id := range append([]string{r.Target}, r.Fallbacks...) {
		if id == "" || x.options.Model(id) {
			continue
		}
		what := "target"
		if i > 0 {
			what = "fallback"
		}
		x.report(r.Rule, FindingUnknownModel, "", "", "There is no model "+quoted(id)+", its "+what+".")
	}
}

// clauses reports what can never hold, the smallest part that tells, and what always does.
func (x *inspection) clauses(r *inspected) {
	if r.formula == nil {
		return
	}
	if r.always = r.sure && !x.may(r.fails()); r.always {
		x.report(r.Rule, FindingAlways, "", "", "It matches every request: no rule behind it is asked.")
		return
	}
	parts := r.program.parts()
	r.never = !x.may(r.holds())
	switch {
	case parts == nil && r.never:
		x.report(r.Rule, FindingNever, r.When, "", "It can match no request.")
	case r.never:
		clause := x.smallest(&parts.root)
		x.report(r.Rule, FindingNever, clause.text, "", "It can match no request: "+quoted(clause.text)+" can never hold.")
	case parts != nil:
		x.inside(r, &parts.root)
	}
}

// impossible reports whether the clause can never hold.
func (x *inspection) impossible(c *clause) bool {
	f, _ := formulaOf(c.text, "clause")
	return f != nil && !x.may(goal{f, true})
}

// smallest is the innermost part of a clause that can never hold because of which it cannot either.
func (x *inspection) smallest(c *clause) *clause {
	for c.kind == andClause {
		i := slices.IndexFunc(c.parts, func(part clause) bool { return x.impossible(&part) })
		if i < 0 {
			return c
		}
		c = &c.parts[i]
	}
	return c
}

// inside reports the parts of a clause that can never hold, where the clause itself can.
func (x *inspection) inside(r *inspected, c *clause) {
	if c.kind != andClause && c.kind != orClause {
		return
	}
	for i := range c.parts {
		part := &c.parts[i]
		if part.text == "false" {
			continue // meant so
		}
		if x.impossible(part) {
			part = x.smallest(part)
			x.report(r.Rule, FindingNeverClause, part.text, "", quoted(part.text)+" can never hold.")
			continue
		}
		x.inside(r, part)
	}
}

// earlier reports the first rule before it that leaves it nothing.
func (x *inspection) earlier(r *inspected, before []inspected) {
	for i := range before {
		a := &before[i]
		if a.never || x.solver.steps <= 0 || !a.seenBy(r) {
			continue
		}
		same := a.program != nil && r.program != nil && strings.TrimSpace(a.When) == strings.TrimSpace(r.When)
		if !same && (!x.surely(a, r) || !related(a, r) || x.may(a.fails(), r.holds())) {
			continue
		}
		if !same && r.formula != nil && r.sure {
			same = !x.may(a.holds(), r.fails())
		}
		switch {
		case same && a.Priority == r.Priority && !slices.Equal(ranking(append([]string{a.Target}, a.Fallbacks...)), ranking(append([]string{r.Target}, r.Fallbacks...))):
			x.report(r.Rule, FindingContradictory, "", a.ID, "Rule "+quoted(a.ID)+" has the same condition and priority and another target. That one decides.")
		case same:
			x.report(r.Rule, FindingShadowed, "", a.ID, "Rule "+quoted(a.ID)+" has the same condition and comes first.")
		default:
			x.report(r.Rule, FindingUnreachable, "", a.ID, "Rule "+quoted(a.ID)+" comes first and matches whatever it could match.")
		}
		return
	}
}

func (r *inspected) holds() goal {
	if r.formula == nil {
		return goal{&formula{kind: isTrue}, true}
	}
	return goal{r.formula, true}
}

func (r *inspected) fails() goal { return goal{r.formula, false} }

// seenBy reports whether the rule is asked of every request of which r might be: a global rule is
// not, of accounts that use their own alone; nor is another team's.
func (r *inspected) seenBy(later *inspected) bool {
	return (r.AccountID == later.AccountID || r.AccountID != "" && later.AccountID == "") && (r.TeamID == "" || r.TeamID == later.TeamID)
}

// surely reports whether the rule comes out as its formula says whenever r would be reached.
func (x *inspection) surely(a, r *inspected) bool {
	if a.formula == nil || !a.sure {
		return false
	}
	// What runs out of work is skipped. One that costs no more than the least cannot be the only one.
	return x.cheap || a.program.cost.perText == 0 && a.program.cost.perName == 0 && r.program != nil
}

// related reports whether the one can tell anything of the other: they share a variable, or the first always holds.
func related(a, r *inspected) bool {
	if a.always {
		return true
	}
	for name := range a.names {
		if r.names[name] {
			return true
		}
	}
	return false
}
