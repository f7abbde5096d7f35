package idempotency

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/tenancy"
)

// Claims of an account that come at once count what it has once.
func TestCountIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &slow{goOn: make(chan struct{})}
		s := f.service(t, 10)
		var all sync.WaitGroup
		var admitted atomic.Int64
		for range 10 {
			all.Go(func() {
				if _, _, err := s.Claim(t.Context(), engine.IdempotentRequest{AccountID: "acme"}); err == nil {
					admitted.Add(1)
				}
			})
		}
		synctest.Wait()
		close(f.goOn)
		all.Wait()
		if got := f.counts.Load(); got != 1 || admitted.Load() != 4 {
			t.Errorf("10 claims at once were counted %d times, and %d let in, want 1 and 4, as 6 are there of 10", got, admitted.Load())
		}
	})
}

// slow is a store in which every key is free and an account has seven; its counts wait.
type slow struct {
	engine.IdempotencyStore
	goOn           chan struct{}
	broken         bool // claims panic
	claims, counts atomic.Int64
}

// service works on the store, and lets an account have so many keys.
func (s *slow) service(t *testing.T, most int64) *Service {
	t.Helper()
	seal, err := tenancy.NewSeal(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	made, err := New(Config{Store: s, Ledger: &ledger{}, Seal: seal, Longest: time.Minute, MaxKeys: most})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (s *slow) ClaimIdempotencyKey(_ context.Context, k engine.IdempotencyKey, _ time.Time) (engine.IdempotencyKey, error) {
	s.claims.Add(1)
	if s.broken {
		panic("broken")
	}
	return k, nil
}

func (s *slow) ReleaseIdempotencyKey(context.Context, engine.IdempotencyKey) error { return nil }

func (s *slow) CountIdempotencyKeys(context.Context, string) (keys, bytes int64, err error) {
	s.counts.Add(1)
	<-s.goOn
	return 7, 0, nil
}
