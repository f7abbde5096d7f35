package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

// written is a Health whose states are written down, by provider.
type written struct {
	states map[string]HealthState
	busy   map[string]bool // no trial is free

	mu   sync.Mutex
	told []string // "provider code class", "provider canceled", "provider later code"
	open int      // passes
}

func (w *written) State(t *HealthTarget) HealthState { return w.states[t.ProviderID] }

func (w *written) Begin(t *HealthTarget, last bool) (HealthPass, bool) {
	if w.busy[t.ProviderID] && !last {
		return HealthPass{}, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	return HealthPass{Holder: writtenPass{w, t.ProviderID}}, true
}

func (w *written) Observe(t *HealthTarget, o HealthOutcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, fmt.Sprintf("%s later %s", t.ProviderID, o.Code))
}

type writtenPass struct {
	w        *written
	provider string
}

func (p writtenPass) Done(_ uint64, o HealthOutcome) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.open--
	line := p.provider + " " + string(o.Code)
	if o.Class != abi.ClassNone {
		line += " " + o.Class.Name()
	}
	if o.Fallback {
		line += " fallback"
	}
	p.w.told = append(p.w.told, strings.Join(strings.Fields(line), " "))
}

func (p writtenPass) Cancel(uint64) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.open--
	p.w.told = append(p.w.told, p.provider+" canceled")
}

// What is down is passed over while there is anything else, and every attempt is reported once.
func TestHealthRoutes(t *testing.T) {
	t.Parallel()
	down := HealthState{Status: HealthDown, Out: true, Reason: "5 of 5 failed"}
	off := HealthState{Status: HealthDown, Off: true, Reason: "drained"}
	slow := HealthState{Status: HealthDegraded}
	broken := func() *script { return &script{status: 500, body: `{}`} }
	tests := []struct {
		name    string
		states  map[string]HealthState
		busy    map[string]bool
		scripts map[string]*script // default: all work
		speed   bool
		pin     string
		stream  bool
		want    string // model that served; "" none
		code    Code
		skips   string // in the decision line
		told    []string
	}{
		{name: "all well", want: "m-a", told: []string{"a"}},
		{name: "the first is down", states: map[string]HealthState{"a": down}, want: "m-b", skips: "m-a down (5 of 5 failed)", told: []string{"b fallback"}},
		{name: "all are down", states: map[string]HealthState{"a": down, "b": down, "c": down}, want: "m-a", told: []string{"a"}},
		{name: "drained is not asked, not as the last one", states: map[string]HealthState{"a": off, "b": off, "c": off}, code: CodeNoTarget, skips: "m-a drained"},
		{name: "all down but the drained", states: map[string]HealthState{"a": off, "b": down, "c": off}, want: "m-b", told: []string{"b fallback"}},
		{name: "no trial is free", busy: map[string]bool{"a": true}, want: "m-b", skips: "m-a down (no trial is free)", told: []string{"b fallback"}},
		{name: "no trial is free anywhere", busy: map[string]bool{"a": true, "b": true, "c": true}, want: "m-a", told: []string{"a"}},
		{name: "degraded is no reason", states: map[string]HealthState{"a": slow}, want: "m-a", told: []string{"a"}},
		{name: "degraded comes later for who wants speed", states: map[string]HealthState{"a": slow}, speed: true, want: "m-b", told: []string{"b"}},
		{name: "a pin is a pin", states: map[string]HealthState{"a": slow}, speed: true, pin: "m-a", want: "m-a", told: []string{"a"}},
		{name: "a pin that is down is asked", states: map[string]HealthState{"a": down}, pin: "m-a", want: "m-a", told: []string{"a"}},
		{name: "a failure is told", scripts: map[string]*script{"a": broken()}, want: "m-b", told: []string{"a upstream_error server", "b fallback"}},
		{name: "a cut stream is told later", stream: true, scripts: map[string]*script{"a": {events: []string{deltaOf(0, "one"), markCut}}}, want: "m-a", code: CodeUpstreamTruncated,
			told: []string{"a", "a later upstream_truncated"}},
		{name: "a broken guest says nothing of its provider", scripts: map[string]*script{"a": {request: func(context.Context) (AdapterRequest, error) {
			return AdapterRequest{}, Errorf(CodePluginFailed, "trap")
		}}}, want: "m-b", told: []string{"a canceled", "b fallback"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			scripts := map[string]*script{"a": works("a"), "b": works("b"), "c": works("c")}
			for name, s := range tt.scripts {
				scripts[name] = s
			}
			g := newRig(t, scripts)
			health := &written{states: tt.states, busy: tt.busy}
			g.cfg.Health = health
			if tt.speed {
				yes := true
				policies := NewPolicies([]Preferences{{Tenant: Tenant{AccountID: "acme"}, PreferSpeed: &yes}}, nil, nil)
				g.cfg.Policies = func() *Policies { return policies }
			}
			r := rigRequest(t, "")
			if tt.pin != "" {
				r.Model = tt.pin
			}
			_, meta, err := g.run(t, t.Context(), r, tt.stream)
			if CodeOf(err) != tt.code || meta.Model != tt.want {
				t.Errorf("served by %q, error %v, want %q, %q", meta.Model, err, tt.want, tt.code)
			}
			if !strings.Contains(meta.Decision, tt.skips) {
				t.Errorf("decision = %q, want %q in it", meta.Decision, tt.skips)
			}
			health.mu.Lock()
			defer health.mu.Unlock()
			if !slices.Equal(health.told, tt.told) || health.open != 0 {
				t.Errorf("told = %q with %d passes open, want %q and none", health.told, health.open, tt.told)
			}
		})
	}
}
