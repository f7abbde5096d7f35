package budget_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost/budget"
)

// slowBooks are books that take a while to answer, or do not answer at all.
type slowBooks struct {
	*books
	mu   sync.Mutex
	late time.Duration
	dead bool
}

func (b *slowBooks) set(late time.Duration, dead bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.late, b.dead = late, dead
}

// ExchangeBudgets implements engine.BudgetLeaseStore.
func (b *slowBooks) ExchangeBudgets(ctx context.Context, x engine.BudgetExchange) ([]engine.BudgetGrant, error) {
	b.mu.Lock()
	late, dead := b.late, b.dead
	b.mu.Unlock()
	if dead {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	select {
	case <-time.After(late):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return b.books.ExchangeBudgets(ctx, x)
}

// sinceNow is a clock that runs as the test's.
func sinceNow() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Hour + time.Since(began) }
}

// held is what all replicas hold of all budgets.
func (b *books) held() (sum int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.leases {
		sum += l.Held
	}
	return sum
}

// A database that answers late is waited for: a busy machine is no reason to refuse. One that does
// not answer is waited for once, by those who came before it was known.
func TestLateAnswersAreWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &slowBooks{books: newBooks(), late: 2 * time.Second}
		g := newGuard(t, budget.Config{Leases: b, Clock: sinceNow()}, hard("all", 1000))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				u := call
				h, err := g.Hold(t.Context(), &u, 100)
				if err != nil {
					t.Errorf("Hold() of a database that takes 2 s = %v, want a hold", err)
				}
				g.Settle(h, 100)
			})
		}
		all.Wait()
		b.set(0, true)
		for _, most := range []time.Duration{6 * time.Second, 300 * time.Millisecond, 300 * time.Millisecond} {
			began, u := time.Now(), call
			_, err := g.Hold(t.Context(), &u, 100)
			var e *engine.Error
			if !errors.As(err, &e) || e.Status != 503 {
				t.Errorf("Hold() of a database that is silent = %v, want 503", err)
			}
			if took := time.Since(began); took > most {
				t.Errorf("Hold() of a database that is silent took %v, want at most %v", took, most)
			}
		}
		time.Sleep(time.Minute)
		b.set(3*time.Second, false)
		u := call
		if _, err := g.Hold(t.Context(), &u, 100); err == nil {
			t.Error("Hold() of a database that was silent is waited for before it has answered")
		}
		time.Sleep(5 * time.Second) // that exchange was an answer
		if _, err := g.Hold(t.Context(), &u, 100); err != nil {
			t.Errorf("Hold() of a database that is back = %v, want a hold", err)
		}
		g.Close(t.Context())
	})
}

// Nobody waits for long on account of a budget that refuses nothing.
func TestSoftBudgetsAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		soft := hard("soft", 1000)
		soft.Hard = false
		g := newGuard(t, budget.Config{Leases: &slowBooks{books: newBooks(), late: 2 * time.Second}, Clock: sinceNow()}, soft)
		began, u := time.Now(), call
		h, err := g.Hold(t.Context(), &u, 100)
		if err != nil {
			t.Errorf("Hold() = %v, want a hold", err)
		}
		if took := time.Since(began); took > 300*time.Millisecond {
			t.Errorf("Hold() of a soft budget took %v", took)
		}
		g.Settle(h, 100)
		g.Close(t.Context())
	})
}

// A process that stops gives back what is in hand, whatever it did just before and though the
// database is late or fails for a while, and says what it could not give back.
func TestCloseGivesBackWhatIsInHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		close func(g *budget.Guard, b *slowBooks)
		held  bool // still, in the end
		says  string
	}{
		{"at once", func(g *budget.Guard, _ *slowBooks) { g.Close(context.Background()) }, false, `"budgets":1`},
		{"after a look", func(g *budget.Guard, _ *slowBooks) { g.Tick(context.Background(), true); g.Close(context.Background()) }, false, `"budgets":1`},
		{"of a database that is late", func(g *budget.Guard, b *slowBooks) { b.set(3*time.Second, false); g.Close(context.Background()) }, false, `"budgets":1`},
		{"of a database that is away for a while", func(g *budget.Guard, b *slowBooks) {
			b.set(0, true)
			time.AfterFunc(4*time.Second, func() { b.set(0, false) })
			g.Close(context.Background())
		}, false, `"budgets":1`},
		{"of a database that is gone", func(g *budget.Guard, b *slowBooks) { b.set(0, true); g.Close(context.Background()) }, true, "were not given back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				b := &slowBooks{books: newBooks()}
				g := newGuard(t, budget.Config{Leases: b, Log: zerolog.New(&log), Clock: sinceNow()}, hard("all", 1_000_000))
				for range 20 { // so that it has a slice in hand
					for range 10 {
						u := call
						h, err := g.Hold(t.Context(), &u, 100)
						if err != nil {
							t.Fatal(err)
						}
						g.Settle(h, 50)
					}
					time.Sleep(time.Second)
					g.Tick(t.Context(), true)
				}
				if b.held() == 0 {
					t.Fatal("nothing is in hand: the test tries nothing")
				}
				began := time.Now()
				c.close(g, b)
				if took := time.Since(began); took > 16*time.Second {
					t.Errorf("Close() took %v, want it bounded", took)
				}
				if held := b.held(); (held > 0) != c.held {
					t.Errorf("Close() leaves %d held, want some: %v", held, c.held)
				}
				if !strings.Contains(log.String(), c.says) {
					t.Errorf("Close() says %q, want %q", log.String(), c.says)
				}
			})
		})
	}
}

// What is in hand of a budget that has much left covers half a minute without the database.
func TestASliceOutlastsAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &slowBooks{books: newBooks()}
		g := newGuard(t, budget.Config{Leases: b, Clock: sinceNow()}, hard("all", 1_000_000_000))
		var ticks sync.WaitGroup
		defer ticks.Wait()
		second := func() {
			t.Helper()
			for range 10 {
				u := call
				h, err := g.Hold(t.Context(), &u, 100)
				if err != nil {
					t.Fatalf("Hold() = %v, want a hold of what is in hand", err)
				}
				g.Settle(h, 50)
			}
			time.Sleep(time.Second)
			ticks.Go(func() { g.Tick(t.Context(), true) })
			synctest.Wait() // a tick of its second sees what was taken in it
		}
		for range 10 {
			second()
		}
		b.set(0, true)
		for range 30 {
			second()
		}
		b.set(0, false)
		time.Sleep(10 * time.Second)
		g.Close(t.Context())
	})
}

// What others spent and did not report yet is not counted twice when a process is replaced that stopped
// in order: nobody needs to guess by the ledger what that one spent.
func TestAReplacementCountsNothingTwice(t *testing.T) {
	t.Parallel()
	b, l := newBooks(), &ledger{}
	next := func() *budget.Guard { return newGuard(t, budget.Config{Leases: b, Ledger: l}, hard("all", 1000)) }
	spend := func(g *budget.Guard) {
		t.Helper()
		u := call
		h, err := g.Hold(t.Context(), &u, 100)
		if err != nil {
			t.Fatal(err)
		}
		g.Settle(h, 100)
		u.CostNanoUSD = 100
		l.add(u)
	}
	old, other := next(), next()
	spend(old)
	spend(other)
	old.Close(t.Context())
	if err := next().Recover(t.Context(), old.Replica()); err != nil {
		t.Fatal(err)
	}
	other.Close(t.Context())
	if w := b.window("acme/all", noon.Truncate(24*time.Hour)); *w != [2]int64{200, 0} {
		t.Errorf("%d are spent and %d held in the store's books, want 200 and 0", w[0], w[1])
	}
}

// A stream does not stand still for a database that is late.
func TestAStreamWaitsBriefly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, budget.Config{Leases: &slowBooks{books: newBooks(), late: 2 * time.Second}, Clock: sinceNow()}, hard("all", 1_000_000))
		u := call
		h, err := g.Hold(t.Context(), &u, 100)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var e *engine.Error
		if err := g.Spent(h, 900_000); !errors.As(err, &e) || e.Status != 503 {
			t.Errorf("Spent() of a database that takes 2 s = %v, want 503", err)
		}
		if took := time.Since(began); took > 300*time.Millisecond {
			t.Errorf("Spent() took %v, want the short wait", took)
		}
		g.Settle(h, 100)
		g.Close(t.Context())
	})
}

// What Close has given back is not taken again by a request that did not end in time.
func TestNothingIsTakenAfterClose(t *testing.T) {
	t.Parallel()
	b := newBooks()
	g := newGuard(t, budget.Config{Leases: b}, hard("all", 1000))
	u := call
	h, err := g.Hold(t.Context(), &u, 100)
	if err != nil {
		t.Fatal(err)
	}
	g.Settle(h, 100)
	g.Close(t.Context())
	var e *engine.Error
	if _, err := g.Hold(t.Context(), &u, 100); !errors.As(err, &e) || e.Status != 503 {
		t.Errorf("Hold() after Close = %v, want 503", err)
	}
	if held := b.held(); held != 0 {
		t.Errorf("%d are held after Close, want 0", held)
	}
}
