package cost_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost"
)

// summing is a store of which only sums are asked.
type summing struct {
	engine.ReportStore
	engine.UsageStore

	mu   sync.Mutex
	rows int64
	gone bool // it takes nothing
}

func (s *summing) leave(gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = gone
}

func (s *summing) AddUsage(_ context.Context, rows []engine.Usage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return errors.New("the store is gone")
	}
	s.rows += int64(len(rows))
	return nil
}

func (s *summing) Report(context.Context, engine.ReportQuery) ([]engine.ReportRow, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []engine.ReportRow{{
		Group: map[string]string{engine.DimAccount: "acme", engine.DimModel: "gpt-5"}, Requests: s.rows, Attempts: s.rows,
	}}, nil
}

// noStore takes rows and keeps none.
type noStore struct{ engine.UsageStore }

func (noStore) AddUsage(context.Context, []engine.Usage) error { return nil }

// spooled is a Live with rows that wait for the store, as behind a ledger.
type spooled struct {
	*cost.Live
	store   *summing
	waiting []engine.Usage
	settled int
}

func newSpooled(t *testing.T) *spooled {
	t.Helper()
	s := &spooled{store: &summing{}}
	s.Live = cost.NewLive(cost.LiveConfig{Reports: s.store, Flush: s.flush})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-done })
	return s
}

func (s *spooled) settle(n int) {
	for range n {
		s.settled++
		u := engine.Usage{AccountID: "acme", ID: fmt.Sprint(s.settled), ModelID: "gpt-5", Attempt: 1, StartedAt: time.Now(), Outcome: engine.OutcomeOK}
		s.Settled(&u)
		s.waiting = append(s.waiting, u)
	}
}

func (s *spooled) flush(ctx context.Context) error {
	if err := s.Live.Store(s.store).AddUsage(ctx, s.waiting); err != nil {
		return err
	}
	s.waiting = nil
	return nil
}

func (s *spooled) counts(t *testing.T, when string, want int64) {
	t.Helper()
	totals, ok, _ := s.Totals("acme")
	if !ok || totals.Total.Attempts != want {
		t.Errorf("%s: Totals() = %d attempts, %v, want %d", when, totals.Total.Attempts, ok, want)
	}
}

func TestLiveHasEachRowOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s *spooled)
	}{
		{"settled before anybody followed", func(t *testing.T, s *spooled) {
			s.settle(3)
			defer s.Follow()()
			time.Sleep(3 * time.Second)
			s.counts(t, "after it was read", 3)
		}},
		{"settled since", func(t *testing.T, s *spooled) {
			s.settle(3)
			defer s.Follow()()
			time.Sleep(2 * time.Second)
			s.settle(2)
			time.Sleep(2 * time.Second)
			s.counts(t, "before the store has them", 5)
			_ = s.flush(t.Context())
			time.Sleep(10 * time.Second)
			s.counts(t, "when the store has them", 5)
		}},
		{"settled between two who followed", func(t *testing.T, s *spooled) {
			stop := s.Follow()
			time.Sleep(2 * time.Second)
			s.settle(2)
			stop()
			time.Sleep(2 * time.Second)
			s.settle(4)
			defer s.Follow()()
			time.Sleep(2 * time.Second)
			s.counts(t, "for the second", 6)
		}},
		{"stored at once", func(t *testing.T, s *spooled) {
			defer s.Follow()()
			time.Sleep(2 * time.Second)
			s.settle(1)
			_ = s.flush(t.Context())
			s.settle(1)
			time.Sleep(10 * time.Second)
			s.counts(t, "two rows", 2)
		}},
		{"the store was gone when it was asked first", func(t *testing.T, s *spooled) {
			s.settle(3)
			s.store.leave(true)
			defer s.Follow()()
			time.Sleep(3 * time.Second)
			if _, ok, _ := s.Totals("acme"); ok {
				t.Error("Totals() while the store lacks rows that nobody counted = ok, want not")
			}
			s.store.leave(false)
			time.Sleep(3 * time.Second)
			s.counts(t, "when it is back", 3)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { c.run(t, newSpooled(t)) })
		})
	}
}

// A ledger counts a row before its writer can have it, so that none is taken note of when it
// is stored already, and then for ever.
func TestRowIsCountedBeforeItIsStored(t *testing.T) {
	t.Parallel()
	var order []string
	l, err := cost.Open(cost.Config{Dir: t.TempDir(), Store: noStore{}, Settled: func(*engine.Usage) { order = append(order, "counted") },
		Failpoint: func(at string) {
			if at == "settle" {
				order = append(order, "written")
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	h, err := l.Reserve(t.Context(), &engine.Usage{AccountID: "acme", ID: "1"}, engine.Spent{})
	if err != nil {
		t.Fatal(err)
	}
	h.Settle(engine.Usage{AccountID: "acme", ID: "1"})
	l.Record(engine.Usage{AccountID: "acme", ID: "2"})
	if got := fmt.Sprint(order); got != "[counted written counted written]" {
		t.Errorf("Settle() and Record() did %v, want each row counted before it is written", got)
	}
}
