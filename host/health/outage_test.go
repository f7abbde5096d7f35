package health_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
)

// Scripted outages of a provider, minute by minute: how many requests fail before it is
// noticed, how many in all, and how long after its end traffic is back. Where a probe can
// tell, one is made every 5 s while anything is out.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		outcome  engine.HealthOutcome // of the model that is ill
		all      bool                 // every model is
		perSec   int
		lasts    time.Duration
		probes   bool
		noticed  int           // failures until then, at most
		failures int           // in all, at most
		back     time.Duration // after the end, at most
	}{
		{"hard down, probes can tell", unreached, true, 20, 5 * time.Minute, true, 5, 10, 10 * time.Second},
		{"hard down, quiet, probes can tell", unreached, true, 1, 5 * time.Minute, true, 5, 10, 10 * time.Second},
		{"hard down for short, only calls can tell", unreached, true, 20, 20 * time.Second, false, 5, 5, 40 * time.Second},
		{"errors of every model, probes can tell", overloaded, true, 20, 5 * time.Minute, true, 10, 20, 10 * time.Second},
		{"one model, lying probes", broken, false, 20, 5 * time.Minute, true, 5, 80, 10 * time.Second},
		{"one model, only calls can tell", broken, false, 20, 25 * time.Second, false, 5, 5, 40 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, health.Thresholds{})
			began, ended := noon.Add(time.Minute), noon.Add(time.Minute+c.lasts)
			failures, noticed := 0, 0
			backAt := time.Time{}
			isDown := func() bool {
				return l.State(&engine.HealthTarget{ProviderID: "openai", UpstreamID: "gpt"}).Status == gone
			}
			for step := 0; l.now().Before(ended.Add(2 * time.Minute)); step++ {
				ill := !l.now().Before(began) && l.now().Before(ended)
				for i, target := range []engine.HealthTarget{gptWith1, miniWith1} {
					o := whole
					if ill && (i == 0 || c.all) {
						o = c.outcome
					}
					if allowed := l.ask(target, o); allowed && o.Code != "" {
						if failures++; !isDown() {
							noticed++
						}
					}
				}
				if isDown() {
					backAt = time.Time{}
				} else if backAt.IsZero() && !ill {
					backAt = l.now()
				}
				// The last one was just before the end.
				if c.probes && step%(5*c.perSec) == 5*c.perSec-1 && (!ill || c.outcome.Status != 0 && !c.all) {
					for _, id := range l.Out() {
						l.ProbeSucceeded(id)
					}
				}
				l.set(l.now().Add(time.Second / time.Duration(c.perSec)))
				l.Tick()
			}
			if noticed > c.noticed || failures > c.failures {
				t.Errorf("%d requests fail until it is noticed, %d in all, want at most %d and %d", noticed, failures, c.noticed, c.failures)
			}
			if after := backAt.Sub(ended); backAt.IsZero() || after > c.back {
				t.Errorf("traffic is back %v after the end, want at most %v\n%s", after, c.back, fmt.Sprint(l.told))
			}
			l.is(openai, up)
			l.is(gpt, up)
			l.is(mini, up)
		})
	}
}
