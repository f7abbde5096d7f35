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
	in.Decision = "rule → gpt" // which is too long for a row
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
