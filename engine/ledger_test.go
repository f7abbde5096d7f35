package engine

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// flakyUsageStore refuses its first writes, as a database does that is restarting.
type flakyUsageStore struct {
	UsageStore
	mu       sync.Mutex
	refusals int
	rows     map[string]int
}

func (s *flakyUsageStore) AddUsage(_ context.Context, rows []Usage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusals > 0 {
		s.refusals--
		return errors.New("database is restarting")
	}
	for _, r := range rows {
		s.rows[r.ID]++
	}
	return nil
}

func TestUsageLedgerKeepsEveryRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &flakyUsageStore{refusals: 3, rows: map[string]int{}}
		l := NewUsageLedger(s, 50*time.Millisecond, zerolog.Nop())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		var writers sync.WaitGroup
		const rows = 2000
		for range 4 {
			writers.Go(func() {
				for range rows / 4 {
					l.Record(Usage{ID: newID()})
				}
			})
		}
		writers.Wait()
		time.Sleep(time.Minute)
		if got := len(s.rows); got != rows {
			t.Errorf("rows stored after refusals = %d, want %d", got, rows)
		}
		l.Record(Usage{ID: "last"})
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if s.rows["last"] != 1 {
			t.Error("the row recorded at the stop was not written")
		}
	})
}
