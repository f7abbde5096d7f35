package engine

import (
	"context"
	"errors"
	"runtime"
	"strings"
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

func (s *flakyUsageStore) stored() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows)
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
		synctest.Wait()
		if got := s.stored(); got != rows {
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

// A database that is away at the moment of the stop may come back before it is too late.
func TestUsageLedgerInsistsAtTheStop(t *testing.T) {
	tests := []struct {
		name     string
		refusals int
		wantRows int
		wantErr  string
	}{
		{"back in time", 5, 1, ""},
		{"gone for good", 1 << 30, 0, "1 rows lost"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &flakyUsageStore{refusals: tt.refusals, rows: map[string]int{}}
				l := NewUsageLedger(s, 0, zerolog.Nop())
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				l.Record(Usage{ID: "row"})
				began := time.Now()
				err := l.Run(ctx)
				if took := time.Since(began); took > ledgerFlushTimeout+time.Second {
					t.Errorf("Run took %v to stop, want at most %v", took, ledgerFlushTimeout)
				}
				if got := s.stored(); got != tt.wantRows {
					t.Errorf("%d rows stored, want %d", got, tt.wantRows)
				}
				if (err != nil) != (tt.wantErr != "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("Run = %v, want an error with %q", err, tt.wantErr)
				}
			})
		})
	}
}

// After a long outage the backlog is written in the time that it takes to write it.
func TestUsageLedgerBacklog(t *testing.T) {
	s := &flakyUsageStore{rows: map[string]int{}}
	l := NewUsageLedger(s, 0, zerolog.Nop())
	const rows = 50_000
	ids := make([]string, rows)
	for i := range ids {
		ids[i] = newID()
		l.Record(Usage{ID: ids[i]})
	}
	for _, id := range ids {
		s.rows[id] = 0
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 64 {
		t.Errorf("writing %d rows allocated %d MiB, want it to copy no backlog", rows, mib)
	}
	for _, id := range ids {
		if s.rows[id] != 1 {
			t.Fatalf("row %s was written %d times, want once", id, s.rows[id])
		}
	}
	if l.Flush(t.Context()) != nil || len(l.pending) != 0 {
		t.Errorf("%d rows are still pending", len(l.pending))
	}
}
