package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var rolloutTests = []test{
	{"keeps every member", rolloutRoundTrip},
	{"one of a kind runs", rolloutOne},
	{"update and its conflict", rolloutUpdate},
	{"pages newest first", rolloutPages},
	{"counts of processes", rolloutStats},
}

func fullRollout() engine.Rollout {
	return engine.Rollout{
		AccountID: "acme", ID: "r1", Kind: engine.RolloutCanary, Status: engine.RolloutRunning,
		Draft: engine.RuleDraft{Rules: []engine.Rule{{
			AccountID: "acme", ID: "help", Name: "Hélp", Priority: 90, When: "request.has_code", Target: "gpt-4o", Fallbacks: []string{"gpt-5"},
			OnFailure: engine.FailureRefuse, Enabled: true, CreatedAt: at(1), UpdatedAt: at(2),
		}}},
		Base: 7, Share: 250, Guards: engine.DefaultGuards, Note: "why", By: "acme/ann", CreatedAt: at(3), UpdatedAt: at(4),
	}
}

func shadowRollout(account, id string) engine.Rollout {
	return engine.Rollout{
		AccountID: account, ID: id, Kind: engine.RolloutShadow, Status: engine.RolloutRunning,
		Draft: engine.RuleDraft{Plugin: "sticky", Version: "2.0.0"}, Share: engine.WholeShare, CreatedAt: at(0), UpdatedAt: at(0),
	}
}

func rolloutRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	for _, r := range []engine.Rollout{fullRollout(), shadowRollout("acme", "r2"), shadowRollout("", "r3")} {
		must(t, "CreateRollout()", s.CreateRollout(t.Context(), r))
	}
	list, err := s.ListRollouts(t.Context())
	must(t, "ListRollouts()", err)
	wantEqual(t, "ListRollouts()", list, []engine.Rollout{shadowRollout("", "r3"), fullRollout(), shadowRollout("acme", "r2")})
	got, err := s.GetRollout(t.Context(), "acme", "r1")
	must(t, "GetRollout()", err)
	wantEqual(t, "GetRollout()", got, fullRollout())
	_, err = s.GetRollout(t.Context(), "rival", "r1")
	wantErr(t, "GetRollout() of another account", err, engine.ErrNotFound)
}

func rolloutOne(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateRollout()", s.CreateRollout(t.Context(), shadowRollout("acme", "r1")))
	wantErr(t, "CreateRollout() of a second shadow", s.CreateRollout(t.Context(), shadowRollout("acme", "r2")), engine.ErrConflict)
	must(t, "CreateRollout() of another account", s.CreateRollout(t.Context(), shadowRollout("rival", "r2")))
	ended := shadowRollout("acme", "r1")
	ended.Status, ended.Reason, ended.UpdatedAt, ended.EndedAt = engine.RolloutStopped, "enough", at(5), at(5)
	must(t, "UpdateRollout()", s.UpdateRollout(t.Context(), ended, at(0)))
	must(t, "CreateRollout() after the first", s.CreateRollout(t.Context(), shadowRollout("acme", "r3")))
	got, err := s.GetRollout(t.Context(), "acme", "r1")
	must(t, "GetRollout()", err)
	wantEqual(t, "GetRollout() of what has ended", got, ended)
}

func rolloutUpdate(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateRollout()", s.CreateRollout(t.Context(), fullRollout()))
	r := fullRollout()
	r.Share, r.UpdatedAt = 5000, at(9)
	wantErr(t, "UpdateRollout() of what was changed", s.UpdateRollout(t.Context(), r, at(1)), engine.ErrConflict)
	must(t, "UpdateRollout()", s.UpdateRollout(t.Context(), r, at(4)))
	got, err := s.GetRollout(t.Context(), "acme", "r1")
	must(t, "GetRollout()", err)
	wantEqual(t, "GetRollout()", got, r)
	r.AccountID = "rival"
	wantErr(t, "UpdateRollout() of none", s.UpdateRollout(t.Context(), r, at(9)), engine.ErrNotFound)
}

func rolloutPages(t *testing.T, d Database) {
	s := open(t, d)
	for _, id := range []string{"r1", "r2", "r3"} {
		r := shadowRollout("acme", id)
		r.Status, r.EndedAt = engine.RolloutStopped, at(1)
		must(t, "CreateRollout()", s.CreateRollout(t.Context(), r))
	}
	for _, page := range []struct {
		before string
		want   []string
	}{{"", []string{"r3", "r2"}}, {"r2", []string{"r1"}}, {"r1", nil}} {
		list, err := s.PageRollouts(t.Context(), "acme", page.before, 2)
		must(t, "PageRollouts()", err)
		var got []string
		for _, r := range list {
			got = append(got, r.ID)
		}
		wantEqual(t, "PageRollouts() before "+page.before, got, page.want)
	}
}

func rolloutStats(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "CreateRollout()", s.CreateRollout(t.Context(), fullRollout()))
	one := engine.RolloutStats{Live: engine.RolloutSide{Requests: 3, CostNanoUSD: 5}, Compared: 2, Moves: []engine.BacktestMove{{From: "a", To: "b", Requests: 1, Examples: []string{"req"}}}}
	one.Live.LatencyMS.Add(12)
	two := engine.RolloutStats{Draft: engine.RolloutSide{Errors: 1}}
	put := func(process string, sec int64, stats engine.RolloutStats) {
		t.Helper()
		must(t, "PutRolloutStats()", s.PutRolloutStats(t.Context(), "acme", "r1", process, at(sec), stats))
	}
	put("p1", 1, two)
	put("p1", 10, one)
	put("p2", 20, two)
	for _, tt := range []struct {
		since time.Time
		want  []engine.RolloutStats
	}{{time.Time{}, []engine.RolloutStats{one, two}}, {at(15), []engine.RolloutStats{two}}, {at(30), nil}} {
		got, err := s.RolloutStats(t.Context(), "acme", "r1", tt.since)
		must(t, "RolloutStats()", err)
		wantEqual(t, "RolloutStats() since "+tt.since.String(), got, tt.want)
	}
	wantErr(t, "PutRolloutStats() of none", s.PutRolloutStats(t.Context(), "rival", "r1", "p", at(1), one), engine.ErrNotFound)
}
