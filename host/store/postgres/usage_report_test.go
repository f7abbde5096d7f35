package postgres

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// copies is how often each row is there that a test multiplies.
const copies = 50

// multiplyUsage makes copies of every row that is there, with ids of their own, and of the
// sums what they are over those: as many calls again at the same moments.
func multiplyUsage(t testing.TB, address string, from time.Time, days int) {
	t.Helper()
	others := strings.Join(usageColumns, ", ")
	others = strings.Replace(others, " id,", " substr(id, 1, 13) || int4send(n),", 1) // its last four bytes are random
	insert := fmt.Sprintf(`insert into usage (%s) select %s from usage, generate_series(1, %d) n
		where started_at >= $1 and started_at < $2 order by account_id, id`, strings.Join(usageColumns, ", "), others, copies-1)
	var work errgroup.Group
	work.SetLimit(2)
	for day := range days {
		work.Go(func() error {
			conn, err := pgx.Connect(context.Background(), address)
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close(context.Background()) }()
			_, err = conn.Exec(t.Context(), insert, from.AddDate(0, 0, day), from.AddDate(0, 0, day+1))
			return err
		})
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	sums := []string{
		"requests", "attempts", "errors", "prompt_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens",
		"completion_tokens", "reasoning_tokens", "cost_nano_usd", "premium_use", "estimated", "unpriced", "latency", "first_byte",
	}
	for i, column := range sums {
		sums[i] = fmt.Sprintf("%s = %s * %d", column, column, copies)
	}
	conn := connect(t, address)
	for _, statement := range []string{"update usage_rollups set " + strings.Join(sums, ", "), "vacuum analyze usage_rollups"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// A report reads what was summed up, however many rows there are: it goes on while nobody
// may look at a row.
func TestReportsNeedNoRowsSoak(t *testing.T) {
	t.Parallel()
	rows := 200_000
	if os.Getenv("POINTSMAN_SOAK") != "" {
		rows = 10_000_000
	}
	const days = 30
	address := migrated.PostgresURL(t)
	s, conn := mustOpen(t, address, Config{}), connect(t, address)
	from, begun := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Now()
	addAll(t, s, rows/copies, 2000, from, days*24*time.Hour-time.Hour)
	t.Logf("%d rows were added at %.0f a second", rows/copies, float64(rows/copies)/time.Since(begun).Seconds())
	multiplyUsage(t, address, from, days)
	if n := ask[int64](t, conn, "select count(*) from usage")[0]; n != int64(rows) {
		t.Fatalf("there are %d rows, want %d", n, rows)
	}
	// That the sums are those of the rows, the service itself says, of one day.
	grains := []engine.Grain{engine.GrainMinute, engine.GrainHour, engine.GrainDay}
	if c, err := s.RecountUsage(t.Context(), from.AddDate(0, 0, days/2), grains); err != nil || c.Repaired != 0 || c.Rows < int64(rows/days/2) {
		t.Errorf("RecountUsage() = %+v, %v, want about %d rows and no difference", c, err, rows/days)
	}
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
		{"a month by day and model", engine.ReportQuery{Grain: engine.GrainDay, GroupBy: []string{engine.DimModel}, Series: true}, 4 * days},
		{"a month of the ten dearest users", engine.ReportQuery{Grain: engine.GrainDay, GroupBy: []string{engine.DimUser}, Limit: 10}, 10},
		{"a month by model, from hours", engine.ReportQuery{Grain: engine.GrainHour, GroupBy: []string{engine.DimModel}}, 4},
	} {
		q := c.query
		q.AccountID, q.From, q.To = "acme-engineering", from, from.AddDate(0, 0, days+1)
		got, err := s.Report(t.Context(), q)
		if err != nil || len(got) != c.groups {
			t.Fatalf("%s: Report() = %d groups, %v, want %d", c.name, len(got), err, c.groups)
		}
		best := time.Hour
		for range 20 {
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
	if sums > (days+1)*400 {
		t.Errorf("there are %d sums of days, want at most one for each day, user and model", sums)
	}
}

// BenchmarkSummary is a summary of a month by model, over 200,000 rows.
func BenchmarkSummary(b *testing.B) {
	const rows, days = 200_000, 30
	address := migrated.PostgresURL(b)
	s, from := mustOpen(b, address, Config{}), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	addAll(b, s, rows/copies, 2000, from, days*24*time.Hour-time.Hour)
	multiplyUsage(b, address, from, days)
	q := engine.ReportQuery{AccountID: "acme-engineering", From: from, To: from.AddDate(0, 0, days+1), Grain: engine.GrainDay, GroupBy: []string{engine.DimModel, engine.DimProvider}}
	for b.Loop() {
		if got, err := s.Report(b.Context(), q); err != nil || len(got) != 4 {
			b.Fatalf("Report() = %d groups, %v, want 4", len(got), err)
		}
	}
}
