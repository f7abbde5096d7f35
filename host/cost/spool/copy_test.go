package spool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// TestCopiedFile: files that are there twice, as after a careless restore, and rows that are
// handed on again and again, are one row each in the end.
func TestCopiedFile(t *testing.T) {
	media(t, func(t *testing.T, cfg Config) {
		s, d := open(t, cfg), newDatabase()
		lost := errors.New("the answer is lost")
		unheard := func(ctx context.Context, rows []engine.Usage) error { return errors.Join(d.write(ctx, rows), lost) }
		for _, id := range []string{"1", "2", "open"} {
			token, u := reserve(t, s, id)
			if id != "open" {
				s.Settle(token, settled(u))
			}
		}
		path := s.current.Load().path
		crash(s)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), suffix)
		for _, copied := range []string{name[:len(name)-1] + "0", name[:len(name)-1] + "9"} { // before it and after it
			if err := os.WriteFile(filepath.Join(cfg.Dir, copied+suffix), whole, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if n := files(t, cfg.Dir); n != 3 {
			t.Fatalf("there are %d files, want one and two copies", n)
		}
		for range 2 { // starts, whose rows are stored without their hearing of it
			s = open(t, cfg)
			for range 2 {
				if err := s.Flush(t.Context(), unheard); !errors.Is(err, lost) {
					t.Fatalf("Flush = %v, want %v", err, lost)
				}
			}
			crash(s)
		}
		s = open(t, cfg)
		flush(t, s, d)
		if got := d.ids(); len(got) != 3 {
			t.Errorf("the database has %v, want each row once", got)
		}
		for id, want := range map[string]engine.Outcome{"1": engine.OutcomeOK, "2": engine.OutcomeOK, "open": engine.OutcomeInterrupted} {
			if got := d.rows[id].Outcome; got != want {
				t.Errorf("row %s is %q, want %q", id, got, want)
			}
		}
		flush(t, s, d)
		if n := files(t, cfg.Dir); n > 1 || s.Stats().Pending != 0 {
			t.Errorf("%d files and %d rows are left, want the current file and none", n, s.Stats().Pending)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
