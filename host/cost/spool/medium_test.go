package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// TestNoRoom: a file of a fixed size is full before anybody flushes, under many writers.
func TestNoRoom(t *testing.T) {
	s, d := open(t, Config{Dir: t.TempDir(), SegmentBytes: 1}), newDatabase()
	record := int64(len(appendRecord(nil, kindSettle, settled(attempt("0-000")))))
	const workers, files = 4, 3
	each := int(files * s.capacity() / record / workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				s.Settle(Token{}, settled(attempt(fmt.Sprintf("%d-%03d", w, i))))
			}
		})
	}
	wg.Wait()
	st := s.Stats()
	if st.Pending != int64(workers*each) || st.Full {
		t.Errorf("Stats() = %+v, want %d pending", st, workers*each)
	}
	if _, mapped := s.current.Load().out.(plain); !mapped && st.Segments < files {
		t.Errorf("there are %d files, want %d at least", st.Segments, files)
	}
	flush(t, s, d)
	flush(t, s, d)
	if got := len(d.ids()); got != workers*each {
		t.Errorf("%d rows, want %d", got, workers*each)
	}
	if st = s.Stats(); st.Pending != 0 || st.Segments > 2 {
		t.Errorf("Stats() = %+v, want nothing left", st)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestUpgrade: a program that maps files takes over what one left that did not, and one
// that does not what one left that did.
func TestUpgrade(t *testing.T) {
	media(t, func(t *testing.T, cfg Config) {
		s, d := open(t, cfg), newDatabase()
		token, u := reserve(t, s, "settled")
		s.Settle(token, settled(u))
		reserve(t, s, "under way")
		written := s.Stats().Bytes
		left := s.current.Load().path
		crash(s)
		cfg.plain = !cfg.plain
		s = open(t, cfg)
		if info, err := os.Stat(left); err != nil || info.Size() != written {
			t.Errorf("%s has %d bytes after the start, want the %d that were written: %v", filepath.Base(left), info.Size(), written, err)
		}
		flush(t, s, d)
		flush(t, s, d)
		if got := d.ids(); !slices.Equal(got, []string{"settled", "under way"}) || d.rows["settled"] != *settled(u) {
			t.Errorf("rows = %+v, want both, and the settled one as it was", d.rows)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if n := files(t, cfg.Dir); n != 0 {
			t.Errorf("%d files are left of nothing, want 0", n)
		}
	})
}

// TestNoNewFile: while no new file can be made, what is in the current one reaches the
// database and requests go on, until it is full; then they are refused, until one can be made.
func TestNoNewFile(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), SegmentBytes: 1}
	s, d := open(t, cfg), newDatabase()
	taken := filepath.Join(cfg.Dir, fmt.Sprintf("%012d%s", 2, suffix))
	if err := os.Mkdir(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	token, u := reserve(t, s, "1")
	s.Settle(token, settled(u))
	if err := s.Flush(t.Context(), d.write); err == nil {
		t.Error("Flush = nil while no new file can be made, want the reason")
	}
	if got := d.ids(); len(got) != 1 {
		t.Errorf("the database has %v, want the row", got)
	}
	if _, err := s.Reserve(attempt("2")); errors.Is(err, ErrFull) {
		t.Errorf("Reserve = %v while the file has room, want no error", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
