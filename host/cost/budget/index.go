package budget

import "github.com/pointsman/pointsman/engine"

// index is an immutable snapshot of the budgets in force, by whom they are for. Each is in
// one list, that of the narrowest tenant that it names.
type index struct {
	set      bool // by Set
	all      []entry
	has      map[*counter]bool
	global   []entry
	accounts map[string]*account
}

// entry is a budget and what counts it.
type entry struct {
	c *counter
	b engine.Budget
}

type account struct {
	any                        []entry
	teams, users, keys, models map[string][]entry
}

func newIndex() *index {
	return &index{set: true, has: map[*counter]bool{}, accounts: map[string]*account{}}
}

func (x *index) add(c *counter, b engine.Budget) {
	e := entry{c, b}
	x.all, x.has[c] = append(x.all, e), true
	if b.AccountID == "" {
		x.global = append(x.global, e)
		return
	}
	a := x.accounts[b.AccountID]
	if a == nil {
		a = &account{teams: map[string][]entry{}, users: map[string][]entry{}, keys: map[string][]entry{}, models: map[string][]entry{}}
		x.accounts[b.AccountID] = a
	}
	switch {
	case b.KeyID != "":
		a.keys[b.KeyID] = append(a.keys[b.KeyID], e)
	case b.UserID != "":
		a.users[b.UserID] = append(a.users[b.UserID], e)
	case b.TeamID != "":
		a.teams[b.TeamID] = append(a.teams[b.TeamID], e)
	case b.ModelID != "":
		a.models[b.ModelID] = append(a.models[b.ModelID], e)
	default:
		a.any = append(a.any, e)
	}
}

// who is what a budget may be about.
type who struct{ account, team, user, key, model string }

// lists are those in which budgets for somebody may be. They are in one order for everybody,
// and so are the budgets in each: whoever locks several in it never waits for another in turn.
func (x *index) lists(w *who) (lists [6][]entry) {
	lists[0] = x.global
	if a := x.accounts[w.account]; a != nil {
		lists[1], lists[2], lists[3] = a.any, a.models[w.model], a.teams[w.team]
		lists[4], lists[5] = a.users[w.user], a.keys[w.key]
	}
	return lists
}

// covers reports whether the budget is about them. Its account is, by the list that it is in.
func (e *entry) covers(w *who) bool {
	b := &e.b
	return (b.TeamID == "" || b.TeamID == w.team) && (b.UserID == "" || b.UserID == w.user) &&
		(b.KeyID == "" || b.KeyID == w.key) && (b.ModelID == "" || b.ModelID == w.model)
}

// find adds the counters of all budgets that apply, without allocating once parts has room.
func (x *index) find(w *who, parts []part) []part {
	lists := x.lists(w)
	for i := range lists {
		list := lists[i]
		for j := range list {
			if list[j].covers(w) {
				parts = append(parts, part{c: list[j].c})
			}
		}
	}
	return parts
}
