package storetest

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var reportTests = []test{
	{"sums what a sum over the rows is, by every grouping", reportModel},
	{"counts each row once, however often it comes", reportOnce},
	{"a correction changes the cost alone, and spending elsewhere is no request", reportKinds},
	{"cuts groups off by what they cost, and orders by time, then cost", reportOrder},
	{"reads no rows", reportRollups},
	{"a sum that does not fit stays the largest there is", reportSaturates},
	{"refuses what cannot be asked", reportInvalid},
	{"forgets rows and sums of each grain", reportDrop},
}

// day is the begin of the suite's day.
var day = at(0).Truncate(24 * time.Hour)

func wantReport(t *testing.T, s engine.Store, q engine.ReportQuery, want ...engine.ReportRow) {
	t.Helper()
	got, err := s.Report(t.Context(), q)
	doing := fmt.Sprintf("Report(%+v)", q)
	must(t, doing, err)
	wantEqual(t, doing, got, want)
}

// daily asks for the whole of the suite's time by day.
func daily(by ...string) engine.ReportQuery {
	return engine.ReportQuery{AccountID: "a", From: day, To: day.AddDate(0, 0, 5), Grain: engine.GrainDay, GroupBy: by}
}

func reportOnce(t *testing.T, d Database) {
	s := open(t, d)
	rows := make([]engine.Usage, 20)
	for i := range rows {
		rows[i] = plainUsage("a", fmt.Sprintf("%02d", i), int64(i))
		rows[i].Attempt, rows[i].CostNanoUSD, rows[i].ModelID = 1, 10, "m"
	}
	again := slices.Clone(rows)
	for i := range again {
		again[i].CostNanoUSD, again[i].ModelID = 1000, "other"
	}
	must(t, "AddUsage()", s.AddUsage(t.Context(), append(rows[:5:5], again[:5]...)))
	must(t, "AddUsage() of some again", s.AddUsage(t.Context(), append(again[:7:7], rows[5:12]...)))
	must(t, "AddUsage() of all again", s.AddUsage(t.Context(), slices.Concat(rows, again, rows)))
	must(t, "AddUsage() of all again", s.AddUsage(t.Context(), again))
	want := map[string]int64{"m": 5 + 13, "other": 2} // two came first as the other
	got, err := s.Report(t.Context(), daily(engine.DimModel))
	must(t, "Report()", err)
	if len(got) != len(want) {
		t.Errorf("Report() has %d groups, want %d", len(got), len(want))
	}
	for _, r := range got {
		if n := want[r.Group[engine.DimModel]]; r.Requests != n || r.Attempts != n {
			t.Errorf("Report() of %v has %d requests, %d attempts, want %d", r.Group, r.Requests, r.Attempts, n)
		}
	}
}

func reportKinds(t *testing.T, d Database) {
	s := open(t, d)
	first := plainUsage("a", "1", 0)
	first.Attempt, first.CostNanoUSD, first.Outcome, first.Code = 1, 100, engine.OutcomeFailed, engine.CodeUpstreamFailed
	first.LatencyMS = 7
	second := plainUsage("a", "2", 1)
	second.Attempt, second.CostNanoUSD, second.Outcome, second.PremiumUse = 2, 50, engine.OutcomeOK, 33
	second.Tokens = engine.Tokens{Prompt: 10, Cached: 1, CacheWrite: 2, CacheWrite1h: 3, Completion: 5, Reasoning: 4}
	second.LatencyMS, second.FirstByteMS, second.Estimated, second.Unpriced = 1000, 300, true, true
	less := plainUsage("a", "3", 2)
	less.Kind, less.Corrects, less.Attempt, less.CostNanoUSD, less.Estimated = engine.UsageCorrection, "1", 1, -400, true
	less.Tokens, less.Outcome, less.LatencyMS = engine.Tokens{Prompt: 99}, engine.OutcomeFailed, 1
	elsewhere := plainUsage("a", "4", 3)
	elsewhere.Kind, elsewhere.Attempt, elsewhere.CostNanoUSD, elsewhere.PremiumUse = engine.UsageExternal, 1, 1000, 100
	elsewhere.Tokens, elsewhere.LatencyMS, elsewhere.Outcome = engine.Tokens{Prompt: 7}, 1, engine.OutcomeOK
	must(t, "AddUsage()", s.AddUsage(t.Context(), []engine.Usage{first, second, less}))
	want := engine.ReportRow{
		Requests: 1, Attempts: 2, Errors: 1, CostNanoUSD: -250, PremiumUse: 33, Estimated: 1, Unpriced: 1, Tokens: second.Tokens,
	}
	want.LatencyMS.Add(1000)
	want.FirstByteMS.Add(300)
	wantReport(t, s, daily(), want)
	must(t, "AddUsage()", s.AddUsage(t.Context(), []engine.Usage{elsewhere}))
	want.CostNanoUSD, want.PremiumUse, want.Tokens.Prompt = 750, 133, 17
	wantReport(t, s, daily(), want)
}

// costing is a row of a user on a model, so many hours into the suite's day.
func costing(id, user, model string, hour int, cost int64) engine.Usage {
	u := plainUsage("a", id, 0)
	u.UserID, u.ModelID, u.StartedAt, u.CostNanoUSD, u.Attempt = user, model, day.Add(time.Duration(hour)*time.Hour), cost, 1
	return u
}

func reportOrder(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "AddUsage()", s.AddUsage(t.Context(), []engine.Usage{
		costing("1", "ann", "m", 0, 5), costing("2", "bob", "m", 0, 6), costing("3", "cy", "m", 0, 7), costing("4", "Ära", "m", 0, 1),
		costing("5", "ann", "m", 1, 5), costing("6", "bob", "n", 2, -3), costing("7", "cy", "n", 49, 0),
	}))
	sum := func(user string, at time.Time, requests, cost int64) engine.ReportRow {
		r := engine.ReportRow{At: at, Requests: requests, Attempts: requests, Errors: requests, CostNanoUSD: cost}
		if user != "" {
			r.Group = map[string]string{engine.DimUser: user}
		}
		return r
	}
	byUser := daily(engine.DimUser)
	var never time.Time
	ann, bob, cy, ara := sum("ann", never, 2, 10), sum("bob", never, 2, 3), sum("cy", never, 2, 7), sum("Ära", never, 1, 1)
	wantReport(t, s, byUser, ann, cy, bob, ara)
	byUser.Limit = 2
	wantReport(t, s, byUser, ann, cy)

	hours := byUser
	hours.Grain, hours.Series = engine.GrainHour, true
	wantReport(t, s, hours,
		sum("cy", day, 1, 7), sum("ann", day, 1, 5), sum("ann", day.Add(time.Hour), 1, 5), sum("cy", day.Add(49*time.Hour), 1, 0))
	hours.From, hours.To, hours.GroupBy = day.Add(time.Hour), day.Add(49*time.Hour), nil
	wantReport(t, s, hours, sum("", day.Add(time.Hour), 1, 5), sum("", day.Add(2*time.Hour), 1, -3))

	narrow := daily()
	narrow.UserID, narrow.ModelID = "bob", "n"
	wantReport(t, s, narrow, sum("", never, 1, -3))
	narrow.UserID = "none"
	wantReport(t, s, narrow)
	narrow = daily(engine.DimAccount)
	narrow.AccountID = ""
	must(t, "AddUsage()", s.AddUsage(t.Context(), []engine.Usage{{AccountID: "\U0010FFFF", ID: "1", StartedAt: at(0), CostNanoUSD: 1000}}))
	got, err := s.Report(t.Context(), narrow)
	must(t, "Report() of all accounts", err)
	if len(got) != 2 || got[0].Group[engine.DimAccount] != "\U0010FFFF" || got[1].Group[engine.DimAccount] != "a" {
		t.Errorf("Report() of all accounts = %s, want both", show(got))
	}
}

func reportRollups(t *testing.T, d Database) {
	s := open(t, d)
	var rows []engine.Usage
	for i := range 50 {
		rows = append(rows, costing(fmt.Sprint(i), fmt.Sprint("u", i%7), "m", i, 5))
	}
	must(t, "AddUsage()", s.AddUsage(t.Context(), rows))
	before, err := s.Report(t.Context(), daily(engine.DimUser))
	must(t, "Report()", err)
	d.Exec(t, "delete from usage")
	wantUsage(t, s, "a", "", 10)
	wantReport(t, s, daily(engine.DimUser), before...)
}

func reportSaturates(t *testing.T, d Database) {
	s := open(t, d)
	for i := range 6 {
		u := fullUsage()
		u.Kind, u.AccountID, u.ID, u.UserID = engine.UsageAttempt, "a", fmt.Sprint(i), fmt.Sprint("u", i%2)
		u.PremiumUse, u.CostNanoUSD = math.MaxInt64, math.MaxInt64
		if i%2 == 1 {
			u.CostNanoUSD = math.MinInt64
		}
		must(t, "AddUsage()", s.AddUsage(t.Context(), []engine.Usage{u}))
	}
	got, err := s.Report(t.Context(), daily(engine.DimUser))
	must(t, "Report()", err)
	if len(got) != 2 || got[0].CostNanoUSD != math.MaxInt64 || got[1].CostNanoUSD != math.MinInt64 || got[0].Tokens.Prompt != math.MaxInt64 {
		t.Errorf("Report() = %s, want the largest and the smallest cost", show(got))
	}
	got, err = s.Report(t.Context(), daily())
	must(t, "Report()", err)
	if len(got) != 1 || got[0].Tokens.Prompt != math.MaxInt64 || got[0].PremiumUse != math.MaxInt64 || got[0].CostNanoUSD != -1 || got[0].Attempts != 6 {
		t.Errorf("Report() = %s, want the largest sums there are", show(got))
	}
}

func reportInvalid(t *testing.T, d Database) {
	s := open(t, d)
	for _, c := range []struct {
		name, param string
		change      func(q *engine.ReportQuery)
	}{
		{"no grain", "grain", func(q *engine.ReportQuery) { q.Grain = "" }},
		{"a week", "grain", func(q *engine.ReportQuery) { q.Grain = "week" }},
		{"a begin within a day", "from", func(q *engine.ReportQuery) { q.From = q.From.Add(time.Hour) }},
		{"an end within a day", "to", func(q *engine.ReportQuery) { q.To = q.To.Add(-time.Millisecond) }},
		{"the family", "group_by", func(q *engine.ReportQuery) { q.GroupBy = []string{engine.DimFamily} }},
		{"a column", "group_by", func(q *engine.ReportQuery) { q.GroupBy = []string{"model_id"} }},
		{"less than no limit", "limit", func(q *engine.ReportQuery) { q.Limit = -1 }},
		{"too large a limit", "limit", func(q *engine.ReportQuery) { q.Limit = engine.MaxReportGroups + 1 }},
		{"a NUL", "user_id", func(q *engine.ReportQuery) { q.UserID = "\x00" }},
		{"a year without a database", "to", func(q *engine.ReportQuery) { q.To = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC) }},
	} {
		q := daily()
		c.change(&q)
		_, err := s.Report(t.Context(), q)
		wantInvalid(t, "Report() of "+c.name, err, c.param)
	}
	wantInvalid(t, "DropUsage() of weeks", s.DropUsage(t.Context(), time.Time{}, map[engine.Grain]time.Time{"week": day}), "grain")
}

func reportDrop(t *testing.T, d Database) {
	s := open(t, d)
	var rows []engine.Usage
	for i := range 5 {
		rows = append(rows, costing(fmt.Sprint(i), "u", "m", 24*i+1, 1))
	}
	must(t, "AddUsage()", s.AddUsage(t.Context(), rows))
	hours := func() engine.ReportQuery {
		q := daily()
		q.Grain = engine.GrainHour
		return q
	}()
	must(t, "DropUsage() of nothing", s.DropUsage(t.Context(), day, map[engine.Grain]time.Time{engine.GrainDay: day}))
	wantUsage(t, s, "a", "", 10, rows[4], rows[3], rows[2], rows[1], rows[0])
	must(t, "DropUsage()", s.DropUsage(t.Context(), day.AddDate(0, 0, 2), map[engine.Grain]time.Time{engine.GrainHour: day.AddDate(0, 0, 4)}))
	wantUsage(t, s, "a", "", 10, rows[4], rows[3], rows[2])
	wantReport(t, s, hours, engine.ReportRow{Requests: 1, Attempts: 1, Errors: 1, CostNanoUSD: 1})
	wantReport(t, s, daily(), engine.ReportRow{Requests: 5, Attempts: 5, Errors: 5, CostNanoUSD: 5})
	must(t, "AddUsage() of a day that is gone", s.AddUsage(t.Context(), []engine.Usage{costing("late", "u", "m", 2, 1)}))
	wantUsage(t, s, "a", "", 10, rows[4], rows[3], rows[2], costing("late", "u", "m", 2, 1))
}
