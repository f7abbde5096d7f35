package budget_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost/budget"
	"github.com/pointsman/pointsman/host/store/storetest"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// Three replicas on one Postgres, each with a guard of money beside: a bound of 1,000 tokens
// serves ten calls of 100, then what those left, and never a token more.
func TestTokensOfReplicasOnPostgres(t *testing.T) {
	t.Parallel()
	if os.Getenv(storetest.PostgresVariable) == "" {
		t.Skip(storetest.PostgresVariable + " is not set: `make test` provides a server")
	}
	const bound, worst, used = 1000, 100, 60
	calls := 300
	if os.Getenv("POINTSMAN_SOAK") != "" {
		calls = 10_000
	}
	url := migrated.PostgresURL(t)
	var tokens, money []*budget.Guard
	for range 3 {
		s := openStore(t, url)
		tokens = append(tokens, newGuard(t, budget.Config{Unit: budget.Tokens, Leases: s, Ledger: &tokenLedger{}, Wait: time.Minute}, hard(engine.TokenBudget, bound)))
		money = append(money, newGuard(t, budget.Config{Leases: s, Wait: time.Minute}, hard("day", 1<<40)))
	}
	var settled atomic.Int64
	// wave holds at all replicas at once, and settles when all have their answer.
	wave := func() (held int64) {
		var all sync.WaitGroup
		var mu sync.Mutex
		var ends []func()
		for i := range calls {
			all.Go(func() {
				u := call
				g := tokens[i%3]
				ticket, err := g.Hold(context.Background(), &u, worst)
				if err != nil {
					if engine.CodeOf(err) != engine.CodeBudgetExceeded || !strings.Contains(err.Error(), "'max_tokens_per_day'") {
						t.Errorf("Hold(%d) = %v, want a refusal that names the bound", worst, err)
					}
					return
				}
				paid, err := money[i%3].Hold(context.Background(), &u, 5)
				if err != nil {
					t.Errorf("Hold(5) of money that is there = %v, want no error", err)
				}
				mu.Lock()
				defer mu.Unlock()
				ends = append(ends, func() {
					g.Settle(ticket, used)
					money[i%3].Settle(paid, 5)
					settled.Add(used)
				})
			})
		}
		all.Wait()
		for _, end := range ends {
			end()
		}
		for _, g := range tokens {
			g.Tick(t.Context(), true) // what one does not use, another may
		}
		return int64(len(ends))
	}
	if held := wave(); held != bound/worst {
		t.Errorf("%d of %d calls hold, want %d", held, calls, bound/worst)
	}
	for left := bound - settled.Load(); left >= worst; left = bound - settled.Load() {
		if held := wave(); held*worst > left || held == 0 {
			t.Fatalf("%d calls of %d hold with %d left, want some, and no more than fit", held, worst, left)
		}
	}
	if held := wave(); held != 0 {
		t.Errorf("%d calls hold with %d left, want none", held, bound-settled.Load())
	}
	// What all did is what the database says, once each has reported.
	for _, g := range tokens {
		g.Close(t.Context())
	}
	later := newGuard(t, budget.Config{Unit: budget.Tokens, Leases: openStore(t, url), Ledger: &tokenLedger{}}, hard(engine.TokenBudget, bound))
	states, err := later.States(t.Context(), []engine.Budget{hard(engine.TokenBudget, bound)})
	if err != nil || len(states) != 1 || states[0].SpentNanoUSD != settled.Load() || states[0].HeldNanoUSD != 0 {
		t.Errorf("States() = %+v, %v, want %d spent and nothing held", states, err, settled.Load())
	}
}
