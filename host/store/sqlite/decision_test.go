package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// What a decision takes on the disk, its indexes included.
func TestDecisionsAreSmall(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "p.db"), Config{})
	size := func() (pages int64) {
		t.Helper()
		var each, free int64
		for _, q := range []struct {
			text string
			into *int64
		}{{"pragma page_count", &pages}, {"pragma page_size", &each}, {"pragma freelist_count", &free}} {
			if err := s.reader.QueryRowContext(t.Context(), q.text).Scan(q.into); err != nil {
				t.Fatal(err)
			}
		}
		return (pages - free) * each
	}
	before := size()
	rows := storetest.UsualDecisions(3_000)
	for len(rows) > 0 {
		n := min(len(rows), 500)
		if err := s.AddDecisions(t.Context(), rows[:n]); err != nil {
			t.Fatal(err)
		}
		rows = rows[n:]
	}
	each := (size() - before) / 3_000
	t.Logf("%d bytes a decision", each)
	if each > 600 {
		t.Errorf("a decision takes %d bytes, want at most 600", each)
	}
}

// BenchmarkScanDecisions reads and decodes 100,000 decisions.
func BenchmarkScanDecisions(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "p.db"), Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	rows := storetest.UsualDecisions(100_000)
	for len(rows) > 0 {
		n := min(len(rows), 5_000)
		if err := s.AddDecisions(b.Context(), rows[:n]); err != nil {
			b.Fatal(err)
		}
		rows = rows[n:]
	}
	for b.Loop() {
		err := s.ScanDecisions(b.Context(), "", time.Unix(0, 0), time.Unix(1<<34, 0), func(rows []engine.DecisionRow) error {
			for i := range rows {
				if _, err := rows[i].Decode(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
