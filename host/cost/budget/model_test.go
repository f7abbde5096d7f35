package budget_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost/budget"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// model is the plain reference: every budget's true spending by the time of its reservation,
// and every hold that is open, next to the replicas that are tried.
type model struct {
	t       *testing.T
	r       *rand.Rand
	leases  engine.BudgetLeaseStore // nil: one process alone
	ledger  *ledger
	now     time.Time
	clock   time.Duration
	rev     int64
	budgets []engine.Budget
	guards  []*budget.Guard
	born    int
	open    []*held
	spent   []spending
	seen    map[string]int
}

// held is a hold that is open.
type held struct {
	guard  *budget.Guard
	ticket *budget.Hold
	usage  engine.Usage
	amount int64
}

// spending is what one attempt cost. over is what it cost beyond what was held.
type spending struct {
	usage engine.Usage
	over  int64
}

func (m *model) guard() *budget.Guard {
	m.born++
	g := budget.New(budget.Config{
		Leases: m.leases, Ledger: m.ledger, Wait: time.Minute, Replica: fmt.Sprint("replica-", m.born),
		Now: func() time.Time { return m.now }, Clock: func() time.Duration { return m.clock },
	})
	m.set(g)
	return g
}

func (m *model) set(g *budget.Guard) {
	if err := g.Set(context.Background(), m.rev, m.budgets); err != nil {
		m.t.Fatal(err)
	}
}

// begins is when the window of a budget began. A rolling one has a step more than it is long.
func begins(b engine.Budget, now time.Time) time.Time {
	day := now.UTC().Truncate(24 * time.Hour)
	switch b.Period {
	case engine.PeriodWeek:
		return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	case engine.PeriodMonth:
		return time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
	case engine.PeriodRollingDay:
		return now.UTC().Truncate(time.Hour).Add(-24 * time.Hour)
	case engine.PeriodRolling30:
		return day.AddDate(0, 0, -30)
	}
	return day
}

func covers(b engine.Budget, u engine.Usage) bool {
	return (b.TeamID == "" || b.TeamID == u.TeamID) && (b.UserID == "" || b.UserID == u.UserID) && (b.KeyID == "" || b.KeyID == u.KeyID) && (b.ModelID == "" || b.ModelID == u.ModelID)
}

// truth is what is spent and held of a budget in the window that is now, and what of it was
// spent beyond what had been held.
func (m *model) truth(b engine.Budget) (spent, out, over int64) {
	from := begins(b, m.now)
	for _, s := range m.spent {
		if covers(b, s.usage) && !s.usage.StartedAt.Before(from) {
			spent, over = spent+s.usage.CostNanoUSD, over+s.over
		}
	}
	for _, h := range m.open {
		if covers(b, h.usage) && !h.usage.StartedAt.Before(from) {
			out += h.amount
		}
	}
	return spent, out, over
}

// fits reports whether each hard budget has room for more, over beyond the amounts of those.
func (m *model) fits(u engine.Usage, more int64, lenient bool) (ok bool, why string) {
	for _, b := range m.budgets {
		if !b.Hard || more == 0 || !covers(b, u) { // what costs nothing breaks no budget
			continue
		}
		spent, out, over := m.truth(b)
		if !lenient {
			over = 0
		}
		if spent+out+more > b.NanoUSD+over {
			return false, fmt.Sprintf("budget %s of %d: %d spent, %d held, %d more", b.ID, b.NanoUSD, spent, out, more)
		}
	}
	return true, ""
}

func (m *model) step(n int) {
	m.clock += 3 * time.Millisecond
	m.now = m.now.Add(3 * time.Millisecond)
	g := m.guards[m.r.IntN(len(m.guards))]
	switch k := m.r.IntN(1000); {
	case k < 420:
		m.hold(g, n)
	case k < 520 && len(m.open) > 0:
		m.stream(m.open[m.r.IntN(len(m.open))])
	case k < 900 && len(m.open) > 0:
		m.settle(m.r.IntN(len(m.open)))
	case k < 960:
		m.clock += time.Second
		g.Tick(context.Background(), true)
	case k < 965:
		m.change()
	case k < 975:
		m.now = m.now.Add(time.Duration(m.r.IntN(3*3600)) * time.Second)
	case k < 977:
		m.now = m.now.Add(time.Duration(m.r.IntN(40)) * 24 * time.Hour)
	case k < 980:
		m.die()
	case k < 985:
		m.agree()
	}
}

func (m *model) hold(g *budget.Guard, n int) {
	user := m.r.IntN(4)
	u := engine.Usage{
		AccountID: "acme", ID: fmt.Sprint(n), TeamID: []string{"red", "red", "blue", ""}[user], UserID: fmt.Sprint("user", user), KeyID: fmt.Sprint("key", m.r.IntN(2)),
		ModelID: fmt.Sprint("model", m.r.IntN(2)), StartedAt: m.now,
	}
	worst := m.r.Int64N(120)
	ticket, err := g.Hold(context.Background(), &u, worst)
	if err != nil {
		if engine.CodeOf(err) != engine.CodeBudgetExceeded {
			m.t.Fatalf("step %d: Hold(%d) = %v, want a hold or a refusal by a budget", n, worst, err)
		}
		m.seen["refused"]++
		if fits, _ := m.fits(u, worst, false); fits && (m.leases == nil || m.r.IntN(20) == 0) {
			m.owed(g, u, worst, n, err)
		}
		return
	}
	if fits, why := m.fits(u, worst, m.leases != nil); !fits {
		m.t.Fatalf("step %d: Hold(%d) is let through: %s", n, worst, why)
	}
	m.seen["held"]++
	m.open = append(m.open, &held{g, ticket, u, worst})
}

// owed is for a refusal though there is room: replicas that idle must give it back.
func (m *model) owed(g *budget.Guard, u engine.Usage, worst int64, n int, refusal error) {
	if m.leases == nil {
		m.t.Fatalf("step %d: Hold(%d) = %v, want a hold: there is room", n, worst, refusal)
	}
	for range 12 {
		m.clock += time.Second
		for _, each := range m.guards {
			each.Tick(context.Background(), true)
		}
	}
	u.StartedAt = m.now
	ticket, err := g.Hold(context.Background(), &u, worst)
	if err != nil {
		m.t.Fatalf("step %d: Hold(%d) = %v when all is returned, want a hold: there is room", n, worst, err)
	}
	m.seen["returned"]++
	m.open = append(m.open, &held{g, ticket, u, worst})
}

func (m *model) stream(h *held) {
	more := m.r.Int64N(60)
	u := h.usage
	err := h.guard.Spent(h.ticket, h.amount+more)
	if err != nil {
		m.seen["cut"]++
		return
	}
	// What a hold of an older window takes is of that window.
	if fits, why := m.fits(u, more, m.leases != nil); !fits && !u.StartedAt.Before(m.oldest(u)) {
		m.t.Fatalf("Spent(%d) is let through: %s", h.amount+more, why)
	}
	h.amount += more
}

// oldest is the latest begin of the windows that a row is in.
func (m *model) oldest(u engine.Usage) (at time.Time) {
	for _, b := range m.budgets {
		if covers(b, u) && begins(b, m.now).After(at) {
			at = begins(b, m.now)
		}
	}
	return at
}

func (m *model) settle(i int) {
	h := m.open[i]
	m.open = append(m.open[:i], m.open[i+1:]...)
	cost := m.r.Int64N(h.amount + 1)
	if m.r.IntN(30) == 0 {
		cost = h.amount + m.r.Int64N(50)
	}
	h.guard.Settle(h.ticket, cost)
	m.book(h, cost)
}

func (m *model) book(h *held, cost int64) {
	h.usage.CostNanoUSD = cost
	m.ledger.add(h.usage)
	m.spent = append(m.spent, spending{h.usage, max(cost-h.amount, 0)})
	if len(m.spent) > 4000 { // what is older than every window
		kept := m.spent[:0]
		for _, s := range m.spent {
			if m.now.Sub(s.usage.StartedAt) < 40*24*time.Hour {
				kept = append(kept, s)
			}
		}
		m.spent = kept
	}
}

func (m *model) change() {
	m.rev++
	m.seen["changed"]++
	b := &m.budgets[m.r.IntN(len(m.budgets))]
	b.NanoUSD = m.r.Int64N(3000)
	for _, g := range m.guards {
		m.set(g)
	}
}

// die ends a process without a word. What it had in flight is estimated from its spool when
// another one takes that over.
func (m *model) die() {
	if m.leases == nil {
		m.agree()
	}
	m.seen["died"]++
	i := m.r.IntN(len(m.guards))
	dead := m.guards[i]
	kept := m.open[:0]
	var lost []*held
	for _, h := range m.open {
		if h.guard == dead {
			lost = append(lost, h)
		} else {
			kept = append(kept, h)
		}
	}
	m.open = kept
	for _, h := range lost {
		m.book(h, m.r.Int64N(h.amount+1))
	}
	for j, g := range m.guards {
		if j != i {
			g.Tick(context.Background(), true)
		}
	}
	m.guards[i] = m.guard()
	if err := m.guards[i].Recover(context.Background(), dead.Replica()); err != nil {
		m.t.Fatal(err)
	}
}

// agree compares what every replica knows with the truth.
func (m *model) agree() {
	m.clock += time.Second
	for _, g := range m.guards {
		g.Tick(context.Background(), true)
	}
	m.clock += time.Second
	for _, g := range m.guards {
		states, err := g.States(context.Background(), m.budgets)
		if err != nil {
			m.t.Fatal(err)
		}
		for i, b := range m.budgets {
			spent, out, _ := m.truth(b)
			if got := states[i]; got.SpentNanoUSD != spent || b.Hard && got.HeldNanoUSD < out {
				m.t.Fatalf("%s: budget %s (%s) has %d spent and %d held, want %d and at least %d", m.now, b.ID, b.Period, got.SpentNanoUSD, got.HeldNanoUSD, spent, out)
			}
		}
	}
	m.seen["agreed"]++
}

func (m *model) run(steps, replicas int) {
	for i, b := range []engine.Budget{
		{ID: "all", Period: engine.PeriodMonth, NanoUSD: 2000, Hard: true},
		{ID: "red", TeamID: "red", Period: engine.PeriodDay, NanoUSD: 900, Hard: true},
		{ID: "user1", UserID: "user1", Period: engine.PeriodRollingDay, NanoUSD: 600, Hard: true},
		{ID: "key", UserID: "user2", KeyID: "key1", Period: engine.PeriodWeek, NanoUSD: 500, Hard: true},
		{ID: "model", ModelID: "model1", Period: engine.PeriodRolling30, NanoUSD: 1500, Hard: true},
		{ID: "soft", Period: engine.PeriodDay, NanoUSD: 100},
	} {
		b.AccountID, b.Enabled, b.CreatedAt = "acme", true, m.now.Add(time.Duration(i))
		m.budgets = append(m.budgets, b)
	}
	for range replicas {
		m.guards = append(m.guards, m.guard())
	}
	for n := range steps {
		m.step(n)
	}
	m.agree()
	m.t.Logf("%d steps: %v", steps, m.seen)
	for _, what := range []string{"held", "refused", "cut", "changed", "died", "agreed"} {
		if m.seen[what] == 0 {
			m.t.Errorf("nothing was %s: the steps try nothing", what)
		}
	}
}

func newModel(t *testing.T, leases engine.BudgetLeaseStore) *model {
	const seed = 11
	return &model{
		t: t, r: rand.New(rand.NewPCG(seed, seed)), leases: leases, ledger: &ledger{}, seen: map[string]int{},
		now: time.Date(2027, 1, 30, 22, 0, 0, 0, time.UTC), clock: time.Hour,
	}
}

// TestModel makes random changes and holds against a plain reference: nothing is let through
// that does not fit, and what is refused did not fit.
func TestModel(t *testing.T) {
	t.Parallel()
	few, many := 3000, 100_000
	if raceDetector {
		many = 10_000 // the reference adds up thousands of rows for each step
	}
	if os.Getenv("POINTSMAN_SOAK") != "" {
		few, many = 100_000, 100_000
	}
	for _, c := range []struct {
		name            string
		steps, replicas int
		leases          func(t *testing.T) engine.BudgetLeaseStore
	}{
		{"one process", many, 1, func(*testing.T) engine.BudgetLeaseStore { return nil }},
		{"replicas", many, 3, func(*testing.T) engine.BudgetLeaseStore { return newBooks() }},
		{"replicas on sqlite", few, 3, func(t *testing.T) engine.BudgetLeaseStore {
			return openStore(t, "sqlite:"+filepath.Join(t.TempDir(), "b.db"))
		}},
		{"replicas on postgres", few, 3, func(t *testing.T) engine.BudgetLeaseStore { return openStore(t, storetest.PostgresURL(t)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			newModel(t, c.leases(t)).run(c.steps, c.replicas)
		})
	}
}

func openStore(t *testing.T, url string) engine.BudgetLeaseStore {
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
