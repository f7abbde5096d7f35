package host

import (
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/simulator"
)

// outage is one that is scripted at the simulator. A caller asks for model throughout, with
// backup behind it.
type outage struct {
	name          string
	standing      []simulator.Fault // before, while and after it
	script        simulator.Fault
	model, backup string
	of            engine.HealthSubject // who is found ill
	status        engine.HealthStatus
	quiet         bool          // nobody asks until it is found: a probe has to
	burst         int           // requests at once until it is found; 0: one
	lasts         time.Duration // after it was found
	noticed       int           // requests that the provider fails, or slows, until it is found; at most
	back          time.Duration // from its end until all is healthy, at most
	beside        string        // another model there, which is asked throughout and never stood in for
}

var (
	gpt4o     = engine.HealthSubject{ProviderID: "openai", UpstreamID: "gpt-4o"}
	haiku     = engine.HealthSubject{ProviderID: "anthropic", UpstreamID: "claude-haiku-4-5-20251001"}
	secondOne = engine.HealthSubject{ProviderID: "openai", Credential: "second", Version: 1}
)

// outages are those of one provider. Where a free probe can tell that it is over, traffic is to
// be back within ten seconds; where only a call can, within forty.
func outages() []outage {
	const down, degraded = engine.HealthDown, engine.HealthDegraded
	noList := []simulator.Fault{{Provider: "anthropic", Of: "lists", Status: 404}}
	return []outage{
		{name: "hard down", script: simulator.Fault{Provider: "openai", Of: "all", Drop: true},
			model: "gpt-4o", backup: "claude-haiku-4.5", of: gpt4o, status: down, lasts: 40 * time.Second, noticed: 5, back: 10 * time.Second},
		{name: "hard down while nobody asks", script: simulator.Fault{Provider: "openai", Of: "all", Status: 503},
			model: "gpt-4o", backup: "claude-haiku-4.5", of: gpt4o.Provider(), status: down, quiet: true, lasts: 12 * time.Second, noticed: 0, back: 10 * time.Second},
		{name: "hard down for short, only calls can tell", standing: noList, script: simulator.Fault{Provider: "anthropic", Status: 503},
			model: "claude-haiku-4.5", backup: "gpt-4o", of: haiku, status: down, lasts: 20 * time.Second, noticed: 5, back: 40 * time.Second},
		{name: "hard down for long, a paid probe tells", standing: noList, script: simulator.Fault{Provider: "anthropic", Status: 503},
			model: "claude-haiku-4.5", backup: "gpt-4o", of: haiku, status: down, lasts: 100 * time.Second, noticed: 5, back: 40 * time.Second},
		{name: "30 % errors", script: simulator.Fault{Provider: "openai", Share: 30, Status: 500},
			model: "gpt-4o", backup: "claude-haiku-4.5", of: gpt4o, status: degraded, lasts: 5 * time.Second, noticed: 5, back: 40 * time.Second},
		{name: "slow", script: simulator.Fault{Provider: "openai", Delay: int(slowAt.Milliseconds()) + 100},
			model: "gpt-4o", backup: "claude-haiku-4.5", of: gpt4o, status: degraded, burst: 5, noticed: 5, back: 40 * time.Second},
		// Five, but where the first five happen to go out with one key, it is that key which is suspected first.
		{name: "one model only", script: simulator.Fault{Provider: "openai", Model: "gpt-4o", Status: 500}, beside: "gpt-4.1",
			model: "gpt-4o", backup: "claude-haiku-4.5", of: gpt4o, status: down, lasts: 20 * time.Second, noticed: 10, back: 10 * time.Second},
		{name: "one key only", script: simulator.Fault{Provider: "openai", Key: secondKey, Status: 500},
			model: "gpt-4o", backup: "claude-haiku-4.5", of: secondOne, status: down, lasts: 12 * time.Second, noticed: 5, back: 10 * time.Second},
	}
}

// Every outage is found within five failed requests, or by one probe; no caller with a fallback
// sees an error; and traffic is back in time.
func TestOutages(t *testing.T) {
	w := startWard(t, &handClock{at: testNow})
	// The first: budgets of retries go by real time, in which what is beside it is a moment ago.
	t.Run("total", func(t *testing.T) { w.of(t).total() })
	for _, o := range outages() {
		t.Run(o.name, func(t *testing.T) { w.of(t).suffer(o) })
	}
	t.Run("flapping", func(t *testing.T) { w.of(t).flap() })
}

// The same in real time, each with a gateway of its own.
func TestOutagesSoak(t *testing.T) {
	if os.Getenv("POINTSMAN_SOAK") == "" {
		t.Skip("takes minutes: set POINTSMAN_SOAK=1")
	}
	each := func(name string, have func(w *ward)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			have(startWard(t, nil))
		})
	}
	for _, o := range outages() {
		each(o.name, func(w *ward) { w.suffer(o) })
	}
	each("flapping", (*ward).flap)
	each("total", (*ward).total)
}

// suffer has the outage come and go.
func (w *ward) suffer(o outage) {
	t := w.t
	ask := func(n int) outcome {
		t.Helper()
		all := w.ask(n, o.model, o.backup)
		for _, a := range all.refused {
			t.Errorf("a caller is told %d %s, want no error", a.Status, a.Body)
		}
		if o.beside == "" {
			return all
		}
		if a := w.chat(o.beside, "hi"); a.Status != http.StatusOK || a.Header.Get("x-pointsman-model") != o.beside || a.Header.Get("x-pointsman-attempts") != "1" {
			t.Errorf("the model beside it = %d by %q, want %q at once", a.Status, a.Header.Get("x-pointsman-model"), o.beside)
		}
		return all
	}
	w.rest()
	w.script(o.standing...)
	for range 8 {
		w.pass(time.Second)
		if !o.quiet {
			ask(3)
		}
	}
	_, before, _ := w.notices.After(0)

	w.script(o.script)
	began, failed, lists := w.now(), 0, w.sim.Lists(o.of.ProviderID)
	for w.status(o.of) != o.status && w.now().Sub(began) < 2*time.Minute {
		w.pass(time.Second)
		if o.quiet || w.status(o.of) == o.status {
			continue
		}
		all := ask(max(o.burst, 1))
		if failed += all.failed; o.burst > 0 {
			failed += all.first
		}
	}
	noticed := w.now().Sub(began)
	if got := w.status(o.of); got != o.status || failed > o.noticed {
		t.Errorf("after %v and %d requests that went wrong %s is %s, want it %s after at most %d", noticed, failed, o.of, got, o.status, o.noticed)
	}
	// Its second key is not asked when the first gets no answer, but the first once more. A
	// client may send what a closed connection lost again.
	if got := w.sim.Lists(o.of.ProviderID) - lists; o.quiet && (got == 0 || got > 2*2) {
		t.Errorf("%d requests for lists until it is found, want one probe and one more to be sure", got)
	}

	found, tried := w.now(), 0
	for w.now().Sub(found) < o.lasts {
		w.pass(time.Second)
		tried += ask(1).failed
	}
	// One request goes ahead when a probe, or the time, says that it may.
	if most := int(o.lasts/(5*time.Second)) + 1; o.status == engine.HealthDown && tried > most {
		t.Errorf("%d requests try it in %v, want at most %d", tried, o.lasts, most)
	}

	w.sim.ClearScript()
	w.script(o.standing...)
	ended, after := w.now(), outcome{}
	for (w.status(o.of) != engine.HealthHealthy || w.status(gpt4o) == engine.HealthDown) && w.now().Sub(ended) < 5*time.Minute {
		w.pass(time.Second)
		after.failed += ask(2).failed
	}
	back := w.now().Sub(ended)
	if back > o.back || after.failed > 0 {
		t.Errorf("%s is healthy %v after the end, and %d requests fail after it, want at most %v and 0", o.of, back, after.failed, o.back)
	}
	if all := ask(4); all.first != 4 {
		t.Errorf("after it %+v, want all served by %s", all, o.model)
	}
	t.Logf("found after %v and %d requests that went wrong, tried %d times in %v, back after %v", noticed, failed, tried, o.lasts, back)

	var statuses []string
	for _, e := range w.events(o.of, before, engine.HealthHealthy) {
		statuses = append(statuses, e.Detail.To)
		down := o.of.Kind() == engine.HealthOfProvider && e.Detail.To == string(engine.HealthDown)
		if e.Detail.Reason == "" || (e.Kind == engine.NoticeProviderDown) != down {
			t.Errorf("event %+v, want its kind and its reason", e)
		}
	}
	if o.status == engine.HealthDown && len(statuses) == 3 && statuses[0] == string(engine.HealthDegraded) {
		statuses = statuses[1:] // it was seen coming
	}
	if want := []string{string(o.status), string(engine.HealthHealthy)}; !slices.Equal(statuses, want) {
		t.Errorf("events tell that %s is %v, want %v, each once", o.of, statuses, want)
	}
}
