package rule

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/trie"
)

// table is every rule in force. It never changes once it is in force, and shares with the next one
// what that does not change.
type table struct {
	global   *accountLists                   // of accounts without rules and versions of their own
	accounts trie.Map[string, *accountLists] // of the others
	rollouts []*rollout                      // of a router's table
	programs *programs                       // one for all tables of a router
	rest     *table                          // of a draft: what those are decided by of whom it has nothing
}

type ruleKey struct {
	account, id string
	updated     int64 // a rule that was edited starts with a clean record
}

// accountLists is what one account's requests are decided by.
type accountLists struct {
	given    []engine.Rule   // what it was made of, for the next table to compare
	known    []known         // every rule, in force or not
	hidden   map[string]bool // the ids that its rules take, enabled or not
	problems []Problem
	entries  []entry // of its own rules

	all      func() *list // with the global rules
	own      func() *list // without
	versions engine.RuleSetRef
	rollouts []*rollout // drafts that decide for a share of the requests
}

// none is the list of an account that has no rules and wants none.
var none = newList(nil)

func noList() *list { return none }

// of returns the lists of an account.
func (t *table) of(account string) *accountLists {
	if a, ok := t.accounts.Get(account); ok {
		return a
	}
	if t.rest != nil && account != "" {
		return t.rest.of(account)
	}
	return t.global
}

// lists returns those that were made of the account's own rules; nil: there are none.
func (t *table) lists(account string) *accountLists {
	if account == "" {
		return t.global
	}
	a, _ := t.accounts.Get(account)
	return a
}

// list is what the account's requests are tried against; ownOnly leaves out the global rules.
func (a *accountLists) list(ownOnly bool) *list {
	if ownOnly {
		return a.own()
	}
	return a.all()
}

// list is the rules that one account's requests are tried against, in order.
type list struct {
	entries []entry
	quick   []quick // of each entry
	flows   linked
	// words finds the phrases of all mentions calls in one pass; bit i is phrase i.
	words   *document.Words
	phrases []string
	hashes  []uint32 // of each phrase, as records have them
}

// entry is one rule of a list.
type entry struct {
	id        string
	account   string // whose rule it is; "" for a global one
	team      string // "" for every team
	models    []string
	only      bool
	continues bool
	refuse    bool // on failure
	priority  int
	created   time.Time

	key     ruleKey
	when    string
	program *program // nil for a plugin
	masks   [][]mask // of each mentions call, in this list's phrases
	base    int      // of the program's flow in the list's

	plugin string
	config document.Node

	breaker *breaker
}

// quick is what it takes to try a rule that is a flow and needs nothing else: no
// plugin, no machine, no team, no variable that is filled on demand. It cannot fail,
// so it has no use for a breaker. A table of 1,000 rules is read in one sweep over these.
type quick struct {
	base    int32 // of the flow in list.flows; -1: see the entry
	start   int16
	perText uint16 // of its cost; the rest of it is nodeCost
}

// mask is some bits of a word of hits.
type mask struct {
	word int
	bits uint64
}

// newTable compiles rules. What previous has of them is taken from it; it may be nil.
func newTable(rules []engine.Rule, versions map[string]int64, previous *table) *table {
	return tableOf(divide(rules), versions, previous)
}

// tableOf is newTable of the rules of each account.
func tableOf(sets map[string][]engine.Rule, versions map[string]int64, previous *table) *table {
	t := &table{programs: new(programs)}
	if previous == nil {
		previous = &table{}
	} else if previous.programs != nil {
		t.programs = previous.programs
	}
	global, sameGlobal := t.account("", sets[""], previous.global)
	if !sameGlobal {
		t.link(global, nil)
	}
	global.versions.Global = versions[""]
	t.global = global
	names := map[string]bool{}
	for account := range sets {
		names[account] = true
	}
	for account := range versions {
		names[account] = true
	}
	delete(names, "")
	for _, account := range slices.Sorted(maps.Keys(names)) {
		a, same := t.account(account, sets[account], previous.lists(account))
		if !same || !sameGlobal {
			t.link(a, global)
		}
		a.versions = engine.RuleSetRef{Global: versions[""], Account: versions[account]}
		t.accounts = t.accounts.With(account, a)
	}
	return t
}

// with is the table with other rules of one account that is not in a rollout: all else stays.
func (t *table) with(account string, rules []engine.Rule, version int64) *table {
	next := &table{global: t.global, accounts: t.accounts, rollouts: t.rollouts, programs: t.programs}
	if len(rules) == 0 && version == 0 {
		next.accounts = t.accounts.Without(account)
		return next
	}
	a, same := next.account(account, rules, t.lists(account))
	if !same {
		next.link(a, t.global)
	}
	a.versions = engine.RuleSetRef{Global: t.global.versions.Global, Account: version}
	a.all()
	next.accounts = t.accounts.With(account, a)
	return next
}

// sets are the rules that the table was made of, by account, and the versions of them.
func (t *table) sets() (sets map[string][]engine.Rule, versions map[string]int64) {
	sets, versions = map[string][]engine.Rule{"": t.global.given}, map[string]int64{"": t.global.versions.Global}
	for account, a := range t.accounts.All() {
		sets[account] = a.given
		if a.versions.Account != 0 {
			versions[account] = a.versions.Account
		}
	}
	return sets, versions
}

// divide sorts rules by whose they are.
func divide(rules []engine.Rule) map[string][]engine.Rule {
	sets := map[string][]engine.Rule{}
	for _, r := range rules {
		sets[r.AccountID] = append(sets[r.AccountID], r)
	}
	return sets
}

// account compiles an account's rules. same says that they are those of before, and so are its
// lists, as far as the global rules are the same too; else they are to be linked.
func (t *table) account(account string, rules []engine.Rule, before *accountLists) (a *accountLists, same bool) {
	if before != nil && before.all != nil && sameRules(rules, before.given) {
		return before.again(), true
	}
	a = &accountLists{given: rules, hidden: map[string]bool{}}
	for i := range rules {
		r := &rules[i]
		if a.hidden[r.ID] {
			a.problem(r, engine.Errorf(engine.CodeInvalid, "There are two rules with this id."))
			continue
		}
		a.hidden[r.ID] = true
		if !r.Enabled {
			a.know(r, engine.RuleDisabled, nil)
			continue
		}
		e, err := t.entry(r, before)
		if err != nil {
			a.problem(r, err)
			continue
		}
		a.know(r, "", nil)
		a.entries = append(a.entries, e)
	}
	a.entries = slices.Clip(a.entries)
	return a, false
}

// link makes an account's lists, over the global rules; nil: they are those. Each is made when it is
// first asked for: a draft is asked for one account's, of many.
func (t *table) link(a, global *accountLists) {
	own, hidden, programs := a.entries, a.hidden, t.programs
	makeList := func(entries []entry) *list {
		programs.lists.Add(1)
		return newList(entries)
	}
	switch {
	case global == nil:
		a.all, a.own = sync.OnceValue(func() *list { return makeList(own) }), noList
		return
	case len(a.given) == 0:
		a.all, a.own = global.all, noList
		return
	}
	shared := global.entries
	a.all = sync.OnceValue(func() *list {
		entries := own
		for _, e := range shared {
			if !hidden[e.id] {
				entries = append(entries, e)
			}
		}
		return makeList(entries)
	})
	a.own = sync.OnceValue(func() *list { return makeList(own) })
}

// ready makes the lists that requests are tried against now, so that none of them has to wait.
func (t *table) ready() {
	t.global.all()
	for _, a := range t.accounts.All() {
		a.all()
	}
}

// problems are those of every account.
func (t *table) problems() []Problem {
	all := slices.Clone(t.global.problems)
	var own []Problem
	for _, a := range t.accounts.All() {
		own = append(own, a.problems...)
	}
	slices.SortStableFunc(own, func(a, b Problem) int { return cmp.Compare(a.AccountID, b.AccountID) })
	return append(all, own...)
}

func (a *accountLists) problem(r *engine.Rule, err error) {
	a.problems = append(a.problems, Problem{AccountID: r.AccountID, RuleID: r.ID, Err: err})
	a.know(r, engine.RuleLeftOut, err)
}

// entry compiles one rule. Its record of failures is the one of before, which may be nil.
func (t *table) entry(r *engine.Rule, before *accountLists) (entry, error) {
	if err := validate(r); err != nil {
		return entry{}, err
	}
	e := entry{
		id: r.ID, account: r.AccountID, team: r.TeamID,
		models: ranking(append([]string{r.Target}, r.Fallbacks...)),
		only:   r.Only, continues: r.ContinueAfterCut, refuse: r.OnFailure == engine.FailureRefuse,
		priority: r.Priority, created: r.CreatedAt,
		plugin: r.Plugin,
	}
	if r.Plugin != "" {
		doc, err := parseConfig(bytes.Clone(r.Config))
		if err != nil {
			return entry{}, err
		}
		e.config = doc.Root()
	} else {
		p, err := t.programs.get(r.When)
		if err != nil {
			return entry{}, err
		}
		e.program, e.when = p, r.When
	}
	e.key = ruleKey{r.AccountID, r.ID, r.UpdatedAt.UnixMilli()}
	if before != nil {
		if i := slices.IndexFunc(before.entries, func(o entry) bool { return o.key == e.key }); i >= 0 {
			e.breaker = before.entries[i].breaker
		}
	}
	if e.breaker == nil {
		e.breaker = &breaker{}
	}
	return e, nil
}

// ranking is models without empty and repeated ids. It is shared by decisions: its
// capacity ends with it, so that appending to it makes a copy.
func ranking(models []string) []string {
	kept := make([]string, 0, len(models))
	for _, id := range models {
		if id != "" && !slices.Contains(kept, id) {
			kept = append(kept, id)
		}
	}
	return slices.Clip(kept)
}

// newList orders an account's entries and gives each phrase its bit.
func newList(entries []entry) *list {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(
			cmp.Compare(b.priority, a.priority),
			cmp.Compare(rank(a.account), rank(b.account)),
			a.created.Compare(b.created),
			cmp.Compare(a.id, b.id),
		)
	})
	l := &list{entries: entries}
	p := phrasebook{bits: map[string]int{}}
	for i := range l.entries {
		e := &l.entries[i]
		if e.program != nil {
			e.masks = p.masks(e.program.calls)
			if e.program.flow != nil {
				e.base = l.flows.add(e.program.flow, e.masks)
			}
		}
		l.quick = append(l.quick, e.quick())
	}
	l.phrases = p.phrases
	l.words = document.NewWords(p.phrases)
	for _, phrase := range p.phrases {
		l.hashes = append(l.hashes, engine.PhraseHash(phrase))
	}
	return l
}

func (e *entry) quick() quick {
	p := e.program
	if p == nil || p.flow == nil || e.team != "" || p.needs&needFilled != 0 || p.cost.perName != 0 || p.cost.perText > math.MaxUint16 {
		return quick{base: -1}
	}
	return quick{base: int32(e.base), start: p.flow.start, perText: uint16(p.cost.perText)}
}

// rank puts an account's rule before a global one of the same priority.
func rank(account string) int {
	if account == "" {
		return 1
	}
	return 0
}
