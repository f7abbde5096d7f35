package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var limitTests = []test{
	{"keeps every member", limitRoundTrip},
	{"lists by account, creation, id", limitOrder},
	{"update keeps key and creation, and refuses a stale writer", limitUpdate},
	{"deletes with its buckets", limitDelete},
	{"refuses what no limit may be", limitInvalid},
	{"keeps levels", limitLevels},
}

func plainLimit(account, id string) engine.Limit {
	return engine.Limit{
		AccountID: account, ID: id, Kind: engine.LimitRequests, Amount: 60, Window: time.Minute, Enabled: true,
		CreatedAt: at(0), UpdatedAt: at(0),
	}
}

func fullLimit() engine.Limit {
	return engine.Limit{
		AccountID: "acme", ID: "bob-tokens", Name: "Bob's \"tokens\"",
		Scope: engine.LimitScope{AccountID: "acme", TeamID: "ops", UserID: "bob", KeyID: "k", ProviderID: "openai", ModelID: "gpt-4o"},
		Per:   engine.LimitByModel | engine.LimitByKey, Kind: engine.LimitTokens, Amount: engine.MaxLimitAmount,
		Window: 24 * time.Hour, Burst: 5, Override: true, Enabled: true, Resets: 3, LeastRole: engine.RoleTeamLead, CreatedAt: at(1), UpdatedAt: at(2),
	}
}

func limitRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	fine := fullLimit()
	fine.CreatedAt, fine.UpdatedAt = finest(1), finest(2)
	places := engine.Limit{ID: "places", Kind: engine.LimitConcurrency, Per: engine.LimitByAccount, CreatedAt: at(0), UpdatedAt: at(0)}
	for _, c := range []struct {
		name     string
		in, want engine.Limit
	}{
		{"every member", fine, fullLimit()},
		{"concurrency, global, of nothing", places, places},
	} {
		was := revision(t, s)
		must(t, c.name+": CreateLimit()", s.CreateLimit(t.Context(), c.in))
		wantRevision(t, s, was, 1)
		got, err := s.GetLimit(t.Context(), c.in.AccountID, c.in.ID)
		must(t, c.name+": GetLimit()", err)
		wantEqual(t, c.name+": GetLimit()", got, c.want)
		wantErr(t, c.name+": CreateLimit() again", s.CreateLimit(t.Context(), c.in), engine.ErrConflict)
	}
	_, err := s.GetLimit(t.Context(), "", "bob-tokens")
	wantErr(t, "GetLimit() of another account", err, engine.ErrNotFound)
}

func limitOrder(t *testing.T, d Database) {
	s := open(t, d)
	late := plainLimit("a", "a")
	late.CreatedAt = at(9)
	want := []engine.Limit{plainLimit("", "z"), plainLimit("B", "x"), plainLimit("a", "b"), plainLimit("a", "c"), late}
	for _, i := range []int{3, 1, 4, 0, 2} {
		must(t, "CreateLimit()", s.CreateLimit(t.Context(), want[i]))
	}
	got, err := s.ListLimits(t.Context())
	must(t, "ListLimits()", err)
	wantEqual(t, "ListLimits()", got, want)
}

func limitUpdate(t *testing.T, d Database) {
	s := open(t, d)
	old := plainLimit("acme", "bob-tokens")
	must(t, "CreateLimit()", s.CreateLimit(t.Context(), old))
	next := fullLimit()
	was := revision(t, s)
	must(t, "UpdateLimit()", s.UpdateLimit(t.Context(), next, old.UpdatedAt))
	wantRevision(t, s, was, 1)
	next.CreatedAt = old.CreatedAt
	got, err := s.GetLimit(t.Context(), "acme", "bob-tokens")
	must(t, "GetLimit()", err)
	wantEqual(t, "GetLimit() after UpdateLimit()", got, next)
	wantErr(t, "UpdateLimit() of an older version", s.UpdateLimit(t.Context(), old, old.UpdatedAt), engine.ErrConflict)
	wantErr(t, "UpdateLimit() of none", s.UpdateLimit(t.Context(), plainLimit("", "bob-tokens"), time.Time{}), engine.ErrNotFound)
	must(t, "UpdateLimit() of any version", s.UpdateLimit(t.Context(), old, time.Time{}))
}

func limitDelete(t *testing.T, d Database) {
	s := open(t, d)
	for _, account := range []string{"", "a"} {
		must(t, "CreateLimit()", s.CreateLimit(t.Context(), plainLimit(account, "l")))
		b := plainBucket(account, "l")
		_, err := s.TakeLimit(t.Context(), b, 7, at(0))
		must(t, "TakeLimit()", err)
	}
	must(t, "DeleteLimit()", s.DeleteLimit(t.Context(), "a", "l"))
	wantErr(t, "DeleteLimit() again", s.DeleteLimit(t.Context(), "a", "l"), engine.ErrNotFound)
	levels, err := s.ListLimitLevels(t.Context())
	must(t, "ListLimitLevels()", err)
	if len(levels) != 1 || levels[0].AccountID != "" || levels[0].Level.Whole != 53 {
		t.Errorf("ListLimitLevels() after DeleteLimit() = %v, want the other account's with 53 left", levels)
	}
}

func limitInvalid(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	for _, c := range []struct {
		name, param string
		change      func(*engine.Limit)
	}{
		{"no id", "id", func(l *engine.Limit) { l.ID = "" }},
		{"NUL", "scope", func(l *engine.Limit) { l.Scope.UserID = "\x00" }},
		{"another account", "scope.account_id", func(l *engine.Limit) { l.Scope.AccountID = "b" }},
		{"a user of nobody", "scope.account_id", func(l *engine.Limit) { l.AccountID, l.Scope.UserID = "", "bob" }},
		{"unknown kind", "kind", func(l *engine.Limit) { l.Kind = "bytes" }},
		{"odd window", "window", func(l *engine.Limit) { l.Window = 2 * time.Second }},
		{"window of places", "window", func(l *engine.Limit) { l.Kind = engine.LimitConcurrency }},
		{"burst of places", "burst", func(l *engine.Limit) { l.Kind, l.Window, l.Burst = engine.LimitConcurrency, 0, 1 }},
		{"negative amount", "amount", func(l *engine.Limit) { l.Amount = -1 }},
		{"too large an amount", "amount", func(l *engine.Limit) { l.Amount = engine.MaxLimitAmount + 1 }},
		{"burst that never returns", "burst", func(l *engine.Limit) { l.Amount, l.Burst = 0, 1 }},
		{"unknown dimension", "per", func(l *engine.Limit) { l.Per = 1 << 6 }},
	} {
		l := plainLimit("a", "l")
		c.change(&l)
		wantInvalid(t, c.name+": CreateLimit()", s.CreateLimit(t.Context(), l), c.param)
		wantInvalid(t, c.name+": UpdateLimit()", s.UpdateLimit(t.Context(), l, time.Time{}), c.param)
	}
	wantRevision(t, s, was, 0)
}

func limitLevels(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	one := engine.StoredLimitLevel{LimitBucket: plainBucket("", "l"), Level: engine.LimitLevel{Whole: -5, Part: 59_999_999, At: 1_795_000_000_123_456}}
	two := one
	two.AccountID, two.Scope, two.Level.Whole = "a", "user=bob", 9
	must(t, "SaveLimitLevels()", s.SaveLimitLevels(t.Context(), []engine.StoredLimitLevel{two, one}))
	two.Level.Part = 1
	must(t, "SaveLimitLevels() again", s.SaveLimitLevels(t.Context(), []engine.StoredLimitLevel{two}))
	must(t, "SaveLimitLevels() of none", s.SaveLimitLevels(t.Context(), nil))
	got, err := s.ListLimitLevels(t.Context())
	must(t, "ListLimitLevels()", err)
	wantEqual(t, "ListLimitLevels()", got, []engine.StoredLimitLevel{one, two})
	wantRevision(t, s, was, 0)
}
