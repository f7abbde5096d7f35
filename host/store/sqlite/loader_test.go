package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pointsman/pointsman/engine"
)

var loadedAt = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func loadedRow(n int) engine.Usage {
	return engine.Usage{
		AccountID: "acme", ID: fmt.Sprintf("%08d-0000-7000-8000-000000000000", n), RequestID: fmt.Sprint("r-", n), ModelID: "gpt-5",
		Outcome: engine.OutcomeOK, Tokens: engine.Tokens{Prompt: int64(n), Cached: int64(n % 2)}, CostNanoUSD: 1000, StartedAt: loadedAt, LatencyMS: int64(n),
	}
}

func loadedRows(from, to int) (rows []engine.Usage) {
	for n := from; n < to; n++ {
		rows = append(rows, loadedRow(n))
	}
	return rows
}

// mustHold checks that there are n rows, each what loadedRow made of its number, and that the
// sums have each of them once.
func mustHold(t *testing.T, s *Store, n int) {
	t.Helper()
	stored := 0
	for i := range n {
		rows, err := s.ListUsage(t.Context(), "acme", fmt.Sprint("r-", i), 10)
		if err != nil {
			t.Fatal(err)
		}
		stored += len(rows)
		if want := loadedRow(i); len(rows) != 1 || rows[0] != want {
			t.Fatalf("ListUsage(r-%d) = %+v, want %+v alone", i, rows, want)
		}
	}
	for _, grain := range []engine.Grain{engine.GrainMinute, engine.GrainHour, engine.GrainDay} {
		sums, err := s.Report(t.Context(), engine.ReportQuery{AccountID: "acme", From: loadedAt.Truncate(24 * time.Hour), To: loadedAt.Truncate(24 * time.Hour).Add(24 * time.Hour), Grain: grain})
		if err != nil {
			t.Fatal(err)
		}
		attempts := int64(0)
		for _, sum := range sums {
			attempts += sum.Attempts
		}
		if attempts != int64(stored) {
			t.Errorf("Report(%s) has %d attempts, want %d", grain, attempts, stored)
		}
	}
}

// A batch is cut into statements of many rows and of one: each row is written, whatever their number.
func TestLoaderWritesEveryRow(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "p.db"), Config{})
	n := 0
	for _, size := range []int{1, 7, 8, 9, 64, 65, 73} {
		added, err := s.PostUsage(t.Context(), loadedRows(n, n+size))
		if err != nil || len(added) != size {
			t.Fatalf("PostUsage() of %d rows = %d rows, %v, want all", size, len(added), err)
		}
		n += size
	}
	mustHold(t, s, n)
}

// Only what is new counts, wherever in a batch it is.
func TestLoaderKnowsWhatIsThere(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "p.db"), Config{})
	for _, c := range []struct {
		name     string
		from, to int
		want     int
	}{
		{"all are new", 10, 30, 20},
		{"none is", 10, 30, 0},
		{"some are", 0, 100, 80},
	} {
		added, err := s.PostUsage(t.Context(), loadedRows(c.from, c.to))
		if err != nil || len(added) != c.want {
			t.Fatalf("%s: PostUsage() = %d rows, %v, want %d", c.name, len(added), err, c.want)
		}
	}
	mustHold(t, s, 100)
}

// Texts are longer than the memory that parameters have at first.
func TestLoaderTakesLongTexts(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "p.db"), Config{})
	var rows []engine.DecisionRow
	for n := range 9 {
		rows = append(rows, engine.DecisionRow{
			AccountID: "acme", RequestID: fmt.Sprint("r-", n), At: loadedAt, Model: strings.Repeat(fmt.Sprint(n), n*3_000), Data: []byte(strings.Repeat("x", n*arenaBlock/4)),
		})
	}
	for range 2 { // the second time from the memory that the first one left
		if err := s.AddDecisions(t.Context(), rows); err != nil {
			t.Fatalf("AddDecisions() = %v, want nil", err)
		}
		for n, want := range rows {
			got, err := s.GetDecision(t.Context(), engine.DecisionFilter{AccountID: "acme"}, want.RequestID)
			if err != nil || got.Model != want.Model || string(got.Data) != string(want.Data) {
				t.Fatalf("GetDecision(%d) has %d and %d bytes, %v, want %d and %d", n, len(got.Model), len(got.Data), err, len(want.Model), len(want.Data))
			}
		}
		for i := range rows {
			rows[i].RequestID += "-again"
		}
	}
}

// A batch that is refused leaves nothing, and the next one is written.
func TestLoaderAfterARefusal(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "p.db"), Config{})
	if err := s.AddUsage(t.Context(), loadedRows(0, 10)); err != nil {
		t.Fatal(err)
	}
	s.loader.mu.Lock()
	err := s.loader.run("pragma max_page_count = 1") // which is taken as the present size
	s.loader.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	err = s.AddUsage(t.Context(), loadedRows(10, 1_000))
	if err == nil || !strings.Contains(err.Error(), "full (13)") {
		t.Errorf("AddUsage() without space = %v, want an error that says so", err)
	}
	mustHold(t, s, 10)
	// The next is on another connection, which has no such bound.
	if err := s.AddUsage(t.Context(), loadedRows(10, 100)); err != nil {
		t.Errorf("AddUsage() with space again = %v, want nil", err)
	}
	mustHold(t, s, 100)
}

// A caller's deadline ends a batch between its statements, and nothing of it stays.
func TestLoaderStopsAtTheDeadline(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "p.db"), Config{})
	ctx, cancel := context.WithCancel(t.Context())
	err := s.load(ctx, "add usage", func(ctx context.Context, l *loader) error {
		if _, err := l.addUsage(ctx, loadedRows(0, 10)); err != nil {
			return err
		}
		cancel()
		_, err := l.addUsage(ctx, loadedRows(10, 20))
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("load() = %v, want %v", err, context.Canceled)
	}
	if err := s.AddUsage(t.Context(), loadedRows(0, 5)); err != nil {
		t.Fatal(err)
	}
	mustHold(t, s, 5)
	if rows, err := s.ListUsage(t.Context(), "acme", "", 100); err != nil || len(rows) != 5 {
		t.Errorf("ListUsage() = %d rows, %v, want 5", len(rows), err)
	}
}

// A panic is contained by who writes rows, and must not keep the database locked.
func TestLoaderAfterAPanic(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "p.db"), Config{})
	func() {
		defer func() { _ = recover() }()
		_ = s.load(t.Context(), "add usage", func(ctx context.Context, l *loader) error {
			if _, err := l.addUsage(ctx, loadedRows(0, 10)); err != nil {
				return err
			}
			panic("no")
		})
	}()
	if err := s.PutSetting(t.Context(), "a", "b"); err != nil {
		t.Errorf("PutSetting() after a panic = %v, want nil", err)
	}
	if err := s.AddUsage(t.Context(), loadedRows(0, 5)); err != nil {
		t.Errorf("AddUsage() after a panic = %v, want nil", err)
	}
	mustHold(t, s, 5)
}

// What SQLite says reaches callers as the driver's errors do.
func TestLoaderErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code int
		want engine.Code
	}{
		{sqlite3.SQLITE_CONSTRAINT_NOTNULL, engine.CodeInvalid},
		{sqlite3.SQLITE_TOOBIG, engine.CodeInvalid},
	} {
		if got := engine.CodeOf(settle("add usage", &fault{c.code, "no"})); got != c.want {
			t.Errorf("settle(%d) has the code %q, want %q", c.code, got, c.want)
		}
	}
}

func TestLoaderAfterClose(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "p.db"), Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddUsage(t.Context(), loadedRows(0, 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.AddUsage(t.Context(), loadedRows(1, 2)); err == nil {
		t.Error("AddUsage() after Close = nil, want an error")
	}
	if err := s.loader.transact(t.Context(), nil); err != errLoaderClosed { //nolint:errorlint // it is this one
		t.Errorf("transact() after Close = %v, want %v", err, errLoaderClosed)
	}
}
