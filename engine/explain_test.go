package engine

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
)

// kept is a DecisionLog in memory.
type kept struct {
	detail DecisionDetail
	mu     sync.Mutex
	list   []DecisionRecord
}

func (k *kept) Detail(*Principal, string) DecisionDetail { return k.detail }

func (k *kept) Record(d *DecisionRecord) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := *d
	c.Targets, c.Skips, c.Inputs.States = slices.Clone(d.Targets), slices.Clone(d.Skips), slices.Clone(d.Inputs.States)
	c.Inputs.Body, c.Inputs.Metadata = slices.Clone(d.Inputs.Body), slices.Clone(d.Inputs.Metadata)
	c.Inputs.Text = strings.Clone(d.Inputs.Text)
	k.list = append(k.list, c)
}

// Every decided request leaves one record that says what came of it.
func TestDecisionRecords(t *testing.T) {
	t.Parallel()
	broken := func() *script { return &script{status: 500, body: `{}`} }
	tests := []struct {
		name     string
		detail   DecisionDetail
		scripts  map[string]*script
		model    string
		more     string
		stream   bool
		op       string
		explain  bool
		records  int
		targets  string
		served   string
		attempts int
		code     Code
		cost     bool
		text     string
	}{
		{name: "explained", detail: DecisionRecorded, explain: true, records: 1, targets: "m-a m-b", served: "m-a", attempts: 1, cost: true},
		{name: "answered", detail: DecisionRecorded, records: 1, targets: "m-a m-b", served: "m-a", attempts: 1, cost: true},
		{name: "streamed", detail: DecisionRecorded, stream: true, records: 1, targets: "m-a m-b", served: "m-a", attempts: 1, cost: true},
		{name: "failed over", detail: DecisionRecorded, scripts: map[string]*script{"a": broken()}, records: 1, targets: "m-a m-b", served: "m-b", attempts: 2, cost: true},
		{name: "all failed", detail: DecisionRecorded, scripts: map[string]*script{"a": broken(), "b": broken()}, records: 1, targets: "m-a m-b", attempts: 2, code: CodeUpstreamFailed},
		{name: "cut", detail: DecisionRecorded, stream: true, scripts: map[string]*script{"a": {events: []string{deltaOf(0, "x"), markCut}}}, records: 1, targets: "m-a m-b", attempts: 1, code: CodeUpstreamTruncated, cost: true},
		{name: "an unknown model", detail: DecisionRecorded, model: "m-z", records: 1, code: CodeModelNotFound},
		{name: "nothing is kept", detail: DecisionUnrecorded},
		{name: "metadata that is not kept", detail: DecisionRecorded, more: `,"metadata":{"k":"v"}`, records: 1, targets: "m-a m-b", served: "m-a", attempts: 1, cost: true},
		{name: "with text", detail: DecisionWithText, more: `,"metadata":{"k":"v"}`, records: 1, targets: "m-a m-b", served: "m-a", attempts: 1, cost: true, text: "twelve bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			scripts := map[string]*script{"a": works("a"), "b": works("b")}
			for name, s := range tt.scripts {
				scripts[name] = s
			}
			g := newRig(t, scripts)
			log := &kept{detail: tt.detail}
			g.cfg.Decisions = log
			r := rigRequest(t, tt.more)
			if tt.model != "" {
				r.Model = tt.model
			}
			r.Explain = tt.explain
			_, _, _ = g.run(t, t.Context(), r, tt.stream)
			if len(log.list) != tt.records {
				t.Fatalf("%d records, want %d", len(log.list), tt.records)
			}
			if tt.records == 0 {
				return
			}
			d := log.list[0]
			if got := strings.Join(d.Targets, " "); got != tt.targets || d.Served != tt.served || d.Attempts != tt.attempts || d.Code != tt.code || (d.CostNanoUSD > 0) != tt.cost {
				t.Errorf("record = targets %q, served %q, %d attempts, code %q, cost %d; want %q, %q, %d, %q, a cost: %v",
					got, d.Served, d.Attempts, d.Code, d.CostNanoUSD, tt.targets, tt.served, tt.attempts, tt.code, tt.cost)
			}
			metadata := "{}" // so much is known of every request: there is none
			switch {
			case tt.text != "":
				metadata = `{"k":"v"}`
			case tt.more != "":
				metadata = ""
			}
			if d.Inputs.Text != tt.text || (d.Inputs.Body != nil) != (tt.text != "") || string(d.Inputs.Metadata) != metadata || d.Inputs.Features.Text != "" {
				t.Errorf("text %q, body %q, metadata %q, want text %q and no more without it", d.Inputs.Text, d.Inputs.Body, d.Inputs.Metadata, tt.text)
			}
			if d.Inputs.States != nil {
				t.Errorf("states %v, want none: no rule asked", d.Inputs.States)
			}
			if d.Inputs.RequestID != r.ID || !d.Inputs.At.Equal(rigTime) || d.Inputs.Principal.AccountID != "acme" {
				t.Errorf("inputs of %q at %v for %q, want those of the request", d.Inputs.RequestID, d.Inputs.At, d.Inputs.Principal.AccountID)
			}
		})
	}
}

// told is an Explainer that always says the same.
type told struct {
	models []string
}

func (e told) Explain(context.Context, *Request) (Decision, []RuleStep, error) {
	return Decision{Source: "draft", Models: e.models}, []RuleStep{{RuleID: "draft", Outcome: RuleMatched}}, nil
}

func (told) Steps(*Request) []RuleStep { return []RuleStep{{RuleID: "draft", Outcome: RuleNotAsked}} }

// A dry run tells what would be, with what is assumed, and does none of it.
func TestExplain(t *testing.T) {
	t.Parallel()
	last := func(model string) *string { return &model }
	tests := []struct {
		name   string
		what   WhatIf
		model  string
		states map[string]HealthState
		want   string // candidates, with the reason of those skipped
		source string
		steps  string
		code   Code
	}{
		{name: "as it is", want: "m-a m-b", source: SourceDefault},
		{name: "a model is down", what: WhatIf{Down: []string{"m-a"}}, want: "m-a:down m-b", source: SourceDefault},
		{name: "a provider is down", what: WhatIf{Down: []string{"a"}}, want: "m-a:down m-b", source: SourceDefault},
		{name: "all are down", what: WhatIf{Down: []string{"a", "b", "c"}}, want: "m-a m-b", source: SourceDefault},
		{name: "what is down is up", states: map[string]HealthState{"a": {Status: HealthDown, Out: true}}, what: WhatIf{Up: []string{"a"}}, want: "m-a m-b", source: SourceDefault},
		{name: "the budget is gone", what: WhatIf{BudgetLeft: &BudgetLeft{Bounded: true}}, want: "m-a:budget_exceeded m-b:budget_exceeded", source: SourceDefault, code: CodeBudgetExceeded},
		{name: "the session was elsewhere", what: WhatIf{SessionModel: last("m-c")}, want: "m-c m-a m-b", source: SourceDefault},
		{name: "other rules", what: WhatIf{Explainer: told{[]string{"m-b"}}}, want: "m-b m-a", source: "draft", steps: "draft:matched"},
		{name: "a pin asks no rule", model: "m-b", what: WhatIf{Explainer: told{}}, want: "m-b", source: SourcePinned, steps: "draft:not_asked"},
		{name: "an unknown model", model: "m-z", source: SourcePinned, code: CodeModelNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			never := func(context.Context) { asked++ }
			g := newRig(t, map[string]*script{"a": {onDo: never}, "b": {onDo: never}, "c": {onDo: never}})
			g.cfg.DefaultModel, g.cfg.DefaultFallback, g.cfg.Health = "m-a", "m-b", &written{states: tt.states}
			g.decide = func(context.Context, *Request) (Decision, error) {
				return Decision{Source: SourceDefault, Models: []string{}}, nil
			}
			policies := NewPolicies([]Preferences{{Tenant: Tenant{AccountID: "acme"}}}, nil, nil)
			g.cfg.Policies = func() *Policies { return policies }
			log := &kept{detail: DecisionRecorded}
			g.cfg.Decisions = log
			r := rigRequest(t, "")
			if tt.model != "" {
				r.Model = tt.model
			}
			got, err := g.Explain(t.Context(), r, tt.what)
			if err != nil {
				t.Fatal(err)
			}
			var candidates, steps []string
			for _, c := range got.Candidates {
				line := c.Model
				if c.Skip != nil {
					line += ":" + string(c.Skip.Reason)
				}
				candidates = append(candidates, line)
			}
			for _, s := range got.Rules {
				steps = append(steps, s.RuleID+":"+string(s.Outcome))
			}
			if strings.Join(candidates, " ") != tt.want || got.Source != tt.source || strings.Join(steps, " ") != tt.steps {
				t.Errorf("Explain = %v by %q, rules %v; want %q by %q, rules %q", candidates, got.Source, steps, tt.want, tt.source, tt.steps)
			}
			if (got.Err == nil) != (tt.code == "") || got.Err != nil && got.Err.Code != tt.code {
				t.Errorf("Err = %v, want %q", got.Err, tt.code)
			}
			if asked > 0 || len(g.ledger.all()) > 0 || len(log.list) > 0 {
				t.Errorf("a dry run asked %d providers, wrote %d rows and %d records, want none", asked, len(g.ledger.all()), len(log.list))
			}
		})
	}
}
