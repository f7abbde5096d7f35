package engine

import (
	"context"
	"strings"
	"testing"
	"time"
)

// orderRig is planRig under those rows. Its rules decide for "third", unless noRule is set.
func orderRig(t testing.TB, noRule bool, preferences []Preferences, assignments []Assignment) *Pipeline {
	t.Helper()
	p := planRig(t, []string{"third"}, false)
	if noRule {
		p.cfg.Decider = deciderFunc(func(context.Context, *Request) (Decision, error) { return Decision{Source: SourceDefault}, nil })
	}
	policies := NewPolicies(preferences, assignments, nil)
	p.cfg.Policies = func() *Policies { return policies }
	return p
}

// planned is the plan as text: source, targets, and the models that are not allowed.
func planned(t testing.TB, p *Pipeline, r *Request) string {
	t.Helper()
	x, err := p.begin(t.Context(), r)
	if err != nil {
		return string(CodeOf(err))
	}
	out := []string{x.plan.decision.Source + ":"}
	for _, target := range x.plan.targets {
		out = append(out, target.Model.ID)
	}
	for _, s := range x.plan.skips {
		if s.Reason == SkipNotAllowed {
			out = append(out, "-"+s.What)
		}
	}
	return strings.Join(out, " ")
}

// The order of decision, step by step, and what clips it.
func TestOrderOfDecision(t *testing.T) {
	t.Parallel()
	account := func(change func(*Preferences)) Preferences { return setting(tenantAccount, change) }
	override := overrideOf(tenantAccount, func(p *Preferences) { m := "fifth"; p.Model = &m })
	review := assignment(tenantAccount, "review", func(a *Assignment) { a.Model, a.Fallbacks = "fourth", []string{"fifth"} })
	bounded := assignment(tenantAccount, "bounded", func(a *Assignment) { a.Model, a.Allowed = "fourth", []string{"fourth", "second"} })
	const task = `,"metadata":{"task_type":"review"}`
	tests := []struct {
		name        string
		model, more string
		noRule      bool
		preferences []Preferences
		assignments []Assignment
		want        string
	}{
		{name: "1 an override goes before a pin", model: "pinned", more: task, preferences: []Preferences{override}, assignments: []Assignment{review}, want: "override: fifth"},
		{name: "1 and before what is allowed", model: "auto", preferences: []Preferences{override, account(allowing("good"))}, want: "override: fifth"},
		{name: "2 a pin goes before an assignment", model: "pinned", more: task, assignments: []Assignment{review}, want: "pinned: pinned second"},
		{name: "2 a pin that is not allowed", model: "pinned", preferences: []Preferences{account(allowing("good"))}, want: "model_not_allowed"},
		{name: "2 a pin that is blocked", model: "pinned", preferences: []Preferences{account(blocking("pinned"))}, want: "model_not_allowed"},
		{name: "2 a pin by its provider that is blocked", model: "p/up-pinned", preferences: []Preferences{account(blocking("pinned"))}, want: "model_not_allowed"},
		{name: "2 a pin outside its task's models", model: "third", more: task, assignments: []Assignment{bounded}, want: "model_not_allowed"},
		{name: "2 a pin among its task's models", model: "fourth", more: task, assignments: []Assignment{bounded}, want: "pinned: fourth"},
		{name: "2 fallbacks of a pin are clipped", model: "pinned", preferences: []Preferences{account(blocking("second"))}, want: "pinned: pinned -second"},
		{name: "2 fallbacks that the caller names are clipped", model: "good", more: `,"models":["third","second"]`, preferences: []Preferences{account(blocking("third"))}, want: "pinned: good second -third"},
		{name: "3 an assignment goes before rules", model: "auto", more: task, assignments: []Assignment{review}, want: "assignment: fourth fifth good second"},
		{name: "3 its models bound everything after it", model: "auto", more: task, assignments: []Assignment{bounded}, want: "assignment: fourth second -good"},
		{name: "3 and are clipped", model: "auto", more: task, preferences: []Preferences{account(blocking("fourth", "second"))}, assignments: []Assignment{review}, want: "assignment: fifth good -fourth -second"},
		{name: "3 without its task type", model: "auto", assignments: []Assignment{review}, want: "r: third good second"},
		{name: "4 a rule goes before defaults", model: "auto", preferences: []Preferences{account(defaults("fifth"))}, want: "r: third fifth good second"},
		{name: "4 what it names is clipped", model: "auto", preferences: []Preferences{account(blocking("third"))}, want: "r: good second -third"},
		{name: "5 the account's default model", model: "auto", noRule: true, preferences: []Preferences{account(defaults("fifth"))}, want: "default: fifth good second"},
		{name: "5 clipped", model: "auto", noRule: true, preferences: []Preferences{account(func(p *Preferences) { defaults("fifth")(p); blocking("fifth", "good")(p) })}, want: "default: second -fifth -good"},
		{name: "6 the installation's", model: "auto", noRule: true, want: "default: good second"},
		{name: "nothing is allowed", model: "auto", preferences: []Preferences{account(allowing())}, want: "model_not_allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := orderRig(t, tt.noRule, tt.preferences, tt.assignments)
			if got := planned(t, p, planRequest(t, tt.model, tt.more)); got != tt.want {
				t.Errorf("plan of %q = %q, want %q", tt.model, got, tt.want)
			}
		})
	}
}

// An assignment ends at its time by the request's clock, with no write in between.
func TestAssignmentExpires(t *testing.T) {
	t.Parallel()
	p := orderRig(t, true, nil, []Assignment{assignment(tenantAccount, "a", func(a *Assignment) {
		a.Model, a.ExpiresAt, a.Locked = "third", rigTime.Add(time.Hour), true
	})})
	for _, c := range []struct {
		at   time.Time
		want string
	}{{rigTime, "assignment: third good second"}, {rigTime.Add(time.Hour - 1), "assignment: third good second"}, {rigTime.Add(time.Hour), "default: good second"}} {
		r := planRequest(t, "auto", `,"metadata":{"task_type":"review"}`)
		r.Received = c.at
		if got := planned(t, p, r); got != c.want {
			t.Errorf("plan at %v = %q, want %q", c.at, got, c.want)
		}
	}
}

// What preferences order: the installation's default and its fallback, and nothing else.
func TestPreferencesOrderDefaults(t *testing.T) {
	t.Parallel()
	sees := []Capability{CapVision}
	catalogue := NewCatalogue([]Model{
		{ID: "good", ProviderID: "p", UpstreamID: "dear", Enabled: true},
		{ID: "second", ProviderID: "p", UpstreamID: "cheap", Capabilities: sees, Enabled: true},
		{ID: "third", ProviderID: "p", UpstreamID: "free", Enabled: true},
		{ID: "long", ProviderID: "p", UpstreamID: "long", Enabled: true},
	}, []Provider{{ID: "p", Adapter: "p", Enabled: true}}, []Price{
		{ProviderID: "p", UpstreamID: "dear", Input: 5e9, Output: 5e9}, {ProviderID: "p", UpstreamID: "cheap", Input: 1e9, Output: 6e9}, {ProviderID: "p", UpstreamID: "free"},
	})
	yes := true
	cost := setting(tenantAccount, func(p *Preferences) { p.PreferCost = &yes })
	blind := setting(tenantAccount, func(p *Preferences) { p.PreferVision = new(bool) })
	image := func(r *Request) {
		doc, err := ParseChat([]byte(`{"model":"auto","messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Doc = doc
	}
	tests := []struct {
		name   string
		noRule bool
		rows   []Preferences
		more   string
		want   string
	}{
		{name: "no preference", noRule: true, want: "good second"},
		{name: "cost, when the answer may be long", noRule: true, rows: []Preferences{cost}, want: "good second"},
		{name: "cost, when it may not", noRule: true, more: `,"max_tokens":2`, rows: []Preferences{cost}, want: "second good"},
		{name: "cost leaves a rule's models first", rows: []Preferences{cost}, more: `,"max_tokens":2`, want: "third second good"},
		{name: "cost leaves the account's default first", noRule: true, more: `,"max_tokens":2`, rows: []Preferences{setting(tenantAccount, func(p *Preferences) { p.PreferCost = &yes; defaults("good")(p) })}, want: "good second"},
		{name: "vision without an image", noRule: true, want: "good second"},
		{name: "speed is neutral", noRule: true, rows: []Preferences{setting(tenantAccount, func(p *Preferences) { p.PreferSpeed = &yes })}, want: "good second"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := orderRig(t, tt.noRule, tt.rows, nil)
			p.cfg.Catalogue = func() *Catalogue { return catalogue }
			r := planRequest(t, "auto", tt.more)
			if _, got, _ := strings.Cut(planned(t, p, r), ": "); got != tt.want {
				t.Errorf("plan = %q, want %q", got, tt.want)
			}
		})
	}
	// The order itself, before what cannot see is clipped.
	for _, c := range []struct {
		name string
		rows []Preferences
		want string
	}{{"an image", nil, "second good"}, {"an image, vision not preferred", []Preferences{blind}, "good second"}} {
		p := orderRig(t, true, c.rows, nil)
		r := planRequest(t, "auto", "")
		image(r)
		r.Features = ExtractFeatures(r.Doc, r.Hints)
		r.Policy = p.cfg.Policies().Of(r.Principal)
		if got := strings.Join(p.defaults(nil, r, catalogue), " "); got != c.want {
			t.Errorf("defaults with %s = %q, want %q", c.name, got, c.want)
		}
	}
	p := orderRig(t, true, []Preferences{cost}, nil)
	p.cfg.DefaultModel = "long" // has no price
	r := planRequest(t, "auto", "")
	r.Policy = p.cfg.Policies().Of(r.Principal)
	if got := strings.Join(p.defaults(nil, r, catalogue), " "); got != "second long" {
		t.Errorf("defaults without a price = %q, want the priced one first", got)
	}
}

// Rules and plugins see the preferences, and no model that the caller may not use.
func TestContextIsThePolicys(t *testing.T) {
	t.Parallel()
	yes := true
	p := orderRig(t, true, []Preferences{setting(tenantAccount, func(p *Preferences) { p.PreferCost = &yes; allowing("second", "third", "good")(p); blocking("good")(p) })}, nil)
	var seen string
	var models []string
	p.cfg.Decider = deciderFunc(func(_ context.Context, r *Request) (Decision, error) {
		seen = string(r.Context().Get("prefer").Raw())
		for _, m := range r.Context().Get("models").Elements() {
			models = append(models, m.Get("id").Text())
		}
		return Decision{Source: SourceDefault}, nil
	})
	if _, err := p.begin(t.Context(), planRequest(t, "auto", "")); err != nil {
		t.Fatal(err)
	}
	if want := `{"vision":true,"speed":false,"cost":true}`; seen != want {
		t.Errorf("prefer = %s, want %s", seen, want)
	}
	if got := strings.Join(models, " "); got != "second third" {
		t.Errorf("models = %q, want those that are allowed and not blocked", got)
	}
}
