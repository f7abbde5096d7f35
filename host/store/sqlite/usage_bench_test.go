package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// A row here is a row of the ledger with its share of the rollups. Batches of one are what a
// gateway writes that has little to do.
func BenchmarkAddUsage(b *testing.B) {
	for _, size := range []int{1, 100, 2000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, err := Open(b.Context(), filepath.Join(b.TempDir(), "p.db"), Config{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			begin := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
			rows := make([]engine.Usage, 0, size)
			b.ResetTimer()
			for n := range b.N {
				rows = append(rows, engine.Usage{
					AccountID: "acme", ID: uuid.Must(uuid.NewV7()).String(), RequestID: uuid.Must(uuid.NewV7()).String(), Attempt: 1,
					UserID: fmt.Sprint("user-", n%50), KeyID: "key", ModelID: "gpt-5", ProviderID: "openai", UpstreamID: "gpt-5", Source: "default",
					Outcome: engine.OutcomeOK, Status: 200, Tokens: engine.Tokens{Prompt: 100, Completion: 10}, CostNanoUSD: 1000,
					StartedAt: begin.Add(time.Duration(n) * time.Millisecond), LatencyMS: int64(100 + n%900), FirstByteMS: 50,
				})
				if len(rows) < size && n < b.N-1 {
					continue
				}
				if err := s.AddUsage(b.Context(), rows); err != nil {
					b.Fatal(err)
				}
				rows = rows[:0]
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
