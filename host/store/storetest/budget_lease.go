package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var budgetLeaseTests = []test{
	{"gives what there is, and no more", budgetLeaseGives},
	{"counts a lost answer once", budgetLeaseTwice},
	{"sums the steps of a rolling window", budgetLeaseSteps},
	{"the newest version says the amount", budgetLeaseVersion},
	{"keeps what is out, and what was spent beyond", budgetLeaseBeyond},
	{"what a dead replica held counts until it is settled", budgetLeaseDead},
	{"replicas never hold more than there is", budgetLeaseHammer},
}

// claimOn asks for nothing of a budget of 100 in a step that begins at at(0).
func claimOn(account, id string) engine.BudgetClaim {
	return engine.BudgetClaim{AccountID: account, BudgetID: id, Version: 1, NanoUSD: 100, From: at(0), Step: at(0)}
}

func claimed(t *testing.T, s engine.Store, replica string, claims ...engine.BudgetClaim) []engine.BudgetGrant {
	t.Helper()
	grants, err := s.ExchangeBudgets(t.Context(), engine.BudgetExchange{Replica: replica, ExpiresAt: at(1_200_000), Claims: claims})
	must(t, "ExchangeBudgets()", err)
	return grants
}

// opened is a budget that the store knows, of which that much was spent.
func opened(t *testing.T, s engine.Store, account, id string, spent int64) {
	t.Helper()
	c := claimOn(account, id)
	c.Opening = []engine.BudgetStep{{Start: at(0), NanoUSD: spent}}
	claimed(t, s, "opener", c)
}

func budgetLeaseGives(t *testing.T, d Database) {
	s := open(t, d)
	was := revision(t, s)
	c := claimOn("", "preference")
	c.Hold = 60
	wantEqual(t, "the first claim", claimed(t, s, "r1", c), []engine.BudgetGrant{{}})
	c.Opening = []engine.BudgetStep{{Start: at(0), NanoUSD: 30}}
	wantEqual(t, "a claim with its opening", claimed(t, s, "r1", c),
		[]engine.BudgetGrant{{Known: true, Opened: true, Held: 60, Spent: 30, HeldAll: 60, NanoUSD: 100, Oldest: at(0)}})
	wantEqual(t, "another replica's, also with an opening", claimed(t, s, "r2", c),
		[]engine.BudgetGrant{{Known: true, Held: 10, Spent: 30, HeldAll: 70, NanoUSD: 100, Oldest: at(0)}})
	c.Opening, c.Hold, c.Spent = nil, 15, 40
	wantEqual(t, "the first one's, which spent some and gives back", claimed(t, s, "r1", c),
		[]engine.BudgetGrant{{Known: true, Held: 15, Spent: 70, HeldAll: 25, NanoUSD: 100, Oldest: at(0)}})
	wantRevision(t, s, was, 0)
}

func budgetLeaseTwice(t *testing.T, d Database) {
	s := open(t, d)
	opened(t, s, "acme", "b", 0)
	c := claimOn("acme", "b")
	c.Spent, c.Hold = 20, 30
	want := []engine.BudgetGrant{{Known: true, Held: 30, Spent: 20, HeldAll: 30, NanoUSD: 100, Oldest: at(0)}}
	wantEqual(t, "a claim", claimed(t, s, "r1", c), want)
	wantEqual(t, "the same claim again", claimed(t, s, "r1", c), want)
}

func budgetLeaseSteps(t *testing.T, d Database) {
	s := open(t, d)
	c := claimOn("acme", "b")
	c.From, c.Step, c.Hold = at(1000), at(2000), 100
	c.Opening = []engine.BudgetStep{{Start: at(0), NanoUSD: 50}, {Start: at(1000), NanoUSD: 7}, {Start: at(2000), NanoUSD: 8}}
	wantEqual(t, "a claim", claimed(t, s, "r1", c), []engine.BudgetGrant{{Known: true, Opened: true, Held: 85, Spent: 15, HeldAll: 85, NanoUSD: 100, Oldest: at(1000)}})
	// The same replica at a later step, with the rest of the earlier one returned.
	back, next := c, c
	back.Hold = 5
	next.From, next.Step = at(2000), at(3000)
	got := claimed(t, s, "r1", next, back)
	wantEqual(t, "claims on two steps", got, []engine.BudgetGrant{
		{Known: true, Held: 7, Spent: 8, HeldAll: 92, NanoUSD: 100, Oldest: at(2000)},
		{Known: true, Held: 5, Spent: 15, HeldAll: 12, NanoUSD: 100, Oldest: at(1000)},
	})
	must(t, "DropBudgetWindows()", s.DropBudgetWindows(t.Context(), at(3000), at(0)))
	next.From = at(0)
	if g := claimed(t, s, "r1", next)[0]; g.Spent != 0 || g.Held != 100 {
		t.Errorf("after DropBudgetWindows() %d is spent and %d granted, want 0 and 100", g.Spent, g.Held)
	}
}

func budgetLeaseVersion(t *testing.T, d Database) {
	s := open(t, d)
	opened(t, s, "acme", "b", 0)
	for _, c := range []struct {
		version, amount, want int64
	}{{2, 40, 40}, {1, 100, 40}, {3, 70, 70}} {
		claim := claimOn("acme", "b")
		claim.Version, claim.NanoUSD, claim.Hold = c.version, c.amount, 1000
		if g := claimed(t, s, "r1", claim)[0]; g.Held != c.want || g.NanoUSD != c.want {
			t.Errorf("a claim with version %d grants %d of %d, want %d", c.version, g.Held, g.NanoUSD, c.want)
		}
	}
}

func budgetLeaseBeyond(t *testing.T, d Database) {
	s := open(t, d)
	opened(t, s, "acme", "b", 90)
	c := claimOn("acme", "b")
	c.Spent, c.Keep, c.Hold = 25, 3, 50
	if g := claimed(t, s, "r1", c)[0]; g.Held != 3 || g.Spent != 115 {
		t.Errorf("a claim beyond the amount has %d in hand and %d spent, want 3 and 115", g.Held, g.Spent)
	}
}

func budgetLeaseDead(t *testing.T, d Database) {
	s := open(t, d)
	opened(t, s, "acme", "b", 10)
	c := claimOn("acme", "b")
	c.Hold = 40
	claimed(t, s, "dead", c)
	none, err := s.DeadBudgetLeases(t.Context(), at(1_200_000), 10)
	must(t, "DeadBudgetLeases()", err)
	wantEqual(t, "DeadBudgetLeases() before their time", none, nil)
	must(t, "ExpireBudgetLeases()", s.ExpireBudgetLeases(t.Context(), "dead"))
	c.Hold = 100
	if g := claimed(t, s, "r2", c)[0]; g.Held != 50 {
		t.Errorf("beside a dead replica's 40 there are %d, want 50", g.Held)
	}
	dead, err := s.DeadBudgetLeases(t.Context(), at(0), 10)
	must(t, "DeadBudgetLeases()", err)
	wantEqual(t, "DeadBudgetLeases()", dead, []engine.BudgetLease{{AccountID: "acme", BudgetID: "b", Step: at(0), Replica: "dead", Held: 40}})
	must(t, "SettleBudgetLease()", s.SettleBudgetLease(t.Context(), dead[0], 25, at(0)))
	must(t, "SettleBudgetLease() again", s.SettleBudgetLease(t.Context(), dead[0], 99, at(0)))
	if g := claimed(t, s, "r2", c)[0]; g.Held != 75 || g.Spent != 25 {
		t.Errorf("after the dead one is settled %d are left and %d spent, want 75 and 25", g.Held, g.Spent)
	}
	alive := dead[0]
	alive.Replica = "r2"
	must(t, "SettleBudgetLease() of one alive", s.SettleBudgetLease(t.Context(), alive, 99, at(0)))
	if g := claimed(t, s, "r2", c)[0]; g.Held != 75 {
		t.Errorf("a lease that lives is settled: %d are left, want 75", g.Held)
	}
}

func budgetLeaseHammer(t *testing.T, d Database) {
	s := open(t, d)
	opened(t, s, "acme", "b", 0)
	var spent atomic.Int64
	var replicas sync.WaitGroup
	for i := range 4 {
		replicas.Go(func() {
			c := claimOn("acme", "b")
			for n := range 20 {
				c.Hold = int64(n % 5)
				grants, err := s.ExchangeBudgets(context.Background(), engine.BudgetExchange{Replica: fmt.Sprint("r", i), ExpiresAt: at(0).Add(time.Hour), Claims: []engine.BudgetClaim{c}})
				if err != nil {
					t.Errorf("ExchangeBudgets() = %v, want nil", err)
					return
				}
				if g := grants[0]; g.Spent+g.HeldAll > 100 {
					t.Errorf("%d are spent and %d held of 100", g.Spent, g.HeldAll)
				}
				c.Settled = c.Spent
				c.Spent += grants[0].Held
				spent.Add(grants[0].Held)
			}
			c.Hold = 0
			if _, err := s.ExchangeBudgets(context.Background(), engine.BudgetExchange{Replica: fmt.Sprint("r", i), ExpiresAt: at(0), Claims: []engine.BudgetClaim{c}}); err != nil {
				t.Errorf("ExchangeBudgets() = %v, want nil", err)
			}
		})
	}
	replicas.Wait()
	if g := claimed(t, s, "reader", claimOn("acme", "b"))[0]; g.Spent != spent.Load() || g.Spent != 100 || g.HeldAll != 0 {
		t.Errorf("%d are spent and %d held, want the %d that replicas spent, which is all, and 0", g.Spent, g.HeldAll, spent.Load())
	}
}
