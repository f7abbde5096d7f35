package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine/document"
)

// unreachable is scripted providers of which some have no credential.
type unreachable struct {
	scriptUpstream
	ids []string
}

func (u unreachable) HasCredential(p *Provider) bool { return !slices.Contains(u.ids, p.ID) }

// planCatalogue has a model for each reason to pass one over.
func planCatalogue() *Catalogue {
	past := rigTime.Add(-time.Hour)
	models := []Model{
		{ID: "good", ProviderID: "p", UpstreamID: "up", Enabled: true},
		{ID: "second", ProviderID: "p", UpstreamID: "up", Enabled: true},
		{ID: "third", ProviderID: "p", UpstreamID: "up", Enabled: true},
		{ID: "fourth", ProviderID: "p", UpstreamID: "up", Enabled: true},
		{ID: "fifth", ProviderID: "p", UpstreamID: "up", Enabled: true},
		{ID: "off", ProviderID: "p", UpstreamID: "up"},
		{ID: "small", ProviderID: "p", UpstreamID: "up", ContextWindow: 1, Enabled: true},
		{ID: "gone", ProviderID: "p", UpstreamID: "old", RetiresAt: past, Enabled: true},
		{ID: "replaced", ProviderID: "p", UpstreamID: "old", RetiresAt: past, Replacement: &Replacement{UpstreamID: "up"}, Enabled: true},
		{ID: "unpriced", ProviderID: "p", UpstreamID: "nobody knows", Enabled: true},
		{ID: "no-key", ProviderID: "locked", UpstreamID: "up", Enabled: true},
		{ID: "no-provider", ProviderID: "nowhere", UpstreamID: "up", Enabled: true},
		{ID: "provider-off", ProviderID: "closed", UpstreamID: "up", Enabled: true},
		{ID: "pinned", ProviderID: "p", UpstreamID: "up-pinned", Fallbacks: []string{"second", "pinned"}, Enabled: true},
	}
	providers := []Provider{{ID: "p", Adapter: "p", Enabled: true}, {ID: "locked", Enabled: true}, {ID: "closed"}}
	prices := []Price{{ProviderID: "p", UpstreamID: "up"}, {ProviderID: "p", UpstreamID: "up-pinned"}, {ProviderID: "locked", UpstreamID: "up"}}
	return NewCatalogue(models, providers, prices)
}

func planRig(t testing.TB, models []string, only bool) *Pipeline {
	t.Helper()
	g := &rig{ledger: &rowLedger{}, scripts: map[string]*script{"p": works("x")}}
	g.catalogue.Store(planCatalogue())
	p, err := NewPipeline(PipelineConfig{
		Decider: deciderFunc(func(context.Context, *Request) (Decision, error) {
			return Decision{Source: "r", Models: models, Only: only, Skipped: []Skip{{What: "other-rule", Reason: SkipRuleFailed}}}, nil
		}),
		Adapters: scriptAdapters{g}, Upstream: unreachable{scriptUpstream{g}, []string{"locked"}}, Ledger: g.ledger, Catalogue: g.catalogue.Load,
		DefaultModel: "good", DefaultFallback: "second",
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func planRequest(t testing.TB, model, more string) *Request {
	t.Helper()
	r := rigRequest(t, more)
	r.Model = model
	return r
}

// Who is tried, in which order, and what is said of those who are not.
func TestPlan(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		model  string
		more   string
		models []string
		only   bool
		want   string // targets
		skips  string // reasons
	}{
		{name: "the rule's, then the default handler's", model: "auto", models: []string{"third"}, want: "third good second"},
		{name: "only the rule's", model: "auto", models: []string{"third"}, only: true, want: "third"},
		{name: "nobody twice", model: "auto", models: []string{"second", "second", "good"}, want: "second good"},
		{name: "more than are tried", model: "auto", models: []string{"fifth", "fourth", "third", "second", "pinned"}, want: "fifth fourth third second pinned good"},
		{name: "no rule", model: "auto", want: "good second"},
		{name: "those that cannot be called are passed over", model: "auto", models: []string{"absent", "off", "gone", "no-provider", "provider-off", "no-key", "small", "unpriced", "replaced"}, only: true,
			want: "replaced", skips: "unknown_model disabled retired disabled disabled no_credential context_too_small unpriced"},
		{name: "a pin and its row's fallbacks", model: "pinned", want: "pinned second"},
		{name: "a pin and the request's", model: "pinned", more: `,"models":["third","good"]`, want: "pinned third good"},
		{name: "a pin and no fallback", model: "pinned", more: `,"models":[]`, want: "pinned"},
		{name: "provider and model", model: "p/pinned", want: "pinned"},
		{name: "provider and upstream id", model: "p/up-pinned", want: "pinned"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := planRig(t, tt.models, tt.only)
			r := planRequest(t, tt.model, tt.more)
			r.Features = ExtractFeatures(r.Doc, r.Hints)
			var pl plan
			err := p.plan(t.Context(), r, p.cfg.Catalogue(), &pl)
			if err != nil {
				t.Fatal(err)
			}
			var got, skips []string
			for _, target := range pl.targets {
				got = append(got, target.Model.ID)
			}
			for _, s := range pl.skips {
				if s.Reason != SkipRuleFailed {
					skips = append(skips, string(s.Reason))
				}
			}
			if strings.Join(got, " ") != tt.want || strings.Join(skips, " ") != tt.skips {
				t.Errorf("plan = %v without %v, want %s without %s", got, skips, tt.want, tt.skips)
			}
		})
	}
}

// The answer when nobody is left to try: the first target's reason decides.
func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		model  string
		more   string
		models []string
		want   Code
		param  string
		says   string
	}{
		{"unknown", "goood", "", nil, CodeModelNotFound, "model", "good"},
		{"unknown model of a provider", "p/goood", "", nil, CodeModelNotFound, "model", ""},
		{"another provider's", "locked/good", "", nil, CodeModelNotFound, "model", ""},
		{"an unknown fallback", "good", `,"models":["second","thirrd"]`, nil, CodeModelNotFound, "models[1]", "third"},
		{"disabled", "off", `,"models":[]`, nil, CodeNoTarget, "", "off disabled"},
		{"without a credential", "no-key", "", nil, CodeNoTarget, "", "no_credential"},
		{"too small", "small", "", nil, CodeContextLength, "messages", "3 of 1 tokens"},
		{"lacks a capability", "good", `,"tools":[{"type":"function","function":{"name":"f"}}]`, nil, CodeInvalid, "", "lacks_capability"},
		{"a rule's unknown model", "auto", "", []string{"absent", "small"}, CodeModelNotFound, "model", "absent unknown_model"},
		{"a failed rule is no reason", "auto", "", []string{"small", "absent"}, CodeContextLength, "messages", "other-rule"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := planRig(t, tt.models, true).Complete(t.Context(), planRequest(t, tt.model, tt.more))
			var e *Error
			if !errors.As(err, &e) || e.Code != tt.want || e.Param != tt.param || !strings.Contains(e.Message, tt.says) {
				t.Errorf("Complete(%q) = %v (param %q), want %s, param %q, with %q", tt.model, err, e.Param, tt.want, tt.param, tt.says)
			}
		})
	}
}

func TestPlanErrorsAreShort(t *testing.T) {
	t.Parallel()
	g := planRig(t, nil, true)
	g.cfg.Decider = deciderFunc(func(context.Context, *Request) (Decision, error) {
		d := Decision{Source: "r", Only: true, Models: []string{"absent"}}
		for i := range 5000 {
			d.Skipped = append(d.Skipped, Skip{What: fmt.Sprintf("rule-%d", i), Reason: SkipRuleFailed, Detail: strings.Repeat("é", 200)})
		}
		return d, nil
	})
	c, err := g.Complete(t.Context(), planRequest(t, "auto", ""))
	var e *Error
	if !errors.As(err, &e) || len(e.Message) > 2<<10 || strings.ToValidUTF8(e.Message, "") != e.Message {
		t.Errorf("message of %d bytes, want at most 2 KiB of whole characters", len(e.Message))
	}
	if len(c.Meta.Decision) > maxRecord {
		t.Errorf("decision of %d bytes, want at most %d", len(c.Meta.Decision), maxRecord)
	}
	empty := &Catalogue{}
	g.cfg.Catalogue = func() *Catalogue { return empty }
	_, err = g.Complete(t.Context(), planRequest(t, "x", ""))
	if !errors.As(err, &e) || strings.Contains(e.Message, "Nearest") {
		t.Errorf("with an empty catalogue: %v, want no nearest model named", err)
	}
}

// The call document is valid whatever is in the row.
func TestCallDocument(t *testing.T) {
	t.Parallel()
	target := Target{Model: &Model{
		ID: "m\"\x00\xff", UpstreamID: "up\n", API: "chat", MaxOutput: 9,
		Capabilities: []Capability{CapTools, "\xff"}, Unsupported: []string{"temperature"}, Rename: map[string]string{"b\"": "c", "a": "d\\"},
	}, Provider: &Provider{}}
	want := `{"operation":"chat","target":{"id":"m\"\u0000` + "\uFFFD" + `","upstream_id":"up\n","api":"chat","max_output":9,"capabilities":["tools","` + "\uFFFD" + `"],` +
		`"unsupported":["temperature"],"rename":{"a":"d\\","b\"":"c"}},"headers":{"anthropic-beta":"a\"b"},"attempt":3}`
	got := callDocument(&Request{Headers: []Pair{{Name: "anthropic-beta", Value: "a\"b"}}}, target, 3)
	if string(got.Bytes()) != want {
		t.Errorf("callDocument = %s, want %s", got.Bytes(), want)
	}
	if _, err := document.Parse(got.Bytes(), document.Limits{}); err != nil {
		t.Error(err)
	}
}
