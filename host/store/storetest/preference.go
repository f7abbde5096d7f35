package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var preferenceTests = []test{
	{"keeps every member, and what is not set", preferenceRoundTrip},
	{"lists by account, team, user, overrides last", preferenceOrder},
	{"put keeps the creation", preferencePut},
	{"put refuses a stale writer", preferenceStale},
	{"an override stands beside the row", preferenceOverride},
	{"deletes one row", preferenceDelete},
	{"refuses what no preferences may be", preferenceInvalid},
}

func fullPreferences() engine.Preferences {
	return engine.Preferences{
		Tenant: engine.Tenant{AccountID: "acme", TeamID: "ops"}, Override: true,
		DefaultModel: ptr("gpt-4o"), Model: ptr("gpt-5-mini"), AllowedModels: &[]string{"gpt-4o", "gpt-5-mini"},
		BlockedModels: &[]string{"o3"}, MaxTokensPerDay: ptr[int64](1 << 60), MaxCostPerDay: ptr[int64](7),
		PreferVision: ptr(true), PreferSpeed: ptr(false), PreferCost: ptr(true), CustomRulesOnly: ptr(false),
		StoreText: ptr(false), Locked: []string{"store_text", "allowed_models"}, Reason: "a leak", UpdatedBy: "default/admin",
		CreatedAt: at(1), UpdatedAt: at(2),
	}
}

func plainPreferences(account, team, user string, override bool) engine.Preferences {
	return engine.Preferences{
		Tenant: engine.Tenant{AccountID: account, TeamID: team, UserID: user}, Override: override, CreatedAt: at(0), UpdatedAt: at(0),
	}
}

func wantPreferences(t *testing.T, s engine.Store, want ...engine.Preferences) {
	t.Helper()
	got, err := s.ListPreferences(t.Context())
	must(t, "ListPreferences()", err)
	wantEqual(t, "ListPreferences()", got, want)
}

func preferenceRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	wantPreferences(t, s)
	fine := fullPreferences()
	fine.CreatedAt, fine.UpdatedAt = finest(1), finest(2)
	unset := plainPreferences("acme", "", "", false)
	empty := plainPreferences("acme", "", "bo", false)
	empty.DefaultModel, empty.AllowedModels, empty.BlockedModels = ptr(""), &[]string{}, new([]string)
	empty.MaxTokensPerDay, empty.MaxCostPerDay, empty.Locked = ptr[int64](0), ptr[int64](0), []string{}
	emptyWant := empty
	emptyWant.BlockedModels, emptyWant.Locked = &[]string{}, nil
	for _, p := range []engine.Preferences{unset, empty, fine} {
		must(t, "PutPreferences()", s.PutPreferences(t.Context(), p, time.Time{}))
	}
	wantPreferences(t, s, unset, emptyWant, fullPreferences())
	// And back: what was set can be unset.
	bare := plainPreferences("acme", "ops", "", true)
	bare.CreatedAt = at(1)
	must(t, "PutPreferences()", s.PutPreferences(t.Context(), bare, at(2)))
	wantPreferences(t, s, unset, emptyWant, bare)
}

func preferenceOrder(t *testing.T, d Database) {
	s := open(t, d)
	want := []engine.Preferences{
		plainPreferences("", "", "", false),
		plainPreferences("", "", "", true),
		plainPreferences("B", "", "", false),
		plainPreferences("a", "", "", false),
		plainPreferences("a", "", "U", false),
		plainPreferences("a", "", "u", false),
		plainPreferences("a", "", "u", true),
		plainPreferences("a", "t", "", false),
		plainPreferences("a", "t", "", true),
		plainPreferences("b", "", "u", false),
	}
	for _, i := range []int{6, 2, 9, 0, 8, 5, 1, 7, 3, 4} {
		must(t, "PutPreferences()", s.PutPreferences(t.Context(), want[i], time.Time{}))
	}
	wantPreferences(t, s, want...)
}

func preferencePut(t *testing.T, d Database) {
	s := open(t, d)
	old := fullPreferences()
	must(t, "PutPreferences()", s.PutPreferences(t.Context(), old, time.Time{}))
	next := plainPreferences("acme", "ops", "", true)
	next.DefaultModel, next.CreatedAt, next.UpdatedAt = ptr("o3"), at(50), at(60)
	must(t, "PutPreferences() again", s.PutPreferences(t.Context(), next, time.Time{}))
	next.CreatedAt = old.CreatedAt
	wantPreferences(t, s, next)
}

func preferenceStale(t *testing.T, d Database) {
	s := open(t, d)
	old := plainPreferences("a", "", "u", false)
	must(t, "PutPreferences()", s.PutPreferences(t.Context(), old, time.Time{}))
	next := old
	next.PreferCost, next.UpdatedAt = ptr(true), at(5)
	must(t, "PutPreferences() of what is stored", s.PutPreferences(t.Context(), next, finest(0))) // compared as stored: in milliseconds
	late := old
	late.PreferSpeed, late.UpdatedAt = ptr(true), at(6)
	was := revision(t, s)
	wantErr(t, "PutPreferences() of an older version", s.PutPreferences(t.Context(), late, at(0)), engine.ErrConflict)
	late.Override = true
	wantErr(t, "PutPreferences() of a version that is gone", s.PutPreferences(t.Context(), late, at(5)), engine.ErrConflict)
	wantRevision(t, s, was, 0)
	wantPreferences(t, s, next)
}

func preferenceOverride(t *testing.T, d Database) {
	s := open(t, d)
	plain, override := plainPreferences("a", "t", "", false), plainPreferences("a", "t", "", true)
	plain.DefaultModel, override.Model, override.Reason = ptr("gpt-4o"), ptr("o3"), "an incident"
	must(t, "PutPreferences()", s.PutPreferences(t.Context(), override, time.Time{}))
	must(t, "PutPreferences()", s.PutPreferences(t.Context(), plain, time.Time{}))
	wantPreferences(t, s, plain, override)
	must(t, "DeletePreferences() of the override", s.DeletePreferences(t.Context(), plain.Tenant, true))
	wantPreferences(t, s, plain)
	wantErr(t, "DeletePreferences() of it again", s.DeletePreferences(t.Context(), plain.Tenant, true), engine.ErrNotFound)
}

func preferenceDelete(t *testing.T, d Database) {
	s := open(t, d)
	rows := []engine.Preferences{
		plainPreferences("", "", "", false), plainPreferences("a", "", "", false), plainPreferences("a", "", "x", false),
		plainPreferences("a", "x", "", false), plainPreferences("b", "x", "", false),
	}
	for _, p := range rows {
		must(t, "PutPreferences()", s.PutPreferences(t.Context(), p, time.Time{}))
	}
	must(t, "DeletePreferences()", s.DeletePreferences(t.Context(), engine.Tenant{AccountID: "a", TeamID: "x"}, false))
	wantPreferences(t, s, rows[0], rows[1], rows[2], rows[4])
	for _, none := range []engine.Tenant{
		{AccountID: "a", TeamID: "x"}, {AccountID: "c"}, {AccountID: "b", UserID: "x"}, {TeamID: "x"}, {AccountID: "a\x00"},
	} {
		wantErr(t, "DeletePreferences() of none", s.DeletePreferences(t.Context(), none, false), engine.ErrNotFound)
	}
}

func preferenceInvalid(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	for _, c := range []struct {
		param  string
		change func(*engine.Preferences)
	}{
		{"team_id", func(p *engine.Preferences) { p.TeamID, p.UserID = "t", "u" }},
		{"team_id", func(p *engine.Preferences) { p.AccountID, p.TeamID = "", "t" }},
		{"user_id", func(p *engine.Preferences) { p.AccountID, p.UserID = "", "u" }},
		{"user_id", func(p *engine.Preferences) { p.UserID = "a\x00b" }},
		{"model", func(p *engine.Preferences) { p.Model = ptr("o3") }},
		{"default_model", func(p *engine.Preferences) { p.DefaultModel = ptr("\xff") }},
		{"allowed_models", func(p *engine.Preferences) { p.AllowedModels = &[]string{"a\x00b"} }},
		{"blocked_models", func(p *engine.Preferences) { p.BlockedModels = &[]string{"\xff"} }},
		{"max_tokens_per_day", func(p *engine.Preferences) { p.MaxTokensPerDay = ptr[int64](-1) }},
		{"max_cost_per_day", func(p *engine.Preferences) { p.MaxCostPerDay = ptr[int64](-1) }},
		{"locked", func(p *engine.Preferences) { p.Locked = []string{"\x00"} }},
		{"reason", func(p *engine.Preferences) { p.Reason = "\x00" }},
	} {
		p := plainPreferences("a", "", "", false)
		c.change(&p)
		wantInvalid(t, "PutPreferences()", s.PutPreferences(t.Context(), p, time.Time{}), c.param)
	}
	wantRevision(t, s, was, 0)
	wantPreferences(t, s)
}
