package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var ruleSetTests = []test{
	{"every write makes a version", ruleSetWrites},
	{"a version keeps every member of its rules", ruleSetRoundTrip},
	{"publishes all or nothing", ruleSetPublish},
	{"one of two publishers wins", ruleSetRace},
	{"refuses what no version may be", ruleSetInvalid},
	{"gives rules without a version their first", ruleSetStart},
	{"drops what is old and not among the newest", ruleSetDrop},
}

// ruleSets are the account's versions, newest first.
func ruleSets(t *testing.T, s engine.Store, account string) []engine.RuleSet {
	t.Helper()
	sets, err := s.ListRuleSets(t.Context(), account, 0, 1000)
	must(t, "ListRuleSets()", err)
	return sets
}

func wantRuleSet(t *testing.T, s engine.Store, account string, version int64, want ...engine.Rule) engine.RuleSet {
	t.Helper()
	got, err := s.GetRuleSet(t.Context(), account, version)
	must(t, fmt.Sprintf("GetRuleSet(%q, %d)", account, version), err)
	wantEqual(t, fmt.Sprintf("GetRuleSet(%q, %d).Rules", account, version), got.Rules, want)
	wantEqual(t, "Digest", got.Digest, engine.DigestRules(want))
	wantEqual(t, "Count", got.Count, len(want))
	return got
}

func ruleSetWrites(t *testing.T, d Database) {
	s := open(t, d)
	one, two := plainRule("a", "one"), plainRule("a", "two")
	two.Priority = 9
	changed := one
	changed.Target, changed.UpdatedAt = "gpt-5", at(3)
	must(t, "CreateRule()", s.CreateRule(t.Context(), one))
	audited := engine.Audited(engine.WithActor(t.Context(), engine.Actor{Principal: engine.Principal{
		AccountID: "a", UserID: "bo", Role: engine.RoleAccountAdmin,
	}}), at(7), "a", "rule.create", "rule/two", nil)
	must(t, "CreateRule()", s.CreateRule(audited, two))
	must(t, "UpdateRule()", s.UpdateRule(t.Context(), changed, time.Time{}))
	must(t, "DeleteRule()", s.DeleteRule(t.Context(), "a", "two"))
	wantErr(t, "DeleteRule() of none", s.DeleteRule(t.Context(), "a", "two"), engine.ErrNotFound)
	must(t, "CreateRule() in another account", s.CreateRule(t.Context(), plainRule("b", "one")))

	wantRuleSet(t, s, "a", 1, one)
	second := wantRuleSet(t, s, "a", 2, two, one)
	wantRuleSet(t, s, "a", 3, two, changed)
	wantRuleSet(t, s, "a", 4, changed)
	wantRuleSet(t, s, "b", 1, plainRule("b", "one"))
	second.Rules = nil
	wantEqual(t, "GetRuleSet(2)", second, engine.RuleSet{
		AccountID: "a", Version: 2, Digest: engine.DigestRules([]engine.Rule{two, one}), Count: 2, Note: "create rule two", By: "a/bo", CreatedAt: at(7),
	})
	all := ruleSets(t, s, "a")
	if len(all) != 4 || all[0].Version != 4 || all[3].Version != 1 {
		t.Errorf("ListRuleSets() = %s, want versions 4 to 1", show(all))
	}
	page, err := s.ListRuleSets(t.Context(), "a", 3, 1)
	must(t, "ListRuleSets(before 3, 1)", err)
	wantEqual(t, "ListRuleSets(before 3, 1)", page, []engine.RuleSet{second})
	versions, err := s.RuleSetVersions(t.Context())
	must(t, "RuleSetVersions()", err)
	wantEqual(t, "RuleSetVersions()", versions, map[string]int64{"a": 4, "b": 1})
	_, err = s.GetRuleSet(t.Context(), "a", 5)
	wantErr(t, "GetRuleSet() of none", err, engine.ErrNotFound)
	_, err = s.GetRuleSet(t.Context(), "c", 1)
	wantErr(t, "GetRuleSet() of another account", err, engine.ErrNotFound)
}

func ruleSetRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	dawn := plainRule("acme", "dawn")
	dawn.CreatedAt, dawn.UpdatedAt = time.Time{}, time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	dawn.When, dawn.Description = "text contains \"<é&\u2028>\"", "\t\"\\"
	for _, r := range []engine.Rule{fullRule(), dawn} {
		must(t, "CreateRule()", s.CreateRule(t.Context(), r))
	}
	wantRuleSet(t, s, "acme", 2, fullRule(), dawn)
}

func ruleSetPublish(t *testing.T, d Database) {
	s := open(t, d)
	system, same, gone, other := plainRule("", "system"), plainRule("", "same"), plainRule("", "gone"), plainRule("a", "gone")
	system.System, system.Priority = true, 9
	for _, r := range []engine.Rule{system, same, gone, other} {
		must(t, "CreateRule()", s.CreateRule(t.Context(), r))
	}
	was := revision(t, s)
	edited, again, added := system, same, plainRule("", "added")
	edited.Target, edited.System, edited.CreatedAt, edited.UpdatedAt = "gpt-5", false, at(50), at(60)
	again.UpdatedAt = at(60)
	added.Priority, added.CreatedAt, added.UpdatedAt = 3, at(60), at(60)
	set := engine.RuleSet{Version: 4, Rules: []engine.Rule{added, again, edited}, Note: "spring", Restores: 2, CreatedAt: finest(61), By: "who"}
	must(t, "PublishRuleSet()", s.PublishRuleSet(t.Context(), set, 3))
	wantRevision(t, s, was, 1)
	edited.System, edited.CreatedAt = true, system.CreatedAt
	want := []engine.Rule{edited, added, same}
	got, err := s.ListRules(t.Context())
	must(t, "ListRules()", err)
	wantEqual(t, "ListRules() after PublishRuleSet()", got, append(want, other))
	head := wantRuleSet(t, s, "", 4, want...)
	head.Rules = nil
	wantEqual(t, "GetRuleSet()", head, engine.RuleSet{
		Version: 4, Digest: head.Digest, Count: 3, Note: "spring", Restores: 2, CreatedAt: at(61),
	})
	wantRuleSet(t, s, "", 3, system, gone, same)

	// Without its system rule it is refused, and nothing of it stays.
	set = engine.RuleSet{Version: 5, Rules: []engine.Rule{added}, CreatedAt: at(62)}
	wantErr(t, "PublishRuleSet() without a system rule", s.PublishRuleSet(t.Context(), set, 4), engine.ErrConflict)
	wantRevision(t, s, was, 1)
	got, err = s.ListRules(t.Context())
	must(t, "ListRules()", err)
	wantEqual(t, "ListRules() after a refused one", got, append(want, other))

	// A rule that was made anew gets its first creation back.
	must(t, "DeleteRule()", s.DeleteRule(t.Context(), "", "added"))
	anew := added
	anew.CreatedAt, anew.UpdatedAt = at(99), at(99)
	must(t, "CreateRule()", s.CreateRule(t.Context(), anew))
	set = engine.RuleSet{Version: 7, Rules: want, CreatedAt: at(100)}
	must(t, "PublishRuleSet() of an older one", s.PublishRuleSet(t.Context(), set, 6))
	wantRuleSet(t, s, "", 7, want...)

	// None is a set too.
	must(t, "PublishRuleSet() of none", s.PublishRuleSet(t.Context(), engine.RuleSet{AccountID: "a", Version: 2, CreatedAt: at(101)}, 1))
	if set := wantRuleSet(t, s, "a", 2, []engine.Rule{}...); len(set.Rules) > 0 {
		t.Errorf("GetRuleSet().Rules = %s, want none", show(set.Rules))
	}
}

func ruleSetRace(t *testing.T, d Database) {
	s := open(t, d)
	first := engine.RuleSet{AccountID: "a", Version: 1, Rules: []engine.Rule{plainRule("a", "r")}, CreatedAt: at(1)}
	must(t, "PublishRuleSet() of the first", s.PublishRuleSet(t.Context(), first, 0))
	results := make(chan error)
	const publishers = 4
	for i := range publishers {
		r := plainRule("a", "r")
		r.Priority = i
		go func() {
			results <- s.PublishRuleSet(t.Context(), engine.RuleSet{AccountID: "a", Version: 2, Rules: []engine.Rule{r}, CreatedAt: at(2)}, 1)
		}()
	}
	won := 0
	for range publishers {
		if err := <-results; err == nil {
			won++
		} else {
			wantErr(t, "PublishRuleSet() that lost", err, engine.ErrConflict)
		}
	}
	if sets := ruleSets(t, s, "a"); won != 1 || len(sets) != 2 {
		t.Errorf("%d publishers of version 2 won and there are %d versions, want 1 and 2", won, len(sets))
	}
}

func ruleSetInvalid(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	for _, c := range []struct {
		name, param string
		change      func(*engine.RuleSet)
	}{
		{"no version", "version", func(s *engine.RuleSet) { s.Version = 0 }},
		{"long note", "note", func(s *engine.RuleSet) { s.Note = string(make([]byte, engine.MaxRuleSetNote+1)) }},
		{"another account's rule", "rules[0].account_id", func(s *engine.RuleSet) { s.Rules[0].AccountID = "b" }},
		{"an id twice", "rules[1].id", func(s *engine.RuleSet) { s.Rules = append(s.Rules, s.Rules[0]) }},
		{"a broken rule", "rules[0].priority", func(s *engine.RuleSet) { s.Rules[0].Priority = -1 }},
	} {
		set := engine.RuleSet{AccountID: "a", Version: 1, Rules: []engine.Rule{plainRule("a", "r")}, CreatedAt: at(0)}
		c.change(&set)
		wantInvalid(t, c.name+": PublishRuleSet()", s.PublishRuleSet(t.Context(), set, 0), c.param)
	}
	skipping := engine.RuleSet{AccountID: "a", Version: 2, CreatedAt: at(0)}
	wantErr(t, "PublishRuleSet() that leaves out a number", s.PublishRuleSet(t.Context(), skipping, 0), engine.ErrConflict)
	wantRevision(t, s, was, 0)
}

func ruleSetStart(t *testing.T, d Database) {
	s := open(t, d)
	for _, account := range []string{"", "a", "b"} {
		must(t, "CreateRule()", s.CreateRule(t.Context(), plainRule(account, "r")))
	}
	// As they are after an upgrade: rules, and no versions.
	d.Exec(t, `delete from rule_sets where account_id <> 'b'`)
	d.Exec(t, `delete from rule_set_rules where account_id <> 'b'`)
	was := revision(t, s)
	for range 2 {
		must(t, "StartRuleSets()", s.StartRuleSets(t.Context(), at(9)))
	}
	wantRevision(t, s, was, 0)
	versions, err := s.RuleSetVersions(t.Context())
	must(t, "RuleSetVersions()", err)
	wantEqual(t, "RuleSetVersions()", versions, map[string]int64{"": 1, "a": 1, "b": 1})
	wantRuleSet(t, s, "", 1, plainRule("", "r"))
	if got := wantRuleSet(t, s, "a", 1, plainRule("a", "r")); !got.CreatedAt.Equal(at(9)) || got.By != "" {
		t.Errorf("GetRuleSet() after StartRuleSets() = %s, want one of that time by nobody", show(got))
	}
}

func ruleSetDrop(t *testing.T, d Database) {
	s := open(t, d)
	old, young := at(0).Add(-91*24*time.Hour), at(0)
	// Versions 1 to 3 are old; 1,002 becomes the newest.
	one, two := plainRule("a", "one"), plainRule("a", "two")
	one.UpdatedAt = old
	must(t, "CreateRule()", s.CreateRule(t.Context(), one))
	two.UpdatedAt = old
	must(t, "CreateRule()", s.CreateRule(t.Context(), two))
	must(t, "UpdateRule()", s.UpdateRule(t.Context(), two, time.Time{}))
	d.Exec(t, `update rule_set_rules set since = 1001 where id = 'two'`)
	d.Exec(t, `update rule_sets set version = 1001, rule_count = 2 where version = 3`)
	changed := one
	changed.Target, changed.UpdatedAt = "gpt-5", young
	must(t, "UpdateRule()", s.UpdateRule(t.Context(), changed, time.Time{}))
	sets := ruleSets(t, s, "a")
	if len(sets) != 2 || sets[0].Version != 1002 || sets[1].Version != 1001 {
		t.Fatalf("ListRuleSets() = %s, want 1002 and 1001", show(sets))
	}
	wantRuleSet(t, s, "a", 1002, changed, two)
	before, err := s.GetRuleSet(t.Context(), "a", 1001)
	must(t, "GetRuleSet()", err)
	wantEqual(t, "GetRuleSet(1001).Rules", before.Rules, []engine.Rule{one, two})
	// The young stay whatever their number.
	d.Exec(t, `update rule_sets set version = 2100 where version = 1002`)
	d.Exec(t, `update rule_set_rules set since = 2100 where since = 1002`)
	d.Exec(t, `update rule_set_rules set until = 2100 where until = 1002`)
	changed.Target = "gpt-4o"
	must(t, "UpdateRule()", s.UpdateRule(t.Context(), changed, time.Time{}))
	sets = ruleSets(t, s, "a")
	if len(sets) != 2 || sets[0].Version != 2101 || sets[1].Version != 2100 {
		t.Errorf("ListRuleSets() = %s, want 2101 and 2100", show(sets))
	}
	_, err = s.GetRuleSet(t.Context(), "a", 1001)
	wantErr(t, "GetRuleSet() of one that was dropped", err, engine.ErrNotFound)
	changed.UpdatedAt = young.Add(time.Hour)
	d.Exec(t, `update rule_sets set version = 4000 where version = 2101`)
	must(t, "UpdateRule()", s.UpdateRule(t.Context(), changed, time.Time{}))
	if sets = ruleSets(t, s, "a"); len(sets) != 3 || sets[2].Version != 2100 {
		t.Errorf("ListRuleSets() = %s, want the young 2100 to stay", show(sets))
	}
}
