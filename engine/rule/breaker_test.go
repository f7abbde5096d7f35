package rule

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// suspending is a router whose plugin fails as broken says, a rule behind it, and
// what it has been told of suspensions.
type suspending struct {
	*Router
	rule   engine.Rule
	broken bool
	calls  int
	told   []string
}

func newSuspending(t *testing.T) *suspending {
	s := &suspending{broken: true, rule: asking("a", 9, "p")}
	p := guest{decide: func(*engine.RuleCall, *engine.RuleAnswer) error {
		s.calls++
		if s.broken {
			return errors.New("broken")
		}
		return nil
	}}
	s.Router = New(guests{"/p": p}, Config{OnSuspend: func(account, id string) { s.told = append(s.told, account+"/"+id) }})
	s.load(t)
	return s
}

func (s *suspending) load(t *testing.T) {
	t.Helper()
	if p := s.Load([]engine.Rule{s.rule, when("b", 1, "true")}); p != nil {
		t.Fatalf("Load = %v", p)
	}
}

// at decides a request of the account that came so long after the first.
func (s *suspending) at(t *testing.T, account string, after time.Duration) string {
	t.Helper()
	req := said(t, "x")
	req.Principal.AccountID = account
	req.Received = received.Add(after)
	d, err := s.Decide(context.Background(), req)
	if err != nil {
		return string(engine.CodeOf(err))
	}
	out := d.Source
	for _, skip := range d.Skipped {
		out += " " + string(skip.Reason)
	}
	return out
}

const (
	failed  = "b rule_failed"
	skipped = "b rule_suspended"
)

// steps are requests one after the other, each with what must come of it.
type step struct {
	account string
	after   time.Duration
	want    string
}

func (s *suspending) run(t *testing.T, steps ...step) {
	t.Helper()
	for i, c := range steps {
		if got := s.at(t, c.account, c.after); got != c.want {
			t.Fatalf("step %d: Decide for %s after %v = %q, want %q", i, c.account, c.after, got, c.want)
		}
	}
}

func TestSuspension(t *testing.T) {
	t.Parallel()
	s := newSuspending(t)
	s.run(t, step{"acme", 0, failed}, step{"acme", 1e9, failed}, step{"acme", 2e9, failed}, step{"acme", 3e9, failed}, step{"acme", 10e9, failed})
	if len(s.told) != 1 || s.told[0] != "acme/a" {
		t.Errorf("told of %v, want acme/a once", s.told)
	}
	s.run(t, step{"acme", 11e9, skipped}, step{"acme", 39e9, skipped})
	if s.calls != 5 {
		t.Errorf("the plugin was called %d times, want 5: not while suspended", s.calls)
	}
	// The trial fails: another suspension.
	s.run(t, step{"acme", 40e9, failed}, step{"acme", 41e9, skipped}, step{"acme", 69e9, skipped})
	// The trial goes well: in force again, with a clean record.
	s.broken = false
	s.run(t, step{"acme", 70e9, "a"}, step{"acme", 71e9, "a"})
	s.broken = true
	s.run(t, step{"acme", 72e9, failed}, step{"acme", 73e9, failed}, step{"acme", 74e9, failed}, step{"acme", 75e9, failed})
}

func TestSuspensionNeedsFiveInTenSeconds(t *testing.T) {
	t.Parallel()
	s := newSuspending(t)
	for i := range 20 { // five in 10.4 s
		s.run(t, step{"acme", time.Duration(i) * 2600 * time.Millisecond, failed})
	}
	if len(s.told) != 0 {
		t.Errorf("told of %v, want nothing", s.told)
	}
}

// What one account's requests break in a global rule stays in force for the others.
func TestSuspensionIsPerAccount(t *testing.T) {
	t.Parallel()
	s := newSuspending(t)
	for range 5 {
		s.run(t, step{"acme", 0, failed})
	}
	s.broken = false
	s.run(t, step{"acme", 1e9, skipped}, step{"other", 1e9, "a"})
}

func TestSuspensionOutlivesLoad(t *testing.T) {
	t.Parallel()
	s := newSuspending(t)
	for range 5 {
		s.run(t, step{"acme", 0, failed})
	}
	s.load(t)
	s.run(t, step{"acme", 1e9, skipped})
	s.rule.UpdatedAt = received.Add(time.Second) // edited
	s.load(t)
	s.run(t, step{"acme", 2e9, failed})
}

// A rule that must not be passed by does not become passable by failing.
func TestSuspensionOfAGuard(t *testing.T) {
	t.Parallel()
	s := newSuspending(t)
	s.rule.OnFailure = engine.FailureRefuse
	s.load(t)
	for i := range 8 {
		s.run(t, step{"acme", time.Duration(i), "rule_failed"})
	}
	if s.calls != 5 {
		t.Errorf("the plugin was called %d times, want 5", s.calls)
	}
}

// A reject is an answer: it is no failure, and it ends a trial.
func TestSuspensionAndReject(t *testing.T) {
	t.Parallel()
	fail := true
	p := guest{decide: func(_ *engine.RuleCall, a *engine.RuleAnswer) error {
		if fail {
			return errors.New("broken")
		}
		a.Verdict, a.Status, a.Message = engine.VerdictReject, 403, "no"
		return nil
	}}
	s := &suspending{Router: New(guests{"/p": p}, Config{}), rule: asking("a", 9, "p")}
	s.load(t)
	for range 5 {
		s.run(t, step{"acme", 0, failed})
	}
	fail = false
	s.run(t, step{"acme", 30e9, "rule_rejected"})
	for range 10 {
		s.run(t, step{"acme", 31e9, "rule_rejected"})
	}
}

// A clock that was set back does not suspend for longer.
func TestSuspensionAndClock(t *testing.T) {
	t.Parallel()
	s := newSuspending(t)
	for range 5 {
		s.run(t, step{"acme", time.Hour, failed})
	}
	s.broken = false
	s.run(t, step{"acme", 0, "a"})
}

// Old records go away, and with them the look at the map.
func TestBreakerForgets(t *testing.T) {
	t.Parallel()
	b := &breaker{}
	b.fail("acme", 0)
	if b.broken.Load() != 1 {
		t.Fatal("a failure leaves no record")
	}
	if got := b.admit("acme", 20_000); got != admitted || b.broken.Load() != 0 {
		t.Errorf("admit = %v with %d records, want %v, 0", got, b.broken.Load(), admitted)
	}
}

// Many at once: one trial at a time, and the counts stay right.
func TestBreakerHammer(t *testing.T) {
	t.Parallel()
	b := &breaker{}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			account := fmt.Sprint("a", g%2)
			for i := range int64(5_000) {
				now := i * 10
				switch b.admit(account, now) {
				case admitted:
					b.fail(account, now)
				case onTrial:
					if i%2 == 0 {
						b.recover(account)
					}
				}
			}
		})
	}
	wg.Wait()
	n := 0
	b.accounts.Range(func(any, any) bool { n++; return true })
	if got := b.broken.Load(); int(got) != n {
		t.Errorf("%d records counted, %d there", got, n)
	}
}
