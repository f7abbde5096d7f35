package rule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// A table that was changed account by account is the one that is made of everything at once.
func TestLoadAccountIsLoad(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	accounts := []string{"", "acme", "globex", "initech", "umbrella"}
	sets, versions := map[string][]engine.Rule{}, map[string]int64{}
	r := New(nil, Config{})
	for step := range 400 {
		account := accounts[random.IntN(len(accounts))]
		var rules []engine.Rule
		for i := range random.IntN(4) {
			rule := engine.Rule{
				AccountID: account, ID: fmt.Sprint("r", random.IntN(4)), When: fmt.Sprintf("mentions('w%d')", random.IntN(6)),
				Target: "gpt-4o", Enabled: random.IntN(5) > 0, Priority: i,
			}
			if random.IntN(9) == 0 {
				rule.When = "mentions("
			}
			rules = append(rules, rule)
		}
		sets[account] = rules
		if versions[account]++; len(rules) == 0 && random.IntN(2) == 0 {
			versions[account] = 0
		}
		problems := r.LoadAccount(account, rules, versions[account])
		if step%10 == 0 {
			id := accounts[1+random.IntN(4)]
			var rollouts []Rollout
			if random.IntN(2) == 0 {
				rollouts = []Rollout{{ID: "canary", AccountID: id, Share: WholeShare, Draft: DraftOptions{Sets: map[string][]engine.Rule{id: {when("c", 1, "true")}}}}}
			}
			r.LoadRollouts(rollouts)
		}
		var all []engine.Rule
		for _, a := range accounts {
			all = append(all, sets[a]...)
		}
		fresh := newTable(all, versions, nil)
		table := r.table.Load()
		for _, a := range append(accounts, "nobody") {
			got, want := table.of(a), fresh.of(a)
			if ids(got.all()) != ids(want.all()) || ids(got.own()) != ids(want.own()) || got.versions != want.versions {
				t.Fatalf("step %d: lists of %q = %s, %s, %v, want %s, %s, %v", step, a, ids(got.all()), ids(got.own()), got.versions, ids(want.all()), ids(want.own()), want.versions)
			}
			if fmt.Sprint(table.seen(a, false)) != fmt.Sprint(fresh.seen(a, false)) {
				t.Fatalf("step %d: rules seen by %q = %v, want %v", step, a, table.seen(a, false), fresh.seen(a, false))
			}
			for _, v := range r.rollouts {
				if found := slices.ContainsFunc(got.rollouts, func(o *rollout) bool { return o.ID == v.ID }); found != (v.AccountID == a) {
					t.Fatalf("step %d: a rollout of %q is in force for %q = %v", step, v.AccountID, a, found)
				}
			}
		}
		all = nil
		for _, p := range problems {
			if p.AccountID != account {
				t.Fatalf("step %d: LoadAccount(%q) reports a problem of %q", step, account, p.AccountID)
			}
		}
		if want := len(problemsOf(fresh, account)); len(problems) != want {
			t.Fatalf("step %d: LoadAccount(%q) reports %d problems, want %d", step, account, len(problems), want)
		}
	}
}

func problemsOf(t *table, account string) []Problem {
	if a := t.lists(account); a != nil {
		return a.problems
	}
	return nil
}

// What a write of one account's rules costs does not depend on how many accounts there are: only
// its own texts are compiled and only its own lists are made.
func TestLoadAccountLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	rules := func(account, word string) (list []engine.Rule) {
		for i := range 5 {
			r := when(fmt.Sprint("r", i), i, fmt.Sprintf("mentions('%s%d')", word, i))
			r.AccountID = account
			list = append(list, r)
		}
		return list
	}
	const accounts = 200
	r := New(nil, Config{})
	r.Load(rules("", "global"))
	for i := range accounts {
		r.LoadAccount(fmt.Sprint("a", i), rules(fmt.Sprint("a", i), "same"), 1)
	}
	if made := r.table.Load().programs.made; made != 10 {
		t.Errorf("%d texts were compiled for %d accounts with the same rules, want 10: each text once", made, accounts)
	}
	before := map[string]*list{}
	for i := range accounts {
		before[fmt.Sprint("a", i)] = r.table.Load().of(fmt.Sprint("a", i)).all()
	}
	r.LoadAccount("a7", rules("a7", "other"), 2)
	after := r.table.Load()
	if made := after.programs.made; made != 15 {
		t.Errorf("%d texts were compiled after a change of one account, want 15: its own 5 more", made)
	}
	for account, l := range before {
		if same := after.of(account).all() == l; same != (account != "a7") {
			t.Errorf("the list of %s is the one of before = %v", account, same)
		}
	}
	draft, problems := r.Draft(DraftOptions{Sets: map[string][]engine.Rule{"a8": rules("a8", "draft")}})
	if n := draft.table.accounts.Len(); n != 1 || len(problems) > 0 {
		t.Errorf("a draft of one account has %d (problems %v), want its own alone", n, problems)
	}
	if draft.table.of("a9").all() != before["a9"] {
		t.Error("a draft decides otherwise for an account that it is not of")
	}
}

// The first request after a rollout was loaded finds its lists made.
func TestRolloutListsAreReady(t *testing.T) {
	t.Parallel()
	for _, account := range []string{"", "acme"} {
		r := loaded(t, nil, when("a", 1, "mentions('x')"))
		r.LoadRollouts([]Rollout{{
			ID: "canary", AccountID: account, Share: WholeShare,
			Draft: DraftOptions{Sets: map[string][]engine.Rule{account: {when("b", 1, "mentions('y')")}}},
		}})
		draft := r.table.Load().of("acme").rollouts[0].draft.table
		made := draft.programs.lists.Load()
		request := said(t, "y")
		request.Principal.AccountID = "acme"
		if d := decided(t, r, request); d.Variant != "canary" {
			t.Errorf("Decide() is by %q, want the rollout of %q", d.Variant, account)
		}
		if n := draft.programs.lists.Load() - made; n > 0 {
			t.Errorf("the first request made %d lists of a rollout of %q, want them made before", n, account)
		}
	}
}
