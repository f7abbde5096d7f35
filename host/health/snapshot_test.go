package health_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
)

func TestSnapshot(t *testing.T) {
	t.Parallel()
	l := newLab(t, health.Thresholds{})
	for range 10 {
		l.asks(8, gptWith1, engine.HealthOutcome{Status: 200, Stream: true, FirstByte: 400 * time.Millisecond})
		l.asks(1, gptWith1, engine.HealthOutcome{Status: 200, Stream: true, FirstByte: 2 * time.Second, Fallback: true})
		l.asks(1, gptWith1, engine.HealthOutcome{Status: 200, Latency: 9 * time.Second, FirstByte: 9 * time.Second})
		l.wait(time.Second)
	}
	l.asks(1, gptWith1, broken)
	l.asks(1, gptWith1, busy)
	l.ProbeSucceeded(openai)
	l.ProbeDue(openai, noon.Add(time.Minute))

	got := l.subject(gpt)
	if got.Attempts != 102 || got.Failures != 1 || got.ErrorRate() < 0.0098 || got.ErrorRate() > 0.0099 {
		t.Errorf("attempts %d, failures %d, error rate %v, want 102, 1, 0.0098", got.Attempts, got.Failures, got.ErrorRate())
	}
	if got.Recent != 102 || got.Fallbacks != 10 || got.FallbackShare() < 0.098 || got.FallbackShare() > 0.099 {
		t.Errorf("fallbacks %d of %d, want 10 of 102", got.Fallbacks, got.Recent)
	}
	// A bucket is as wide as half its begin.
	for _, c := range []struct {
		name      string
		got, want int64
	}{
		{"median of first content", got.FirstByteP50MS, 400}, {"its 95th percentile", got.FirstByteP95MS, 2000},
		{"median of whole answers", got.LatencyP50MS, 9000}, {"its 95th percentile", got.LatencyP95MS, 9000},
	} {
		if c.got < c.want*2/3 || c.got > c.want*3/2 {
			t.Errorf("%s = %d ms, want about %d", c.name, c.got, c.want)
		}
	}
	if state := l.State(&engine.HealthTarget{ProviderID: "openai", UpstreamID: "gpt"}); state.LatencyMS != got.FirstByteP50MS {
		t.Errorf("State().LatencyMS = %d, want %d", state.LatencyMS, got.FirstByteP50MS)
	}
	if got.LastError != broken.Detail || !got.LastErrorAt.Equal(noon.Add(10*time.Second)) || !got.LastAttempt.Equal(noon.Add(10*time.Second)) {
		t.Errorf("last error %q at %v, last attempt %v, want %q and both at 10 s", got.LastError, got.LastErrorAt, got.LastAttempt, broken.Detail)
	}
	if key := l.subject(key1); key.LastError != busy.Detail || !key.Cooldown.Equal(noon.Add(30*time.Second)) || key.Failures != 1 {
		t.Errorf("the credential's last error is %q, its cooldown ends %v, %d failures, want %q, at 30 s, 1", key.LastError, key.Cooldown, key.Failures, busy.Detail)
	}
	if p := l.subject(openai); !p.CheckOK || !p.LastCheck.Equal(noon.Add(10*time.Second)) || !p.NextCheck.Equal(noon.Add(time.Minute)) || p.Attempts != 102 {
		t.Errorf("the provider's checks are %v, %v and %v, %d attempts", p.CheckOK, p.LastCheck, p.NextCheck, p.Attempts)
	}

	l.wait(10 * time.Minute)
	if state := l.State(&engine.HealthTarget{ProviderID: "openai", UpstreamID: "gpt"}); state.LatencyMS != 0 {
		t.Errorf("State().LatencyMS ten minutes later = %d, want 0", state.LatencyMS)
	}

	var order []string
	for _, s := range l.Snapshot(nil) {
		order = append(order, s.Subject.String())
	}
	if want := []string{"openai", "openai/gpt", "openai#key1"}; !slices.Equal(order, want) {
		t.Errorf("Snapshot() is of %v, want %v", order, want)
	}
	if some := l.Snapshot(func(s engine.HealthSubject) bool { return s.Kind() == engine.HealthOfModel }); len(some) != 1 || some[0].Subject != gpt {
		t.Errorf("Snapshot(models) = %v, want the model", some)
	}
	if _, ok := l.Subject(mini); ok || l.Len() != 3 {
		t.Error("asking for a subject makes it known")
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	l := newLab(t, health.Thresholds{})
	l.asks(7, gptWith1, whole)
	l.asks(5, gptWith1, broken)
	l.set(noon.Add(3 * time.Hour))
	for range 3 {
		l.asks(1, gptWith1, whole)
		l.wait(time.Second)
	}
	cells := l.subject(gpt).Cells
	want := []engine.HealthCell{
		{At: noon, Attempts: 12, Failures: 5, Worst: gone},
		{At: noon.Add(3 * time.Hour), Attempts: 3, Worst: gone},
	}
	for i := range cells {
		cells[i].P95MS = 0
	}
	if !slices.Equal(cells, want) {
		t.Errorf("cells = %+v, want %+v", cells, want)
	}

	// A day of attempts.
	l = newLab(t, health.Thresholds{})
	for range 26 * 12 {
		l.asks(5, gptWith1, whole)
		l.wait(time.Second)
		l.set(l.now().Add(5*time.Minute - time.Second))
	}
	l.asks(5, gptWith1, whole)
	l.wait(time.Second)
	cells = l.subject(gpt).Cells
	if len(cells) != engine.HealthCells {
		t.Errorf("there are %d cells of a day, want %d", len(cells), engine.HealthCells)
	}
	for i, c := range cells {
		if c.Attempts != 5 || c.Worst != up || c.P95MS == 0 || i > 0 && c.At.Sub(cells[i-1].At) != engine.HealthCellLength {
			t.Fatalf("cell %d = %+v, want 5 attempts, healthy", i, c)
		}
	}
}

// A long error of a provider is cut, between characters.
func TestErrorsAreCut(t *testing.T) {
	t.Parallel()
	l := newLab(t, health.Thresholds{})
	o := broken
	for len(o.Detail) < 2000 {
		o.Detail += "é"
	}
	l.asks(1, gptWith1, o)
	if got := l.subject(gpt).LastError; len(got) > 500 || len(got) < 490 || got != o.Detail[:len(got)] || got[len(got)-1] == 0xC3 {
		t.Errorf("the last error has %d bytes, want 500 at most and whole characters", len(got))
	}
}

// Who is told may ask.
func TestChangedMayCallTheService(t *testing.T) {
	t.Parallel()
	var s *health.Service
	var seen []engine.HealthStatus
	s = health.New(health.Config{Changed: func(tr engine.HealthTransition) {
		state, _ := s.Subject(tr.Subject)
		seen = append(seen, state.Status)
		if tr.Subject == gpt {
			s.Drain(mini)
		}
	}})
	for range 5 {
		pass, _ := s.Begin(&gptWith1, false)
		pass.Done(broken)
	}
	if want := []engine.HealthStatus{gone, up}; !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
}

func TestTransitionText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		transition engine.HealthTransition
		want       string
	}{
		{engine.HealthTransition{Reason: engine.HealthConsecutive, Evidence: engine.HealthEvidence{Consecutive: 5, Detail: "openai 500 server"}}, "5 attempts in a row failed: openai 500 server"},
		{engine.HealthTransition{Reason: engine.HealthErrorShare, Evidence: engine.HealthEvidence{Attempts: 20, Failures: 12, Within: 10 * time.Second}}, "12 of 20 attempts in 10 s failed"},
		{engine.HealthTransition{Reason: engine.HealthSlow, Evidence: engine.HealthEvidence{LatencyMS: 9000, UsualMS: 800}}, "slow: 9000 ms, where 800 ms are usual or allowed"},
		{engine.HealthTransition{Reason: engine.HealthSwitched, Switch: engine.HealthDrained}, "drained"},
		{engine.HealthTransition{Reason: engine.HealthSwitched}, "switched on"},
		{engine.HealthTransition{Reason: engine.HealthRecovered}, "recovered"},
	} {
		if got := c.transition.Text(); got != c.want {
			t.Errorf("Text() of %s = %q, want %q", c.transition.Reason, got, c.want)
		}
	}
}
