package rollout

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
)

// clock is a time that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is a watch over a real store; the draft always decides for one model.
type rig struct {
	*Watch
	service *Service
	store   engine.Store
	clock   *clock
	notices *engine.NoticeFeed
	dropped []string
	kept    []engine.DecisionDetail
	texts   []string
	promote []string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+t.TempDir()+"/db", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	g := &rig{store: s, clock: &clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, notices: engine.NewNoticeFeed(zerolog.Nop())}
	catalogue := engine.NewCatalogue(nil, nil, nil)
	g.Watch = NewWatch(Config{
		Store: s, Decisions: g, Drafter: drafts{}, Planner: func() Planner { return planner{} },
		Catalogue: func() *engine.Catalogue { return catalogue }, Notices: g.notices, Now: g.clock.Now,
		Drop:    func(account, id string) { g.dropped = append(g.dropped, id) },
		Version: func(context.Context, string) (int64, error) { return 7, nil },
		Reload:  g.reload,
		Restore: func(ctx context.Context) error { g.dropped = nil; return g.reload(ctx) },
	})
	g.service = NewService(g.Watch, g)
	return g
}

func (g *rig) reload(ctx context.Context) error {
	list, err := g.store.ListRollouts(ctx)
	if err == nil {
		g.Load(list)
	}
	return err
}

// The rig is the log behind the watch: it keeps without text.
func (g *rig) Detail(*engine.Principal, string) engine.DecisionDetail { return engine.DecisionRecorded }
func (g *rig) Record(d *engine.DecisionRecord) {
	g.kept, g.texts = append(g.kept, d.Detail), append(g.texts, d.Inputs.Text+string(d.Inputs.Body))
}

func (g *rig) PublishRules(_ context.Context, _ engine.Principal, account string, rules []engine.Rule, _ string, was int64) error {
	if was != 7 {
		return engine.Errorf(engine.CodeConflict, "The rules were changed meanwhile.")
	}
	g.promote = append(g.promote, account+"/"+rules[0].ID)
	return nil
}

func (g *rig) ActivatePlugin(_ context.Context, _ engine.Principal, account, name, version string) error {
	g.promote = append(g.promote, account+"/"+name+"@"+version)
	return nil
}

// drafts compile everything but a rule that says so.
type drafts struct{}

func (drafts) Draft(_ string, d engine.RuleDraft) (engine.DraftRules, error) {
	if len(d.Rules) > 0 && d.Rules[0].When == "broken" {
		return nil, &engine.SourceError{Line: 1, Column: 1, Message: "broken"}
	}
	return draft{}, nil
}

type draft struct{}

func (draft) Decide(context.Context, *engine.Request) (engine.Decision, error) {
	return engine.Decision{}, nil
}
func (draft) Explain(context.Context, *engine.Request) (engine.Decision, []engine.RuleStep, error) {
	return engine.Decision{}, nil, nil
}
func (draft) Steps(*engine.Request) []engine.RuleStep { return nil }

// planner sends what says "move" to another model, and cannot tell of what has no text.
type planner struct{}

func (planner) Replan(_ context.Context, r *engine.Request, _ engine.Decider, _ []engine.Skip) (engine.Replanned, error) {
	if !r.Recorded.Whole {
		return engine.Replanned{}, engine.ErrUndecided
	}
	if strings.Contains(r.Features.Text, "move") {
		return engine.Replanned{Source: "draft", Model: "m-b"}, nil
	}
	return engine.Replanned{Source: "live", Model: "m-a"}, nil
}

var admin = engine.Principal{AccountID: "acme", UserID: "ann", Role: engine.RoleAccountAdmin, Scopes: engine.AllScopes}

func someRules() []engine.Rule {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return []engine.Rule{{AccountID: "acme", ID: "r", Name: "r", When: "true", Target: "gpt-4o", OnFailure: engine.FailureSkip, Enabled: true, CreatedAt: at, UpdatedAt: at}}
}

func (g *rig) begin(t *testing.T, r engine.Rollout) engine.Rollout {
	t.Helper()
	r.AccountID = "acme"
	if r.Share == 0 {
		r.Share = engine.WholeShare
	}
	if r.Draft.Plugin == "" {
		r.Draft.Rules = someRules()
	}
	made, err := g.service.Begin(t.Context(), admin, r)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (g *rig) send(n int, d engine.DecisionRecord) {
	for range n {
		c := d
		c.Inputs.Principal.AccountID, c.Detail, c.Targets = "acme", engine.DecisionWithText, []string{"m-a"}
		g.Watch.Record(&c)
	}
}

// A canary that goes wrong ends at the next look: at once here, then for everybody, with an event.
func TestCanaryRollsBack(t *testing.T) {
	g := newRig(t)
	r := g.begin(t, engine.Rollout{Kind: engine.RolloutCanary, Share: 500})
	g.send(60, engine.DecisionRecord{LatencyMS: 10})
	g.send(49, engine.DecisionRecord{Variant: r.ID, Code: engine.CodeUpstreamFailed})
	look := func() engine.Rollout {
		t.Helper()
		g.Watch.store(t.Context())
		g.judge(t.Context())
		got, err := g.store.GetRollout(t.Context(), "acme", r.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := look(); got.Status != engine.RolloutRunning {
		t.Fatalf("after 49 requests the canary is %s, want running: that is too few", got.Status)
	}
	g.send(1, engine.DecisionRecord{Variant: r.ID, Code: engine.CodeUpstreamFailed})
	got := look()
	if got.Status != engine.RolloutRolledBack || !strings.Contains(got.Reason, "error rate 100 %") || got.EndedAt.IsZero() {
		t.Errorf("the canary is %s for %q, want rolled back for its error rate", got.Status, got.Reason)
	}
	if len(g.dropped) != 1 || g.dropped[0] != r.ID {
		t.Errorf("dropped here = %q, want the canary once", g.dropped)
	}
	list, _, _ := g.notices.After(0)
	if n := len(list); n != 2 || list[n-1].Kind != engine.NoticeRolloutRolledBack || list[n-1].AccountID != "acme" {
		t.Errorf("events = %+v, want its begin and its end", list)
	}
	look()
	if list, _, _ := g.notices.After(0); len(list) != 2 {
		t.Errorf("%d events after another look, want still 2", len(list))
	}
}

// A canary that somebody changed in the moment of its end runs on, here as everywhere, and is looked at again.
func TestCanaryChangedMeanwhile(t *testing.T) {
	g := newRig(t)
	r := g.begin(t, engine.Rollout{Kind: engine.RolloutCanary, Share: 500})
	g.send(100, engine.DecisionRecord{Variant: r.ID, Code: engine.CodeUpstreamFailed})
	g.Watch.store(t.Context())
	was := r.UpdatedAt
	r.Share, r.UpdatedAt = 700, was.Add(time.Second)
	if err := g.store.UpdateRollout(t.Context(), r, was); err != nil { // another process does
		t.Fatal(err)
	}
	g.judge(t.Context())
	if got, err := g.store.GetRollout(t.Context(), "acme", r.ID); err != nil || got.Status != engine.RolloutRunning || len(g.dropped) != 0 {
		t.Errorf("the canary is %s, %v, and dropped here: %q, want running and restored", got.Status, err, g.dropped)
	}
	g.judge(t.Context())
	if got, err := g.store.GetRollout(t.Context(), "acme", r.ID); err != nil || got.Status != engine.RolloutRolledBack || len(g.dropped) != 1 {
		t.Errorf("at the next look the canary is %s, %v, and dropped here: %q, want rolled back", got.Status, err, g.dropped)
	}
}

// What happened before the window says nothing of now.
func TestCanaryWindow(t *testing.T) {
	g := newRig(t)
	r := g.begin(t, engine.Rollout{Kind: engine.RolloutCanary, Guards: engine.RolloutGuards{Window: time.Minute, MinRequests: 50, ErrorRate: 0.05}})
	g.send(40, engine.DecisionRecord{Variant: r.ID, Code: engine.CodeUpstreamFailed})
	g.clock.move(2 * time.Minute)
	g.send(49, engine.DecisionRecord{Variant: r.ID, LatencyMS: 10})
	g.send(1, engine.DecisionRecord{Variant: r.ID, Code: engine.CodeUpstreamFailed})
	g.Watch.store(t.Context())
	_, stats, err := g.service.GetRollout(t.Context(), admin, "acme", r.ID)
	if err != nil || stats.Draft.Requests != 50 || stats.Draft.Errors != 1 {
		t.Fatalf("stats = %+v, %v, want the 50 requests of the window with 1 error", stats.Draft, err)
	}
	g.judge(t.Context())
	if got, _ := g.store.GetRollout(t.Context(), "acme", r.ID); got.Status != engine.RolloutRunning {
		t.Errorf("the canary is %s: %s", got.Status, got.Reason)
	}
}

// A shadow is compared off the path, with the text that is then not kept.
func TestShadow(t *testing.T) {
	g := newRig(t)
	r := g.begin(t, engine.Rollout{Kind: engine.RolloutShadow})
	if d := g.Watch.Detail(&engine.Principal{AccountID: "acme"}, "req"); d != engine.DecisionWithText {
		t.Errorf("Detail() = %d, want the text for the shadow", d)
	}
	if d := g.Watch.Detail(&engine.Principal{AccountID: "rival"}, "req"); d != engine.DecisionRecorded {
		t.Errorf("Detail() of another account = %d, want what is kept", d)
	}
	live := func(text string, chars int) engine.DecisionRecord {
		return engine.DecisionRecord{Decision: engine.Decision{Source: "live"}, Inputs: engine.DecisionInputs{
			RequestID: "req-" + text, Text: text, Body: []byte(`{"messages":[]}`), Features: engine.Features{Chars: chars},
		}}
	}
	g.send(3, live("stay", 4))
	g.send(2, live("move", 4))
	g.send(1, live("cut", 99_999))
	for len(g.compare) > 0 {
		g.shadow(t.Context(), <-g.compare)
	}
	g.Watch.store(t.Context())
	_, stats, err := g.service.GetRollout(t.Context(), admin, "acme", r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Compared != 5 || stats.Agreed != 3 || stats.Undecided != 1 || len(stats.Moves) != 1 || stats.Moves[0].To != "m-b" || stats.Moves[0].Requests != 2 {
		t.Errorf("stats = %+v, want 5 compared, 3 agreed, 1 undecided and 2 from m-a to m-b", stats)
	}
	for i := range g.kept {
		if g.kept[i] != engine.DecisionRecorded || g.texts[i] != "" {
			t.Errorf("the log behind got detail %d and text %q, want none", g.kept[i], g.texts[i])
		}
	}
	// More than fits waits for nothing.
	g.send(comparisons+10, live("stay", 4))
	g.Watch.store(t.Context())
	if _, stats, _ = g.service.GetRollout(t.Context(), admin, "acme", r.ID); stats.Dropped != 10 {
		t.Errorf("%d dropped, want the 10 that there was no room for", stats.Dropped)
	}
}

// Who may do what, and in which state.
func TestService(t *testing.T) {
	g := newRig(t)
	r := g.begin(t, engine.Rollout{Kind: engine.RolloutCanary, Share: 100})
	if r.Base != 7 || r.Guards != engine.DefaultGuards || r.By != "acme/ann" {
		t.Errorf("Begin() = %+v, want base 7, the default guards, by acme/ann", r)
	}
	user := admin
	user.Role = engine.RoleUser
	rival := admin
	rival.AccountID = "rival"
	lead := engine.Rollout{AccountID: "acme", Kind: engine.RolloutShadow, Share: 1, Draft: engine.RuleDraft{Rules: someRules()}}
	with := func(edit func(*engine.Rollout)) engine.Rollout {
		c := lead
		edit(&c)
		return c
	}
	broken := someRules()
	broken[0].When = "broken"
	for _, tt := range []struct {
		name string
		p    engine.Principal
		r    engine.Rollout
		want engine.Code
	}{
		{"a user", user, lead, engine.CodeForbidden},
		{"another account's admin", rival, lead, engine.CodeForbidden},
		{"global rules", admin, with(func(r *engine.Rollout) { r.AccountID = "" }), engine.CodeForbidden},
		{"a second canary", admin, with(func(r *engine.Rollout) { r.Kind = engine.RolloutCanary }), engine.CodeConflict},
		{"no kind", admin, with(func(r *engine.Rollout) { r.Kind = "" }), engine.CodeInvalid},
		{"no share", admin, with(func(r *engine.Rollout) { r.Share = 0 }), engine.CodeInvalid},
		{"no draft", admin, with(func(r *engine.Rollout) { r.Draft = engine.RuleDraft{} }), engine.CodeInvalid},
		{"a short window", admin, with(func(r *engine.Rollout) { r.Guards.Window = time.Second }), engine.CodeInvalid},
	} {
		if _, err := g.service.Begin(t.Context(), tt.p, tt.r); engine.CodeOf(err) != tt.want {
			t.Errorf("%s: Begin() = %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := g.service.Begin(t.Context(), admin, with(func(r *engine.Rollout) { r.Draft.Rules = broken })); err == nil {
		t.Error("Begin() of rules that do not compile = nil")
	}
	if _, _, err := g.service.GetRollout(t.Context(), rival, "acme", r.ID); engine.CodeOf(err) != engine.CodeNotFound {
		t.Errorf("GetRollout() by another account = %v, want not found", err)
	}
	if got, err := g.service.SetShare(t.Context(), admin, "acme", r.ID, 5000); err != nil || got.Share != 5000 {
		t.Errorf("SetShare() = %d, %v, want 5000", got.Share, err)
	}
	if _, err := g.service.Stop(t.Context(), user, "acme", r.ID, ""); engine.CodeOf(err) != engine.CodeForbidden {
		t.Errorf("Stop() by a user = %v, want forbidden", err)
	}
	if got, err := g.service.Promote(t.Context(), admin, "acme", r.ID); err != nil || got.Status != engine.RolloutPromoted || len(g.promote) != 1 || g.promote[0] != "acme/r" {
		t.Errorf("Promote() = %s, %v, promoted %q, want the draft's rules live", got.Status, err, g.promote)
	}
	if _, err := g.service.Stop(t.Context(), admin, "acme", r.ID, ""); engine.CodeOf(err) != engine.CodeConflict {
		t.Errorf("Stop() of what has ended = %v, want a conflict", err)
	}
	p := g.begin(t, engine.Rollout{Kind: engine.RolloutCanary, Draft: engine.RuleDraft{Plugin: "sticky", Version: "2"}})
	if _, err := g.service.Promote(t.Context(), admin, "acme", p.ID); err != nil || g.promote[1] != "acme/sticky@2" {
		t.Errorf("Promote() of a plugin = %v, promoted %q", err, g.promote)
	}
	s := g.begin(t, engine.Rollout{Kind: engine.RolloutShadow})
	if _, err := g.service.Stop(t.Context(), admin, "acme", s.ID, "enough"); err != nil {
		t.Errorf("Stop() = %v, want nil", err)
	}
	// Each step is an event, and what was refused is none.
	list, _, _ := g.notices.After(0)
	var told []string
	for _, n := range list {
		told = append(told, n.Kind+" "+n.AccountID)
	}
	if want := []string{
		engine.NoticeRolloutStarted + " acme", engine.NoticeRolloutChanged + " acme", engine.NoticeRolloutPromoted + " acme",
		engine.NoticeRolloutStarted + " acme", engine.NoticeRolloutPromoted + " acme",
		engine.NoticeRolloutStarted + " acme", engine.NoticeRolloutStopped + " acme",
	}; !slices.Equal(told, want) {
		t.Errorf("events = %q, want %q", told, want)
	}
}
