package postgres

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// addAll writes rows as four replicas would, in batches of so many.
func addAll(tb testing.TB, s *Store, rows, batch int, from time.Time, over time.Duration) {
	tb.Helper()
	var next atomic.Int64
	var group sync.WaitGroup
	for n := range 4 {
		group.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 9))
			for at := next.Add(int64(batch)) - int64(batch); at < int64(rows); at = next.Add(int64(batch)) - int64(batch) {
				size := min(batch, rows-int(at))
				// Rows come in the order of their time, or nearly.
				begin := from.Add(time.Duration(float64(over) * float64(at) / float64(rows)))
				part := workload(r, size, begin, time.Duration(float64(over)*float64(size)/float64(rows))+time.Second)
				if err := s.AddUsage(context.Background(), part); err != nil {
					tb.Errorf("AddUsage() = %v, want nil", err)
					return
				}
			}
		})
	}
	group.Wait()
}

// A row here is a row of the ledger with its share of the rollups.
func BenchmarkAddUsage(b *testing.B) {
	for _, batch := range []struct {
		name string
		rows int
	}{{"500", 500}, {"2000", 2000}} {
		b.Run(batch.name, func(b *testing.B) {
			s, err := Open(b.Context(), migrated.PostgresURL(b), Config{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			from := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
			addAll(b, s, 4*batch.rows, batch.rows, from, time.Second) // partitions, connections, plans
			b.ResetTimer()
			addAll(b, s, b.N, batch.rows, from, time.Duration(b.N)*50*time.Microsecond) // as 20,000 a second come
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
