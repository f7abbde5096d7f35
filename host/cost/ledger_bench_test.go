//go:build unix

package cost_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost"
	"github.com/pointsman/pointsman/host/cost/budget"
)

// BenchmarkLedgerReserveSettle is all that money costs an attempt: two budgets, the
// reservation and the row on the disk. Goal: 3 µs (one processor). cpu-ns/op is what all of
// the process took, the rows' way to the database with it.
func BenchmarkLedgerReserveSettle(b *testing.B) {
	g := budget.New(budget.Config{})
	day := engine.Budget{AccountID: "acme", ID: "day", Period: engine.PeriodDay, NanoUSD: 1 << 59, Hard: true, Enabled: true}
	team := day
	team.ID, team.TeamID, team.Period = "team", "red", engine.PeriodMonth
	if err := g.Set(b.Context(), 1, []engine.Budget{day, team}); err != nil {
		b.Fatal(err)
	}
	l, err := cost.Open(cost.Config{Dir: b.TempDir(), Store: noStore{}, Budgets: g})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	u := engine.Usage{AccountID: "acme", TeamID: "red", UserID: "bob", KeyID: "k", ModelID: "gpt-5", ProviderID: "openai", RequestID: "r", StartedAt: time.Now()}
	b.ReportAllocs()
	ids := make([]byte, 16)
	before := processor(b)
	for n := 0; b.Loop(); n++ {
		for i := range ids {
			ids[i] = 'a' + byte(n>>(4*i)&15)
		}
		u.ID = string(ids)
		h, err := l.Reserve(ctx, &u, engine.Spent{NanoUSD: 1000, Tokens: 1000})
		if err != nil {
			b.Fatal(err)
		}
		u.CostNanoUSD = 500
		h.Settle(u)
	}
	b.ReportMetric(float64(processor(b)-before)/float64(b.N), "cpu-ns/op")
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	_ = l.Close()
}

// processor is the time in nanoseconds that processors have spent on this process.
func processor(b *testing.B) int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
