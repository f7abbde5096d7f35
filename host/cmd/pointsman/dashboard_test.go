package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/host/simulator"
)

// The dashboard, in a real browser at the real program: login, every page in both themes, the
// journeys. The tests themselves are host/dashboard/web/e2e.
func TestDashboard(t *testing.T) {
	web, err := filepath.Abs("../../dashboard/web")
	if err != nil {
		t.Fatal(err)
	}
	lacking := func(what string) {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s: make test sees to it", what)
		}
		t.Skipf("%s: make test sees to it", what)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		lacking("node is missing")
	}
	if _, err := os.Stat("/usr/bin/chromium"); err != nil && os.Getenv("CHROMIUM") == "" {
		lacking("chromium is missing")
	}
	if _, err := os.Stat(filepath.Join(web, "node_modules", "playwright-core")); err != nil {
		lacking("the dashboard's packages are not installed")
	}

	sim := simulator.New(simulator.Config{})
	if _, err := sim.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	admin := strings.Repeat("admin-", 5)
	p := serveProgram(t, binary, t.TempDir(), "POINTSMAN_ADMIN_KEY="+admin,
		"OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL="+sim.BaseURL("openai"),
		"ANTHROPIC_API_KEY=sk-test", "ANTHROPIC_BASE_URL="+sim.BaseURL("anthropic"),
		"GEMINI_API_KEY=test", "GEMINI_BASE_URL="+sim.BaseURL("google"))
	p.key = admin
	if _, _, page := p.call(http.MethodGet, "/ui/", nil); !bytes.Contains(page, []byte("<script")) {
		lacking("the dashboard is not built")
	}
	keys := map[string]string{"super_admin": admin}
	for _, role := range []string{"account_admin", "user"} {
		id := strings.ReplaceAll(role, "_", "-")
		if status, _, body := p.call(http.MethodPost, "/api/v1/users", map[string]any{"id": id, "name": role, "role": role}); status != http.StatusCreated {
			t.Fatalf("create a user with role %s = %d\n%s", role, status, body)
		}
		var made struct{ Secret string }
		if status := p.ask(http.MethodPost, "/api/v1/keys", map[string]any{"user_id": id, "name": "e2e"}, &made); status != http.StatusCreated {
			t.Fatalf("create a key with role %s = %d", role, status)
		}
		keys[role] = made.Secret
	}
	for _, text := range []string{"hello there", "please help me with a question", "why is the sky blue?", "fix this typo", "summarize the document"} {
		p.ruleOf(text)
	}
	given, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	artifacts, err := filepath.Abs("../../../.build/artifacts/dashboard")
	if err != nil {
		t.Fatal(err)
	}
	module := buildExample(t, "go-topic-router")

	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
	defer cancel()
	files := "e2e/"
	if one := os.Getenv("E2E"); one != "" { // while a test is written: E2E=e2e/journeys.test.mjs
		files = one
	}
	cmd := exec.CommandContext(ctx, node, "--test", "--test-concurrency=1", files)
	cmd.Dir = web
	cmd.Env = append(os.Environ(), "POINTSMAN_URL="+p.url, "POINTSMAN_KEYS="+string(given), "SIMULATOR_URL="+strings.TrimSuffix(sim.BaseURL("anthropic"), "/anthropic"),
		"PLUGIN="+module, "ARTIFACTS="+artifacts, "NO_COLOR=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("node --test e2e: %v\n%s", err, out)
	}
	t.Logf("screenshots are in %s", artifacts)
}

// buildExample builds a plugin of examples/plugins and returns the module's path.
func buildExample(t *testing.T, name string) string {
	t.Helper()
	module := filepath.Join(t.TempDir(), name+".wasm")
	folder := filepath.Join("..", "..", "..", "examples", "plugins", name)
	cmd := exec.Command(binary, "plugin", "build", "--manifest", filepath.Join(folder, "manifest.json"), "--package", "./"+folder, "-o", module)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("plugin build: %v\n%s", err, out)
	}
	return module
}
