package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"testing"
)

// TestMissingFile: a file that cannot be read keeps no other one's rows from the database,
// and no other one from being deleted. What memory has of it is not lost with it.
func TestMissingFile(t *testing.T) {
	media(t, func(t *testing.T, cfg Config) {
		cfg.SegmentBytes, cfg.Memory = 1, 1 // the second row of a file is not in memory
		s, d := open(t, cfg), newDatabase()
		var paths []string
		for file := range 3 {
			for row := range 2 {
				token, u := reserve(t, s, fmt.Sprint(file, row))
				s.Settle(token, settled(u))
			}
			paths = append(paths, s.current.Load().path)
			if err := s.rotate(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.sync(); err != nil { // closes the files
			t.Fatal(err)
		}
		gone := paths[0]
		if err := os.Remove(gone); err != nil {
			t.Fatal(err)
		}
		d.away = errors.New("away")
		if err := s.Flush(t.Context(), d.write); !errors.Is(err, d.away) {
			t.Errorf("Flush = %v, want the database's error", err)
		}
		d.away = nil
		for range 2 {
			if err := s.Flush(t.Context(), d.write); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Flush = %v, want that a file is missing", err)
			}
		}
		if got, want := d.ids(), []string{"0 0", "1 0", "1 1", "2 0", "2 1"}; !slices.Equal(got, want) {
			t.Errorf("the database has %q, want %q", got, want)
		}
		for _, path := range paths[1:] {
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Stat(%s) = %v, want it deleted: the database has its rows", path, err)
			}
		}
		if st := s.Stats(); st.Pending != 1 {
			t.Errorf("Stats() = %+v, want the row pending that nobody has", st)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestRemovedFile: a file that somebody deleted when nothing was left in it is no error.
func TestRemovedFile(t *testing.T) {
	s, d := open(t, Config{Dir: t.TempDir(), SegmentBytes: 1}), newDatabase()
	token, u := reserve(t, s, "1")
	s.Settle(token, settled(u))
	if err := os.Remove(s.current.Load().path); err != nil {
		t.Fatal(err)
	}
	flush(t, s, d)
	if got := d.ids(); len(got) != 1 {
		t.Errorf("the database has %v, want the row", got)
	}
	if st := s.Stats(); st.Segments != 1 || st.Bytes != 0 {
		t.Errorf("Stats() = %+v, want the current file alone, empty", st)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestDatabaseStopsFlush: the database's error ends a flush: it is not asked once a file.
func TestDatabaseStopsFlush(t *testing.T) {
	s, d := open(t, Config{Dir: t.TempDir(), SegmentBytes: 1, Memory: 1}), newDatabase()
	for file := range 3 {
		s.Settle(Token{}, settled(attempt(fmt.Sprint(file))))
		if err := s.rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(s.list()[1].path); err != nil {
		t.Fatal(err)
	}
	d.away = errors.New("away")
	if err := s.Flush(t.Context(), d.write); !errors.Is(err, d.away) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Flush = %v, want the database's error alone", err)
	}
}
