package rule

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
)

// table is every rule in force. It never changes after newTable.
type table struct {
	global   *accountLists            // of accounts without rules and versions of their own
	accounts map[string]*accountLists // of the others
	problems []Problem
	given    map[string][]*engine.Rule  // by account: what it was made of, for the next one to compare
	known    map[string][]known         // by account: every rule, in force or not
	hidden   map[string]map[string]bool // by account: the ids that its rules take, enabled or not

	rollouts []*rollout // of a router's table

	// What the next table takes over.
	programs map[string]*program // by source
	breakers map[ruleKey]*breaker
}

type ruleKey struct {
	account, id string
	updated     int64 // a rule that was edited starts with a clean record
}

// accountLists is what one account's requests are decided by.
type accountLists struct {
	entries  []entry      // of its own rules
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
	if a := t.accounts[account]; a != nil {
		return a
	}
	return t.global
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
	t := &table{
		accounts: map[string]*accountLists{},
		given:    map[string][]*engine.Rule{},
		known:    map[string][]known{},
		hidden:   map[string]map[string]bool{},
		programs: map[string]*program{},
		breakers: map[ruleKey]*breaker{},
	}
	order := t.divide(rules)
	same := map[string]bool{}
	own := map[string][]entry{}
	for _, account := range order {
		if same[account] = previous != nil && sameRules(t.given[account], previous.given[account]); same[account] {
			own[account] = t.take(account, previous)
		} else {
			own[account] = t.read(account, previous)
		}
	}
	// The lists of those whose rules are as they were are as they were.
	_, global := t.given[""]
	same[""] = previous != nil && (same[""] || !global && previous.given[""] == nil)
	t.global = t.lists("", own[""], nil)
	if same[""] && previous.global != nil {
		t.global = previous.global.again()
	}
	t.global.versions = engine.RuleSetRef{Global: versions[""]}
	for _, account := range order {
		switch {
		case account == "":
		case same[account] && same[""]:
			t.accounts[account] = previous.accounts[account].again()
		default:
			t.accounts[account] = t.lists(account, own[account], own[""])
		}
	}
	for account, version := range versions {
		if account == "" {
			continue
		}
		if t.accounts[account] == nil {
			t.accounts[account] = &accountLists{all: t.global.all, own: noList}
		}
		t.accounts[account].versions.Account = version
	}
	for _, a := range t.accounts {
		a.versions.Global = versions[""]
	}
	return t
}

// divide notes whose rules there are, and returns the accounts as they come.
func (t *table) divide(rules []engine.Rule) (order []string) {
	for i := range rules {
		r := &rules[i]
		if t.given[r.AccountID] == nil {
			order = append(order, r.AccountID)
		}
		t.given[r.AccountID] = append(t.given[r.AccountID], r)
	}
	return order
}

// read compiles an account's rules.
func (t *table) read(account string, previous *table) (own []entry) {
	hidden := map[string]bool{}
	t.hidden[account] = hidden
	for _, r := range t.given[account] {
		if hidden[r.ID] {
			t.problem(r, engine.Errorf(engine.CodeInvalid, "There are two rules with this id."))
			continue
		}
		hidden[r.ID] = true
		if !r.Enabled {
			t.know(r, engine.RuleDisabled, nil)
			continue
		}
		e, err := t.entry(r, previous)
		if err != nil {
			t.problem(r, err)
			continue
		}
		t.know(r, "", nil)
		own = append(own, e)
	}
	return own
}

// lists are those of an account with rules of its own, or the global ones. They are made when they
// are first asked for: a draft is asked for one account's, of many.
func (t *table) lists(account string, own, global []entry) *accountLists {
	own = slices.Clip(own)
	hidden := t.hidden[account]
	return &accountLists{
		entries: own,
		all: sync.OnceValue(func() *list {
			entries := own
			for _, e := range global {
				if !hidden[e.id] {
					entries = append(entries, e)
				}
			}
			return newList(entries)
		}),
		own: sync.OnceValue(func() *list {
			if account == "" {
				return none
			}
			return newList(own)
		}),
	}
}

// ready makes the lists that requests are tried against now, so that none of them has to wait.
func (t *table) ready() {
	t.global.all()
	for _, a := range t.accounts {
		a.all()
	}
}

func (t *table) problem(r *engine.Rule, err error) {
	t.problems = append(t.problems, Problem{AccountID: r.AccountID, RuleID: r.ID, Err: err})
	t.know(r, engine.RuleLeftOut, err)
}

// entry compiles one rule, or takes what the previous table has of it.
func (t *table) entry(r *engine.Rule, previous *table) (entry, error) {
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
		p, err := t.compile(r.When, previous)
		if err != nil {
			return entry{}, err
		}
		e.program, e.when = p, r.When
	}
	key := ruleKey{r.AccountID, r.ID, r.UpdatedAt.UnixMilli()}
	e.key = key
	if previous != nil {
		e.breaker = previous.breakers[key]
	}
	if e.breaker == nil {
		e.breaker = &breaker{}
	}
	t.breakers[key] = e.breaker
	return e, nil
}

func (t *table) compile(source string, previous *table) (*program, error) {
	p := t.programs[source]
	if p == nil && previous != nil {
		p = previous.programs[source]
	}
	if p == nil {
		var err error
		if p, err = compile(source); err != nil {
			return nil, err
		}
	}
	t.programs[source] = p
	return p, nil
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
