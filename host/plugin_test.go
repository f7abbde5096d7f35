package host

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/engine/wasm"
)

const topicRouter = "../examples/plugins/go-topic-router"

// built is a Go package of a rule plugin, compiled once for all tests, without a name.
func built(dir string) func() ([]byte, error) {
	return sync.OnceValues(func() ([]byte, error) {
		work, err := os.MkdirTemp(compiledDir, "built-")
		if err != nil {
			return nil, err
		}
		manifest, out := filepath.Join(work, "manifest.json"), filepath.Join(work, "plugin.wasm")
		if err := os.WriteFile(manifest, []byte(`{"name":"built","version":"1.0.0","kind":"rule","abi":1}`), 0o600); err != nil {
			return nil, err
		}
		if err := wasm.BuildGo(context.Background(), dir, manifest, out); err != nil {
			return nil, err
		}
		return os.ReadFile(out)
	})
}

// named is a built plugin with that manifest.
func named(t *testing.T, built func() ([]byte, error), manifest string) []byte {
	t.Helper()
	module, err := built()
	if err == nil {
		module, err = wasm.EmbedManifest(module, []byte(manifest))
	}
	if err != nil {
		t.Fatal(err)
	}
	return module
}

var builtExample = built(topicRouter)

// buildExample is the example rule with that version in its manifest.
func buildExample(t *testing.T, version string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(topicRouter, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest map[string]any
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	manifest["version"] = version
	if text, err = json.Marshal(manifest); err != nil {
		t.Fatal(err)
	}
	return named(t, builtExample, string(text))
}

// upload posts a module, and the fixtures if there are any, as a browser's form would.
func (g *gateway) upload(module []byte, query string, fixtures ...string) answer {
	g.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("module", "plugin.wasm")
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := part.Write(module); err != nil {
		g.t.Fatal(err)
	}
	for _, text := range fixtures {
		if part, err = form.CreateFormFile("fixtures", "fixtures.json"); err != nil {
			g.t.Fatal(err)
		}
		if _, err := part.Write([]byte(text)); err != nil {
			g.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		g.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.URL()+"/api/v1/plugins"+query, &body)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+g.key)
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, text}
	checkDeclared(g.t, http.MethodPost, "/api/v1/plugins"+query, a)
	return a
}

// A plugin that a super admin uploads decides requests beside the expr rules, at
// once and without a restart, and after one.
func TestUploadedPluginDecides(t *testing.T) {
	var again func(*Config, *Options)
	g := startGateway(t, func(c *Config, o *Options) {
		kept := *c
		again = func(c *Config, _ *Options) { c.DataDir = kept.DataDir }
	})
	if a := g.upload([]byte("\x00asm\x01\x00\x00\x00"), ""); a.Status != 400 {
		t.Errorf("upload of an empty module = %d, want 400\n%s", a.Status, a.Body)
	}
	first, second := buildExample(t, "1.0.0"), buildExample(t, "1.1.0")
	if a := g.upload(first, ""); a.Status != 201 {
		t.Fatalf("upload = %d, want 201\n%s", a.Status, a.Body)
	}
	if a := g.upload(first, ""); a.Status != 200 {
		t.Errorf("the same bytes again = %d, want 200\n%s", a.Status, a.Body)
	}
	other := append(bytes.Clone(first), 0, 2, 1, 'x') // a custom section named x
	if a := g.upload(other, ""); a.Status != 409 {
		t.Errorf("other bytes under the same version = %d, want 409\n%s", a.Status, a.Body)
	}
	config := map[string]any{"topics": []any{map[string]any{"name": "animals", "words": []string{"zebra", "screenshot"}, "model": "gpt-5.2"}}}
	rule := map[string]any{"id": "topics", "name": "Topics", "priority": 98, "plugin": "go-topic-router", "target": "gpt-5", "enabled": true, "config": config}
	bad := map[string]any{"id": "bad", "name": "Bad", "plugin": "go-topic-router", "target": "gpt-5", "config": map[string]any{"topics": []any{}}}
	if a := g.do(http.MethodPost, "/api/v1/rules", bad); a.Status != 400 || !strings.Contains(string(a.Body), "at least one topic") {
		t.Errorf("a config that the plugin refuses = %d, want 400 with the plugin's words\n%s", a.Status, a.Body)
	}
	if a := g.do(http.MethodPost, "/api/v1/rules", rule); a.Status != 201 {
		t.Fatalf("create rule = %d\n%s", a.Status, a.Body)
	}
	check := func(when string) {
		t.Helper()
		for _, tt := range []struct{ text, want string }{
			{"a zebra", "topics gpt-5.2"},
			{"explain a zebra", "topics gpt-5.2"},                              // before 88
			{"a screenshot of a zebra", "screenshot-analysis claude-opus-4.5"}, // 100 before it
			{"explain tides", "complex-reasoning claude-opus-4.5"},             // it abstains
		} {
			a := g.chat("auto", tt.text)
			if got := a.Header.Get("x-pointsman-rule") + " " + a.Header.Get("x-pointsman-model"); got != tt.want {
				t.Errorf("%s: %q was decided by %q, want %q\n%s", when, tt.text, got, tt.want, a.Body)
			}
		}
	}
	check("uploaded")
	if a := g.upload(second, ""); a.Status != 201 || strings.Contains(string(a.Body), `"active":true`) {
		t.Errorf("a second version = %d, want 201 and not active yet\n%s", a.Status, a.Body)
	}
	if a := g.do(http.MethodPost, "/api/v1/plugins/go-topic-router/1.1.0/activate", nil); a.Status != 200 && a.Status != 204 {
		t.Errorf("activate = %d\n%s", a.Status, a.Body)
	}
	check("second version")
	if a := g.do(http.MethodDelete, "/api/v1/plugins/go-topic-router/1.1.0", nil); a.Status != 409 {
		t.Errorf("delete while a rule uses it = %d, want 409\n%s", a.Status, a.Body)
	}
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	g = startGateway(t, again)
	check("restarted")
}

// The names of built-in adapters are not for rules: what is found under a name is one plugin.
func TestBuiltInNamesStayAdapters(t *testing.T) {
	g := startGateway(t)
	module, err := wasm.EmbedManifest(buildExample(t, "1.0.0"), []byte(`{"name":"openai","version":"9.0.0","kind":"rule","abi":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if a := g.upload(module, "?activate=true"); a.Status != 400 || !strings.Contains(string(a.Body), "built-in provider plugin") {
		t.Errorf("upload of a rule named openai = %d, want 400 with the reason\n%s", a.Status, a.Body)
	}
	if a := g.chat("gpt-4o", "hello"); a.Status != 200 {
		t.Errorf("completion = %d, want 200\n%s", a.Status, a.Body)
	}
}
