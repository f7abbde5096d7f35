package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var ruleTests = []test{
	{"keeps every member", ruleRoundTrip},
	{"lists by account, priority, creation, id", ruleOrder},
	{"creates once in an account", ruleCreateTwice},
	{"update keeps key, system flag and creation", ruleUpdate},
	{"update refuses a stale writer", ruleUpdateStale},
	{"deletes all but system rules", ruleDelete},
	{"refuses what no rule may be", ruleInvalid},
}

func fullRule() engine.Rule {
	return engine.Rule{
		AccountID: "acme", ID: "night-shift", Name: "Night shift", Description: "After hours", Priority: 77,
		Plugin: "by-hour@1.2.0", Config: []byte(`{ "b":1, "a":[1.50e3,"\u0000<&>"] }`), Target: "gpt-4o",
		Fallbacks: []string{"gpt-5-mini", "gpt-4.1"}, Only: true, OnFailure: engine.FailureRefuse, ContinueAfterCut: true,
		Enabled: true, System: true, TeamID: "ops", CreatedAt: at(1), UpdatedAt: at(2),
	}
}

func plainRule(account, id string) engine.Rule {
	return engine.Rule{AccountID: account, ID: id, When: "true", Target: "gpt-4o", CreatedAt: at(0), UpdatedAt: at(0)}
}

func ruleRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	fine := fullRule()
	fine.CreatedAt, fine.UpdatedAt = finest(1), finest(2)
	empty := plainRule("", "empty")
	empty.Fallbacks, empty.Config = []string{}, []byte{}
	emptyWant := plainRule("", "empty")
	dawn := plainRule("", "dawn")
	dawn.CreatedAt, dawn.UpdatedAt = time.Time{}, time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	top := plainRule("", "top")
	top.Priority, top.OnFailure = engine.MaxPriority, engine.FailureSkip
	for _, c := range []struct {
		name     string
		in, want engine.Rule
	}{
		{"every member, time cut to milliseconds UTC", fine, fullRule()},
		{"empty lists are nil", empty, emptyWant},
		{"first and last year", dawn, dawn},
		{"bounds", top, top},
	} {
		must(t, c.name+": CreateRule()", s.CreateRule(t.Context(), c.in))
		got, err := s.GetRule(t.Context(), c.in.AccountID, c.in.ID)
		must(t, c.name+": GetRule()", err)
		wantEqual(t, c.name+": GetRule()", got, c.want)
	}
	all, err := s.ListRules(t.Context())
	must(t, "ListRules()", err)
	wantEqual(t, "ListRules()", all, []engine.Rule{top, dawn, emptyWant, fullRule()})
}

func ruleOrder(t *testing.T, d Database) {
	s := open(t, d)
	none, err := s.ListRules(t.Context())
	must(t, "ListRules()", err)
	wantEqual(t, "ListRules() of none", none, nil)
	want := []engine.Rule{}
	for _, key := range []struct {
		account, id       string
		priority, created int64
	}{
		{"", "low", 1, 0},
		{"B", "x", 50, 0}, // capitals before small letters: order is bytewise in every database
		{"a", "first", 90, 9},
		{"a", "old", 50, 3},
		{"a", "Z", 50, 4},
		{"a", "_", 50, 4},
		{"a", "z", 50, 4},
		{"a", "é", 50, 4},
		{"a", "last", 0, 0},
	} {
		r := plainRule(key.account, key.id)
		r.Priority, r.CreatedAt = int(key.priority), at(key.created)
		want = append(want, r)
	}
	for _, i := range []int{7, 2, 0, 5, 8, 1, 6, 3, 4} {
		must(t, "CreateRule("+want[i].ID+")", s.CreateRule(t.Context(), want[i]))
	}
	got, err := s.ListRules(t.Context())
	must(t, "ListRules()", err)
	wantEqual(t, "ListRules()", got, want)
}

func ruleCreateTwice(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateRule()", s.CreateRule(t.Context(), plainRule("a", "r")))
	again := plainRule("a", "r")
	again.Target = "other"
	wantErr(t, "CreateRule() again", s.CreateRule(t.Context(), again), engine.ErrConflict)
	got, err := s.GetRule(t.Context(), "a", "r")
	must(t, "GetRule()", err)
	wantEqual(t, "GetRule() after a refused create", got, plainRule("a", "r"))
	must(t, "CreateRule() in another account", s.CreateRule(t.Context(), plainRule("b", "r")))
	_, err = s.GetRule(t.Context(), "c", "r")
	wantErr(t, "GetRule() in a third account", err, engine.ErrNotFound)
}

func ruleUpdate(t *testing.T, d Database) {
	s := open(t, d)
	old := fullRule()
	must(t, "CreateRule()", s.CreateRule(t.Context(), old))
	next := engine.Rule{
		AccountID: old.AccountID, ID: old.ID, Name: "n", Description: "d", Priority: 3, When: "false", Target: "t",
		OnFailure: engine.FailureSkip, TeamID: "team", CreatedAt: at(50), UpdatedAt: at(60),
	}
	must(t, "UpdateRule()", s.UpdateRule(t.Context(), next, old.UpdatedAt))
	want := next
	want.System, want.CreatedAt = true, old.CreatedAt
	got, err := s.GetRule(t.Context(), old.AccountID, old.ID)
	must(t, "GetRule()", err)
	wantEqual(t, "GetRule() after UpdateRule()", got, want)
	must(t, "UpdateRule() back", s.UpdateRule(t.Context(), old, time.Time{}))
	got, err = s.GetRule(t.Context(), old.AccountID, old.ID)
	must(t, "GetRule()", err)
	wantEqual(t, "GetRule() after UpdateRule() back", got, old)
}

func ruleUpdateStale(t *testing.T, d Database) {
	s := open(t, d)
	old := plainRule("a", "r")
	must(t, "CreateRule()", s.CreateRule(t.Context(), old))
	next := old
	next.Name, next.UpdatedAt = "second", at(5)
	must(t, "UpdateRule()", s.UpdateRule(t.Context(), next, finest(0))) // compared as stored: in milliseconds
	late := old
	late.Name, late.UpdatedAt = "third", at(6)
	wantErr(t, "UpdateRule() of an older version", s.UpdateRule(t.Context(), late, old.UpdatedAt), engine.ErrConflict)
	got, err := s.GetRule(t.Context(), "a", "r")
	must(t, "GetRule()", err)
	wantEqual(t, "GetRule() after a refused update", got, next)
	wantErr(t, "UpdateRule() of none", s.UpdateRule(t.Context(), plainRule("a", "none"), time.Time{}), engine.ErrNotFound)
	wantErr(t, "UpdateRule() of none, versioned", s.UpdateRule(t.Context(), plainRule("", "r"), at(5)), engine.ErrNotFound)
}

func ruleDelete(t *testing.T, d Database) {
	s := open(t, d)
	system := plainRule("", "s")
	system.System = true
	must(t, "CreateRule()", s.CreateRule(t.Context(), system))
	must(t, "CreateRule()", s.CreateRule(t.Context(), plainRule("", "r")))
	must(t, "CreateRule()", s.CreateRule(t.Context(), plainRule("a", "r")))
	must(t, "DeleteRule()", s.DeleteRule(t.Context(), "", "r"))
	wantErr(t, "DeleteRule() again", s.DeleteRule(t.Context(), "", "r"), engine.ErrNotFound)
	wantErr(t, "DeleteRule() of a system rule", s.DeleteRule(t.Context(), "", "s"), engine.ErrConflict)
	got, err := s.ListRules(t.Context())
	must(t, "ListRules()", err)
	wantEqual(t, "ListRules()", got, []engine.Rule{system, plainRule("a", "r")})
}

func ruleInvalid(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	for _, c := range []struct {
		name, param string
		change      func(*engine.Rule)
	}{
		{"no id", "id", func(r *engine.Rule) { r.ID = "" }},
		{"negative priority", "priority", func(r *engine.Rule) { r.Priority = -1 }},
		{"priority too high", "priority", func(r *engine.Rule) { r.Priority = engine.MaxPriority + 1 }},
		{"neither when nor plugin", "when", func(r *engine.Rule) { r.When = "" }},
		{"both when and plugin", "when", func(r *engine.Rule) { r.Plugin = "p" }},
		{"broken config", "config", func(r *engine.Rule) { r.Config = []byte(`{"a":`) }},
		{"unknown failure policy", "on_failure", func(r *engine.Rule) { r.OnFailure = "panic" }},
		{"year 10,000", "updated_at", func(r *engine.Rule) { r.UpdatedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }},
	} {
		r := plainRule("a", "r")
		c.change(&r)
		wantInvalid(t, c.name+": CreateRule()", s.CreateRule(t.Context(), r), c.param)
		wantInvalid(t, c.name+": UpdateRule()", s.UpdateRule(t.Context(), r, time.Time{}), c.param)
	}
	wantRevision(t, s, was, 0)
}
