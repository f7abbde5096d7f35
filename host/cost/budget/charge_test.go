package budget_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost/budget"
)

// refused reports whether a hold of so much is refused.
func refused(t *testing.T, g *budget.Guard, worst int64) bool {
	t.Helper()
	u := call
	h, err := g.Hold(t.Context(), &u, worst)
	if err == nil {
		g.Settle(h, 0)
		return false
	}
	if engine.CodeOf(err) != engine.CodeBudgetExceeded {
		t.Fatalf("Hold(%d) = %v, want a budget's refusal, or none", worst, err)
	}
	return true
}

// What was spent elsewhere, or is corrected, counts at once for whoever asks, wherever it was
// written down.
func TestPostedRowsCount(t *testing.T) {
	t.Parallel()
	rolling := hard("rolling", 1000)
	rolling.Period = engine.PeriodRollingDay
	for name, leases := range map[string]engine.BudgetLeaseStore{"one process": nil, "two replicas": newBooks()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := budget.Config{Leases: leases, Wait: time.Minute}
			one := newGuard(t, cfg, hard("day", 1000), rolling)
			other := one
			if leases != nil {
				other = newGuard(t, cfg, hard("day", 1000), rolling)
			}
			if refused(t, one, 300) || refused(t, other, 300) {
				t.Fatal("Hold(300) of 1,000 is refused, want it held")
			}
			elsewhere := engine.Usage{AccountID: "acme", Kind: engine.UsageExternal, CostNanoUSD: 800, StartedAt: noon.Add(-3 * time.Hour)}
			before := engine.Usage{AccountID: "acme", Kind: engine.UsageExternal, CostNanoUSD: 5000, StartedAt: noon.Add(-50 * time.Hour)}
			another := engine.Usage{AccountID: "other", Kind: engine.UsageExternal, CostNanoUSD: 5000, StartedAt: noon}
			if err := one.Post(t.Context(), []engine.Usage{elsewhere, before, another}); err != nil {
				t.Fatal(err)
			}
			// A slice that is in hand is given back within a second.
			other.Tick(t.Context(), true)
			other.Tick(t.Context(), true)
			for _, g := range []*budget.Guard{one, other} {
				if !refused(t, g, 300) || refused(t, g, 100) {
					t.Error("with 800 of 1,000 spent elsewhere, Hold(300) is held or Hold(100) refused")
				}
				g.Tick(t.Context(), true) // and so is what it had in hand for that
				g.Tick(t.Context(), true)
			}
			less := engine.Usage{AccountID: "acme", Kind: engine.UsageCorrection, CostNanoUSD: -500, StartedAt: noon}
			if err := one.Post(t.Context(), []engine.Usage{less}); err != nil {
				t.Fatal(err)
			}
			if refused(t, one, 600) {
				t.Error("with 500 of them corrected, Hold(600) is refused")
			}
		})
	}
}

// In one process a row counts in its own step, and no longer than that.
func TestPostedRowsLeaveTheirWindow(t *testing.T) {
	t.Parallel()
	now := noon
	b := hard("rolling", 1000)
	b.Period = engine.PeriodRollingDay
	g := newGuard(t, budget.Config{Now: func() time.Time { return now }}, b)
	g.Charge(engine.Usage{AccountID: "acme", CostNanoUSD: 1000, StartedAt: noon.Add(-20 * time.Hour)})
	states, err := g.States(t.Context(), []engine.Budget{b})
	if err != nil || states[0].SpentNanoUSD != 1000 {
		t.Fatalf("States() = %+v, %v, want 1,000 spent", states, err)
	}
	now = noon.Add(5 * time.Hour)
	if states, err = g.States(t.Context(), []engine.Budget{b}); err != nil || states[0].SpentNanoUSD != 0 {
		t.Errorf("States() 25 hours later = %+v, %v, want nothing spent", states, err)
	}
}

func TestTokensAreCounted(t *testing.T) {
	t.Parallel()
	b := hard(engine.TokenBudget, 1000)
	rows := &tokenLedger{950}
	g := newGuard(t, budget.Config{Unit: budget.Tokens, Ledger: rows}, b)
	u := call
	_, err := g.Hold(t.Context(), &u, 60)
	if engine.CodeOf(err) != engine.CodeBudgetExceeded || !strings.Contains(err.Error(), "'max_tokens_per_day'") || !strings.Contains(err.Error(), "resets at 2027-04-01T00:00:00Z") {
		t.Errorf("Hold(60) with 50 left = %v, want a refusal that names the bound and its reset", err)
	}
	u.Tokens, u.CostNanoUSD = engine.Tokens{Prompt: 20, Completion: 10}, 1<<50
	g.Charge(u)
	if !refused(t, g, 21) || refused(t, g, 20) {
		t.Error("with 980 of 1,000 tokens used, Hold(21) is held or Hold(20) refused")
	}
	u.Kind = engine.UsageCorrection
	g.Charge(u)
	if refused(t, g, 20) {
		t.Error("a correction, which has no tokens, used some")
	}
}

// tokenLedger has so many tokens, and costs that must not count.
type tokenLedger struct{ tokens int64 }

func (l *tokenLedger) Report(_ context.Context, q engine.ReportQuery) ([]engine.ReportRow, error) {
	return []engine.ReportRow{{At: q.From, Tokens: engine.Tokens{Prompt: l.tokens, Cached: l.tokens}, CostNanoUSD: 1 << 50}}, nil
}

// Guards of both units share one database: neither settles what is the other's.
func TestUnitsKeepApart(t *testing.T) {
	t.Parallel()
	for id, tokens := range map[string]bool{engine.TokenBudget: true, engine.TokenBudget + "/team/x": true, "preference": false, "day": false, engine.TokenBudget + "-of-mine": false} {
		if budget.Tokens.Owns(id) != tokens || budget.Money.Owns(id) == tokens {
			t.Errorf("Owns(%q): tokens %v, money %v, want %v and the opposite", id, budget.Tokens.Owns(id), budget.Money.Owns(id), tokens)
		}
	}
	b := newBooks()
	late := noon.Add(time.Hour)
	tokens := newGuard(t, budget.Config{Unit: budget.Tokens, Leases: b, Ledger: &tokenLedger{}, Wait: time.Minute, TTL: time.Minute}, hard(engine.TokenBudget, 100))
	u := call
	if _, err := tokens.Hold(t.Context(), &u, 40); err != nil {
		t.Fatal(err)
	}
	money := newGuard(t, budget.Config{Leases: b, Now: func() time.Time { return late }})
	money.Sweep(t.Context())
	if dead, err := b.DeadBudgetLeases(t.Context(), late, 10); err != nil || len(dead) != 1 {
		t.Errorf("expired leases after the other unit's sweep = %v, %v, want the one of tokens", dead, err)
	}
	newGuard(t, budget.Config{Unit: budget.Tokens, Leases: b, Ledger: &tokenLedger{}, Now: func() time.Time { return late }}).Sweep(t.Context())
	if dead, err := b.DeadBudgetLeases(t.Context(), late, 10); err != nil || len(dead) != 0 {
		t.Errorf("expired leases after the unit's own sweep = %v, %v, want none", dead, err)
	}
}

// However many budgets are asked for, it is one exchange; a second for those that the database
// does not know yet.
func TestStatesAreOneExchange(t *testing.T) {
	t.Parallel()
	b := newBooks()
	clock := time.Duration(0)
	var budgets []engine.Budget
	for _, id := range strings.Fields("a b c d e f g h") {
		budgets = append(budgets, hard(id, 1000))
	}
	g := newGuard(t, budget.Config{Leases: b, Clock: func() time.Duration { return clock }}, budgets...)
	if _, err := g.States(t.Context(), budgets); err != nil {
		t.Fatal(err)
	}
	before := b.calls
	clock += time.Minute
	states, err := g.States(t.Context(), budgets)
	if err != nil || len(states) != len(budgets) || states[7].LeftNanoUSD != 1000 {
		t.Fatalf("States() = %+v, %v, want 1,000 left of each", states, err)
	}
	if b.calls != before+1 {
		t.Errorf("States() of %d budgets made %d exchanges, want 1", len(budgets), b.calls-before)
	}
	clock += time.Minute
	b.err = errors.New("away")
	if _, err := g.States(t.Context(), budgets); err == nil {
		t.Error("States() without a database = nil, want its error")
	}
}

// What is counted otherwise than the ledger says is found and counted.
func TestRecountRepairsBudgets(t *testing.T) {
	t.Parallel()
	for name, shared := range map[string]bool{"one process": false, "a replica": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{}
			cfg := budget.Config{Ledger: l, Wait: time.Minute, Pause: time.Nanosecond}
			if shared {
				cfg.Leases = newBooks()
			}
			b := hard("day", 10_000)
			g := newGuard(t, cfg, b)
			spend := func(u engine.Usage, amount int64) {
				u.CostNanoUSD = amount
				h, err := g.Hold(t.Context(), &u, amount)
				if err != nil {
					t.Fatal(err)
				}
				g.Settle(h, amount)
				l.add(u)
			}
			recount := func(doing string, want int64) {
				t.Helper()
				repairs, err := g.Recount(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got := int64(0)
				for _, r := range repairs {
					got += r.Amount
				}
				if got != want || len(repairs) > 0 && repairs[0].Budget.ID != "day" {
					t.Errorf("Recount() %s = %+v, want %d", doing, repairs, want)
				}
				states, err := g.States(t.Context(), []engine.Budget{b})
				sum := int64(0)
				for _, u := range l.rows {
					sum += u.CostNanoUSD
				}
				if err != nil || states[0].SpentNanoUSD != sum {
					t.Errorf("spent after Recount() %s = %+v, %v, want the ledger's %d", doing, states, err, sum)
				}
			}
			spend(call, 700)
			recount("of what is right", 0)
			missed := call
			missed.CostNanoUSD = 40
			l.add(missed)
			recount("of what was not counted", 40)
			tampered := call
			tampered.CostNanoUSD = 300
			g.Charge(tampered)
			recount("of what was counted too much", -300)
			recount("again", 0)
		})
	}
}

// What was under way when a budget began is in the ledger later, and in no hold: it is counted all the same.
func TestANewBudgetCatchesUp(t *testing.T) {
	t.Parallel()
	for name, shared := range map[string]bool{"one process": false, "two replicas": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{}
				cfg := budget.Config{Ledger: l, Clock: sinceNow(), Now: time.Now}
				if shared {
					cfg.Leases = newBooks()
				}
				ctx, stop := context.WithCancel(t.Context())
				guards := []*budget.Guard{newGuard(t, cfg)}
				if shared {
					guards = append(guards, newGuard(t, cfg))
				}
				b := hard("day", 10_000)
				spent := func() int64 {
					states, err := guards[0].States(t.Context(), []engine.Budget{b})
					if err != nil {
						t.Fatal(err)
					}
					return states[0].SpentNanoUSD
				}
				for _, g := range guards {
					go g.Run(ctx)
				}
				before, late := call, call
				before.StartedAt, before.CostNanoUSD = time.Now(), 700
				late.StartedAt, late.CostNanoUSD = time.Now(), 40
				l.add(before)
				for _, g := range guards {
					if err := g.Set(t.Context(), 2, []engine.Budget{b}); err != nil {
						t.Fatal(err)
					}
				}
				for _, g := range guards {
					u := before
					h, err := g.Hold(t.Context(), &u, 5)
					if err != nil {
						t.Fatal(err)
					}
					g.Settle(h, 5)
					u.CostNanoUSD = 5
					l.add(u)
				}
				l.add(late)
				own := 5 * int64(len(guards))
				time.Sleep(3 * time.Second)
				if got := spent(); got != 700+own {
					t.Errorf("at first %d is counted, want %d: what the ledger had, and what was held since", got, 700+own)
				}
				time.Sleep(time.Minute)
				if got := spent(); got != 740+own {
					t.Errorf("a minute later %d is counted, want %d, as the ledger has it", got, 740+own)
				}
				time.Sleep(time.Minute)
				if got := spent(); got != 740+own {
					t.Errorf("two minutes later %d is counted, want %d still", got, 740+own)
				}
				stop()
				synctest.Wait()
			})
		})
	}
}
