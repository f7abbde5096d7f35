package spool

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// limitFiles lets no file grow beyond bytes, which stands for a disk that is full.
func limitFiles(t *testing.T, bytes uint64) (lift func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // a full disk sends none
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStartOnFullDisk: a full disk does not keep the process from its start. It refuses what
// costs, hands on all that was left, which makes room, and goes on then.
func TestStartOnFullDisk(t *testing.T) {
	dir, _ := childFolder()
	if dir == "" {
		out, err := inChild(t, t.TempDir(), "")
		if err != nil {
			t.Errorf("%v:\n%s", err, out)
		}
		return
	}
	cfg := Config{Dir: dir, SegmentBytes: 1}
	s, d := open(t, cfg), newDatabase()
	const rows, finished = 20, 5
	for i := range rows {
		token, u := reserve(t, s, fmt.Sprint(i))
		if i < finished {
			s.Settle(token, settled(u))
		}
	}
	left := s.current.Load().path
	crash(s)

	const written = 3 // of the rows that nobody settled
	lift := limitFiles(t, uint64((written+1)*len(appendRecord(nil, kindSettle, attempt("10")))))
	for start := range 2 { // the database is away until the second start
		s = open(t, cfg)
		d.away = nil
		if start == 0 {
			d.away = errors.New("away")
		}
		if st := s.Stats(); !st.Full || st.Pending < rows || st.Open == 0 {
			t.Errorf("start %d: Stats() = %+v, want it full, with %d rows pending and some open", start, st, rows)
		}
		if _, err := s.Reserve(attempt("refused")); !errors.Is(err, ErrFull) {
			t.Errorf("start %d: Reserve on a full disk = %v, want ErrFull", start, err)
		}
		if err := s.Flush(t.Context(), d.write); err == nil {
			t.Errorf("start %d: Flush = nil on a full disk, want the reason", start)
		}
		if start == 0 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(left); err != nil {
				t.Errorf("%v, want the file of rows that nobody has", err)
			}
		}
	}
	interrupted := 0
	for _, u := range d.rows {
		if u.Outcome == engine.OutcomeInterrupted && u.Estimated {
			interrupted++
		}
	}
	if len(d.rows) != rows || interrupted != rows-finished {
		t.Errorf("%d rows, %d of them interrupted, want %d and %d", len(d.rows), interrupted, rows, rows-finished)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Stat(%s) = %v, want it deleted: that makes room", left, err)
	}
	lift()
	flush(t, s, d)
	if st := s.Stats(); st.Full || st.Pending != 0 || st.Open != 0 {
		t.Errorf("Stats() = %+v when there is space again, want nothing left", st)
	}
	token, u := reserve(t, s, "after")
	s.Settle(token, settled(u))
	flush(t, s, d)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := files(t, dir); n != 0 {
		t.Errorf("%d files are left of nothing, want 0", n)
	}
}

// TestStartWithoutAFile: a disk on which not even an empty file can be made is a full one.
func TestStartWithoutAFile(t *testing.T) {
	s, d := open(t, Config{Dir: t.TempDir()}), newDatabase()
	for _, c := range []struct {
		err  error
		full bool
	}{{syscall.ENOSPC, true}, {syscall.EDQUOT, true}, {syscall.EFBIG, true}, {syscall.EIO, false}, {nil, false}} {
		err := c.err
		if err != nil {
			err = &os.PathError{Op: "open", Path: s.cfg.Dir, Err: c.err}
		}
		if got := isFull(fmt.Errorf("begin: %w", err)); got != c.full {
			t.Errorf("isFull(%v) = %v, want %v", c.err, got, c.full)
		}
	}
	path, number := s.next()
	s.follow(&segment{path: path, number: number, out: refusing{syscall.ENOSPC}})
	if _, err := s.Reserve(attempt("1")); !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Reserve = %v, want ErrFull, and why", err)
	}
	s.Settle(Token{}, settled(attempt("2")))
	flush(t, s, d)
	if got := d.ids(); len(got) != 1 {
		t.Errorf("the database has %v, want the row", got)
	}
	reserve(t, s, "3") // there is a file again
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
