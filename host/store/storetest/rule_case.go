package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var ruleCaseTests = []test{
	{"keeps every member", ruleCaseRoundTrip},
	{"put keeps the creation", ruleCasePut},
	{"deletes one", ruleCaseDelete},
	{"an account has so many", ruleCaseBound},
	{"refuses what no case may be", ruleCaseInvalid},
}

func fullRuleCase() engine.RuleCase {
	return engine.RuleCase{
		AccountID: "acme", ID: "refund", Name: "Refunds", Request: []byte(`{ "messages": [{"role":"user","content":"é\u0000"}] }`),
		Given: []byte(`{"user": "bo"}`), Want: engine.RuleWant{Source: "support", Model: "gpt-4o", Code: engine.CodeRuleRejected},
		CreatedAt: at(1), UpdatedAt: at(2),
	}
}

func plainRuleCase(account, id string) engine.RuleCase {
	return engine.RuleCase{AccountID: account, ID: id, Request: []byte(`{}`), CreatedAt: at(0), UpdatedAt: at(0)}
}

func wantRuleCases(t *testing.T, s engine.Store, account string, want ...engine.RuleCase) {
	t.Helper()
	got, err := s.ListRuleCases(t.Context(), account)
	must(t, "ListRuleCases()", err)
	wantEqual(t, "ListRuleCases()", got, want)
}

func ruleCaseRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	wantRuleCases(t, s, "acme")
	fine, empty := fullRuleCase(), plainRuleCase("acme", "Empty")
	fine.CreatedAt, fine.UpdatedAt, empty.Given = finest(1), finest(2), []byte{}
	for _, c := range []engine.RuleCase{fine, empty, plainRuleCase("", "refund")} {
		must(t, "PutRuleCase()", s.PutRuleCase(t.Context(), c))
	}
	wantRuleCases(t, s, "acme", plainRuleCase("acme", "Empty"), fullRuleCase())
	wantRuleCases(t, s, "", plainRuleCase("", "refund"))
	got, err := s.GetRuleCase(t.Context(), "acme", "refund")
	must(t, "GetRuleCase()", err)
	wantEqual(t, "GetRuleCase()", got, fullRuleCase())
	_, err = s.GetRuleCase(t.Context(), "rival", "refund")
	wantErr(t, "GetRuleCase() of another account", err, engine.ErrNotFound)
}

func ruleCasePut(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "PutRuleCase()", s.PutRuleCase(t.Context(), plainRuleCase("acme", "refund")))
	must(t, "PutRuleCase() again", s.PutRuleCase(t.Context(), fullRuleCase()))
	want := fullRuleCase()
	want.CreatedAt = at(0)
	wantRuleCases(t, s, "acme", want)
}

func ruleCaseDelete(t *testing.T, d Database) {
	s := open(t, d)
	for _, account := range []string{"a", "b"} {
		must(t, "PutRuleCase()", s.PutRuleCase(t.Context(), plainRuleCase(account, "c")))
	}
	must(t, "DeleteRuleCase()", s.DeleteRuleCase(t.Context(), "a", "c"))
	wantErr(t, "DeleteRuleCase() again", s.DeleteRuleCase(t.Context(), "a", "c"), engine.ErrNotFound)
	wantRuleCases(t, s, "a")
	wantRuleCases(t, s, "b", plainRuleCase("b", "c"))
}

func ruleCaseBound(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "PutRuleCase()", s.PutRuleCase(t.Context(), plainRuleCase("a", "c000")))
	d.Exec(t, `insert into rule_cases (account_id, id, name, request, want_source, want_model, want_code, created_at, updated_at)
with recursive n(i) as (select 1 union all select i + 1 from n where i < 199)
select account_id, 'x' || i, name, request, want_source, want_model, want_code, created_at, updated_at from rule_cases, n`)
	wantErr(t, "PutRuleCase() of one too many", s.PutRuleCase(t.Context(), plainRuleCase("a", "y")), engine.ErrConflict)
	must(t, "PutRuleCase() of one that is there", s.PutRuleCase(t.Context(), plainRuleCase("a", "c000")))
	must(t, "PutRuleCase() in another account", s.PutRuleCase(t.Context(), plainRuleCase("b", "y")))
}

func ruleCaseInvalid(t *testing.T, d Database) {
	s := open(t, d)
	for _, c := range []struct {
		name, param string
		change      func(*engine.RuleCase)
	}{
		{"no id", "id", func(c *engine.RuleCase) { c.ID = "" }},
		{"no request", "request", func(c *engine.RuleCase) { c.Request = nil }},
		{"broken request", "request", func(c *engine.RuleCase) { c.Request = []byte(`{`) }},
		{"broken given", "given", func(c *engine.RuleCase) { c.Given = []byte(`{`) }},
		{"NUL in a want", "want", func(c *engine.RuleCase) { c.Want.Model = "\x00" }},
		{"year 10,000", "updated_at", func(c *engine.RuleCase) { c.UpdatedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }},
	} {
		k := plainRuleCase("a", "c")
		c.change(&k)
		wantInvalid(t, c.name+": PutRuleCase()", s.PutRuleCase(t.Context(), k), c.param)
	}
}
