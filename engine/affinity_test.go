package engine

import (
	"context"
	"strings"
	"testing"
)

// Only a turn that nobody decides stays where the session is, and only while that works.
func TestAffinity(t *testing.T) {
	t.Parallel()
	byDefault := Decision{Source: SourceDefault}
	tests := []struct {
		name     string
		session  string
		decision Decision
		ask      string // default auto
		more     string
		disabled string
		blocked  string
		want     string // models of the plan
		source   string
		reason   bool
		skip     string // in the decision
		wantErr  Code
	}{
		{name: "nobody decides", session: "m-c", decision: byDefault, want: "m-c m-a m-b", source: SourceDefault, reason: true},
		{name: "a rule decides", session: "m-c", decision: Decision{Source: "r", Models: []string{"m-b"}}, want: "m-b m-a", source: "r"},
		{name: "the caller decides", session: "m-c", ask: "m-b", want: "m-b", source: SourcePinned},
		{name: "an assignment decides", session: "m-c", decision: Decision{Source: SourceAssignment, Models: []string{"m-b"}}, want: "m-b m-a", source: SourceAssignment},
		{name: "the default is where it is", session: "m-a", decision: byDefault, want: "m-a m-b", source: SourceDefault},
		{name: "the second default", session: "m-b", decision: byDefault, want: "m-b m-a", source: SourceDefault, reason: true},
		{name: "the first turn", decision: byDefault, want: "m-a m-b", source: SourceDefault},
		{name: "disabled since", session: "m-c", decision: byDefault, disabled: "m-c", want: "m-a m-b", source: SourceDefault, skip: "m-c disabled"},
		{name: "blocked since", session: "m-c", decision: byDefault, blocked: "m-c", want: "m-a m-b", source: SourceDefault, skip: "m-c not_allowed"},
		{name: "gone", session: "m-z", decision: byDefault, want: "m-a m-b", source: SourceDefault, skip: "m-z unknown_model"},
		{name: "a default that is disabled is skipped once", session: "m-b", decision: byDefault, disabled: "m-b", want: "m-a", source: SourceDefault, skip: "m-b disabled"},
		{name: "it cannot see", session: "m-c", decision: byDefault, more: `,"tools":[{"type":"function","function":{"name":"f"}}]`, wantErr: CodeInvalid},
		{name: "no reason to refuse", session: "m-z", decision: byDefault, disabled: "m-a m-b", wantErr: CodeNoTarget},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": works("a"), "b": works("b"), "c": works("c")})
			g.cfg.DefaultModel, g.cfg.DefaultFallback, g.cfg.Sessions = "m-a", "m-b", at(tt.session, "")
			g.decide = func(context.Context, *Request) (Decision, error) { return tt.decision, nil }
			old := g.catalogue.Load()
			models := append([]Model(nil), old.Models("acme")...)
			var prices []Price
			for i := range models {
				models[i].Enabled = !strings.Contains(tt.disabled, models[i].ID)
				prices = append(prices, Price{ProviderID: models[i].ProviderID, UpstreamID: models[i].UpstreamID, Input: 1})
			}
			g.catalogue.Store(NewCatalogue(models, old.Providers(""), prices))
			if tt.blocked != "" {
				policies := NewPolicies([]Preferences{{Tenant: Tenant{AccountID: "acme"}, BlockedModels: &[]string{tt.blocked}}}, nil, nil)
				g.cfg.Policies = func() *Policies { return policies }
			}
			r := rigRequest(t, inSession+tt.more)
			if tt.ask != "" {
				r.Model = tt.ask
			}
			x, err := g.begin(t.Context(), r)
			if CodeOf(err) != tt.wantErr {
				t.Fatalf("begin = %v, want %q", err, tt.wantErr)
			}
			if err != nil {
				return
			}
			var got []string
			for _, target := range x.plan.targets {
				got = append(got, target.Model.ID)
			}
			line := record(&x.plan, nil, nil)
			if strings.Join(got, " ") != tt.want || x.plan.decision.Source != tt.source {
				t.Errorf("plan = %v by %s, want %s by %s", got, x.plan.decision.Source, tt.want, tt.source)
			}
			if strings.Contains(line, "reason: session") != tt.reason || strings.Count(line, tt.skip) != 1 && tt.skip != "" {
				t.Errorf("decision = %q, want reason session %v and %q once", line, tt.reason, tt.skip)
			}
		})
	}
}

// Rules and plugins see the session as it began.
func TestRulesSeeTheSession(t *testing.T) {
	t.Parallel()
	g := newRig(t, map[string]*script{"a": works("a")})
	g.cfg.Sessions = at("m-b", "planner")
	decide, seen := g.decide, ""
	g.decide = func(ctx context.Context, r *Request) (Decision, error) {
		seen = string(r.Context().Get("session").Raw())
		return decide(ctx, r)
	}
	if _, _, err := g.run(t, t.Context(), rigRequest(t, inSession), false); err != nil {
		t.Fatal(err)
	}
	if want := `{"id":"s-1","turn":3,"model":"m-b"}`; seen != want {
		t.Errorf("session = %s, want %s", seen, want)
	}
}
