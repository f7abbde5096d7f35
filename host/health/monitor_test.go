package health_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

var nopLog = zerolog.Nop()

const serverClass = abi.ClassServer

var (
	root = engine.Principal{AccountID: "default", UserID: "root", Role: engine.RoleSuperAdmin}
	ann  = engine.Principal{AccountID: "acme", UserID: "ann", Role: engine.RoleAccountAdmin}
	joe  = engine.Principal{AccountID: "acme", UserID: "joe", Role: engine.RoleUser}
	otto = engine.Principal{AccountID: "rival", UserID: "otto", Role: engine.RoleAccountAdmin}
)

// What one process learns the others know within two seconds, and each tells it once.
func TestProcessesAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		all := []*watch{newWatch(t, s, quiet), newWatch(t, s, quiet), newWatch(t, s, quiet)}
		time.Sleep(10 * time.Second)
		all[1].fail(5)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		sent := 0
		for i, w := range all {
			if st := w.status(); st.Status != engine.HealthDown || !st.Out {
				t.Errorf("process %d has %+v, want it down and out", i, st)
			}
			shown, hooks := w.events()
			if !slices.Equal(shown, []string{engine.NoticeStatusChange + " gpt"}) {
				t.Errorf("events of process %d = %v, want that of the model, once", i, shown)
			}
			sent += len(hooks)
			list, _, _ := w.notices.After(0)
			var d struct {
				To, Reason string
				Evidence   struct{ Consecutive int }
			}
			if err := json.Unmarshal([]byte(list[0].Detail), &d); err != nil || d.To != "down" || d.Reason != "consecutive_failures" || d.Evidence.Consecutive != 5 ||
				!strings.Contains(list[0].Message, "5 attempts in a row failed") {
				t.Errorf("notice of process %d = %+v, want its reason and evidence", i, list[0])
			}
		}
		if sent != 1 {
			t.Errorf("%d processes send it to webhooks, want the one that made it", sent)
		}
	})
}

// While the store is away each process goes on by itself; after it they agree.
func TestMonitorWithoutItsStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a, b := newWatch(t, s, quiet), newWatch(t, s, quiet)
		time.Sleep(10 * time.Second)
		s.leave(true)
		a.fail(5)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if a.status().Status != engine.HealthDown || b.status().Status == engine.HealthDown {
			t.Errorf("without the store = %+v and %+v, want that only the one that saw it knows", a.status(), b.status())
		}
		if shown, sent := a.events(); len(shown) != 1 || len(sent) != 1 {
			t.Errorf("events = %v, %v, want it told all the same", shown, sent)
		}
		list, summary, err := a.ListHealth(t.Context(), root, engine.HealthFilter{ProviderID: "openai", Kind: engine.HealthOfModel})
		if err != nil || !summary.Stale || len(list) != 3 || list[0].Status != engine.HealthDown {
			t.Errorf("ListHealth() = %+v, %+v, %v, want what this process knows", list, summary, err)
		}
		s.leave(false)
		time.Sleep(12 * time.Second)
		synctest.Wait()
		if b.status().Status != engine.HealthDown {
			t.Errorf("after the outage the other has %+v, want it down", b.status())
		}
		if shown, sent := b.events(); !slices.Equal(shown, []string{engine.NoticeStatusChange + " gpt"}) || len(sent) != 0 {
			t.Errorf("events of the other = %v, %v, want what it missed, once, and nothing to webhooks", shown, sent)
		}
		if len(s.transitions) != 1 {
			t.Errorf("%d transitions are stored, want one", len(s.transitions))
		}
		a.stop()
		b.stop()
		if got := s.cells[gpt]; len(got) != 1 {
			t.Fatalf("cells = %v, want one of the model", got)
		}
		for _, c := range s.cells[gpt] {
			if c.Attempts != 5 || c.Failures != 5 {
				t.Errorf("cell = %+v, want 5 attempts, counted once", c)
			}
		}
	})
}

// deaf is a shelf whose notifications are all lost.
type deaf struct{ *shelf }

func (deaf) FollowHealth(ctx context.Context, _ func()) error {
	<-ctx.Done()
	return ctx.Err()
}

// Whoever misses a notification tells what it missed when it asks for what is new: each change
// once, in its order, also where both had found the same.
func TestMissedNotifications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a, b := newWatch(t, s, quiet), newWatch(t, deaf{s}, quiet)
		change := engine.NoticeStatusChange + " gpt"
		told := func(when string, want int) {
			t.Helper()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			for i, w := range []*watch{a, b} {
				if shown, _ := w.events(); !slices.Equal(shown, slices.Repeat([]string{change}, want)) {
					t.Errorf("%s: events of process %d = %v, want %d of the model", when, i, shown, want)
				}
			}
		}
		time.Sleep(10 * time.Second)
		a.fail(5)
		told("down", 1)

		// It comes back, and is out again, while the other cannot ask.
		s.leave(true)
		well := func() {
			for a.status().Status != engine.HealthHealthy {
				time.Sleep(time.Second)
				target := gptWith1
				if pass, ok := a.Begin(&target, false); ok {
					pass.Done(engine.HealthOutcome{Status: 200, Latency: 30 * time.Millisecond})
				}
			}
		}
		well()
		a.fail(5)
		s.leave(false)
		time.Sleep(10 * time.Second)
		told("back and down again", 3)
		well()
		told("back", 4)

		s.leave(true)
		time.Sleep(2 * time.Second)
		a.fail(5)
		b.fail(5)
		s.leave(false)
		time.Sleep(10 * time.Second)
		told("found by both", 5)
	})
}

// Cells of all processes are added up, each attempt once, however often they are stored.
func TestCellsAreAddedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a, b := newWatch(t, s, quiet), newWatch(t, s, quiet)
		for range 8 {
			for _, w := range []*watch{a, b} {
				target := gptWith1
				pass, _ := w.Begin(&target, false)
				pass.Done(engine.HealthOutcome{Status: 200, Latency: 30 * time.Millisecond})
			}
			time.Sleep(55 * time.Second)
		}
		a.stop()
		b.stop()
		c := newWatch(t, s, quiet) // it begins with what they counted, and adds nothing
		time.Sleep(3 * time.Minute)
		c.stop()
		n := int64(0)
		for _, cell := range s.cells[gpt] {
			n += cell.Attempts
		}
		if n != 16 {
			t.Errorf("%d attempts in the cells, want 16", n)
		}
		list, _, err := c.ListHealth(t.Context(), root, engine.HealthFilter{ProviderID: "openai", Kind: engine.HealthOfModel})
		shown := int64(0)
		for _, cell := range list[0].Cells {
			shown += cell.Attempts
		}
		if err != nil || shown != 16 {
			t.Errorf("ListHealth() shows %d attempts, %v, want 16 of all processes", shown, err)
		}
	})
}

// The share of traffic on fallbacks is of all processes, whichever is asked.
func TestFallbacksOfAllProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		all := []*watch{newWatch(t, s, quiet), newWatch(t, s, quiet), newWatch(t, s, quiet)}
		for i, w := range all[:2] {
			for range 10 {
				target := gptWith1
				pass, _ := w.Begin(&target, false)
				pass.Done(engine.HealthOutcome{Status: 200, Latency: 30 * time.Millisecond, Fallback: i == 1})
			}
		}
		time.Sleep(75 * time.Second)
		for i, w := range all {
			list, _, err := w.ListHealth(t.Context(), root, engine.HealthFilter{ProviderID: "openai", Kind: engine.HealthOfModel})
			if err != nil || list[0].Recent != 20 || list[0].FallbackShare() != 0.5 {
				t.Errorf("process %d shows %d of %d attempts on fallbacks, %v, want 10 of 20", i, list[0].Fallbacks, list[0].Recent, err)
			}
		}
	})
}

func TestSwitchesReachEveryProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a, b := newWatch(t, s, quiet), newWatch(t, s, quiet)
		time.Sleep(time.Second)
		r, err := a.SwitchHealth(t.Context(), root, engine.HealthSubject{ProviderID: "openai", UpstreamID: "gpt-5"}, engine.HealthDrained, "why not")
		if err != nil || r.Subject != gpt || r.Switch != engine.HealthDrained || r.Control.Note != "why not" || r.Control.By != "root" {
			t.Fatalf("SwitchHealth() = %+v, %v, want it drained", r, err)
		}
		if !a.status().Off {
			t.Error("it is asked here after it was drained")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !b.status().Off || b.status().Status != engine.HealthHealthy {
			t.Errorf("the other process has %+v, want it off", b.status())
		}
		if want := []string{"health.drain health/openai/gpt"}; !slices.Equal(s.audited, want) {
			t.Errorf("audited %q, want %q", s.audited, want)
		}
		// One whose process told nobody, and one that comes to hold by a restart.
		s.controls[mini] = engine.HealthControl{Subject: mini, Switch: engine.HealthDisabled, UpdatedAt: time.Now()}
		list, _ := s.ListHealthControls(t.Context())
		b.SetControls(list)
		time.Sleep(4 * time.Second)
		c := newWatch(t, s, quiet)
		target := engine.HealthTarget(mini)
		if !b.State(&target).Off || !c.State(&target).Off || !c.status().Off {
			t.Errorf("what is stored holds at b %+v, at a new process %+v, want it off", b.State(&target), c.State(&target))
		}
		if _, err := b.SwitchHealth(t.Context(), root, gpt, engine.HealthOn, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // the others have not read yet that it is on, and must not undo it
		synctest.Wait()
		if a.status().Off || b.status().Off || c.status().Off {
			t.Errorf("enabled it is off: %v, %v, %v", a.status().Off, b.status().Off, c.status().Off)
		}
		for _, x := range []struct {
			name string
			p    engine.Principal
			s    engine.HealthSubject
			want engine.Code
		}{
			{"a tenant of a global provider", ann, openai, engine.CodeForbidden},
			{"another account", otto, engine.HealthSubject{AccountID: "acme", ProviderID: "own"}, engine.CodeNotFound},
			{"a user", joe, engine.HealthSubject{AccountID: "acme", ProviderID: "own"}, engine.CodeForbidden},
			{"no such model", root, engine.HealthSubject{ProviderID: "openai", UpstreamID: "ghost"}, engine.CodeNotFound},
			{"no such key", root, engine.HealthSubject{ProviderID: "openai", Credential: "ghost"}, engine.CodeNotFound},
			{"both", root, engine.HealthSubject{ProviderID: "openai", UpstreamID: "gpt", Credential: "key1"}, engine.CodeInvalid},
			{"its own", ann, engine.HealthSubject{AccountID: "acme", ProviderID: "own", Credential: "secret"}, ""},
		} {
			if _, err := a.SwitchHealth(t.Context(), x.p, x.s, engine.HealthDrained, ""); engine.CodeOf(err) != x.want {
				t.Errorf("%s: SwitchHealth() = %v, want %q", x.name, err, x.want)
			}
		}
	})
}

// A tenant sees how the operator's providers are, and nothing of what others do there.
func TestWhoSeesWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatch(t, newShelf(), quiet)
		w.fail(7)
		own := engine.HealthTarget{AccountID: "acme", ProviderID: "own", UpstreamID: "own", Credential: "secret", Version: 2}
		pass, _ := w.Begin(&own, false)
		pass.Done(engine.HealthOutcome{Code: engine.CodeUpstreamFailed, Class: abi.ClassServer, Status: 500, Detail: "sad"})
		seen := func(p engine.Principal, f engine.HealthFilter) (names []string, list []engine.HealthReport) {
			list, _, err := w.ListHealth(t.Context(), p, f)
			if err != nil {
				t.Errorf("ListHealth(%s) = %v, want nil", p.UserID, err)
			}
			for _, r := range list {
				names = append(names, r.Subject.String())
			}
			return names, list
		}
		tenants := []string{"openai", "openai/gpt", "openai/mini"}
		for _, c := range []struct {
			p    engine.Principal
			f    engine.HealthFilter
			want []string
		}{
			{root, engine.HealthFilter{}, []string{"openai", "openai/gpt", "openai/mini", "openai/rivals-own", "openai#key1", "openai#key2", "own", "own/own", "own#secret"}},
			{root, engine.HealthFilter{AccountID: "acme"}, []string{"own", "own/own", "own#secret"}},
			{root, engine.HealthFilter{ProviderID: "openai", Kind: engine.HealthOfCredential}, []string{"openai#key1", "openai#key2"}},
			{ann, engine.HealthFilter{}, append(slices.Clone(tenants), "own", "own/own", "own#secret")},
			{joe, engine.HealthFilter{}, append(slices.Clone(tenants), "own", "own/own")},
			{otto, engine.HealthFilter{}, append(slices.Clone(tenants), "openai/rivals-own")},
			{otto, engine.HealthFilter{Status: engine.HealthDown}, []string{"openai/gpt"}},
		} {
			if got, _ := seen(c.p, c.f); !slices.Equal(got, c.want) {
				t.Errorf("ListHealth(%s, %+v) = %v, want %v", c.p.UserID, c.f, got, c.want)
			}
		}
		if _, _, err := w.ListHealth(t.Context(), otto, engine.HealthFilter{AccountID: "acme"}); engine.CodeOf(err) != engine.CodeNotFound {
			t.Errorf("ListHealth() of another account = %v, want not_found", err)
		}
		_, list := seen(root, engine.HealthFilter{ProviderID: "openai"})
		if r := list[1]; !r.Managed || r.Attempts != 5 || r.Failures != 5 || r.LastError != "500 server: sad" || !strings.Contains(r.Why, "sad") || len(r.Models) != 1 || r.Models[0] != "gpt-5" {
			t.Errorf("the operator sees %+v, want all of it", r)
		}
		_, list = seen(otto, engine.HealthFilter{ProviderID: "openai"})
		r := list[1]
		if r.Managed || r.Status != engine.HealthDown || r.ErrorRate() != 1 || r.Attempts == 5 || r.Why != "consecutive failures" {
			t.Errorf("a tenant sees %+v, want the status without counts", r)
		}
		text, err := json.Marshal(list)
		if err != nil || strings.Contains(string(text), "sad") || strings.Contains(string(text), "key1") {
			t.Errorf("a tenant sees %s, want nothing of what the provider said, and no key", text)
		}
		_, list = seen(joe, engine.HealthFilter{ProviderID: "own"})
		if text, _ := json.Marshal(list); strings.Contains(string(text), "sad") {
			t.Errorf("a user sees %s, want no errors", text)
		}
	})
}

// stumbling is a shelf that panics at the first look for what is new.
type stumbling struct {
	*shelf
	once *sync.Once
}

func (s stumbling) HealthTransitionsAfter(ctx context.Context, sequence int64, limit int) ([]engine.StoredTransition, error) {
	s.once.Do(func() { panic("it stumbles") })
	return s.shelf.HealthTransitionsAfter(ctx, sequence, limit)
}

// After a panic others are followed again.
func TestFollowingBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a, b := newWatch(t, s, quiet), newWatch(t, stumbling{s, new(sync.Once)}, quiet)
		time.Sleep(10 * time.Second)
		a.fail(5)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if st := b.status(); st.Status != engine.HealthDown {
			t.Errorf("who panicked once has %+v of what another found, want it down", st)
		}
	})
}
