package storetest

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var usageTests = []test{
	{"keeps every member", usageRoundTrip},
	{"a row is stored once", usageOnce},
	{"lists the newest first, within its limit", usageOrder},
	{"odd text and times lose no row", usageOdd},
	{"ids of every form are kept and found", usageIDs},
	{"pages go on after a row, within a range", usagePages},
}

func fullUsage() engine.Usage {
	return engine.Usage{
		AccountID: "acme", ID: "0193-1", Kind: engine.UsageCorrection, Corrects: "0192-7f00-1", RequestID: "req", Attempt: 3, TeamID: "team", UserID: "user", KeyID: "key",
		SessionID: "session", TaskType: "summary", ModelID: "gpt-5.1-codex", ProviderID: "openai", UpstreamID: "gpt-5.3-codex", Substituted: true,
		Source: "rule", Stream: true,
		Tokens: engine.Tokens{
			Prompt: math.MaxInt64, Cached: 2, CacheWrite: 3, CacheWrite1h: 4, Completion: 5, Reasoning: 6,
		},
		Estimated: true, CostNanoUSD: math.MaxInt64, PriceFrom: at(-5), PriceOf: "acme", Unpriced: true, PremiumUse: 33, Outcome: engine.OutcomeTruncated,
		Status: 502, Code: engine.CodeUpstreamFailed, Simulated: true, StartedAt: at(1), LatencyMS: 1 << 40, FirstByteMS: 9,
		Images: 12,
	}
}

func plainUsage(account, id string, started int64) engine.Usage {
	return engine.Usage{AccountID: account, ID: id, RequestID: "r-" + id, StartedAt: at(started)}
}

func wantUsage(t *testing.T, s engine.Store, account, request string, limit int, want ...engine.Usage) {
	t.Helper()
	got, err := s.ListUsage(t.Context(), account, request, limit)
	doing := fmt.Sprintf("ListUsage(%q, %q, %d)", account, request, limit)
	must(t, doing, err)
	wantEqual(t, doing, got, want)
}

func usageRoundTrip(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	in := fullUsage()
	in.StartedAt, in.PriceFrom = finest(1), finest(-5)
	must(t, "AddUsage()", s.AddUsage(t.Context(), []engine.Usage{in, plainUsage("acme", "0193-0", 0)}))
	must(t, "AddUsage() of none", s.AddUsage(t.Context(), nil))
	wantUsage(t, s, "acme", "", 10, fullUsage(), plainUsage("acme", "0193-0", 0))
	wantRevision(t, s, was, 0)
}

func usageOnce(t *testing.T, d Database) {
	s := open(t, d)
	first, again := plainUsage("a", "1", 0), plainUsage("a", "1", 0)
	again.CostNanoUSD = 99
	elsewhere := plainUsage("b", "1", 0)
	elsewhere.CostNanoUSD = 7
	must(t, "AddUsage()", s.AddUsage(t.Context(), []engine.Usage{first, again}))
	must(t, "AddUsage() again", s.AddUsage(t.Context(), []engine.Usage{again, plainUsage("a", "2", 1), elsewhere}))
	wantUsage(t, s, "a", "", 10, plainUsage("a", "2", 1), first)
	wantUsage(t, s, "b", "", 10, elsewhere)
	wantUsage(t, s, "c", "", 10)
}

func usageOrder(t *testing.T, d Database) {
	s := open(t, d)
	var rows []engine.Usage
	for i := range 1100 {
		rows = append(rows, plainUsage("a", fmt.Sprintf("%04d", i), int64(i/3)))
	}
	rows[7].RequestID, rows[8].RequestID = "same", "same"
	shuffled := slices.Clone(rows)
	slices.Reverse(shuffled[100:600])
	must(t, "AddUsage()", s.AddUsage(t.Context(), shuffled))
	slices.Reverse(rows)
	wantUsage(t, s, "a", "", 1, rows[0])
	wantUsage(t, s, "a", "", 1000, rows[:1000]...)
	wantUsage(t, s, "a", "same", 1000, rows[1100-1-8], rows[1100-1-7])
	wantUsage(t, s, "a", "same", 1, rows[1100-1-8])
	wantUsage(t, s, "a", "none", 1)
	for _, limit := range []int{-1, 0, 1001} {
		_, err := s.ListUsage(t.Context(), "a", "", limit)
		wantInvalid(t, fmt.Sprintf("ListUsage(limit %d)", limit), err, "limit")
	}
}

func usageOdd(t *testing.T, d Database) {
	s := open(t, d)
	long := string(slices.Repeat([]byte("é"), 5000))
	odd := plainUsage("a", "odd", 0)
	odd.RequestID, odd.SessionID, odd.TaskType = long, "a\x00b\xffc", long
	odd.Attempt, odd.Status = -1, 1<<20
	odd.StartedAt = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)
	must(t, "AddUsage()", s.AddUsage(t.Context(), []engine.Usage{plainUsage("a", "1", 0), odd, plainUsage("a", "2", 0)}))
	want := odd
	want.RequestID, want.SessionID = long[:254], "a\uFFFDb\uFFFDc" // 255 would cut an é in two
	want.TaskType, want.Attempt, want.Status = long[:254], 0, math.MaxInt16
	want.StartedAt = time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	wantUsage(t, s, "a", "", 10, want, plainUsage("a", "2", 0), plainUsage("a", "1", 0))
	wantUsage(t, s, "a", long, 10, want)
}

func usageIDs(t *testing.T, d Database) {
	s := open(t, d)
	const uuid = "0197a2f0-1111-7222-8333-0123456789ab"
	ids := []string{
		uuid, "0197A2F0-1111-7222-8333-0123456789AB", "0197a2f0-1111-7222-83330123456789ab-", "0197a2f011117222-8333-0123456789ab",
		"0197a2f0-1111-7222-8333-0123456789a", "0197a2f0-1111-7222-8333-0123456789abc", "ffffffff-ffff-ffff-ffff-ffffffffffff", "sixteen bytes, é",
		"00000000-0000-0000-0000-000000000000", "0197a2f0-1111-7222-8333-0123456789-b",
	}
	for i, id := range ids {
		u := plainUsage("a", id, int64(i))
		u.RequestID, u.KeyID, u.SessionID, u.Corrects = id, id, id, id
		must(t, "AddUsage()", s.AddUsage(t.Context(), []engine.Usage{u, u}))
		wantUsage(t, s, "a", id, 10, u)
		got, _, err := s.PageUsage(t.Context(), engine.UsageQuery{AccountID: "a", From: at(0), To: at(100), After: id, Limit: 10})
		must(t, fmt.Sprintf("PageUsage(after %q)", id), err)
		if len(got) != i {
			t.Errorf("PageUsage(after %q) has %d rows, want %d", id, len(got), i)
		}
	}
}

func usagePages(t *testing.T, d Database) {
	s := open(t, d)
	var rows []engine.Usage
	for i := range 40 {
		u := plainUsage("a", fmt.Sprintf("%04d", i), int64(i/4))
		u.StartedAt = u.StartedAt.Add(time.Duration(i/13) * 24 * time.Hour)
		rows = append(rows, u)
	}
	must(t, "AddUsage()", s.AddUsage(t.Context(), append([]engine.Usage{plainUsage("b", "0001", 0)}, rows...)))
	for _, c := range []struct {
		name        string
		from, to    time.Time
		first, last int // of rows
	}{
		{"all", time.Time{}, rows[39].StartedAt.Add(time.Millisecond), 0, 40},
		{"up to a row", time.Time{}, rows[39].StartedAt, 0, 39},
		{"from a row", rows[16].StartedAt, at(0).AddDate(0, 0, 9), 16, 40},
		{"in between", rows[4].StartedAt, rows[28].StartedAt, 4, 28},
		{"nothing", rows[4].StartedAt, rows[4].StartedAt, 0, 0},
	} {
		want := slices.Clone(rows[c.first:c.last])
		slices.Reverse(want)
		for _, limit := range []int{1, 3, 7, 1000} {
			var got []engine.Usage
			for after := ""; ; {
				page, next, err := s.PageUsage(t.Context(), engine.UsageQuery{AccountID: "a", From: c.from, To: c.to, After: after, Limit: limit})
				must(t, c.name+": PageUsage()", err)
				if got, after = append(got, page...), next; next == "" {
					break
				}
			}
			if len(got)+len(want) > 0 {
				wantEqual(t, fmt.Sprintf("%s: pages of %d", c.name, limit), got, want)
			}
		}
	}
	got, next, err := s.PageUsage(t.Context(), engine.UsageQuery{AccountID: "a", To: at(0).AddDate(0, 0, 9), After: "none", Limit: 10})
	if err != nil || len(got) != 0 || next != "" {
		t.Errorf("PageUsage() after a row that is not there = %v, %q, %v, want none", got, next, err)
	}
	for _, limit := range []int{0, 1001} {
		_, _, err := s.PageUsage(t.Context(), engine.UsageQuery{AccountID: "a", From: at(0), To: at(1), Limit: limit})
		wantInvalid(t, fmt.Sprintf("PageUsage(limit %d)", limit), err, "limit")
	}
	_, _, err = s.PageUsage(t.Context(), engine.UsageQuery{AccountID: "a", From: at(0), To: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), Limit: 1})
	wantInvalid(t, "PageUsage() to the year 12000", err, "to")
}
