package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// TestFailedStart: a start that fails keeps what an earlier process left, also files that
// hold nothing but reservations.
func TestFailedStart(t *testing.T) {
	media(t, func(t *testing.T, cfg Config) {
		s, d := open(t, cfg), newDatabase()
		reserve(t, s, "under way")
		left := s.current.Load().path
		crash(s)
		unreadable := filepath.Join(cfg.Dir, fmt.Sprintf("%012d%s", 2, suffix))
		if err := os.Mkdir(unreadable, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(cfg); err == nil {
			t.Fatal("Open = nil with a file that cannot be read, want the reason")
		}
		if _, err := os.Stat(left); err != nil {
			t.Errorf("after a start that failed: %v, want the file of the reservation", err)
		}
		if err := os.Remove(unreadable); err != nil {
			t.Fatal(err)
		}
		s = open(t, cfg) // the folder is free again
		flush(t, s, d)
		if got := d.rows["under way"].Outcome; got != engine.OutcomeInterrupted {
			t.Errorf("outcome = %q after a start that failed and one that did not, want %q", got, engine.OutcomeInterrupted)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
