package idempotency

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/pointsman/pointsman/engine"
)

// Claims that come at once may not hold all of the store's connections, nor one account all
// the claims.
func TestClaimsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &slow{goOn: make(chan struct{})}
		s := f.service(t, 1000)
		claim := func(account int) error {
			_, _, err := s.Claim(t.Context(), engine.IdempotentRequest{AccountID: fmt.Sprint("account ", account)})
			return err
		}
		refused := func(name string, account int) {
			t.Helper()
			was := f.claims.Load()
			err := claim(account)
			var e *engine.Error
			if !errors.As(err, &e) || e.Code != engine.CodeIdempotencyUnavailable || e.After <= 0 || f.claims.Load() != was {
				t.Errorf("%s = %v, want %s with a time to wait, and the store not asked", name, err, engine.CodeIdempotencyUnavailable)
			}
		}
		var all sync.WaitGroup
		var failed atomic.Int64
		for account := range 4 {
			for range 16 {
				all.Go(func() {
					if claim(account) != nil {
						failed.Add(1)
					}
				})
			}
			synctest.Wait()
			refused("the 17th claim of an account", account)
		}
		refused("the 65th claim", 4)
		close(f.goOn)
		all.Wait()
		if failed.Load() != 0 || claim(0) != nil || claim(4) != nil {
			t.Errorf("%d of 64 failed, and then %v, %v, want none", failed.Load(), claim(0), claim(4))
		}
	})
}

// A claim that panics is over, too.
func TestClaimThatPanics(t *testing.T) {
	t.Parallel()
	f := &slow{broken: true}
	s := f.service(t, 1000)
	for range 100 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("Claim() returned, want a panic")
				}
			}()
			_, _, _ = s.Claim(t.Context(), engine.IdempotentRequest{AccountID: "acme"})
		}()
	}
}
