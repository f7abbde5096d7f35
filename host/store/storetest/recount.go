package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var recountTests = []test{
	{"what was tampered with is found, told and repaired", recountRepairs},
	{"what is right is left alone, and odd days are refused", recountRight},
	{"posting tells which rows are new", postNew},
	{"pages narrow to a team, user, key, session and model", usageNarrow},
}

var allGrains = []engine.Grain{engine.GrainMinute, engine.GrainHour, engine.GrainDay}

// recounted is a day's rows of two accounts, with a correction, latencies, and one of the day after.
func recounted() (rows []engine.Usage) {
	for i := range 12 {
		u := costing(fmt.Sprintf("%02d", i), fmt.Sprint("u", i%3), "m", 2*i, int64(100+i))
		u.Outcome, u.LatencyMS, u.FirstByteMS, u.Tokens.Prompt = engine.OutcomeOK, int64(10*i), int64(i), 7
		if i == 5 {
			u.Kind, u.CostNanoUSD = engine.UsageCorrection, -1_000
		}
		if i%4 == 0 {
			u.AccountID = "b"
		}
		rows = append(rows, u)
	}
	return append(rows, costing("next", "u0", "m", 24, 5))
}

func recountRight(t *testing.T, d Database) {
	s := open(t, d)
	got, err := s.RecountUsage(t.Context(), day, allGrains)
	if err != nil || got != (engine.UsageRecount{}) {
		t.Errorf("RecountUsage() of nothing = %+v, %v, want nothing", got, err)
	}
	must(t, "AddUsage()", s.AddUsage(t.Context(), recounted()))
	// Twelve rows in steps of two hours, of three users in two accounts.
	want := engine.UsageRecount{Rows: 12, Sums: 12 + 12 + 6}
	if got, err = s.RecountUsage(t.Context(), day, allGrains); err != nil || got != want {
		t.Errorf("RecountUsage() = %+v, %v, want %+v", got, err, want)
	}
	_, err = s.RecountUsage(t.Context(), day.Add(time.Hour), allGrains)
	wantInvalid(t, "RecountUsage() from an hour on", err, "day")
	_, err = s.RecountUsage(t.Context(), day, []engine.Grain{engine.GrainMonth})
	wantInvalid(t, "RecountUsage() of months", err, "grain")
}

func recountRepairs(t *testing.T, d Database) {
	s := open(t, d)
	must(t, "AddUsage()", s.AddUsage(t.Context(), recounted()))
	report := func(grain engine.Grain) []engine.ReportRow {
		q := daily(engine.DimAccount, engine.DimUser)
		q.AccountID, q.Grain, q.Series = "", grain, true
		got, err := s.Report(t.Context(), q)
		must(t, "Report()", err)
		return got
	}
	var right [][]engine.ReportRow
	for _, g := range allGrains {
		right = append(right, report(g))
	}
	d.Exec(t, "update usage_rollups set cost_nano_usd = cost_nano_usd + 77, prompt_tokens = 0 where grain = 'day' and account_id = 'a' and user_id = 'u1'")
	d.Exec(t, "delete from usage_rollups where grain = 'hour' and account_id = 'b'")
	d.Exec(t, "update usage_rollups set latency = first_byte, attempts = 9 where grain = 'minute' and account_id = 'a' and user_id = 'u2'")
	d.Exec(t, `insert into usage_rollups (
		account_id, grain, starts_at, digest, team_id, user_id, key_id, model_id, provider_id, source, task_type, requests, attempts, errors, prompt_tokens,
		cached_tokens, cache_write_tokens, cache_write_1h_tokens, completion_tokens, reasoning_tokens, cost_nano_usd, premium_use, estimated, unpriced, latency, first_byte)
		select 'c', grain, starts_at, digest, team_id, user_id, key_id, model_id, provider_id, source, task_type, requests, attempts, errors, prompt_tokens,
		cached_tokens, cache_write_tokens, cache_write_1h_tokens, completion_tokens, reasoning_tokens, cost_nano_usd, premium_use, estimated, unpriced, latency, first_byte
		from usage_rollups where grain = 'day' and account_id = 'b' and user_id = 'u2'`)
	if slices.EqualFunc(report(engine.GrainDay), right[2], func(a, b engine.ReportRow) bool { return a.CostNanoUSD == b.CostNanoUSD }) {
		t.Fatal("Report() is as before, want one that was tampered with")
	}
	// Without the grain that is wrong, nothing is.
	got, err := s.RecountUsage(t.Context(), day, nil)
	if err != nil || got.Repaired != 0 {
		t.Errorf("RecountUsage() of no grain = %+v, %v, want nothing repaired", got, err)
	}
	got, err = s.RecountUsage(t.Context(), day, allGrains)
	// Of the day that sum and what is c's; three hours of b's; three minutes of u2's.
	if want := (engine.UsageRecount{Rows: 12, Sums: 30, Repaired: 2 + 3 + 3}); err != nil || got != want {
		t.Errorf("RecountUsage() = %+v, %v, want %+v", got, err, want)
	}
	for i, g := range allGrains {
		wantEqual(t, fmt.Sprintf("Report() by %s after the repair", g), report(g), right[i])
	}
	if got, err = s.RecountUsage(t.Context(), day, allGrains); err != nil || got.Repaired != 0 {
		t.Errorf("RecountUsage() again = %+v, %v, want nothing to repair", got, err)
	}
}

func postNew(t *testing.T, d Database) {
	s := open(t, d)
	one, two, three := plainUsage("a", "1", 0), plainUsage("a", "2", 1), plainUsage("a", "3", 2)
	added, err := s.PostUsage(t.Context(), []engine.Usage{two, one, two})
	must(t, "PostUsage()", err)
	wantEqual(t, "PostUsage()", added, []engine.Usage{one, two})
	added, err = s.PostUsage(t.Context(), []engine.Usage{one, three})
	must(t, "PostUsage()", err)
	wantEqual(t, "PostUsage() of one that is there", added, []engine.Usage{three})
	if added, err = s.PostUsage(t.Context(), []engine.Usage{one}); err != nil || len(added) != 0 {
		t.Errorf("PostUsage() again = %v, %v, want none", added, err)
	}
	if added, err = s.PostUsage(t.Context(), nil); err != nil || len(added) != 0 {
		t.Errorf("PostUsage() of none = %v, %v, want none", added, err)
	}
}

func usageNarrow(t *testing.T, d Database) {
	s := open(t, d)
	var rows []engine.Usage
	for i := range 24 {
		u := plainUsage("a", fmt.Sprintf("%02d", i), int64(i))
		u.TeamID, u.UserID, u.KeyID = fmt.Sprint("t", i%2), fmt.Sprint("u", i%3), fmt.Sprintf("0197a2f0-0000-7000-8000-%012d", i%4)
		u.SessionID, u.ModelID = fmt.Sprint("s", i%5), fmt.Sprint("m", i%6)
		rows = append(rows, u)
	}
	must(t, "AddUsage()", s.AddUsage(t.Context(), append(rows, engine.Usage{AccountID: "b", ID: "b", TeamID: "t0", StartedAt: at(3)})))
	slices.Reverse(rows)
	for _, c := range []struct {
		name   string
		narrow engine.UsageQuery
		meant  func(u engine.Usage) bool
	}{
		{"team", engine.UsageQuery{TeamID: "t1"}, func(u engine.Usage) bool { return u.TeamID == "t1" }},
		{"user", engine.UsageQuery{UserID: "u2"}, func(u engine.Usage) bool { return u.UserID == "u2" }},
		{"key", engine.UsageQuery{KeyID: rows[0].KeyID}, func(u engine.Usage) bool { return u.KeyID == rows[0].KeyID }},
		{"session", engine.UsageQuery{SessionID: "s4"}, func(u engine.Usage) bool { return u.SessionID == "s4" }},
		{"model", engine.UsageQuery{ModelID: "m5"}, func(u engine.Usage) bool { return u.ModelID == "m5" }},
		{"all of them", engine.UsageQuery{TeamID: "t1", UserID: "u2", SessionID: "s1", ModelID: "m5"}, func(u engine.Usage) bool { return u.ID == "11" }},
		{"nothing", engine.UsageQuery{SessionID: "none"}, func(engine.Usage) bool { return false }},
	} {
		want := slices.DeleteFunc(slices.Clone(rows), func(u engine.Usage) bool { return !c.meant(u) })
		for _, limit := range []int{2, 1000} {
			var got []engine.Usage
			for after := ""; ; {
				q := c.narrow
				q.AccountID, q.To, q.After, q.Limit = "a", at(100), after, limit
				page, next, err := s.PageUsage(t.Context(), q)
				must(t, "PageUsage() by "+c.name, err)
				if got, after = append(got, page...), next; next == "" {
					break
				}
			}
			if len(got)+len(want) > 0 {
				wantEqual(t, fmt.Sprintf("PageUsage() by %s, %d at a time", c.name, limit), got, want)
			}
		}
	}
	_, _, err := s.PageUsage(t.Context(), engine.UsageQuery{AccountID: "a", SessionID: "\x00", Limit: 1})
	wantInvalid(t, "PageUsage() of a NUL", err, "session_id")
}
