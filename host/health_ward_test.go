package host

import (
	"cmp"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
	"github.com/pointsman/pointsman/host/simulator"
)

// ward is a gateway whose providers are simulated, and what scripts their outages. Unless it is
// real, its health has a time of its own.
type ward struct {
	*gateway
	sim   *simulator.Simulator
	clock *handClock // nil: the time is real
}

// handClock is a clock that is moved by hand.
type handClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *handClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

const slowAt = 600 * time.Millisecond

func startWard(t *testing.T, clock *handClock) *ward {
	t.Helper()
	w := &ward{sim: simulator.New(simulator.Config{}), clock: clock}
	origin, err := w.sim.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.sim.Close() })
	w.gateway = startGateway(t, func(c *Config, o *Options) {
		// Only what is slow is declared: nobody wants to wait for 90 s here.
		o.Thresholds, c.ProbeInterval = health.Thresholds{SlowLatency: slowAt}, time.Minute
		if clock != nil {
			o.HealthClock = clock.now
		}
		c.Upstreams = Upstreams{
			OpenAIKey: firstKey, OpenAIBase: origin + "/openai/v1", AnthropicKey: anthropicKey, AnthropicBase: origin + "/anthropic",
			GeminiKey: googleKey, GeminiBase: origin + "/google",
		}
	})
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/providers/openai/credentials", map[string]any{"id": "second", "secret": secondKey})
	w.want(http.StatusOK, http.MethodPut, "/api/v1/health/anthropic/paid-probe?model=claude-haiku-4.5",
		map[string]any{"enabled": true, "daily_cap_nano_usd": 1_000_000_000, "every_seconds": 3600})
	return w
}

// of returns the ward as that test's.
func (w *ward) of(t *testing.T) *ward {
	return &ward{gateway: &gateway{Host: w.Host, t: t, key: w.key}, sim: w.sim, clock: w.clock}
}

func (w *ward) now() time.Time {
	if w.clock == nil {
		return time.Now()
	}
	return w.clock.now()
}

// pass lets time pass.
func (w *ward) pass(d time.Duration) {
	if w.clock == nil {
		time.Sleep(d) // real time is what is tested then
		return
	}
	w.clock.mu.Lock()
	w.clock.at = w.clock.at.Add(d)
	w.clock.mu.Unlock()
	w.healthService.Step(w.t.Context())
}

// rest lets so much time pass that what came before plays no part. A real ward is used once.
func (w *ward) rest() {
	w.sim.ClearScript()
	for range 4 {
		if w.clock != nil {
			w.pass(3 * time.Minute)
		}
	}
}

// script has the faults hold until it is cleared.
func (w *ward) script(faults ...simulator.Fault) {
	for _, f := range faults {
		f.Count = -1
		w.sim.Script(f)
	}
}

func (w *ward) status(s engine.HealthSubject) engine.HealthStatus {
	state, _ := w.healthService.Subject(s)
	return state.Status
}

// outcome is what became of requests.
type outcome struct {
	first, stood int // served by the model that was asked for; by one behind it
	failed       int // in more than one attempt
	refused      []answer
}

// ask asks for the model with those behind it, n times at once.
func (w *ward) ask(n int, model string, behind ...string) (all outcome) {
	w.t.Helper()
	answers := make([]answer, n)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			body := chatBody(model, "hi")
			body["models"] = behind
			answers[i] = w.do(http.MethodPost, "/v1/chat/completions", body)
		})
	}
	wg.Wait()
	for _, a := range answers {
		switch {
		case a.Status != http.StatusOK:
			all.refused = append(all.refused, a)
			continue
		case a.Header.Get("x-pointsman-model") == model:
			all.first++
		default:
			all.stood++
		}
		if a.Header.Get("x-pointsman-attempts") != "1" {
			all.failed++
		}
	}
	return all
}

// changeTold is an event of health.
type changeTold struct {
	ID            int64
	Kind, Subject string
	Detail        struct{ From, To, Reason string }
}

// events waits until the newest event of the subject tells of that status, and returns those of
// it after that sequence, oldest first.
func (w *ward) events(s engine.HealthSubject, after int64, last engine.HealthStatus) (list []changeTold) {
	w.t.Helper()
	name := cmp.Or(s.Credential, s.UpstreamID, s.ProviderID)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var all struct{ Data []changeTold }
		a := w.do(http.MethodGet, "/api/v1/events", nil)
		if err := json.Unmarshal(a.Body, &all); err != nil {
			w.t.Fatalf("events = %s: %v", a.Body, err)
		}
		list = nil
		for i := len(all.Data) - 1; i >= 0; i-- {
			if e := all.Data[i]; e.ID > after && e.Subject == name && e.Detail.To != "" {
				list = append(list, e)
			}
		}
		if len(list) > 0 && list[len(list)-1].Detail.To == string(last) {
			return list
		}
		if time.Now().After(end) {
			w.t.Errorf("events of %s = %+v, want one that it is %s", name, list, last)
			return list
		}
	}
}
