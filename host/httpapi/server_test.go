package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fake is every collaborator of a server, with the answers that a test gives it.
type fake struct {
	complete func(ctx context.Context, r *engine.Request) (engine.Completion, error)
	stream   func(ctx context.Context, r *engine.Request) (engine.Stream, engine.Meta, error)

	mu       sync.Mutex
	rules    []engine.Rule
	saved    []time.Time // the was of each UpdateRule
	uploads  []upload
	plugins  []engine.PluginVersion
	keys     []engine.Key
	usage    []engine.Usage
	queries  []string
	changes  []engine.ModelChange
	ruleErr  error
	asked    int // Authenticate calls
	released chan struct{}
}

type upload struct {
	account  string
	module   []byte
	activate bool
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
	f.mu.Lock()
	f.asked++
	f.mu.Unlock()
	switch presented {
	case superKey:
		return engine.Principal{AccountID: "default", UserID: "admin", KeyID: "k0", KeyName: "super", Role: engine.RoleSuperAdmin}, nil
	case adminKey:
		return engine.Principal{AccountID: "acme", UserID: "boss", KeyID: "k1", KeyName: "boss", Role: engine.RoleAccountAdmin}, nil
	case leadKey:
		return engine.Principal{AccountID: "acme", TeamID: "red", UserID: "lead", KeyID: "k2", KeyName: "lead", Role: engine.RoleTeamLead}, nil
	case userKey:
		return engine.Principal{AccountID: "acme", UserID: "user", KeyID: "k3", KeyName: "user", Role: engine.RoleUser}, nil
	case rivalKey:
		return engine.Principal{AccountID: "rival", UserID: "boss", KeyID: "k4", KeyName: "boss", Role: engine.RoleAccountAdmin}, nil
	case brokenKey:
		return engine.Principal{}, errors.New("the key service is broken")
	}
	if name, ok := strings.CutPrefix(presented, "tenant-key-"); ok {
		return engine.Principal{AccountID: name, UserID: name, KeyName: name, Role: engine.RoleUser}, nil
	}
	return engine.Principal{}, &engine.Error{Code: engine.CodeUnauthorized, Message: "Incorrect API key provided."}
}

func (f *fake) ListKeys(context.Context, engine.Principal) ([]engine.Key, error) { return f.keys, nil }

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
	if f.complete == nil {
		return engine.Completion{Body: []byte(`{"id":"c"}`)}, nil
	}
	return f.complete(ctx, r)
}

func (f *fake) Stream(ctx context.Context, r *engine.Request) (engine.Stream, engine.Meta, error) {
	return f.stream(ctx, r)
}

func (f *fake) ListRules(context.Context, engine.Principal) ([]engine.Rule, error) {
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

func (f *fake) CreateRule(ctx context.Context, p engine.Principal, r engine.Rule) (engine.Rule, error) {
	if err := f.CheckRule(ctx, p, r); err != nil {
		return r, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.ID == "" {
		r.ID = "made-from-name"
	}
	if f.find(r.AccountID, r.ID) >= 0 {
		return r, fmt.Errorf("create rule: %w", engine.ErrConflict)
	}
	r.CreatedAt, r.UpdatedAt = testNow, testNow
	f.rules = append(f.rules, r)
	return r, nil
}

func (f *fake) UpdateRule(ctx context.Context, p engine.Principal, r engine.Rule, was time.Time) (engine.Rule, error) {
	if err := f.CheckRule(ctx, p, r); err != nil {
		return r, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saved = append(f.saved, was)
	i := f.find(r.AccountID, r.ID)
	if !was.IsZero() && !f.rules[i].UpdatedAt.Equal(was) {
		return r, engine.Errorf(engine.CodeConflict, "The rule changed.")
	}
	r.System, r.CreatedAt = f.rules[i].System, f.rules[i].CreatedAt
	r.UpdatedAt = f.rules[i].UpdatedAt.Add(time.Millisecond)
	f.rules[i] = r
	return r, nil
}

func (f *fake) DeleteRule(_ context.Context, _ engine.Principal, account, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.find(account, id)
	if f.rules[i].System {
		return engine.Errorf(engine.CodeConflict, "'%s' is a system rule.", id)
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

func (f *fake) UploadPlugin(_ context.Context, _ engine.Principal, account string, module []byte, activate bool) (engine.PluginVersion, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	created := !slices.ContainsFunc(f.uploads, func(u upload) bool { return bytes.Equal(u.module, module) })
	f.uploads = append(f.uploads, upload{account, module, activate})
	return engine.PluginVersion{AccountID: account, Name: "p", Version: "1.0.0", Kind: "rule", Size: int64(len(module)), Active: activate, CreatedAt: testNow}, created, nil
}

func (f *fake) ActivatePlugin(_ context.Context, _ engine.Principal, account, name, version string) error {
	f.queries = append(f.queries, "activate "+account+"/"+name+"@"+version)
	return nil
}

func (f *fake) DeletePlugin(_ context.Context, _ engine.Principal, account, name, version string) error {
	f.queries = append(f.queries, "delete "+account+"/"+name+"@"+version)
	return nil
}

func (f *fake) ChangeModel(_ context.Context, _ engine.Principal, account, id string, change engine.ModelChange) (engine.Model, error) {
	f.queries = append(f.queries, "change "+account+"/"+id)
	m, ok := testCatalogue().Model("", id)
	if !ok {
		return m, engine.Errorf(engine.CodeNotFound, "There is no model '%s'.", id)
	}
	f.changes = append(f.changes, change)
	if change.NoSubstitute != nil {
		m.NoSubstitute = *change.NoSubstitute
	}
	return m, nil
}

func (f *fake) ListUsage(_ context.Context, account, requestID string, limit int) ([]engine.Usage, error) {
	f.queries = append(f.queries, fmt.Sprintf("usage %s/%s/%d", account, requestID, limit))
	return f.usage, nil
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
	return Config{
		Completer: f, Keys: f, Rules: f, Plugins: f, Models: f, Usage: f,
		Catalogue: func() CatalogueService { return catalogue },
		Now:       func() time.Time { return testNow },
	}
}

// running is a server on a real socket.
type running struct {
	*Server
	t    *testing.T
	addr string
	url  string
}

// start serves f until the test ends. change may alter the configuration.
func start(t *testing.T, f *fake, change ...func(*Config)) *running {
	t.Helper()
	cfg := f.config()
	for _, c := range change {
		c(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
	return &running{s, t, ln.Addr().String(), "http://" + ln.Addr().String()}
}

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// member returns a value of the JSON body by its path.
func (r reply) member(path ...string) any {
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		return nil
	}
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// do sends a request; headers are name, value pairs.
func (s *running) do(method, path, key, body string, headers ...string) reply {
	s.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, s.url+path, in)
	if err != nil {
		s.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{res.StatusCode, res.Header, string(out)}
}

const chatPath = "/v1/chat/completions"

// chatBody is the smallest valid chat body, with more members.
func chatBody(members string) string {
	return `{"model":"auto","messages":[{"role":"user","content":"hi"}]` + members + `}`
}

// rawDeadline is how long a raw connection may take before the test fails.
const rawDeadline = 20 * time.Second

// dial opens a raw connection.
func (s *running) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(rawDeadline))
	return c
}

// raw sends bytes as they are and returns the answers, until the server closes or n
// answers are there.
func (s *running) raw(text string, n int) []reply {
	s.t.Helper()
	c := s.dial()
	// The server may refuse and close before everything is written.
	_, _ = io.WriteString(c, text)
	return readReplies(s.t, bufio.NewReader(c), n)
}

func readReplies(t *testing.T, r *bufio.Reader, n int) []reply {
	t.Helper()
	var out []reply
	for len(out) < n {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return out
		}
		if res.Close {
			res.Header.Set("Connection", "close") // ReadResponse takes it away
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Errorf("body of answer %d: %v", len(out), err)
			return out
		}
		out = append(out, reply{res.StatusCode, res.Header, string(body)})
	}
	return out
}

// isOpenAIError checks the four members of an OpenAI error body.
func isOpenAIError(t *testing.T, what string, r reply, status int, kind, code, param string) {
	t.Helper()
	var got struct {
		Error map[string]any `json:"error"`
	}
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %d %q as %q, want a JSON error", what, r.status, r.body, r.header.Get("Content-Type"))
	}
	message, _ := got.Error["message"].(string)
	gotParam, _ := got.Error["param"].(string)
	if _, there := got.Error["param"]; !there || len(got.Error) != 4 {
		t.Errorf("%s: error %v, want exactly message, type, param and code", what, got.Error)
	}
	if r.status != status || got.Error["type"] != kind || got.Error["code"] != code || gotParam != param || message == "" {
		t.Errorf("%s: %d %v, want %d with type %s, code %s, param %q and a message", what, r.status, got.Error, status, kind, code, param)
	}
}

// isProblem checks an RFC 9457 body.
func isProblem(t *testing.T, what string, r reply, status int, code string) {
	t.Helper()
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: content type %q, want application/problem+json", what, got)
	}
	if r.status != status || r.member("code") != code || r.member("status") != float64(status) || r.member("title") == "" || r.member("detail") == nil {
		t.Errorf("%s: %d %s, want a problem with status %d and code %s", what, r.status, r.body, status, code)
	}
}
