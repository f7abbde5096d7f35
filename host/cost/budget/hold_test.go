package budget_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost"
	"github.com/pointsman/pointsman/host/cost/budget"
)

var _ cost.Budgets = (*budget.Guard)(nil)

var noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

func hard(id string, nano int64) engine.Budget {
	return engine.Budget{AccountID: "acme", ID: id, Period: engine.PeriodDay, NanoUSD: nano, Hard: true, Enabled: true}
}

func newGuard(t testing.TB, cfg budget.Config, budgets ...engine.Budget) *budget.Guard {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return noon }
	}
	g := budget.New(cfg)
	if err := g.Set(t.Context(), 1, budgets); err != nil {
		t.Fatal(err)
	}
	return g
}

var call = engine.Usage{AccountID: "acme", TeamID: "red", UserID: "bob", KeyID: "k", ModelID: "m", StartedAt: noon}

func TestThousandAtOnceOnABudgetForTen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		replicas int
		leases   engine.BudgetLeaseStore
	}{"one process": {1, nil}, "three replicas": {3, newBooks()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var guards []*budget.Guard
			for range c.replicas {
				guards = append(guards, newGuard(t, budget.Config{Leases: c.leases, Wait: time.Minute}, hard("ten", 1000)))
			}
			var held, refused atomic.Int64
			var all sync.WaitGroup
			for i := range 1000 {
				all.Go(func() {
					u := call
					_, err := guards[i%len(guards)].Hold(context.Background(), &u, 100)
					switch {
					case err == nil:
						held.Add(1)
					case engine.CodeOf(err) == engine.CodeBudgetExceeded:
						refused.Add(1)
					default:
						t.Errorf("Hold() = %v", err)
					}
				})
			}
			all.Wait()
			if held.Load() != 10 || refused.Load() != 990 {
				t.Errorf("%d hold and %d are refused, want 10 and 990", held.Load(), refused.Load())
			}
		})
	}
}

func TestRefusalTakesNothing(t *testing.T) {
	t.Parallel()
	team, user, model := hard("team", 500), hard("user", 100), hard("other", 0)
	team.TeamID, user.UserID, model.ModelID = "red", "bob", "another"
	g := newGuard(t, budget.Config{}, hard("all", 1000), team, user, model)
	u := call
	_, err := g.Hold(t.Context(), &u, 101)
	var e *engine.Error
	if !errors.As(err, &e) || e.Code != engine.CodeBudgetExceeded || !strings.Contains(e.Message, "'user'") || e.After != 12*time.Hour {
		t.Fatalf("Hold() = %v, want a refusal by the budget 'user' until midnight", err)
	}
	for range 2 { // all of it is there, twice
		h, err := g.Hold(t.Context(), &u, 100)
		if err != nil {
			t.Fatalf("Hold() = %v, want a hold: the refusal took nothing", err)
		}
		if left := g.Left(engine.Principal{AccountID: "acme", TeamID: "red", UserID: "bob"}); !left.Bounded || left.NanoUSD != 0 || left.Fraction != 0 {
			t.Errorf("Left() = %+v, want nothing", left)
		}
		g.Settle(h, 0)
	}
	if left := g.Left(engine.Principal{AccountID: "rival"}); left != (engine.BudgetLeft{}) {
		t.Errorf("Left() of another account = %+v, want no bound", left)
	}
}

func TestStreamEndsWhereTheBudgetDoes(t *testing.T) {
	t.Parallel()
	g := newGuard(t, budget.Config{}, hard("all", 100))
	u := call
	h, err := g.Hold(t.Context(), &u, 40)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Spent(h, 100); err != nil {
		t.Errorf("Spent(100) = %v, want what is left to be taken", err)
	}
	if err := g.Spent(h, 101); engine.CodeOf(err) != engine.CodeBudgetExceeded {
		t.Errorf("Spent(101) = %v, want %s", err, engine.CodeBudgetExceeded)
	}
	g.Settle(h, 130)
	states, err := g.States(t.Context(), []engine.Budget{hard("all", 100)})
	if err != nil || states[0].SpentNanoUSD != 130 || states[0].HeldNanoUSD != 0 || states[0].LeftNanoUSD != 0 {
		t.Errorf("States() = %+v, %v, want 130 spent: what was is told", states, err)
	}
}

// What is held before midnight is of that day, however late it ends.
func TestWindowTurnsOnce(t *testing.T) {
	t.Parallel()
	now := noon
	g := newGuard(t, budget.Config{Now: func() time.Time { return now }}, hard("all", 100))
	u := call
	h, err := g.Hold(t.Context(), &u, 100)
	if err != nil {
		t.Fatal(err)
	}
	now = noon.Add(12 * time.Hour)
	next := call
	next.StartedAt = now
	h2, err := g.Hold(t.Context(), &next, 100)
	if err != nil {
		t.Fatalf("Hold() on the next day = %v, want a hold", err)
	}
	g.Settle(h, 100)
	g.Settle(h2, 60)
	back := call // a clock that goes back opens no window again
	if _, err := g.Hold(t.Context(), &back, 41); engine.CodeOf(err) != engine.CodeBudgetExceeded {
		t.Errorf("Hold(41) beyond the second day's = %v, want a refusal", err)
	}
}

func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	b := newBooks()
	g := newGuard(t, budget.Config{Leases: b}, hard("all", 1000))
	u := call
	h, err := g.Hold(t.Context(), &u, 100)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	b.err = errors.New("gone")
	b.mu.Unlock()
	g.Settle(h, 0) // it has these in hand
	if h, err = g.Hold(t.Context(), &u, 100); err != nil {
		t.Fatalf("Hold() of what is in hand = %v, want a hold", err)
	}
	var e *engine.Error
	if _, err := g.Hold(t.Context(), &u, 1); !errors.As(err, &e) || e.Status != 503 || e.After == 0 {
		t.Errorf("Hold() beyond it = %v, want 503", err)
	}
	soft := hard("soft", 1)
	soft.Hard = false
	s := newGuard(t, budget.Config{Leases: b}, soft)
	if _, err := s.Hold(t.Context(), &u, 100); err != nil {
		t.Errorf("Hold() of a soft budget = %v, want a hold", err)
	}
}

// alerts decide as a database does.
type alerts struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (a *alerts) AddBudgetAlert(_ context.Context, x engine.BudgetAlert) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := x.BudgetID + x.WindowStart.String() + string(rune(x.Threshold.Percent))
	fired := !a.seen[key]
	a.seen[key] = true
	return fired, nil
}

func (a *alerts) ListBudgetAlerts(context.Context, string, int) ([]engine.BudgetAlert, error) {
	return nil, nil
}

func TestThresholdsFireOnceAcrossReplicas(t *testing.T) {
	t.Parallel()
	b, a, feed := newBooks(), &alerts{seen: map[string]bool{}}, engine.NewNoticeFeed(zerolog.Nop())
	soft := engine.Budget{AccountID: "acme", ID: "soft", Period: engine.PeriodMonth, NanoUSD: 100, Enabled: true, Thresholds: []engine.Threshold{
		{Percent: 50, Actions: []string{engine.ActionEvent, engine.ActionPreferCheaper}}, {Percent: 100, Actions: []string{engine.ActionWebhook, engine.ActionStop}},
	}}
	var clock atomic.Int64
	clock.Store(int64(time.Hour))
	var guards []*budget.Guard
	for range 3 {
		guards = append(guards, newGuard(t, budget.Config{Leases: b, Alerts: a, Notices: feed, Clock: func() time.Duration { return time.Duration(clock.Load()) }}, soft))
	}
	spend := func(g *budget.Guard, nano int64) error {
		u := call
		h, err := g.Hold(t.Context(), &u, nano)
		if err == nil {
			g.Settle(h, nano)
		}
		clock.Add(int64(time.Second))
		for range 2 {
			for _, g := range guards {
				g.Tick(t.Context(), true)
			}
		}
		return err
	}
	for i, g := range guards { // 60 in all
		if err := spend(g, 20); err != nil {
			t.Fatalf("spend %d = %v", i, err)
		}
	}
	for i, g := range guards {
		if _, err := g.States(t.Context(), []engine.Budget{soft}); err != nil {
			t.Fatal(err)
		}
		if left := g.Left(engine.Principal{AccountID: "acme"}); !left.PreferCheaper || left.Bounded {
			t.Errorf("replica %d: Left() = %+v, want cheaper models and no bound", i, left)
		}
	}
	if err := spend(guards[0], 45); err != nil {
		t.Fatal(err)
	}
	for i, g := range guards {
		if _, err := g.States(t.Context(), []engine.Budget{soft}); err != nil {
			t.Fatal(err)
		}
		if err := spend(g, 1); engine.CodeOf(err) != engine.CodeBudgetExceeded {
			t.Errorf("replica %d: Hold() after the stop = %v, want a refusal", i, err)
		}
	}
	notices, _, _ := feed.After(0)
	var got []string
	for _, n := range notices {
		got = append(got, n.Kind+" "+n.Subject+" "+n.Message)
	}
	if len(got) != 2 || !strings.Contains(got[0], "50 %") || !strings.Contains(got[1], "100 %") || !strings.HasPrefix(got[0], engine.NoticeBudgetThreshold+" soft") {
		t.Errorf("notices = %q, want one of 50 %% and one of 100 %%", got)
	}
}

// A process that stops leaves nothing behind.
func TestCloseGivesBack(t *testing.T) {
	t.Parallel()
	b := newBooks()
	one := newGuard(t, budget.Config{Leases: b}, hard("all", 100))
	two := newGuard(t, budget.Config{Leases: b}, hard("all", 100))
	u := call
	h, err := one.Hold(t.Context(), &u, 100)
	if err != nil {
		t.Fatal(err)
	}
	one.Settle(h, 30)
	one.Close(t.Context())
	if _, err := two.Hold(t.Context(), &u, 70); err != nil {
		t.Errorf("Hold() of what a stopped process gave back = %v, want a hold", err)
	}
}

func TestHoldAllocatesNothing(t *testing.T) {
	team := hard("team", 1<<50)
	team.TeamID = "red"
	for name, leases := range map[string]engine.BudgetLeaseStore{"one process": nil, "replica": newBooks()} {
		g := newGuard(t, budget.Config{Leases: leases}, hard("all", 1<<50), team)
		u := call
		big, err := g.Hold(t.Context(), &u, 1<<40) // a replica has this much in hand
		if err != nil {
			t.Fatal(err)
		}
		g.Settle(big, 0)
		allocs := testing.AllocsPerRun(1000, func() {
			h, err := g.Hold(context.Background(), &u, 1000)
			if err != nil {
				t.Fatal(err)
			}
			g.Settle(h, 500)
			_ = g.Left(engine.Principal{AccountID: "acme", TeamID: "red"})
		})
		if allocs != 0 && !raceDetector {
			t.Errorf("%s: Hold and Settle allocate %v times, want 0", name, allocs)
		}
	}
}

func BenchmarkBudgetHoldSettle(b *testing.B) {
	team := hard("team", 1<<50)
	team.TeamID = "red"
	for name, store := range map[string]func() engine.BudgetLeaseStore{
		"one process": func() engine.BudgetLeaseStore { return nil }, "replica": func() engine.BudgetLeaseStore { return newBooks() },
	} {
		b.Run(name, func(b *testing.B) {
			leases := store()
			g := newGuard(b, budget.Config{Leases: leases, Now: time.Now}, hard("all", 1<<50), team)
			u := call
			big, err := g.Hold(b.Context(), &u, 1<<49)
			if err != nil {
				b.Fatal(err)
			}
			g.Settle(big, 0)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				u := call
				for pb.Next() {
					h, err := g.Hold(context.Background(), &u, 1000)
					if err != nil {
						b.Fatal(err)
					}
					g.Settle(h, 500)
				}
			})
		})
	}
}
