package health_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
)

// out is for how long a subject is still out.
func (l *lab) out(id engine.HealthSubject) time.Duration {
	s := l.subject(id)
	if s.Status != gone {
		return 0
	}
	return s.Until.Sub(l.now())
}

func down(t *testing.T) *lab {
	l := newLab(t, health.Thresholds{})
	l.asks(5, gptWith1, broken)
	l.is(gpt, gone)
	return l
}

func TestNobodyAsksWhatIsOut(t *testing.T) {
	t.Parallel()
	l := down(t)
	for range 30 {
		if l.ask(gptWith1, whole) {
			t.Fatalf("an attempt is allowed with %v to go", l.out(gpt))
		}
		target := engine.HealthTarget(gpt)
		if s := l.State(&target); s.Status != gone || !s.Out || s.Reason != "5 attempts in a row failed: openai 500 server" || !s.RetryAt.Equal(noon.Add(30*time.Second)) {
			t.Fatalf("State() = %+v, want it out until 30 s after noon", s)
		}
		l.wait(time.Second)
	}
	target := engine.HealthTarget(gpt)
	if s := l.State(&target); s.Status != gone || s.Out {
		t.Errorf("State() when the ejection is over = %+v, want down, but not out", s)
	}
	if other := l.State(&engine.HealthTarget{ProviderID: "openai", UpstreamID: "never asked"}); other != (engine.HealthState{}) {
		t.Errorf("State() of another model = %+v, want nothing known", other)
	}
}

func TestTrialsEndAnEjection(t *testing.T) {
	t.Parallel()
	l := down(t)
	l.wait(30 * time.Second)
	l.asks(1, gptWith1, whole)
	l.is(gpt, gone)
	trials := 1
	for range 100 {
		if l.ask(gptWith1, whole) {
			trials++
		}
		if l.subject(gpt).Status == up {
			break
		}
		l.is(gpt, gone)
	}
	if trials != 3 {
		t.Errorf("%d trials ended the ejection, want 3", trials)
	}
	if got, want := l.history(gpt), []engine.HealthReason{engine.HealthConsecutive, engine.HealthRecovered}; !slices.Equal(got, want) {
		t.Errorf("what was told = %v, want %v", got, want)
	}
	l.asks(100, gptWith1, whole)
}

// Of the traffic that there is while a subject may be tried, a tenth is trials, and at least
// one request a second.
func TestTrialsAreAShareOfTraffic(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		every   time.Duration // between two requests
		allowed []int         // which of the first thirty requests are trials
	}{
		{"a hundred a second", 10 * time.Millisecond, []int{0, 10, 20}},
		{"three a second", 340 * time.Millisecond, []int{0, 3, 6}},
		{"one in two seconds", 2 * time.Second, []int{0, 1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := down(t)
			l.wait(30 * time.Second)
			var got []int
			for i := range 30 {
				if pass, ok := l.Begin(&gptWith1, false); ok {
					got = append(got, i)
					pass.Done(whole)
				}
				if l.subject(gpt).Status == up {
					break
				}
				l.set(l.now().Add(c.every))
			}
			if !slices.Equal(got, c.allowed) {
				t.Errorf("requests %v were trials, want %v", got, c.allowed)
			}
		})
	}
}

func TestEjectionsGrow(t *testing.T) {
	t.Parallel()
	l := down(t)
	for n := 1; n <= 14; n++ {
		want := min(time.Duration(n)*30*time.Second, 5*time.Minute)
		if got := l.out(gpt); got != want {
			t.Fatalf("ejection %d lasts %v, want %v", n, got, want)
		}
		if s := l.subject(gpt); s.Ejections != n {
			t.Fatalf("ejections = %d, want %d", s.Ejections, n)
		}
		l.wait(want - time.Second)
		if l.ask(gptWith1, broken) {
			t.Fatalf("ejection %d ends a second early", n)
		}
		l.wait(time.Second)
		l.asks(1, gptWith1, broken)
	}
	for _, tr := range l.told[1:] {
		if tr.From != gone || tr.To != gone || tr.Reason != engine.HealthTrialFailed || !tr.Until.After(tr.At) {
			t.Errorf("told %+v, want a longer ejection", tr)
		}
	}
}

// recovered is a lab whose model was out n times.
func recovered(t *testing.T, n int) *lab {
	l := down(t)
	for range n - 1 {
		l.wait(l.out(gpt))
		l.asks(1, gptWith1, broken)
	}
	l.wait(l.out(gpt))
	for l.subject(gpt).Status == gone {
		l.ask(gptWith1, whole)
		l.wait(time.Second)
	}
	return l
}

func TestEjectionsAreForgiven(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		before  int
		healthy time.Duration
		want    time.Duration
	}{
		{"at once", 1, 0, time.Minute},
		{"after less than a minute", 3, 50 * time.Second, 2 * time.Minute},
		{"after a minute", 3, 70 * time.Second, 90 * time.Second},
		{"after long", 3, time.Hour, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := recovered(t, c.before)
			l.wait(c.healthy)
			l.asks(5, gptWith1, broken)
			if got := l.out(gpt); got != c.want {
				t.Errorf("out for %v, want %v", got, c.want)
			}
		})
	}
}

// What was out before lately has to be well for longer.
func TestARelapseIsTriedSlowly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failed, relapses int           // trials, in the one outage that there is; times that it was back
		want             time.Duration // from the first trial to the last
	}{{0, 0, 0}, {4, 0, 0}, {0, 1, 2 * time.Second}, {0, 2, 4 * time.Second}, {0, 3, 6 * time.Second}, {0, 8, 6 * time.Second}, {2, 1, 6 * time.Second}} {
		l := down(t)
		back := func() time.Duration {
			l.wait(l.out(gpt))
			began := l.now()
			for l.subject(gpt).Status == gone {
				for range 100 {
					l.ask(gptWith1, whole)
				}
				l.wait(100 * time.Millisecond)
			}
			return l.now().Sub(began) - 100*time.Millisecond
		}
		for range c.failed {
			l.wait(l.out(gpt))
			l.asks(1, gptWith1, broken)
		}
		for range c.relapses {
			back()
			l.asks(5, gptWith1, broken)
		}
		if got := back(); got != c.want {
			t.Errorf("after %d failed trials and %d relapses trials take %v, want %v", c.failed, c.relapses, got, c.want)
		}
	}
}

// A model that works for twenty seconds of forty: while probes cannot tell, each half-open
// window sees at most one way up and one way down.
func TestFlapping(t *testing.T) {
	t.Parallel()
	for _, probed := range []bool{false, true} {
		l := newLab(t, health.Thresholds{})
		for tick := range 15 * 60 {
			works := tick%40 < 20
			o := broken
			if works {
				o = whole
			}
			for range 20 {
				l.ask(gptWith1, o)
			}
			if probed && tick%5 == 0 && l.subject(gpt).Status == gone && works {
				l.ProbeSucceeded(gpt)
			}
			l.wait(time.Second)
		}
		var ups []time.Time
		var window time.Duration
		for _, tr := range l.told {
			switch {
			case tr.Subject != gpt:
			case tr.To == up && tr.From == gone:
				ups = append(ups, tr.At)
			case tr.To == gone && tr.From != gone:
				window = tr.Until.Sub(tr.At)
			}
		}
		// Out for 30 s, then 60 s, …: ups get rarer. With probes, no more than it really was well.
		most := 8
		if probed {
			most = 15 * 60 / 40
		}
		if len(ups) == 0 || len(ups) > most {
			t.Errorf("probed %v: back %d times in a quarter of an hour, want 1 to %d; last window %v", probed, len(ups), most, window)
		}
		for i := 1; i < len(ups); i++ {
			if gap := ups[i].Sub(ups[i-1]); !probed && gap < 30*time.Second {
				t.Errorf("back %v after the last time, want at least 30 s", gap)
			}
		}
	}
}

func TestTheLastTargetIsAlwaysAsked(t *testing.T) {
	t.Parallel()
	l := down(t)
	for range 20 {
		if !l.force(gptWith1, broken) {
			t.Fatal("the last target is not asked")
		}
	}
	l.is(gpt, gone)
	if got := l.out(gpt); got != 30*time.Second {
		t.Errorf("after failures that were forced it is out for %v, want 30 s", got)
	}
	l.wait(5 * time.Second)
	for range 4 { // the first shows that trials are worth while
		if !l.force(gptWith1, whole) {
			t.Fatal("the last target is not asked")
		}
		l.wait(time.Second)
	}
	l.is(gpt, up)

	l.Disable(openai)
	if l.force(gptWith1, whole) {
		t.Error("a disabled provider is asked as the last one")
	}
}

func TestProbesOpenTrials(t *testing.T) {
	t.Parallel()
	l := down(t)
	l.wait(5 * time.Second)
	l.ProbeSucceeded(gpt)
	l.is(gpt, gone)
	target := engine.HealthTarget(gpt)
	if l.State(&target).Out {
		t.Error("it is still out after a probe that succeeded")
	}

	// One goes ahead.
	pass, ok := l.Begin(&gptWith1, false)
	if !ok {
		t.Fatal("no trial after a probe that succeeded")
	}
	for range 50 {
		if l.ask(gptWith1, whole) {
			t.Fatal("a second trial is allowed before the first has ended")
		}
	}
	pass.Done(broken)
	if got, want := l.out(gpt), 25*time.Second; got != want || l.subject(gpt).Ejections != 1 || !l.State(&target).Out {
		t.Errorf("after a trial that failed before the ejection was over it is out for %v, want %v as before", got, want)
	}

	// The next probe opens the next.
	l.wait(5 * time.Second)
	l.ProbeSucceeded(gpt)
	for range 3 {
		l.asks(1, gptWith1, whole)
		l.wait(time.Second)
	}
	l.is(gpt, up)
	if got, want := l.history(gpt), []engine.HealthReason{engine.HealthConsecutive, engine.HealthProbeOpened, engine.HealthProbeOpened, engine.HealthRecovered}; !slices.Equal(got, want) {
		t.Errorf("what was told = %v, want %v", got, want)
	}
}

func TestProbesCloseNothing(t *testing.T) {
	t.Parallel()
	l := down(t)
	for range 100 {
		l.wait(5 * time.Second)
		l.ProbeSucceeded(gpt)
	}
	l.is(gpt, gone)
	l.ProbeWarned(gpt, "gpt is not listed")
	if s := l.subject(gpt); s.Warning != "gpt is not listed" || !s.CheckOK || !s.LastCheck.Equal(l.now()) {
		t.Errorf("after a probe that warned: %+v", s)
	}
}

func TestAProbeThatFailsClosesWhatOneOpened(t *testing.T) {
	t.Parallel()
	l := down(t)
	l.wait(5 * time.Second)
	l.ProbeSucceeded(gpt)
	l.ProbeFailed(gpt, "no connection")
	if l.ask(gptWith1, whole) {
		t.Error("a trial is allowed after a probe that failed")
	}
	l.wait(25 * time.Second)
	l.ProbeFailed(gpt, "no connection")
	if !l.ask(gptWith1, whole) {
		t.Error("no trial when the ejection is over: probes may fail where calls do not")
	}
}

func TestTrialsThatSayNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		end  func(p *engine.HealthPass)
	}{
		{"canceled", (*engine.HealthPass).Cancel},
		{"limited", func(p *engine.HealthPass) { p.Done(busy) }},
		{"refused key", func(p *engine.HealthPass) { p.Done(revoked) }},
		{"our own failure", func(p *engine.HealthPass) { p.Done(ours) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := down(t)
			l.wait(30 * time.Second)
			for range 4 { // the key is out after five
				pass, ok := l.Begin(&gptWith1, false)
				if !ok {
					t.Fatal("no trial after one that said nothing")
				}
				c.end(&pass)
				l.is(gpt, gone)
			}
			for range 3 {
				l.asks(1, gptWith1, whole)
				l.wait(time.Second)
			}
			l.is(gpt, up)
		})
	}
}

// Trials that hang must not keep a model out that is well again.
func TestTrialsThatHang(t *testing.T) {
	t.Parallel()
	l := down(t)
	l.wait(30 * time.Second)
	var hung []engine.HealthPass
	for range 60 {
		if pass, ok := l.Begin(&gptWith1, false); ok {
			hung = append(hung, pass)
		}
		l.set(l.now().Add(100 * time.Millisecond))
	}
	if len(hung) != 3 {
		t.Fatalf("%d trials are under way, want 3", len(hung))
	}
	l.wait(30 * time.Second)
	for range 3 {
		l.asks(1, gptWith1, whole)
		l.wait(time.Second)
	}
	l.is(gpt, up)
	for i := range hung {
		hung[i].Done(late)
	}
	l.is(gpt, up)
}

// What began before an ejection says nothing of the time after it.
func TestLateOutcomesCountForTheirTime(t *testing.T) {
	t.Parallel()
	l := newLab(t, health.Thresholds{})
	var slow [20]engine.HealthPass
	for i := range slow {
		slow[i], _ = l.Begin(&gptWith1, false)
	}
	l.asks(5, gptWith1, broken)
	for i := range 5 {
		slow[i].Done(whole)
	}
	l.is(gpt, gone)
	l.wait(30 * time.Second)
	for range 3 {
		l.asks(1, gptWith1, whole)
		l.wait(time.Second)
	}
	l.is(gpt, up)
	for i := range slow {
		slow[i].Done(late)
	}
	l.is(gpt, up)
	if s := l.subject(gpt); s.Failures != 20 {
		t.Errorf("%d failures are counted, want 20", s.Failures)
	}
}

// A trial that hung since an earlier ejection does not decide on this one.
func TestTrialsOfAnEarlierEjection(t *testing.T) {
	t.Parallel()
	l := newLab(t, health.Thresholds{TrialSuccesses: 1})
	l.asks(5, gptWith1, broken)
	var earlier engine.HealthPass
	for i := range 2 {
		l.wait(l.out(gpt))
		pass, ok := l.Begin(&gptWith1, false)
		if !ok {
			t.Fatal("no trial")
		}
		if i == 0 {
			earlier = pass
			l.wait(31 * time.Second)
			l.asks(1, gptWith1, whole)
			l.is(gpt, up)
			l.asks(5, gptWith1, broken)
			continue
		}
		earlier.Done(whole)
		l.is(gpt, gone)
		pass.Done(whole)
		l.is(gpt, up)
	}
}

// A provider is not held down by one of its models.
func TestADeadModelDoesNotKeepItsProviderDown(t *testing.T) {
	t.Parallel()
	l := newLab(t, health.Thresholds{})
	for range 5 {
		l.ask(gptWith1, broken)
		l.ask(miniWith1, broken)
	}
	l.is(openai, gone)
	for range 120 { // gpt stays dead
		l.ask(gptWith1, broken)
		l.ask(miniWith1, whole)
		l.wait(time.Second)
	}
	l.is(openai, up)
	l.is(mini, up)
	if got, want := l.history(openai), []engine.HealthReason{engine.HealthConsecutive, engine.HealthRecovered}; !slices.Equal(got, want) {
		t.Errorf("what was told of the provider = %v, want %v", got, want)
	}
	l.is(gpt, gone)
}

func TestTheProviderSaysForHowLong(t *testing.T) {
	t.Parallel()
	l := newLab(t, health.Thresholds{})
	o := overloaded
	o.Pause = 2 * time.Minute
	l.asks(5, gptWith1, o)
	if got := l.out(gpt); got != 2*time.Minute {
		t.Errorf("out for %v, want the 2 min that the provider asked for", got)
	}
	o.Pause = time.Hour
	local := engine.HealthSubject{ProviderID: "local", UpstreamID: "llama"}
	l.asks(5, engine.HealthTarget(local), o)
	if got := l.out(local); got != 5*time.Minute {
		t.Errorf("out for %v, want 5 min at most", got)
	}
	l.asks(1, with(engine.HealthSubject{ProviderID: "openai", UpstreamID: "third"}, key2), busy)
	if got := l.subject(key2).Cooldown; !got.Equal(l.now().Add(20 * time.Second)) {
		t.Errorf("the credential's cooldown ends %v, want 20 s from now", got)
	}
}

func TestAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	l := down(t)
	l.set(noon.Add(-24 * time.Hour))
	l.Tick()
	for range 3 {
		l.asks(1, gptWith1, whole)
		l.wait(2 * time.Second)
	}
	l.is(gpt, up)
}

// What the trials of a key come to is said of the key alone: its model goes on with another.
func TestTrialsOfAKeySayNothingOfItsModel(t *testing.T) {
	t.Parallel()
	l := newLab(t, health.Thresholds{})
	for range 10 {
		l.asks(1, gptWith1, whole)
		l.ask(gptWith2, broken)
	}
	l.is(key2, gone)
	for second := range 60 {
		if second%5 == 0 {
			l.ProbeSucceeded(key2)
		}
		l.asks(1, gptWith1, whole)
		l.ask(gptWith2, broken)
		l.wait(time.Second)
		if s := l.subject(gpt).Status; second > 15 && s != up {
			t.Fatalf("after %d s of trials that fail the model is %s, want it healthy", second, s)
		}
	}
	l.is(key2, gone)
	if s := l.subject(gpt); s.Failures != 0 || s.Attempts == 0 {
		t.Errorf("in the last minute %d of %d attempts at the model failed, want none", s.Failures, s.Attempts)
	}
}
