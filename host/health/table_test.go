package health_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
)

func tenant(account string, model int) engine.HealthTarget {
	return engine.HealthTarget{AccountID: account, ProviderID: "local", UpstreamID: fmt.Sprint("model-", model), Credential: "k", Version: 1}
}

// One tenant cannot take the place of the others, nor make the table grow without end.
func TestSubjectsAreBounded(t *testing.T) {
	t.Parallel()
	clock := noon
	s := health.New(health.Config{MaxSubjects: 100, MaxPerAccount: 20, Now: func() time.Time { return clock }})
	ask := func(target engine.HealthTarget, o engine.HealthOutcome) bool {
		pass, ok := s.Begin(&target, false)
		pass.Done(o)
		return ok
	}
	for i := range 1000 {
		if !ask(tenant("greedy", i), whole) {
			t.Fatal("a target for which there is no room is refused")
		}
	}
	if got := s.Len(); got != 20 {
		t.Errorf("one account has %d subjects, want 20", got)
	}
	for range 5 {
		ask(tenant("modest", 1), broken)
	}
	if ask(tenant("modest", 1), whole) {
		t.Error("another account's model is not judged")
	}
	for account := range 200 {
		ask(tenant(fmt.Sprint("account-", account), 1), whole)
	}
	if got := s.Len(); got > 100 {
		t.Errorf("there are %d subjects, want at most 100", got)
	}
	// What an administrator decides holds all the same.
	off := tenant("greedy", 999)
	s.Disable(engine.HealthSubject{AccountID: off.AccountID, ProviderID: off.ProviderID, UpstreamID: off.UpstreamID})
	if ask(off, whole) {
		t.Error("a disabled model for which there was no room is asked")
	}
	// What is not asked for an hour makes room.
	clock = clock.Add(2 * time.Hour)
	for range 5 {
		ask(tenant("late", 1), broken)
	}
	if ask(tenant("late", 1), whole) {
		t.Error("an idle table has no room for what is new")
	}
	clock = clock.Add(26 * time.Hour)
	s.Tick()
	if got := s.Len(); got != 2 {
		t.Errorf("%d subjects are left after a day, want the disabled model and its provider", got)
	}
}

func TestWhatIsSwitchedOffIsNotForgotten(t *testing.T) {
	t.Parallel()
	l := newLab(t, health.Thresholds{})
	l.Drain(gpt)
	l.asks(1, miniWith1, whole)
	l.set(noon.Add(48 * time.Hour))
	l.Tick()
	if l.Len() != 2 || l.ask(gptWith1, whole) {
		t.Errorf("after two days %d subjects are known, want the drained model and its provider", l.Len())
	}
	l.asks(5, miniWith1, unreached)
	l.Enable(gpt)
	if l.ask(gptWith1, whole) {
		t.Error("the model that stayed does not stand on the provider that is known")
	}
}

// Not parallel: it reads the heap.
func TestSubjectsAreSmall(t *testing.T) {
	clock := noon
	s := health.New(health.Config{Now: func() time.Time { return clock }})
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range 500 {
		target := engine.HealthTarget{ProviderID: "local", UpstreamID: fmt.Sprint("model-", i)}
		pass, _ := s.Begin(&target, false)
		pass.Done(whole)
	}
	each := (heap() - before) / int64(s.Len())
	t.Logf("a subject takes %d bytes", each)
	if each > 12<<10 {
		t.Errorf("a subject takes %d bytes, want at most 12 KiB", each)
	}
	runtime.KeepAlive(s)
}

// Everything at once; nothing is counted twice, and nothing is lost.
func TestHammer(t *testing.T) {
	t.Parallel()
	attempts := 3000
	if os.Getenv("POINTSMAN_SOAK") != "" {
		attempts = 300_000
	}
	var offset atomic.Int64
	var told sync.Map // subject → the last transition
	var disorder atomic.Int64
	s := health.New(health.Config{
		MaxSubjects: 64,
		// More in a row than the eight can have at once, so that the steady one stays.
		Thresholds: health.Thresholds{ConsecutiveFailures: 10, Eject: time.Second, TrialPace: 10 * time.Millisecond},
		Now:        func() time.Time { return noon.Add(time.Duration(offset.Load())) },
		Changed: func(tr engine.HealthTransition) {
			if was, ok := told.Swap(tr.Subject, tr); ok && !tr.At.After(was.(engine.HealthTransition).At) {
				disorder.Add(1)
			}
		},
	})
	steady := engine.HealthTarget{ProviderID: "steady", UpstreamID: "model", Credential: "k", Version: 1}
	var all sync.WaitGroup
	var counted, lost atomic.Int64
	for g := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 5))
			for i := range attempts {
				pass, ok := s.Begin(&steady, false)
				if !ok {
					lost.Add(1)
				}
				o := whole
				if o.Fallback = i%3 == 0; i%50 == 0 {
					o.Code, o.Status, o.Detail = engine.CodeUpstreamFailed, 500, "500"
				}
				pass.Done(o)
				counted.Add(1)

				target := engine.HealthTarget{ProviderID: fmt.Sprint("p", r.IntN(3)), UpstreamID: fmt.Sprint("m", r.IntN(5)), Credential: fmt.Sprint("k", r.IntN(3)), Version: int64(r.IntN(2))}
				if p, ok := s.Begin(&target, r.IntN(10) == 0); ok {
					switch r.IntN(6) {
					case 0:
						p.Cancel()
					case 1, 2:
						p.Done([]engine.HealthOutcome{broken, unreached, revoked, busy, missing}[r.IntN(5)])
					default:
						p.Done(well)
					}
				}
				s.State(&target)
				switch r.IntN(200) {
				case 0:
					offset.Add(int64(r.IntN(200)) * int64(time.Millisecond))
				case 1:
					s.Tick()
				case 2:
					s.Snapshot(nil)
				case 3:
					s.ProbeSucceeded(engine.HealthSubject{ProviderID: target.ProviderID, UpstreamID: target.UpstreamID})
				case 4:
					s.ProbeFailed(engine.HealthSubject{ProviderID: target.ProviderID}, "no connection")
				case 5:
					s.Switch(engine.HealthSubject{ProviderID: target.ProviderID, UpstreamID: target.UpstreamID}, []engine.HealthSwitch{"", engine.HealthDrained}[r.IntN(2)])
				case 6:
					if was, ok := told.Load(engine.HealthSubject{ProviderID: target.ProviderID}); ok {
						s.Adopt(was.(engine.HealthTransition))
					}
				case 7:
					s.Observe(&target, cut)
				}
			}
		})
	}
	all.Wait()
	if n := disorder.Load(); n > 0 {
		t.Errorf("%d transitions were told out of order", n)
	}
	for _, id := range []engine.HealthSubject{{ProviderID: "steady"}, {ProviderID: "steady", UpstreamID: "model"}, {ProviderID: "steady", Credential: "k", Version: 1}} {
		got, _ := s.Subject(id)
		var n, failures, fallbacks int64
		for _, c := range got.Cells {
			n += c.Attempts
			failures += c.Failures
			fallbacks += c.Fallbacks
		}
		if n != counted.Load() || lost.Load() != 0 || fallbacks != int64(8*((attempts+2)/3)) || failures != int64(8*((attempts+49)/50)) {
			t.Errorf("%s: cells have %d attempts, %d failures, %d fallbacks, want %d, %d, %d; %d were refused", id, n, failures, fallbacks,
				counted.Load(), 8*((attempts+49)/50), 8*((attempts+2)/3), lost.Load())
		}
	}
}
