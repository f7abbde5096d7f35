package postgres

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
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

// A report reads what was summed up, however many rows there are: it goes on while nobody
// may look at a row.
func TestReportsNeedNoRowsSoak(t *testing.T) {
	t.Parallel()
	rows := 20_000
	if os.Getenv("POINTSMAN_SOAK") != "" {
		rows = 10_000_000
	}
	address := migrated.PostgresURL(t)
	s, conn := mustOpen(t, address, Config{}), connect(t, address)
	from, begun := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Now()
	addAll(t, s, rows, 2000, from, 30*24*time.Hour-time.Hour)
	t.Logf("%d rows were added at %.0f a second", rows, float64(rows)/time.Since(begun).Seconds())
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "lock table usage in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		query  engine.ReportQuery
		groups int
	}{
		{"a month in one sum", engine.ReportQuery{Grain: engine.GrainDay}, 1},
		{"a month by model", engine.ReportQuery{Grain: engine.GrainDay, GroupBy: []string{engine.DimModel, engine.DimProvider}}, 4},
		{"a month by day and model", engine.ReportQuery{Grain: engine.GrainDay, GroupBy: []string{engine.DimModel}, Series: true}, 120},
		{"a month of the ten dearest users", engine.ReportQuery{Grain: engine.GrainDay, GroupBy: []string{engine.DimUser}, Limit: 10}, 10},
	} {
		q := c.query
		q.AccountID, q.From, q.To = "acme-engineering", from, from.AddDate(0, 0, 31)
		got, err := s.Report(t.Context(), q)
		if err != nil || len(got) != c.groups {
			t.Fatalf("%s: Report() = %d groups, %v, want %d", c.name, len(got), err, c.groups)
		}
		best := time.Hour
		for range 5 {
			began := time.Now()
			if _, err := s.Report(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(began))
		}
		attempts := int64(0)
		for _, r := range got {
			attempts += r.Attempts
		}
		t.Logf("%s: %s at best, over %d attempts", c.name, best.Round(100*time.Microsecond), attempts)
		if q.Limit == 0 && attempts != int64(rows) {
			t.Errorf("%s: Report() is over %d attempts, want %d", c.name, attempts, rows)
		}
	}
	sums := ask[int64](t, conn, "select count(*) from usage_rollups where grain = 'day'")[0]
	t.Logf("%d sums of days were read instead of %d rows", sums, rows)
	if sums > 31*400 {
		t.Errorf("there are %d sums of days, want at most one for each day, user and model", sums)
	}
}
