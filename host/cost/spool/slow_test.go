package spool

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// A database that takes longer for a whole batch than it is given has the rows in smaller ones.
func TestSlowDatabaseGetsSmallerBatches(t *testing.T) {
	for _, memory := range []int{0, 1} { // from memory, and from the file
		synctest.Test(t, func(t *testing.T) {
			s, d := open(t, Config{Dir: t.TempDir(), plain: true, Memory: memory}), newDatabase()
			const rows = batch + batch/2
			for i := range rows {
				s.Settle(Token{}, settled(attempt(fmt.Sprint(i))))
			}
			most := 0
			slow := func(ctx context.Context, list []engine.Usage) error {
				most = max(most, len(list))
				select {
				case <-time.After(time.Duration(len(list)) * 4 * time.Millisecond):
					return d.write(ctx, list)
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			tries := 1
			for err := s.Flush(t.Context(), slow); err != nil; err = s.Flush(t.Context(), slow) {
				if tries++; tries > 5 || !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("Flush = %v, %d times, with %d of %d rows stored", err, tries, len(d.rows), rows)
				}
			}
			if n := len(d.rows); n != rows || s.Stats().Pending != 0 {
				t.Errorf("%d rows are stored and %d wait, want %d and none", n, s.Stats().Pending, rows)
			}
			// One that is quick again has large ones again; to refuse at once is not to be slow.
			quick := func(ctx context.Context, list []engine.Usage) error {
				most = max(most, len(list))
				return d.write(ctx, list)
			}
			for round := range 3 {
				for i := range rows {
					s.Settle(Token{}, settled(attempt(fmt.Sprint(round, "-", i))))
				}
				d.away, most = errors.New("away"), 0
				if err := s.Flush(t.Context(), quick); !errors.Is(err, d.away) {
					t.Errorf("Flush = %v, want %v", err, d.away)
				}
				d.away = nil
				if err := s.Flush(t.Context(), quick); err != nil {
					t.Error(err)
				}
			}
			if most < batch {
				t.Errorf("the last batches have up to %d rows, want %d or more", most, batch)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
