package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// TestAfterClose: what comes after Close is refused, and becomes an estimate at the next
// start if it had begun before.
func TestAfterClose(t *testing.T) {
	media(t, func(t *testing.T, cfg Config) {
		s, d := open(t, cfg), newDatabase()
		token, u := reserve(t, s, "late")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Reserve(attempt("refused")); !errors.Is(err, ErrClosed) || !errors.Is(err, ErrFull) {
			t.Errorf("Reserve after Close = %v, want ErrClosed, as a kind of ErrFull", err)
		}
		s.Settle(token, settled(u))
		s.cfg.SegmentBytes = 1
		s.failed.Store(true)
		if err := s.Flush(t.Context(), func(context.Context, []engine.Usage) error { return errors.New("away") }); !errors.Is(err, ErrClosed) {
			t.Errorf("Flush after Close = %v, want ErrClosed: it begins no file", err)
		}
		if n := files(t, cfg.Dir); n != 1 {
			t.Errorf("%d files, want the one of the reservation", n)
		}
		s = open(t, cfg)
		flush(t, s, d)
		if got := d.rows["late"]; len(d.rows) != 1 || got.Outcome != engine.OutcomeInterrupted || !got.Estimated {
			t.Errorf("rows = %+v, want the late one, estimated", d.rows)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestSettledAfterClose: a row for which nothing was reserved, and that nobody could estimate, is
// there at the next start, also when another process has the folder meanwhile.
func TestSettledAfterClose(t *testing.T) {
	media(t, func(t *testing.T, cfg Config) {
		s, d := open(t, cfg), newDatabase()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		next := open(t, cfg)
		s.Settle(Token{}, settled(attempt("late")))
		s.Settle(Token{}, settled(attempt("later")))
		flush(t, next, d)
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
		if len(d.rows) != 0 {
			t.Errorf("the process that has the folder meanwhile stored %v, want none: it is the next start's", d.ids())
		}
		next = open(t, cfg)
		flush(t, next, d)
		if got, want := d.ids(), []string{"late", "later"}; !slices.Equal(got, want) {
			t.Errorf("rows = %v, want %v", got, want)
		}
		if got := d.rows["late"]; got.Outcome == engine.OutcomeInterrupted {
			t.Errorf("row = %+v, want it as it was settled", got)
		}
		if n := files(t, cfg.Dir); n != 1 {
			t.Errorf("%d files, want the current one alone", n)
		}
		if err := next.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestPartsOfLateRows: what a process that ended left amid such a file is removed at the next start;
// one that is still at work writes its row again when that hits it.
func TestPartsOfLateRows(t *testing.T) {
	media(t, func(t *testing.T, cfg Config) {
		left := filepath.Join(cfg.Dir, "late-1.part")
		other := filepath.Join(cfg.Dir, "other.part")
		for _, path := range []string{left, other} {
			if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var next *Spool
		slow := cfg
		slow.Failpoint = func(at string) {
			if at == "late" && next == nil {
				next = open(t, cfg)
			}
		}
		s, d := open(t, slow), newDatabase()
		if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat(%q) = %v, want it removed by the start", left, err)
		}
		if _, err := os.Stat(other); err != nil {
			t.Errorf("Stat(%q) = %v, want it left alone", other, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s.Settle(Token{}, settled(attempt("late")))
		if next == nil {
			t.Fatal("nobody came amid the writing")
		}
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
		next = open(t, cfg)
		flush(t, next, d)
		if got, want := d.ids(), []string{"late"}; !slices.Equal(got, want) {
			t.Errorf("rows = %v, want %v", got, want)
		}
		if err := next.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestCloseUnderWay: Close among writers loses nothing that Reserve took, and no writer
// reaches a file that is closed.
func TestCloseUnderWay(t *testing.T) {
	media(t, func(t *testing.T, cfg Config) {
		cfg.SegmentBytes = 1
		s, d := open(t, cfg), newDatabase()
		var mu sync.Mutex
		taken := map[string]bool{}
		begun := make(chan struct{}, 200)
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := 0; ; i++ {
					u := attempt(fmt.Sprintf("%d-%d", w, i))
					token, err := s.Reserve(u)
					if err != nil {
						if !errors.Is(err, ErrClosed) {
							t.Errorf("Reserve = %v, want ErrClosed", err)
						}
						return
					}
					mu.Lock()
					taken[u.ID] = true
					mu.Unlock()
					select {
					case begun <- struct{}{}:
					default: // enough have
					}
					s.Settle(token, settled(u))
				}
			})
		}
		for range cap(begun) {
			<-begun
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		s = open(t, Config{Dir: cfg.Dir, plain: cfg.plain})
		flush(t, s, d)
		flush(t, s, d)
		if got, want := d.ids(), slices.Sorted(maps.Keys(taken)); !slices.Equal(got, want) {
			t.Errorf("%d rows, want the %d that were taken", len(got), len(want))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
