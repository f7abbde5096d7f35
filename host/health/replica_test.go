package health_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
)

// pair is two processes that tell each other everything, in one time.
func pair(t *testing.T) (a, b *lab) {
	a, b = newLab(t, health.Thresholds{}), newLab(t, health.Thresholds{})
	return a, b
}

// tell makes b adopt what a made of late.
func tell(a, b *lab) {
	for _, tr := range a.told {
		b.Adopt(tr)
	}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	a.asks(5, gptWith1, broken)
	tell(a, b)
	b.is(gpt, gone)
	if b.ask(gptWith1, whole) {
		t.Error("what another process took out is asked")
	}
	if got, want := b.out(gpt), a.out(gpt); got != want {
		t.Errorf("it is out for %v, want %v as elsewhere", got, want)
	}

	// The other one hears that it comes back.
	for _, l := range []*lab{a, b} {
		l.wait(30 * time.Second)
	}
	for range 3 {
		a.asks(1, gptWith1, whole)
		a.wait(time.Second)
		b.wait(time.Second)
	}
	a.is(gpt, up)
	b.is(gpt, gone)
	tell(a, b)
	b.is(gpt, up)
	b.asks(10, gptWith1, whole)
	if got := b.subject(gpt); got.Ejections != a.subject(gpt).Ejections || got.Reason != engine.HealthRecovered {
		t.Errorf("after its return: %+v", got)
	}
	if len(b.told) != 0 {
		t.Errorf("the one that adopts tells %v, want nothing", b.told)
	}
}

func TestAdoptOnlyWhatIsNewer(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	a.asks(5, gptWith1, broken)
	if !b.Adopt(a.told[0]) {
		t.Error("Adopt() of the first = false, want true")
	}
	if b.Adopt(a.told[0]) {
		t.Error("Adopt() of the same again = true, want false")
	}
	b.wait(30 * time.Second)
	for range 3 {
		b.asks(1, gptWith1, whole)
		b.wait(time.Second)
	}
	b.is(gpt, up)
	if b.Adopt(a.told[0]) {
		t.Error("Adopt() of an older one = true, want false")
	}
	b.is(gpt, up)
	if !a.Adopt(b.told[0]) {
		t.Error("Adopt() of the newer one = false, want true")
	}
	a.is(gpt, up)
}

// What a process with a clock that is ahead has told must not silence the others.
func TestAdoptFromAClockThatIsAhead(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	a.set(noon.Add(time.Minute))
	a.asks(5, gptWith1, broken)
	tell(a, b)
	for range 2 {
		b.force(gptWith1, whole)
	}
	for b.subject(gpt).Status == gone {
		b.force(gptWith1, whole)
		b.wait(time.Second)
	}
	if !a.Adopt(b.told[len(b.told)-1]) {
		t.Error("the clock that is ahead does not hear of the recovery")
	}
	a.is(gpt, up)
}

func TestAdoptOpensTrials(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	a.asks(5, gptWith1, broken)
	a.wait(5 * time.Second)
	b.wait(5 * time.Second)
	a.ProbeSucceeded(gpt)
	tell(a, b)
	b.asks(1, gptWith1, whole)

	// A longer ejection ends them.
	c, d := pair(t)
	c.asks(5, gptWith1, broken)
	c.wait(30 * time.Second)
	d.wait(30 * time.Second)
	tell(c, d)
	pass, ok := d.Begin(&gptWith1, false)
	if !ok {
		t.Fatal("no trial when the ejection is over")
	}
	c.asks(1, gptWith1, broken)
	tell(c, d)
	pass.Done(whole)
	d.is(gpt, gone)
	if d.ask(gptWith1, whole) || d.out(gpt) != time.Minute {
		t.Errorf("it is out for %v, want the minute that another process said", d.out(gpt))
	}
}

// One process sees failures and another none: they must not contradict each other in turn.
func TestAdoptedDegradedHolds(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	mixed(a, 20, 4, gptWith1)
	tell(a, b)
	b.is(gpt, weak)
	b.wait(4 * time.Minute)
	b.is(gpt, weak)
	b.wait(2 * time.Minute)
	b.is(gpt, up)

	c, d := pair(t)
	mixed(c, 20, 4, gptWith1)
	tell(c, d)
	for range 12 { // its own attempts are as good
		d.asks(20, gptWith1, whole)
		d.wait(time.Second)
	}
	d.is(gpt, up)
}

func TestSwitch(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	target := engine.HealthTarget(gpt)
	if !a.Drain(openai) || a.Drain(openai) {
		t.Error("Drain() twice does not report that it changed anything once")
	}
	tell(a, b)
	for _, l := range []*lab{a, b} {
		if s := l.State(&target); !s.Off || s.Reason != "drained" || s.Status == gone {
			t.Errorf("State() of a drained provider's model = %+v, want it off", s)
		}
		if l.ask(gptWith1, whole) || l.force(gptWith1, whole) {
			t.Error("a drained provider is asked")
		}
	}
	a.Enable(openai)
	tell(a, b)
	for _, l := range []*lab{a, b} {
		l.asks(1, gptWith1, whole)
		l.is(openai, up)
	}

	// A key alone.
	a.Disable(key1)
	if a.ask(gptWith1, whole) || !a.ask(gptWith2, whole) {
		t.Error("of two keys the disabled one is asked, or the other not")
	}
	if s := a.State(&gptWith1); !s.Off {
		t.Errorf("State() of a disabled key = %+v, want it off", s)
	}
	if s := a.State(&target); s.Off {
		t.Errorf("State() of a model with a disabled key = %+v, want it on", s)
	}

	// What is switched off comes back as it was left.
	a.wait(2 * time.Minute)
	a.asks(5, gptWith2, broken)
	a.Disable(gpt)
	a.Enable(gpt)
	a.is(gpt, gone)
	if s := a.State(&target); s.Reason != "5 attempts in a row failed: openai 500 server" || !s.Out {
		t.Errorf("State() = %+v, want out, and why", s)
	}
	if got := a.Out(); !slices.Equal(got, []engine.HealthSubject{gpt}) {
		t.Errorf("Out() = %v, want the model", got)
	}
	a.Disable(gpt)
	if got := a.Out(); len(got) != 0 {
		t.Errorf("Out() = %v, want nothing that is disabled", got)
	}
}

// stored is what a store makes of states: another process's memory.
func stored(t *testing.T, states []engine.HealthSubjectState) (back []engine.HealthSubjectState) {
	t.Helper()
	text, err := json.Marshal(states)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestRestore(t *testing.T) {
	t.Parallel()
	was := newLab(t, health.Thresholds{})
	for range 120 {
		was.asks(2, gptWith1, well)
		was.wait(time.Second)
	}
	was.asks(1, gptWith2, revoked)
	was.asks(5, miniWith1, broken)
	was.Drain(engine.HealthSubject{ProviderID: "google"})
	mixed(was, 100, 12, gptWith1)
	was.is(gpt, weak)
	was.ProbeWarned(openai, "gpt-9 is not listed")

	is := newLab(t, health.Thresholds{})
	is.set(was.now().Add(5 * time.Second))
	is.Restore(stored(t, was.Snapshot(nil)))
	if len(is.told) != 0 {
		t.Errorf("Restore() tells %v, want nothing", is.told)
	}
	target := engine.HealthTarget(mini)
	if s := is.State(&target); s.Status != gone || !s.Out || !s.RetryAt.Equal(was.now().Add(30*time.Second)) {
		t.Errorf("State() of what was out = %+v, want it out until the same time", s)
	}
	target = engine.HealthTarget(gpt)
	if s := is.State(&target); s.Status != weak || s.LatencyMS == 0 || s.Reason == "" {
		t.Errorf("State() of what was degraded = %+v, want it degraded, why and the latency", s)
	}
	if s := is.State(&engine.HealthTarget{ProviderID: "google"}); !s.Off {
		t.Errorf("State() of what was drained = %+v, want it off", s)
	}
	before, after := was.Snapshot(nil), is.Snapshot(nil)
	for i := range before {
		// What a minute or five of traffic say is of one process.
		for _, s := range [][]engine.HealthSubjectState{before, after} {
			s[i].Attempts, s[i].Failures, s[i].Seen = 0, 0, time.Time{}
			s[i].LatencyP50MS, s[i].LatencyP95MS, s[i].FirstByteP50MS, s[i].FirstByteP95MS = 0, 0, 0, 0
		}
		if !reflect.DeepEqual(before[i], after[i]) {
			t.Errorf("Restore() makes of\n%+v\nthis:\n%+v", before[i], after[i])
		}
	}

	// Fresh attempts overrule it.
	for range 12 {
		is.asks(20, gptWith1, well)
		is.wait(time.Second)
	}
	is.is(gpt, up)
	is.wait(30 * time.Second)
	for range 3 {
		is.asks(1, miniWith1, well)
		is.wait(time.Second)
	}
	is.is(mini, up)
}

// What is restored late does not undo what was learnt meanwhile.
func TestRestoreAfterWhatIsNewer(t *testing.T) {
	t.Parallel()
	was := newLab(t, health.Thresholds{})
	was.asks(5, gptWith1, broken)
	old := was.Snapshot(nil)
	is := newLab(t, health.Thresholds{})
	is.set(noon.Add(time.Minute))
	mixed(is, 20, 4, gptWith1)
	is.Restore(old)
	is.is(gpt, weak)
	// Times that are wrong do no harm.
	for i := range old {
		old[i].Subject.UpstreamID += "x"
		old[i].Changed = noon.Add(10_000 * time.Hour)
		old[i].Until = noon.Add(10_000 * time.Hour)
		old[i].Cooldown = noon.Add(10_000 * time.Hour)
		old[i].Cells = []engine.HealthCell{{At: noon.Add(10_000 * time.Hour), Attempts: -5}, {At: time.Time{}, Attempts: 1 << 60}}
	}
	is.Restore(old)
	for range 3 {
		is.asks(1, with(engine.HealthSubject{ProviderID: "openai", UpstreamID: "gptx"}, key1), well)
		is.wait(2 * time.Second)
	}
}
