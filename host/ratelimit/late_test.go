package ratelimit_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
	"github.com/pointsman/pointsman/host/store/row"
)

// lateStore is the database of one replica and one limit, which takes a while to answer.
type lateStore struct {
	engine.LimitLeaseStore
	late  time.Duration
	queue bool // it is late since others have the row; else with its answer
	mute  bool // reports get no answer
	free  func() time.Duration

	mu     sync.Mutex
	bucket row.LimitBucket
	leases []row.LimitLease
}

func (s *lateStore) wait(ctx context.Context) error {
	select {
	case <-time.After(s.late):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *lateStore) know(b engine.LimitBucket) {
	if s.bucket.LimitID == "" {
		s.bucket.LimitBucket = b
	}
}

// ExchangeLimits implements engine.LimitLeaseStore.
func (s *lateStore) ExchangeLimits(ctx context.Context, x engine.LimitExchange, _ time.Time) (g engine.LimitGrants, err error) {
	if err := s.wait(ctx); err != nil {
		return g, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.Replicas = 1; s.queue {
		g.Late = s.late
	}
	for _, c := range x.Claims {
		s.know(c.LimitBucket)
		done := row.ExchangeLimit(&s.bucket, s.leases, x.Replica, x.TTL.Microseconds(), c, s.free().Microseconds())
		if s.leases = nil; done.Put != nil {
			s.leases = []row.LimitLease{*done.Put}
		}
		g.Grants = append(g.Grants, done.Grant)
	}
	return g, nil
}

// TakeLimit implements engine.LimitLeaseStore.
func (s *lateStore) TakeLimit(ctx context.Context, b engine.LimitBucket, n int64, _ time.Time) (t engine.LimitTaken, err error) {
	if err := s.wait(ctx); err != nil {
		return t, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.know(b)
	return row.TakeLimit(&s.bucket, s.leases, b, n, s.free().Microseconds()), nil
}

// ReportLimits implements engine.LimitLeaseStore.
func (s *lateStore) ReportLimits(ctx context.Context, _ engine.LimitReport, _ time.Time) (int, error) {
	if s.mute {
		<-ctx.Done()
	}
	return 1, ctx.Err()
}

// LeaveLimits implements engine.LimitLeaseStore.
func (*lateStore) LeaveLimits(context.Context, string) error { return nil }

// SweepLimits implements engine.LimitLeaseStore.
func (*lateStore) SweepLimits(context.Context, time.Time, int) (int64, error) { return 0, nil }

// A database that answers late is waited for, and is not taken to be gone: a busy machine is no
// reason to refuse.
func TestLateAnswersAreWaitedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		limit engine.Limit
		late  time.Duration
		queue bool
		gone  bool
	}{
		{"leased", perMinute(600, 600), 1500 * time.Millisecond, false, false},
		{"leased, late for a lock", perMinute(600, 600), 4 * time.Second, true, false},
		{"decided there", perMinute(30, 30), 1500 * time.Millisecond, false, false},
		{"decided there, late for a lock", perMinute(30, 30), 4 * time.Second, true, false},
		{"leased, of a database that is gone", perMinute(600, 600), time.Hour, false, true},
		{"decided there, of a database that is gone", perMinute(30, 30), time.Hour, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				clock := func() time.Duration { return time.Second + time.Since(began) }
				l, err := ratelimit.New(ratelimit.Config{Leases: &lateStore{late: c.late, queue: c.queue, free: clock}, Clock: clock})
				if err != nil {
					t.Fatal(err)
				}
				l.Set([]engine.Limit{c.limit})
				var calls sync.WaitGroup
				for range 20 {
					calls.Go(func() {
						r, err := l.Reserve(t.Context(), &anybody)
						if (err == nil) == c.gone {
							t.Errorf("Reserve() of a database that takes %v = %v, want a refusal: %v", c.late, err, c.gone)
						}
						var refusal *engine.LimitRefusal
						if c.gone && (!errors.As(err, &refusal) || !refusal.Unavailable) {
							t.Errorf("Reserve() without a database = %v, want a refusal that says so", err)
						}
						if err == nil {
							r.Settle(1)
						}
					})
				}
				calls.Wait()
				if took, most := time.Since(began), 10*time.Second; took > most {
					t.Errorf("Reserve() took %v, want at most %v", took, most)
				}
				again := time.Now()
				if _, err := l.Reserve(t.Context(), &anybody); c.gone && (err == nil || time.Since(again) > 0) {
					t.Errorf("Reserve() of a database that is known to be gone = %v in %v, want a refusal at once", err, time.Since(again))
				}
				last, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if err := l.Close(last); err != nil {
					t.Errorf("Close() = %v, want nil", err)
				}
			})
		})
	}
}

// Statistics that nobody takes refuse nothing, and hold up no lease.
func TestReportsThatAreLateHoldUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		clock := func() time.Duration { return time.Second + time.Since(began) }
		l, err := ratelimit.New(ratelimit.Config{Leases: &lateStore{late: time.Millisecond, mute: true, free: clock}, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		l.Set([]engine.Limit{perMinute(6000, 600)})
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = l.Run(ctx) })
		waited := 0
		for range 1000 { // 20 s, at half of the rate
			asked := time.Now()
			r, err := l.Reserve(t.Context(), &anybody)
			if err != nil {
				t.Errorf("Reserve() after %v = %v, want it while only reports get no answer", time.Since(began), err)
				break
			}
			if r.Settle(1); time.Since(asked) > 0 {
				waited++
			}
			time.Sleep(20 * time.Millisecond)
		}
		// Only the first request of a bucket waits, and those whose number rises.
		if waited > 5 {
			t.Errorf("%d of 1000 requests waited for the database, want the first few: nobody renews leases while a report is under way", waited)
		}
		cancel()
		run.Wait()
	})
}

// brokenStore panics at its first exchange.
type brokenStore struct {
	*lateStore
	asked atomic.Int32
}

// ExchangeLimits implements engine.LimitLeaseStore.
func (s *brokenStore) ExchangeLimits(ctx context.Context, x engine.LimitExchange, now time.Time) (engine.LimitGrants, error) {
	if s.asked.Add(1) == 1 {
		panic("broken")
	}
	return s.lateStore.ExchangeLimits(ctx, x, now)
}

// A bucket whose exchange panicked is exchanged again, and one of a limiter that is closed is not.
func TestExchangesAfterAPanicAndAfterClose(t *testing.T) {
	t.Parallel()
	began := time.Now()
	clock := func() time.Duration { return time.Second + time.Since(began) }
	s := &brokenStore{lateStore: &lateStore{free: clock}}
	l, err := ratelimit.New(ratelimit.Config{Leases: s, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	l.Set([]engine.Limit{perMinute(600, 600)})
	r, err := l.Reserve(t.Context(), &anybody)
	if err != nil {
		t.Fatalf("Reserve() after a panic = %v, want a reservation", err)
	}
	r.Settle(1)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked := s.asked.Load()
	if _, err := l.Reserve(t.Context(), &anybody); err == nil || s.asked.Load() != asked {
		t.Errorf("Reserve() after Close = %v with %d exchanges more, want a refusal without any", err, s.asked.Load()-asked)
	}
}
