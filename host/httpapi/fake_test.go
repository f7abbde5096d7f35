package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fake is every collaborator of a server, with the answers that a test gives it.
type fake struct {
	complete func(ctx context.Context, r *engine.Request) (engine.Completion, error)
	stream   func(ctx context.Context, r *engine.Request) (engine.Stream, engine.Meta, error)

	mu      sync.Mutex
	rules   []engine.Rule
	saved   []time.Time // the was of each UpdateRule
	uploads []engine.PluginUpload
	plugins []engine.PluginVersion
	keys    []engine.Key
	usage   []engine.Usage
	queries []string
	trials  []engine.TrialRequest
	ruleErr error
	// uploadErr is what uploads are answered with.
	uploadErr error
	onRules   func() // called by ListRules
}

const (
	superKey  = "super-admin-key-for-tests"
	adminKey  = "account-admin-key-for-tests"
	leadKey   = "team-lead-key-for-tests-only"
	userKey   = "plain-user-key-for-tests-only"
	rivalKey  = "rival-admin-key-for-tests-only"
	brokenKey = "key-of-a-broken-key-service"
)

func (f *fake) Authenticate(presented string, _ time.Time) (engine.Principal, error) {
	switch presented {
	case superKey:
		return engine.Principal{AccountID: "default", UserID: "admin", KeyID: "k0", KeyName: "super", Role: engine.RoleSuperAdmin, Scopes: engine.AllScopes}, nil
	case adminKey:
		return engine.Principal{AccountID: "acme", UserID: "boss", KeyID: "k1", KeyName: "boss", Role: engine.RoleAccountAdmin, Scopes: engine.AllScopes}, nil
	case leadKey:
		return engine.Principal{AccountID: "acme", TeamID: "red", UserID: "lead", KeyID: "k2", KeyName: "lead", Role: engine.RoleTeamLead, Scopes: engine.AllScopes}, nil
	case userKey:
		return engine.Principal{AccountID: "acme", UserID: "user", KeyID: "k3", KeyName: "user", Role: engine.RoleUser, Scopes: engine.AllScopes}, nil
	case rivalKey:
		return engine.Principal{AccountID: "rival", UserID: "boss", KeyID: "k4", KeyName: "boss", Role: engine.RoleAccountAdmin, Scopes: engine.AllScopes}, nil
	case brokenKey:
		return engine.Principal{}, errors.New("the key service is broken")
	}
	if name, ok := strings.CutPrefix(presented, "tenant-key-"); ok {
		return engine.Principal{AccountID: name, UserID: name, KeyName: name, Role: engine.RoleUser, Scopes: engine.AllScopes}, nil
	}
	return engine.Principal{}, &engine.Error{Code: engine.CodeUnauthorized, Message: "Incorrect API key provided."}
}

func (f *fake) ListKeys(context.Context, engine.Principal, engine.TenantFilter, engine.Page) ([]engine.Key, string, error) {
	return f.keys, "", nil
}

func (f *fake) GetKey(_ context.Context, _ engine.Principal, _, id string) (engine.Key, error) {
	return engine.Key{}, engine.Errorf(engine.CodeNotFound, "There is no such key.")
}

func (f *fake) ChangeKey(ctx context.Context, p engine.Principal, account, id string, _ time.Time, _ func(*engine.Key)) (engine.Key, error) {
	return f.GetKey(ctx, p, account, id)
}

func (f *fake) RotateKey(ctx context.Context, p engine.Principal, account, id string, _ time.Time, _ engine.KeyRotation) (engine.Key, string, error) {
	k, err := f.GetKey(ctx, p, account, id)
	return k, "", err
}

func (f *fake) CreateKey(_ context.Context, p engine.Principal, k engine.Key) (engine.Key, string, error) {
	if k.AccountID == "" {
		k.AccountID = p.AccountID
	}
	k.ID, k.Prefix, k.CreatedAt, k.Digest = "new", "pm_abcdef", testNow, []byte("digest")
	return k, "pm_the-secret", nil
}

func (f *fake) RevokeKey(_ context.Context, _ engine.Principal, account, id string) error {
	if id != "known" {
		return &engine.Error{Code: engine.CodeNotFound, Message: "There is no such key."}
	}
	f.queries = append(f.queries, account+"/"+id)
	return nil
}

func (f *fake) Complete(ctx context.Context, r *engine.Request) (engine.Completion, error) {
	if r.WireOnly != nil { // nobody here speaks anything but Chat
		return engine.Completion{}, r.WireOnly
	}
	if f.complete == nil {
		return engine.Completion{Body: []byte(`{"id":"c"}`)}, nil
	}
	return f.complete(ctx, r)
}

func (f *fake) Stream(ctx context.Context, r *engine.Request) (engine.Stream, engine.Meta, error) {
	return f.stream(ctx, r)
}

func (f *fake) ListRules(context.Context, engine.Principal) ([]engine.Rule, error) {
	if f.onRules != nil {
		f.onRules()
	}
	return slices.Clone(f.rules), nil
}

func (f *fake) find(account, id string) int {
	return slices.IndexFunc(f.rules, func(r engine.Rule) bool { return r.AccountID == account && r.ID == id })
}

func (f *fake) GetRule(_ context.Context, p engine.Principal, account, id string) (engine.Rule, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.find(account, id)
	if i < 0 || account != "" && account != p.AccountID && p.Role != engine.RoleSuperAdmin {
		return engine.Rule{}, engine.Errorf(engine.CodeNotFound, "There is no rule '%s'.", id)
	}
	return f.rules[i], nil
}

func (f *fake) CreateRule(ctx context.Context, p engine.Principal, w engine.RuleWrite) (engine.WrittenRule, error) {
	r := w.Rule
	if err := f.CheckRule(ctx, p, r); err != nil {
		return engine.WrittenRule{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.ID == "" {
		r.ID = "made-from-name"
	}
	if f.find(r.AccountID, r.ID) >= 0 {
		return engine.WrittenRule{}, fmt.Errorf("create rule: %w", engine.ErrConflict)
	}
	r.CreatedAt, r.UpdatedAt = testNow, testNow
	f.rules = append(f.rules, r)
	return engine.WrittenRule{Rule: r}, nil
}

func (f *fake) UpdateRule(ctx context.Context, p engine.Principal, w engine.RuleWrite) (engine.WrittenRule, error) {
	r, was := w.Rule, w.Was
	if err := f.CheckRule(ctx, p, r); err != nil {
		return engine.WrittenRule{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saved = append(f.saved, was)
	i := f.find(r.AccountID, r.ID)
	if !was.IsZero() && !f.rules[i].UpdatedAt.Equal(was) {
		return engine.WrittenRule{}, engine.Errorf(engine.CodeConflict, "The rule changed.")
	}
	r.System, r.CreatedAt = f.rules[i].System, f.rules[i].CreatedAt
	r.UpdatedAt = f.rules[i].UpdatedAt.Add(time.Millisecond)
	f.rules[i] = r
	return engine.WrittenRule{Rule: r}, nil
}

func (f *fake) DeleteRule(_ context.Context, _ engine.Principal, w engine.RuleWrite) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.find(w.Rule.AccountID, w.Rule.ID)
	if f.rules[i].System {
		return engine.Errorf(engine.CodeConflict, "'%s' is a system rule.", w.Rule.ID)
	}
	f.rules = slices.Delete(f.rules, i, i+1)
	return nil
}

func (f *fake) CheckRule(_ context.Context, p engine.Principal, r engine.Rule) error {
	if r.AccountID != p.AccountID && p.Role != engine.RoleSuperAdmin {
		return engine.Errorf(engine.CodeForbidden, "Only a super admin may manage global rules.")
	}
	return f.ruleErr
}

func (f *fake) ListPlugins(context.Context, engine.Principal) ([]engine.PluginVersion, error) {
	return f.plugins, nil
}

func (f *fake) UploadPlugin(_ context.Context, _ engine.Principal, u engine.PluginUpload) (engine.PluginVersion, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.uploadErr != nil {
		return engine.PluginVersion{}, false, f.uploadErr
	}
	created := !slices.ContainsFunc(f.uploads, func(o engine.PluginUpload) bool { return bytes.Equal(o.Module, u.Module) })
	f.uploads = append(f.uploads, u)
	return engine.PluginVersion{AccountID: u.AccountID, Name: "p", Version: "1.0.0", Kind: "rule", Size: int64(len(u.Module)), Active: u.Activate, CreatedAt: testNow}, created, nil
}

func (f *fake) RollbackPlugin(_ context.Context, _ engine.Principal, account, name string) (engine.PluginVersion, error) {
	f.queries = append(f.queries, "rollback "+account+"/"+name)
	return engine.PluginVersion{AccountID: account, Name: name, Version: "0.9.0", Kind: "rule", Active: true, CreatedAt: testNow}, nil
}

func (f *fake) PluginStats(_ context.Context, _ engine.Principal, account, name, version string) (engine.PluginStats, error) {
	if name == "other" {
		return engine.PluginStats{}, engine.Errorf(engine.CodeNotFound, "There is none.")
	}
	f.queries = append(f.queries, "stats "+account+"/"+name+"@"+version)
	return engine.PluginStats{Calls: 7, Failures: map[string]int64{"out_of_fuel": 2}, FuelP50: 600, FuelP99: 900, SuspendedUntil: testNow}, nil
}

func (f *fake) PluginLogs(_ context.Context, _ engine.Principal, account, name, version string) ([]engine.PluginLog, int64, error) {
	if name == "other" {
		return nil, 0, engine.Errorf(engine.CodeNotFound, "There is none.")
	}
	f.queries = append(f.queries, "logs "+account+"/"+name+"@"+version)
	return []engine.PluginLog{{At: testNow, RequestID: "r", Level: 2, Text: "odd"}}, 3, nil
}

func (f *fake) ActivatePlugin(_ context.Context, _ engine.Principal, account, name, version string) error {
	f.queries = append(f.queries, "activate "+account+"/"+name+"@"+version)
	return nil
}

func (f *fake) DeletePlugin(_ context.Context, _ engine.Principal, account, name, version string) error {
	f.queries = append(f.queries, "delete "+account+"/"+name+"@"+version)
	return nil
}

func (f *fake) ListUsage(_ context.Context, p engine.Principal, c engine.CostFilter, requestID string, limit int) ([]engine.Usage, error) {
	if c.AccountID != "" && c.AccountID != p.AccountID && p.Role != engine.RoleSuperAdmin {
		return nil, engine.Errorf(engine.CodeNotFound, "There is no such account.")
	}
	f.queries = append(f.queries, fmt.Sprintf("usage %s/%s/%d", c.AccountID, requestID, limit))
	return f.usage, nil
}

func (f *fake) PageUsage(ctx context.Context, p engine.Principal, q engine.CostQuery, _ string, limit int) ([]engine.Usage, string, error) {
	rows, err := f.ListUsage(ctx, p, q.CostFilter, "", limit)
	return rows, "", err
}

// testCatalogue: a plain model, one whose replacement serves it, one that nothing
// serves, a disabled one.
func testCatalogue() *engine.Catalogue {
	created := time.Date(2025, 8, 7, 0, 0, 0, 0, time.UTC)
	retired := testNow.Add(-24 * time.Hour)
	return engine.NewCatalogue([]engine.Model{
		{ID: "gpt-4o", Family: "GPT", DisplayName: "GPT-4o", Tier: "flagship", ProviderID: "openai", UpstreamID: "gpt-4o", ContextWindow: 128_000, MaxOutput: 16_384, Capabilities: []engine.Capability{engine.CapVision}, Enabled: true, CreatedAt: created},
		{ID: "gpt-5.1-codex", Family: "Codex", DisplayName: "GPT-5.1-Codex", Tier: "flagship", PremiumCenti: 33, ProviderID: "openai", UpstreamID: "gpt-5.1-codex", ContextWindow: 1, Enabled: true, CreatedAt: created,
			RetiresAt: retired, Replacement: &engine.Replacement{UpstreamID: "gpt-5.3-codex", API: engine.APIResponses, ContextWindow: 400_000, MaxOutput: 128_000}},
		{ID: "old-model", Family: "GPT", ProviderID: "openai", UpstreamID: "old", Enabled: true, RetiresAt: retired, CreatedAt: created},
		{ID: "hidden", Family: "GPT", ProviderID: "openai", UpstreamID: "hidden", CreatedAt: created},
	}, []engine.Provider{{ID: "openai", Name: "OpenAI", Adapter: "openai", BaseURL: "https://api.openai.com/v1", Credential: "env:OPENAI_API_KEY", Enabled: true}}, nil)
}

// config is a server configuration over the fake.
func (f *fake) config() Config {
	catalogue := testCatalogue()
	rows := fakeRows{catalogue}
	return Config{
		Completer: f, Keys: f, Accounts: noTenants{}, Teams: noTenants{}, Users: noTenants{}, Rules: f, Plugins: f, Models: rows, Providers: rows, Trials: f, Usage: f, Costs: noCosts{}, Sessions: noSessions{},
		Preferences: fakeSettings{}, Assignments: fakeSettings{},
		Catalogue: func() CatalogueService { return catalogue },
		Now:       func() time.Time { return testNow },
	}
}

// noCosts are there and never asked.
type noCosts struct{ CostService }

// fakeSettings are there and never asked.
type fakeSettings struct {
	PreferenceService
	AssignmentService
}
