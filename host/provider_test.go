package host

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/simulator"
)

// The two keys of the provider that these tests create.
const (
	labKey      = "sk-lab-canary-0123456789-aaaa"
	labOtherKey = "sk-lab-canary-9876543210-bbbb"
)

func startSimulator(t *testing.T) *simulator.Simulator {
	t.Helper()
	sim := simulator.New(simulator.Config{Now: func() time.Time { return testNow }})
	if _, err := sim.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	return sim
}

// lockedLog is a log that is read while it is written.
type lockedLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lockedLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lockedLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// want asks for a status and returns the answer.
func (g *gateway) want(status int, method, path string, body any) answer {
	g.t.Helper()
	a := g.do(method, path, body)
	if a.Status != status {
		g.t.Fatalf("%s %s = %d, want %d\n%s", method, path, a.Status, status, a.Body)
	}
	return a
}

// addLab creates a provider at the simulator, with two keys and a model.
func (g *gateway) addLab(base string) {
	g.t.Helper()
	g.want(201, "POST", "/api/v1/providers", map[string]any{"id": "lab", "adapter": "openai", "base_url": base})
	g.want(201, "POST", "/api/v1/providers/lab/credentials", map[string]any{"id": "a", "secret": labKey, "weight": 3})
	g.want(201, "POST", "/api/v1/providers/lab/credentials", map[string]any{"id": "b", "secret": labOtherKey, "weight": 1})
	g.want(201, "POST", "/api/v1/models", map[string]any{
		"id": "lab-mini", "provider": "lab", "upstream_id": "gpt-4o", "price": map[string]string{"input": "0.10", "output": "0.40"},
	})
}

// Created through the API, used at once, and after a restart; the keys appear nowhere.
func TestProviderOfTheAPI(t *testing.T) {
	t.Parallel()
	sim, log := startSimulator(t), &lockedLog{}
	var dir string
	change := func(c *Config, o *Options) {
		if dir == "" {
			dir = c.DataDir
		}
		c.DataDir, o.Log = dir, zerolog.New(log).Level(zerolog.TraceLevel)
	}
	g := startGateway(t, change)
	var said bytes.Buffer
	keep := func(a answer) answer {
		said.Write(a.Body)
		for name, values := range a.Header {
			said.WriteString(name + strings.Join(values, ""))
		}
		return a
	}
	g.addLab(sim.BaseURL("openai"))
	known := []string{simulator.Digest(labKey), simulator.Digest(labOtherKey)}
	chat := func(g *gateway) {
		t.Helper()
		sim.ClearLog()
		a := keep(g.chat("lab-mini", "hello"))
		if a.Status != 200 || a.Header.Get("x-pointsman-provider") != "lab" || a.Header.Get("x-pointsman-simulated") != "" {
			t.Fatalf("chat = %d from %q, want 200 from lab, not simulated\n%s", a.Status, a.Header.Get("x-pointsman-provider"), a.Body)
		}
		rows, err := sim.Wait(t.Context(), 1)
		if err != nil || len(rows) != 1 || !slices.Contains(known, rows[0].Credential) || rows[0].Model != "gpt-4o" {
			t.Errorf("the provider saw %+v, %v, want one call of gpt-4o with one of the keys", rows, err)
		}
	}
	chat(g)
	if a := g.chat("gpt-4o", "hello"); a.Status != 200 || a.Header.Get("x-pointsman-simulated") != "true" {
		t.Errorf("a seeded model = %d, simulated %q, want it simulated still", a.Status, a.Header.Get("x-pointsman-simulated"))
	}

	for i, id := range []string{"a", "b"} {
		sim.ClearLog()
		a := keep(g.want(200, "POST", "/api/v1/providers/lab/test?credential="+id, nil))
		var got struct {
			OK     bool
			Models []string
			Call   struct {
				Model     string
				OK        bool
				LatencyMS *int64 `json:"latency_ms"`
			}
		}
		if err := json.Unmarshal(a.Body, &got); err != nil || !got.OK || !got.Call.OK || got.Call.Model != "lab-mini" || got.Call.LatencyMS == nil {
			t.Errorf("test with %s = %s, want ok, with a call of lab-mini", id, a.Body)
		}
		if !slices.Contains(got.Models, "gpt-4o") {
			t.Errorf("test with %s lists %q, want the provider's models", id, got.Models)
		}
		rows, err := sim.Wait(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if r.Credential != known[i] {
				t.Errorf("test with %s: %s %s came with another key", id, r.Path, r.Outcome)
			}
		}
	}
	keep(g.want(200, "POST", "/api/v1/models/lab-mini/test", nil))
	for _, path := range []string{"/api/v1/providers", "/api/v1/providers/lab", "/api/v1/providers/lab/credentials", "/api/v1/providers/lab/credentials/a", "/api/v1/models/lab-mini", "/api/v1/usage", "/openapi.json"} {
		keep(g.want(200, "GET", path, nil))
	}
	// A key that is refused, one that is malformed, one that no row may have.
	keep(g.want(200, "PATCH", "/api/v1/providers/lab/credentials/b", map[string]any{"enabled": false}))
	keep(g.want(400, "PATCH", "/api/v1/providers/lab/credentials/b", map[string]any{"secret": labOtherKey + " x"}))
	keep(g.want(422, "PATCH", "/api/v1/providers/lab/credentials/b", map[string]any{"secret": []string{labOtherKey}}))
	chat(g)
	keep(g.chat("lab-mini", "[[simulate status=401]] hello"))

	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	for _, canary := range []string{labKey, labOtherKey, labKey[:14]} {
		if strings.Contains(said.String(), canary) {
			t.Errorf("an answer holds %s", canary)
		}
		if strings.Contains(log.text(), canary) {
			t.Errorf("the log holds %s", canary)
		}
		files := 0
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files++
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte(canary)) {
				t.Errorf("%s holds %s", filepath.Base(path), canary)
			}
			return err
		})
		if err != nil || files == 0 {
			t.Errorf("read %d files of the data folder, %v, want all of them", files, err)
		}
	}
	if !strings.Contains(log.text(), `"provider":"lab"`) {
		t.Error("the log says nothing of the provider: was it kept?")
	}

	again := startGateway(t, change)
	chat(again)
	again.want(409, "DELETE", "/api/v1/providers/lab", nil)
	again.want(204, "DELETE", "/api/v1/models/lab-mini", nil)
	again.want(204, "DELETE", "/api/v1/providers/lab", nil)
	if a := again.chat("lab-mini", "hello"); a.Status != 404 {
		t.Errorf("chat with a deleted model = %d, want 404", a.Status)
	}
}

// Every adapter lists and calls, with what a provider and a model have by default.
func TestProviderTestOfEveryAdapter(t *testing.T) {
	t.Parallel()
	sim := startSimulator(t)
	g := startGateway(t)
	free := map[string]string{"input": "0", "output": "0"}
	for _, c := range []struct{ adapter, upstream, api, listed string }{
		{"openai", "gpt-4o", "", "gpt-4o"},
		{"openai", "gpt-5.3-codex", "responses", "gpt-4o"},
		{"openai", "text-embedding-3-small", "embeddings", "gpt-4o"},
		{"anthropic", "claude-haiku-4-5-20251001", "", "claude-haiku-4-5-20251001"},
		{"google", "gemini-2.5-pro", "", "gemini-2.5-pro"},
	} {
		name := strings.Trim("my-"+c.adapter+"-"+c.api, "-")
		t.Run(name, func(t *testing.T) {
			g := &gateway{Host: g.Host, t: t, key: g.key}
			g.want(201, "POST", "/api/v1/providers", map[string]any{"id": name, "adapter": c.adapter, "base_url": sim.BaseURL(c.adapter)})
			a := g.want(200, "POST", "/api/v1/providers/"+name+"/test", nil)
			if a.field(t, "ok") != "false" || a.field(t, "error", "class") != "no_credential" {
				t.Errorf("test without a credential = %s, want that said", a.Body)
			}
			g.want(201, "POST", "/api/v1/providers/"+name+"/credentials", map[string]any{"secret": labKey})
			model := map[string]any{"id": name + "-m", "provider": name, "upstream_id": c.upstream, "price": free}
			if c.api != "" {
				model["api"] = c.api
			}
			if c.api == "embeddings" {
				model["capabilities"] = []string{"embeddings"}
			}
			g.want(201, "POST", "/api/v1/models", model)
			a = g.want(200, "POST", "/api/v1/providers/"+name+"/test", nil)
			if a.field(t, "ok") != "true" || a.field(t, "call", "ok") != "true" || !strings.Contains(a.field(t, "models"), `"`+c.listed+`"`) {
				t.Errorf("test = %s, want ok with a list and a call", a.Body)
			}
			g.want(200, "PATCH", "/api/v1/models/"+name+"-m", map[string]any{"upstream_id": "no-such-model", "price": free})
			a = g.want(200, "POST", "/api/v1/models/"+name+"-m/test", nil)
			if a.field(t, "ok") != "false" || a.field(t, "error", "class") != "not_found" || a.field(t, "error", "hint") == "" {
				t.Errorf("test of an unknown model = %s, want not_found with a hint", a.Body)
			}
		})
	}
}

// A seeded provider is real as soon as it has a key, while the simulator serves the others.
func TestSimulatedProviderBecomesReal(t *testing.T) {
	t.Parallel()
	sim := startSimulator(t)
	g := startGateway(t)
	g.want(200, "PATCH", "/api/v1/providers/openai", map[string]any{"base_url": sim.BaseURL("openai")})
	if a := g.chat("gpt-4o", "hello"); a.Header.Get("x-pointsman-simulated") != "true" {
		t.Errorf("without a key: simulated %q, want true", a.Header.Get("x-pointsman-simulated"))
	}
	g.want(201, "POST", "/api/v1/providers/openai/credentials", map[string]any{"id": "a", "secret": labKey})
	a := g.chat("gpt-4o", "hello")
	rows := sim.Log()
	if a.Status != 200 || a.Header.Get("x-pointsman-simulated") != "" || len(rows) != 1 || rows[0].Credential != simulator.Digest(labKey) {
		t.Errorf("with a key = %d, simulated %q, the server saw %+v, want the call with the key", a.Status, a.Header.Get("x-pointsman-simulated"), rows)
	}
	if a := g.chat("claude-haiku-4.5", "hello"); a.Status != 200 || a.Header.Get("x-pointsman-simulated") != "true" {
		t.Errorf("another provider = %d, simulated %q, want it simulated still", a.Status, a.Header.Get("x-pointsman-simulated"))
	}
	g.want(204, "DELETE", "/api/v1/providers/openai/credentials/a", nil)
	if a := g.chat("gpt-4o", "hello"); a.Status != 200 || a.Header.Get("x-pointsman-simulated") != "true" {
		t.Errorf("after the key was deleted = %d, simulated %q, want true", a.Status, a.Header.Get("x-pointsman-simulated"))
	}
}

// A row that cannot be opened is left out, and the others are used.
func TestCredentialThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	sim, log := startSimulator(t), &lockedLog{}
	g := startGateway(t, func(_ *Config, o *Options) { o.Log = zerolog.New(log) })
	g.addLab(sim.BaseURL("openai"))
	stored, err := g.store.ListCredentials(t.Context())
	if err != nil || len(stored) != 2 {
		t.Fatalf("ListCredentials() = %d rows, %v, want 2", len(stored), err)
	}
	// The key of b in the row of a: it was sealed for b.
	swapped := stored[0]
	swapped.Sealed, swapped.UpdatedAt = stored[1].Sealed, stored[0].UpdatedAt.Add(time.Millisecond)
	if err := g.store.UpdateCredential(t.Context(), swapped, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := g.reload(t.Context()); err != nil {
		t.Fatalf("reload() = %v, want nil", err)
	}
	if !strings.Contains(log.text(), "credential left out") {
		t.Error("the log does not say that a credential was left out")
	}
	if got := g.want(200, "GET", "/api/v1/providers/lab/credentials/a", nil).field(t, "usable"); got != "false" {
		t.Errorf("usable = %s, want false", got)
	}
	if a := g.chat("lab-mini", "hello"); a.Status != 200 {
		t.Errorf("chat = %d, want 200 with the other key\n%s", a.Status, a.Body)
	}
	for _, r := range sim.Log() {
		if r.Credential != simulator.Digest(labOtherKey) {
			t.Error("the call came with a key that was put into another's row")
		}
	}
}

// A new encryption key, with the old one listed: the stored keys and the callers' go on working.
func TestEncryptionKeyRotates(t *testing.T) {
	t.Parallel()
	sim := startSimulator(t)
	const first, second = "the-first-encryption-key-of-this-test", "the-second-encryption-key-of-this-test"
	var dir string
	with := func(key, previous, admin string) func(*Config, *Options) {
		return func(c *Config, _ *Options) {
			if dir == "" {
				dir = c.DataDir
			}
			c.DataDir, c.EncryptionKey, c.PreviousKeys, c.AdminKey = dir, key, previous, admin
		}
	}
	g := startGateway(t, with(first, "", testKey))
	g.addLab(sim.BaseURL("openai"))
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	g = startGateway(t, with(second, "an-older-encryption-key-of-this-test, "+first, ""))
	g.key = testKey
	if a := g.chat("lab-mini", "hello"); a.Status != 200 {
		t.Fatalf("chat with the new encryption key = %d, want 200\n%s", a.Status, a.Body)
	}
	// Written again, a row needs the old key no more.
	g.want(200, "PATCH", "/api/v1/providers/lab/credentials/a", map[string]any{"name": "renewed"})
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	g = startGateway(t, with(second, "", testKey))
	sim.ClearLog()
	if a := g.chat("lab-mini", "hello"); a.Status != 200 {
		t.Errorf("chat without the old encryption key = %d, want 200\n%s", a.Status, a.Body)
	}
	for _, r := range sim.Log() {
		if r.Credential != simulator.Digest(labKey) {
			t.Error("the call did not come with the credential that was written again")
		}
	}
}

// The adapter that will read a config says what it may be.
func TestProviderConfigIsChecked(t *testing.T) {
	t.Parallel()
	sim := startSimulator(t)
	g := startGateway(t)
	g.addLab(sim.BaseURL("openai"))
	for _, config := range []string{`{"no_such_quirk":true}`, `{"stream_options":"yes"}`, `[]`, `"x"`} {
		a := g.want(400, "PATCH", "/api/v1/providers/lab", `{"config":`+config+`}`)
		if !strings.Contains(string(a.Body), `"location":"body.config`) {
			t.Errorf("config %s: %s, want the member at fault", config, a.Body)
		}
	}
	g.want(200, "PATCH", "/api/v1/providers/lab", `{"config":{"stream_options":false}}`)
	if a := g.chat("lab-mini", "hello"); a.Status != 200 {
		t.Errorf("chat with a config = %d, want 200\n%s", a.Status, a.Body)
	}
	g.want(400, "PATCH", "/api/v1/providers/lab", `{"adapter":"none"}`)
}

func TestTenantsProviders(t *testing.T) {
	t.Parallel()
	sim := startSimulator(t)
	g := startGateway(t, func(c *Config, _ *Options) {
		c.Upstreams.OpenAIKey, c.Upstreams.OpenAIBase = labKey, sim.BaseURL("openai")
	})
	keyOf := func(account string) string {
		t.Helper()
		now := testNow
		if err := g.store.CreateAccount(t.Context(), engine.Account{ID: account, Name: account, CreatedAt: now}); err != nil {
			t.Fatal(err)
		}
		if err := g.store.CreateUser(t.Context(), engine.User{AccountID: account, ID: "boss", Role: engine.RoleAccountAdmin, CreatedAt: now}); err != nil {
			t.Fatal(err)
		}
		a := g.want(201, "POST", "/api/v1/keys", map[string]any{"name": "boss", "account_id": account, "user_id": "boss"})
		return a.field(t, "secret")
	}
	acme, rival := *g, *g
	acme.key, rival.key = keyOf("acme"), keyOf("rival")

	for _, base := range []string{sim.BaseURL("openai"), strings.Replace(sim.BaseURL("openai"), "http:", "https:", 1), "https://10.0.0.1/v1", "https://[::1]/v1", "https://localhost/v1", "http://llm.example.com/v1"} {
		a := acme.want(400, "POST", "/api/v1/providers", map[string]any{"id": "own", "adapter": "openai", "base_url": base})
		if !strings.Contains(string(a.Body), `"location":"body.base_url"`) {
			t.Errorf("base URL %s: %s, want it named", base, a.Body)
		}
	}
	acme.want(201, "POST", "/api/v1/providers", map[string]any{"id": "own", "adapter": "openai", "base_url": "https://llm.example.com/v1"})
	for _, path := range []string{"/api/v1/providers/own", "/api/v1/providers/own?account_id=acme", "/api/v1/providers/own/credentials?account_id=acme"} {
		rival.want(404, "GET", path, nil)
	}
	rival.want(404, "PATCH", "/api/v1/providers/own?account_id=acme", map[string]any{"enabled": false})
	rival.want(404, "DELETE", "/api/v1/providers/own?account_id=acme", nil)
	rival.want(404, "POST", "/api/v1/providers/own/credentials?account_id=acme", map[string]any{"secret": "x"})
	rival.want(404, "POST", "/api/v1/providers/own/test?account_id=acme", nil)
	acme.want(403, "POST", "/api/v1/models", map[string]any{"id": "free", "provider": "openai", "upstream_id": "gpt-4o", "price": map[string]string{"input": "0", "output": "0"}})
	acme.want(403, "POST", "/api/v1/providers/openai/test", nil)
	acme.want(403, "GET", "/api/v1/providers/openai/credentials", nil)

	// A provider of their own that has a global one's name gets nothing of it.
	acme.want(201, "POST", "/api/v1/providers", map[string]any{"id": "openai", "adapter": "openai"})
	sim.ClearLog()
	if a := acme.chat("openai/gpt-4o", "hello"); a.Status == 200 || len(sim.Log()) != 0 {
		t.Errorf("chat through a shadow = %d, and the operator's server saw %d calls, want none\n%s", a.Status, len(sim.Log()), a.Body)
	}
	if a := rival.chat("openai/gpt-4o", "hello"); a.Status != http.StatusOK {
		t.Errorf("chat of another account = %d, want 200\n%s", a.Status, a.Body)
	}
	own := &engine.Provider{AccountID: "acme", ID: "openai", BaseURL: sim.BaseURL("openai")}
	if g.secret(own, engine.EnvironmentCredential) != "" || g.providers.allowPrivate(own) || g.providers.isSimulated(own) {
		t.Error("a tenant's provider has the operator's key, or a private address")
	}
}
