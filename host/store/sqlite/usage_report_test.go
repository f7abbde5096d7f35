package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// A report reads what was summed up, however many rows there are: it is the same when the
// rows are gone.
func TestReportsNeedNoRowsSoak(t *testing.T) {
	t.Parallel()
	rows := 3_000
	if os.Getenv("POINTSMAN_SOAK") != "" {
		rows = 500_000
	}
	const days, models, users = 30, 4, 50
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "p.db"), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	from, begun := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Now()
	var batch []engine.Usage
	for n := range rows {
		batch = append(batch, engine.Usage{
			AccountID: "acme", ID: uuid.Must(uuid.NewV7()).String(), RequestID: uuid.Must(uuid.NewV7()).String(), Attempt: 1,
			UserID: fmt.Sprint("user-", n/models%users), KeyID: "key", ModelID: fmt.Sprint("model-", n%models), ProviderID: "openai", UpstreamID: "gpt-5",
			Source: "default", Outcome: engine.OutcomeOK, Status: 200, Tokens: engine.Tokens{Prompt: 100, Completion: 10}, CostNanoUSD: 1000,
			StartedAt: from.Add(time.Duration(n) * (days * 24 * time.Hour / time.Duration(rows))), LatencyMS: int64(100 + n%900), FirstByteMS: 50,
		})
		if len(batch) < 10_000 && n < rows-1 {
			continue
		}
		if err := s.AddUsage(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		batch = batch[:0]
	}
	t.Logf("%d rows were added at %.0f a second", rows, float64(rows)/time.Since(begun).Seconds())
	reports := []struct {
		name   string
		query  engine.ReportQuery
		groups int
	}{
		{"a month in one sum", engine.ReportQuery{}, 1},
		{"a month by model", engine.ReportQuery{GroupBy: []string{engine.DimModel}}, models},
		{"a month by day and model", engine.ReportQuery{GroupBy: []string{engine.DimModel}, Series: true}, models * days},
	}
	look := func(when string) {
		for _, c := range reports {
			q := c.query
			q.AccountID, q.From, q.To, q.Grain = "acme", from, from.AddDate(0, 0, days), engine.GrainDay
			best, attempts := time.Hour, int64(0)
			for range 10 {
				began := time.Now()
				got, err := s.Report(t.Context(), q)
				if best = min(best, time.Since(began)); err != nil || len(got) != c.groups {
					t.Fatalf("%s, %s: Report() = %d groups, %v, want %d", c.name, when, len(got), err, c.groups)
				}
				attempts = 0
				for _, r := range got {
					attempts += r.Attempts
				}
			}
			t.Logf("%s, %s: %s at best", c.name, when, best.Round(100*time.Microsecond))
			if attempts != int64(rows) {
				t.Errorf("%s, %s: Report() is over %d attempts, want %d", c.name, when, attempts, rows)
			}
		}
	}
	look("with the rows")
	if _, err := s.writer.ExecContext(t.Context(), "delete from usage"); err != nil {
		t.Fatal(err)
	}
	look("without")
}
