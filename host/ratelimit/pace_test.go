package ratelimit_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
)

// Who comes at a steady pace waits for the database at first, until that is known, and not again.
func TestASteadyCallerWaitsAtFirstOnly(t *testing.T) {
	t.Parallel()
	for _, aSecond := range []int{5, 10, 20, 50, 100, 200, 500, 1000} {
		t.Run(fmt.Sprintf("%d a second", aSecond), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				clock := func() time.Duration { return time.Second + time.Since(began) }
				l, err := ratelimit.New(ratelimit.Config{Leases: &lateStore{late: time.Millisecond, free: clock}, Clock: clock})
				if err != nil {
					t.Fatal(err)
				}
				l.Set([]engine.Limit{perMinute(120_000, 120_000)})
				ctx, cancel := context.WithCancel(t.Context())
				var run, calls sync.WaitGroup
				run.Go(func() { _ = l.Run(ctx) })
				var mu sync.Mutex
				waited, last := 0, time.Duration(0)
				for range 20 * aSecond {
					calls.Go(func() {
						asked := time.Since(began)
						r, err := l.Reserve(t.Context(), &anybody)
						if err != nil {
							t.Errorf("Reserve() = %v, want it at a fraction of the limit", err)
							return
						}
						if r.Settle(1); time.Since(began) > asked {
							mu.Lock()
							waited, last = waited+1, asked
							mu.Unlock()
						}
					})
					time.Sleep(time.Second / time.Duration(aSecond))
				}
				calls.Wait()
				// Leases of 1, 2, 4 and so on, of half a second at most.
				if waited > 12 || last > 2*time.Second {
					t.Errorf("%d of %d requests waited for the database, the last after %v, want 12 at most in the first 2 s", waited, 20*aSecond, last)
				}
				cancel()
				run.Wait()
			})
		})
	}
}
