package engine_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/rule"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

var (
	super   = engine.Principal{AccountID: "default", UserID: "root", Role: engine.RoleSuperAdmin}
	admin   = engine.Principal{AccountID: "acme", UserID: "ann", Role: engine.RoleAccountAdmin}
	lead    = engine.Principal{AccountID: "acme", UserID: "lea", TeamID: "core", Role: engine.RoleTeamLead}
	user    = engine.Principal{AccountID: "acme", UserID: "uma", Role: engine.RoleUser}
	foreign = engine.Principal{AccountID: "other", UserID: "otto", Role: engine.RoleAccountAdmin}
)

// office is the three services over one SQLite store, with a snapshot of their own.
type office struct {
	engine.Store
	catalogue atomic.Pointer[engine.Catalogue]
	reloads   atomic.Int64
	broken    error                 // of the next reloads
	guarded   *engine.RuleService   // held to the cases of the last ruleSets
	onExplain func(context.Context) // before a case is decided
	gate      gate
	now       time.Time
}

func newOffice(t *testing.T) *office {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+migrated.SQLite(t, filepath.Join(t.TempDir(), "test.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	o := &office{Store: s, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	for _, id := range []string{"gpt-4o", "gpt-5", "gpt-5-mini"} {
		m := engine.Model{ID: id, ProviderID: "openai", UpstreamID: id, API: engine.APIChat, Enabled: true, CreatedAt: o.now, UpdatedAt: o.now}
		if err := s.PutModel(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"acme", "other"} {
		if err := s.CreateAccount(t.Context(), engine.Account{ID: id, Name: id, CreatedAt: o.now}); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.reloads.Store(0)
	return o
}

func (o *office) reload(ctx context.Context) error {
	if o.broken != nil {
		return o.broken
	}
	o.reloads.Add(1)
	models, err := o.ListModels(ctx)
	if err != nil {
		return err
	}
	providers, err := o.ListProviders(ctx)
	if err != nil {
		return err
	}
	prices, err := o.ListPrices(ctx)
	if err == nil {
		o.catalogue.Store(engine.NewCatalogue(models, providers, prices))
	}
	return err
}

func (o *office) clock() time.Time { return o.now }

func (o *office) rules() *engine.RuleService {
	return engine.NewRuleService(o, rule.New(nil, rule.Config{}), o.catalogue.Load, o.reload, o.clock)
}

func (o *office) models() *engine.ModelService {
	s, _ := engine.NewCatalogueServices(o.catalogueConfig())
	return s
}

func (o *office) plugins() *engine.PluginService {
	return engine.NewPluginService(o, &o.gate, o.reload, o.clock)
}

// gate takes "version", "name/version" or "provider name/version" for a module.
type gate struct {
	prepare func(v engine.PluginVersion) error
	resumed string // the last one
	builtIn string // a name
}

func (g *gate) BuiltIn(name string) bool { return name == g.builtIn }

// Stats and Logs know acme's and global versions of topics.
func (g *gate) Stats(accountID, name, version string) (engine.PluginStats, bool) {
	return engine.PluginStats{Calls: 7}, name == "topics" && accountID != "other"
}

func (g *gate) Logs(accountID, name, version string) ([]engine.PluginLog, int64, bool) {
	return []engine.PluginLog{{Text: "line"}}, 1, name == "topics" && accountID != "other"
}

func (g *gate) Resume(accountID, name, version string) {
	g.resumed = accountID + "/" + name + "@" + version
}

func (g *gate) Inspect(module []byte) (engine.Manifest, error) {
	m := engine.Manifest{Name: "topics", Version: string(module), Kind: "rule", ABI: 1}
	if len(module) == 0 {
		return m, engine.Errorf(engine.CodeInvalid, "empty")
	}
	if version, ok := strings.CutPrefix(m.Version, "provider "); ok {
		m.Kind, m.Version = "provider", version
	}
	if name, version, ok := strings.Cut(m.Version, "/"); ok {
		m.Name, m.Version = name, version
	}
	m.Version = strings.TrimSuffix(m.Version, "!") // other bytes of the same version
	return m, nil
}

func (g *gate) Prepare(_ context.Context, v engine.PluginVersion) error {
	if len(v.Module) == 0 {
		return errors.New("no module")
	}
	if g.prepare != nil {
		return g.prepare(v)
	}
	return nil
}

func hasCode(t *testing.T, what string, err error, want engine.Code) {
	t.Helper()
	if got := engine.CodeOf(err); got != want {
		t.Errorf("%s = %v, want code %q", what, err, want)
	}
}

// Two changes of one row at a time, from two processes whose snapshots know nothing
// of each other, both last.
func TestModelChangesAddUp(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	stale, cfg := o.catalogue.Load(), o.catalogueConfig()
	cfg.Catalogue, cfg.Reload = func() *engine.Catalogue { return stale }, func(context.Context) error { return nil }
	other, _ := engine.NewCatalogueServices(cfg)
	change := func(s *engine.ModelService, edit func(*engine.Model)) {
		t.Helper()
		if _, err := s.ChangeModel(t.Context(), super, "", "gpt-5", time.Time{}, nil, edit); err != nil {
			t.Error(err)
		}
	}
	change(o.models(), func(m *engine.Model) { m.NoSubstitute = true })
	change(other, func(m *engine.Model) { m.Fallbacks = []string{"gpt-4o"} })
	one, two := o.models(), o.models() // as of two processes: neither waits for the other
	var changes sync.WaitGroup
	changes.Go(func() { change(one, func(m *engine.Model) { m.Enabled = false }) })
	changes.Go(func() { change(two, func(m *engine.Model) { m.Fallbacks = []string{"gpt-5-mini"} }) })
	changes.Wait()
	m, _ := o.catalogue.Load().Model("", "gpt-5")
	if !m.NoSubstitute || m.Enabled || len(m.Fallbacks) != 1 || m.Fallbacks[0] != "gpt-5-mini" {
		t.Errorf("model = %+v, want no substitute, disabled, with the fallback", m)
	}
}

// Each kind of user against each place of a rule.
func TestRuleAuthority(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.rules()
	body := func(account, id string) engine.Rule {
		return engine.Rule{AccountID: account, ID: id, Name: id, When: "true", Target: "gpt-5", Enabled: true}
	}
	for _, r := range []engine.Rule{body("", "global"), body("acme", "own"), body("other", "theirs")} {
		if _, err := s.CreateRule(t.Context(), super, engine.RuleWrite{Rule: r}); err != nil {
			t.Fatal(err)
		}
	}
	type cell struct{ read, write engine.Code }
	const ok, forbidden, absent = engine.Code(""), engine.CodeForbidden, engine.CodeNotFound
	for _, tt := range []struct {
		name                string
		p                   engine.Principal
		global, own, theirs cell
	}{
		{"super admin", super, cell{ok, ok}, cell{ok, ok}, cell{ok, ok}},
		{"account admin", admin, cell{ok, forbidden}, cell{ok, ok}, cell{absent, absent}},
		{"team lead", lead, cell{ok, forbidden}, cell{ok, forbidden}, cell{absent, absent}},
		{"user", user, cell{ok, forbidden}, cell{ok, forbidden}, cell{absent, absent}},
		{"another account's admin", foreign, cell{ok, forbidden}, cell{absent, absent}, cell{ok, ok}},
		{"nobody", engine.Principal{}, cell{ok, forbidden}, cell{absent, absent}, cell{absent, absent}},
	} {
		visible := 0
		for _, at := range []struct {
			account, id string
			want        cell
		}{{"", "global", tt.global}, {"acme", "own", tt.own}, {"other", "theirs", tt.theirs}} {
			_, err := s.GetRule(t.Context(), tt.p, at.account, at.id)
			hasCode(t, tt.name+" reads "+at.id, err, at.want.read)
			if err == nil {
				visible++
			}
			_, err = s.UpdateRule(t.Context(), tt.p, engine.RuleWrite{Rule: body(at.account, at.id)})
			hasCode(t, tt.name+" changes "+at.id, err, at.want.write)
			wantCreate := at.want.write
			if wantCreate == absent {
				wantCreate = forbidden
			}
			fresh := body(at.account, "made-by-"+string(tt.p.Role)+"-of-"+tt.p.AccountID)
			if tt.p.Role == "" {
				fresh.ID = "made-by-nobody"
			} else {
				fresh.ID = "made"
			}
			_, err = s.CreateRule(t.Context(), tt.p, engine.RuleWrite{Rule: fresh})
			hasCode(t, tt.name+" creates beside "+at.id, err, wantCreate)
			if err == nil {
				if err := s.DeleteRule(t.Context(), tt.p, engine.RuleWrite{Rule: fresh}); err != nil {
					t.Error(err)
				}
			} else {
				hasCode(t, tt.name+" deletes "+at.id, s.DeleteRule(t.Context(), tt.p, engine.RuleWrite{Rule: body(at.account, at.id)}), at.want.write)
			}
		}
		list, err := s.ListRules(t.Context(), tt.p)
		if err != nil || len(list) != visible {
			t.Errorf("%s lists %d rules, %v, want the %d that can be read", tt.name, len(list), err, visible)
		}
	}
}

// A write that does not come into force is not reported as one that did; one that is
// refused reloads nothing.
func TestRuleWritesAndReloads(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.rules()
	r := engine.Rule{Name: "Zebra: Crossing!", When: "true", Target: "gpt-5", Enabled: true}
	made, err := s.CreateRule(t.Context(), super, engine.RuleWrite{Rule: r})
	if err != nil || made.ID != "zebra-crossing" || made.OnFailure != engine.FailureSkip || !made.CreatedAt.Equal(o.now) || o.reloads.Load() != 1 {
		t.Fatalf("CreateRule = %+v, %v after %d reloads, want it in force", made, err, o.reloads.Load())
	}
	_, err = s.CreateRule(t.Context(), super, engine.RuleWrite{Rule: r})
	hasCode(t, "the same again", err, engine.CodeConflict)

	// Two writes in one millisecond differ, so that the second writer's check means something.
	next, err := s.UpdateRule(t.Context(), super, engine.RuleWrite{Rule: made.Rule, Was: made.UpdatedAt})
	if err != nil || !next.UpdatedAt.After(made.UpdatedAt) {
		t.Fatalf("UpdateRule = %+v, %v, want a later time", next, err)
	}
	_, err = s.UpdateRule(t.Context(), super, engine.RuleWrite{Rule: made.Rule, Was: made.UpdatedAt})
	hasCode(t, "an update of what changed meanwhile", err, engine.CodeConflict)
	next.System = true
	if kept, err := s.UpdateRule(t.Context(), super, engine.RuleWrite{Rule: next.Rule}); err != nil || kept.System {
		t.Errorf("UpdateRule = %+v, %v, want it to stay no system rule", kept, err)
	}
	var source *engine.SourceError
	bad := made.Rule
	bad.When = "1 +"
	if _, err = s.UpdateRule(t.Context(), super, engine.RuleWrite{Rule: bad}); !errors.As(err, &source) {
		t.Errorf("an expression that does not compile = %v, want where and why", err)
	}
	bad = made.Rule
	bad.Fallbacks = []string{"gpt-4o", "gpt-6"}
	_, err = s.UpdateRule(t.Context(), super, engine.RuleWrite{Rule: bad})
	var e *engine.Error
	if !errors.As(err, &e) || e.Code != engine.CodeInvalid || e.Param != "fallbacks[1]" {
		t.Errorf("an unknown fallback = %v, want it named", err)
	}
	if n := o.reloads.Load(); n != 3 {
		t.Errorf("%d reloads, want 3: one for each write", n)
	}
	o.broken = errors.New("database gone")
	if err := s.DeleteRule(t.Context(), super, engine.RuleWrite{Rule: engine.Rule{ID: "zebra-crossing"}}); !errors.Is(err, o.broken) {
		t.Errorf("DeleteRule without a reload = %v, want the reload's error", err)
	}
}
