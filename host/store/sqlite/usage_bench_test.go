//go:build unix

package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// What a row costs in processor time, which is what requests lose to it. A row is one of the ledger
// with its share of the sums, or a decision. Batches of one are what a gateway writes that has
// little to do; one with 5,000 requests a second writes some 1,000 at once.
func BenchmarkLoadUsage(b *testing.B) {
	for _, c := range []struct {
		name           string
		size, accounts int
	}{{"1", 1, 1}, {"200", 200, 1}, {"2000", 2000, 1}, {"2000 of 1000 accounts", 2000, 1000}} {
		b.Run(c.name, func(b *testing.B) {
			begin := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
			measure(b, c.size, func(n int) engine.Usage {
				return engine.Usage{
					AccountID: fmt.Sprint("account-", n%c.accounts), ID: newID(), RequestID: newID(), Attempt: 1,
					UserID: fmt.Sprint("user-", n%50), KeyID: "key", ModelID: "gpt-5", ProviderID: "openai", UpstreamID: "gpt-5", Source: "default",
					Outcome: engine.OutcomeOK, Status: 200, Tokens: engine.Tokens{Prompt: 100, Completion: 10}, CostNanoUSD: 1000,
					StartedAt: begin.Add(time.Duration(n) * time.Millisecond / 5), LatencyMS: int64(100 + n%900), FirstByteMS: 50,
				}
			}, (*Store).AddUsage)
		})
	}
}

func BenchmarkLoadDecisions(b *testing.B) {
	for _, size := range []int{1, 200, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			begin := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
			data := make([]byte, 130)
			measure(b, size, func(n int) engine.DecisionRow {
				return engine.DecisionRow{
					AccountID: "acme", RequestID: newID(), UserID: fmt.Sprint("user-", n%50), KeyID: "key", Source: "default", Model: "gpt-5",
					Provider: "openai", CostNanoUSD: 1000, At: begin.Add(time.Duration(n) * time.Millisecond / 5), Data: data,
				}
			}, (*Store).AddDecisions)
		})
	}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// measure adds a batch per iteration. Making its rows is not counted.
func measure[R any](b *testing.B, size int, row func(n int) R, add func(*Store, context.Context, []R) error) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "p.db"), Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	rows := make([]R, size)
	next, spent := 0, int64(0)
	batch := func() {
		for i := range rows {
			rows[i] = row(next)
			next++
		}
		began := processor(b)
		if err := add(s, b.Context(), rows); err != nil {
			b.Fatal(err)
		}
		spent += processor(b) - began
	}
	batch() // which makes the connection, and compiles statements
	spent = 0
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		batch()
	}
	b.ReportMetric(float64(spent)/float64(b.N*size)/1e3, "cpu-µs/row")
}

// processor is the time in nanoseconds that processors have spent on this process.
func processor(b *testing.B) int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
