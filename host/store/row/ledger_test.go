package row

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func FuzzPackID(f *testing.F) {
	for _, id := range []string{
		"", "a", "0197a2f0-1111-7222-8333-0123456789ab", "0197A2F0-1111-7222-8333-0123456789AB", "----------------------------------",
		"0197a2f0-1111-7222-8333-0123456789-b", strings.Repeat("-", 36), strings.Repeat("a", 17),
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if !storable(id) {
			t.Skip("no row has such an id")
		}
		if got := ParseID(PackID(id)); got != id {
			t.Errorf("ParseID(PackID(%q)) = %q, want it as it was", id, got)
		}
	})
}

func TestPackedUUIDsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	ids := []string{
		"00000000-0000-0000-0000-000000000000", "0197a2f0-1111-7222-8333-0123456789ab", "0197a2f0-1111-7222-8333-0123456789ac",
		"0197a2f0-1112-7000-8000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
	}
	for i, id := range ids {
		if len(PackID(id)) != 17 {
			t.Errorf("PackID(%q) has %d bytes, want 17", id, len(PackID(id)))
		}
		if i > 0 && slices.Compare(PackID(ids[i-1]), PackID(id)) >= 0 {
			t.Errorf("PackID(%q) is not behind PackID(%q)", id, ids[i-1])
		}
	}
}

// What the databases do with sums of latencies: numbers are added up, lists put together.
func TestSumsOfLatencies(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		var want engine.LatencyBuckets
		sum, list := new(big.Int), ""
		for range r.IntN(5) {
			var b engine.LatencyBuckets
			for range r.IntN(6) {
				b[r.IntN(len(b))] = r.Int64N(1e11)
			}
			want.Merge(b)
			sum.Add(sum, wholeNumber(t, LatencyNumber(&b)))
			list += LatencyList(&b)
		}
		if got, err := ParseLatencyNumber(sum.String()); err != nil || got != want {
			t.Fatalf("ParseLatencyNumber(%s) = %v, %v, want %v", sum, got, err, want)
		}
		if got, err := ParseLatencyList(list); err != nil || got != want {
			t.Fatalf("ParseLatencyList(%q) = %v, %v, want %v", list, got, err, want)
		}
	}
	for _, damaged := range []string{"-1", "1.5", "x", strings.Repeat("9", 32*12+1)} {
		if _, err := ParseLatencyNumber(damaged); err == nil {
			t.Errorf("ParseLatencyNumber(%q) = nil, want an error", damaged)
		}
	}
	for _, damaged := range []string{"1", "1:", ":1", "32:1 ", "-1:1 ", "1:1  2:1"} {
		if _, err := ParseLatencyList(damaged); err == nil {
			t.Errorf("ParseLatencyList(%q) = nil, want an error", damaged)
		}
	}
	beyond := engine.LatencyBuckets{0: 1, 1: 2e12, 2: 3}
	if got, err := ParseLatencyNumber(wholeNumber(t, LatencyNumber(&beyond)).String()); err != nil || got != (engine.LatencyBuckets{0: 1, 1: 1e12 - 1, 2: 3}) {
		t.Errorf("a count beyond a bucket's digits became %v, %v, want the neighbours as they were", got, err)
	}
}

func wholeNumber(t *testing.T, text string) *big.Int {
	t.Helper()
	f, _, err := big.ParseFloat(text, 10, 2000, big.ToZero)
	if err != nil {
		t.Fatal(err)
	}
	n, accuracy := f.Int(nil)
	if accuracy != big.Exact {
		t.Fatalf("%s is no whole number", text)
	}
	return n
}

func TestRollupsAreOfEveryGrainInTheOrderOfTheirKeys(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	row := func(account, team, user, when string) engine.Usage {
		return engine.Usage{AccountID: account, TeamID: team, UserID: user, StartedAt: at(when), Attempt: 1, CostNanoUSD: 1}
	}
	got := Rollups([]engine.Usage{
		row("b", "", "", "2026-01-01 00:00:00"), row("a", "x", "", "2026-01-01 00:59:59"), row("a", "x", "", "2026-01-01 00:59:00"),
		row("a", "x", "", "2026-01-01 01:00:00"), row("a", "", "x", "2026-01-02 00:00:00"),
	})
	want := []struct {
		account string
		grain   engine.Grain
		at      string
		n       int64
	}{
		{"a", "day", "2026-01-01 00:00:00", 3}, {"a", "day", "2026-01-02 00:00:00", 1},
		{"a", "hour", "2026-01-01 00:00:00", 2}, {"a", "hour", "2026-01-01 01:00:00", 1}, {"a", "hour", "2026-01-02 00:00:00", 1},
		{"a", "minute", "2026-01-01 00:59:00", 2}, {"a", "minute", "2026-01-01 01:00:00", 1}, {"a", "minute", "2026-01-02 00:00:00", 1},
		{"b", "day", "2026-01-01 00:00:00", 1}, {"b", "hour", "2026-01-01 00:00:00", 1}, {"b", "minute", "2026-01-01 00:00:00", 1},
	}
	if len(got) != len(want) {
		t.Fatalf("Rollups() = %d groups, want %d", len(got), len(want))
	}
	for i, w := range want {
		if r := got[i]; r.AccountID != w.account || r.Grain != w.grain || !r.At.Equal(at(w.at)) || r.Sums.Requests != w.n || r.Sums.CostNanoUSD != w.n {
			t.Errorf("Rollups()[%d] = %s %s %s of %d, want %v", i, r.AccountID, r.Grain, r.At, r.Sums.Requests, w)
		}
	}
	if got[0].Digest == got[1].Digest {
		t.Error("team x and user x have one digest")
	}
}
