package host

import (
	"net/http"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/simulator"
)

// flap has a model work for four seconds of eight, while the list of models works: nobody sees
// an error, and less and less depends on the model.
func (w *ward) flap() {
	const rounds = 15
	w.rest()
	_, before, _ := w.notices.After(0)
	for second := range 8 * rounds {
		if second%8 == 0 {
			w.script(simulator.Fault{Provider: "openai", Model: "gpt-4o", Status: 500})
		} else if second%8 == 4 {
			w.sim.ClearScript()
		}
		w.pass(time.Second)
		for _, a := range w.ask(2, "gpt-4o", "claude-haiku-4.5").refused {
			w.t.Errorf("a caller is told %d %s, want no error", a.Status, a.Body)
		}
	}
	for begun := w.now(); w.status(gpt4o) != engine.HealthHealthy && w.now().Sub(begun) < 2*time.Minute; {
		w.pass(time.Second)
		w.ask(2, "gpt-4o", "claude-haiku-4.5")
	}
	// Each half-open window ends once: it is back, or out again for longer.
	ups, downs := 0, 0
	for _, e := range w.events(gpt4o, before, engine.HealthHealthy) {
		switch {
		case e.Detail.To == string(engine.HealthDown):
			downs++
		case e.Detail.From == string(engine.HealthDown):
			ups++
		}
		if downs-ups > 1 || ups > downs {
			w.t.Errorf("after %d times down it is back %d times, want one for each", downs, ups)
		}
	}
	w.t.Logf("%d times down and back in %d rounds", ups, rounds)
	if ups == 0 || ups != downs || ups > rounds/3 {
		w.t.Errorf("it is down %d times and back %d times in %d rounds, want at most %d", downs, ups, rounds, rounds/3)
	}
}

// total has every provider be down: callers get one clean refusal each, the last resort is asked
// all the same, and what retries add at the providers is within a fifth.
func (w *ward) total() {
	const seconds, each = 28, 10
	t := w.t
	behind := []string{"claude-haiku-4.5", "gemini-2.5-pro"}
	w.rest()
	w.script(simulator.Fault{Of: "all", Status: 503})
	w.sim.ClearLog()
	told := map[int]int{}
	for range seconds {
		w.pass(time.Second)
		for range each / 5 {
			for _, a := range w.ask(5, "gpt-4o", behind...).refused {
				told[a.Status]++
				if a.Header.Get("Retry-After") == "" || a.field(t, "error", "code") == "" {
					t.Errorf("a caller is told %d %v %s, want when to come back", a.Status, a.Header, a.Body)
				}
			}
		}
	}
	if told[http.StatusServiceUnavailable] != seconds*each {
		t.Errorf("callers are told %v, want %d times 503", told, seconds*each)
	}
	asked := len(w.sim.Log())
	t.Logf("%d requests reach the providers as %d", seconds*each, asked)
	if asked < seconds*each || asked > seconds*each*12/10 {
		t.Errorf("%d requests reach the providers as %d, want at least as many and at most a fifth more", seconds*each, asked)
	}
	w.sim.ClearScript()
	ended := w.now()
	ill := func() (n int) {
		for _, s := range w.healthService.Snapshot(nil) {
			if s.Status == engine.HealthDown {
				n++
			}
		}
		return n
	}
	refused := 0
	for ill() > 0 && w.now().Sub(ended) < 2*time.Minute {
		w.pass(time.Second)
		for _, model := range append(behind, "gpt-4o") {
			refused += len(w.ask(2, model, behind...).refused)
		}
	}
	if back := w.now().Sub(ended); back > 10*time.Second || refused > 0 {
		t.Errorf("all is back %v after the end, and %d are refused after it, want at most 10 s, and 0", back, refused)
	} else {
		t.Logf("all is back after %v", back)
	}
}
