package host

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/wasm"
)

// tenant is the gateway with a key of that new account's admin.
func (g *gateway) tenant(account string) *gateway {
	g.t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	if err := g.store.CreateAccount(g.t.Context(), engine.Account{ID: account, Name: account, CreatedAt: now}); err != nil {
		g.t.Fatal(err)
	}
	if err := g.store.CreateUser(g.t.Context(), engine.User{AccountID: account, ID: "boss", Role: engine.RoleAccountAdmin, CreatedAt: now}); err != nil {
		g.t.Fatal(err)
	}
	made := g.want(http.StatusCreated, http.MethodPost, "/api/v1/keys", map[string]any{"name": "boss", "account_id": account, "user_id": "boss"})
	boss := *g
	boss.key = made.field(g.t, "secret")
	return &boss
}

var builtChatty = built("testdata/chatty")

// buildChatty is the rule plugin of testdata/chatty under that name.
func buildChatty(t *testing.T, name, version string) []byte {
	t.Helper()
	return named(t, builtChatty, fmt.Sprintf(`{"name":%q,"version":%q,"kind":"rule","abi":1}`, name, version))
}

// A tenant uploads, uses, replaces and takes back its own plugin; another tenant neither sees
// nor uses it.
func TestTenantPlugin(t *testing.T) {
	g := startGateway(t)
	acme, rival := g.tenant("acme"), g.tenant("rival")
	first, second := buildChatty(t, "chatty", "1.0.0"), buildChatty(t, "chatty", "1.1.0")

	refused := acme.upload(first, "", `[
		{"name":"a horse is left alone","context":{"request":{"text":"a horse"}},"want":{"verdict":"abstain"}},
		{"name":"a zebra goes to gpt-5","context":{"request":{"text":"a zebra"}},"want":{"targets":["gpt-5"]}}]`)
	if refused.Status != 400 || !strings.Contains(string(refused.Body), `a zebra goes to gpt-5`) || !strings.Contains(string(refused.Body), "gpt-5.2") {
		t.Errorf("upload with a case that fails = %d %s, want 400 with the case's name and what it did", refused.Status, refused.Body)
	}
	if a := acme.do(http.MethodGet, "/api/v1/plugins/chatty", nil); a.Status != 404 {
		t.Errorf("the refused plugin = %d %s, want 404", a.Status, a.Body)
	}
	passed := `[{"name":"a zebra","context":{"request":{"text":"a zebra"}},"want":{"verdict":"decided","targets":["gpt-5.2"],"max_fuel":100000}}]`
	if a := acme.upload(first, "", passed); a.Status != 201 || a.field(t, "account_id") != "acme" || a.field(t, "active") != "true" {
		t.Fatalf("upload = %d %s, want 201, active, of acme", a.Status, a.Body)
	}
	if a := rival.upload(first, "?account_id=acme"); a.Status != 404 {
		t.Errorf("rival's upload to acme = %d, want 404\n%s", a.Status, a.Body)
	}
	rule := map[string]any{"id": "zebras", "name": "Zebras", "priority": 99, "plugin": "chatty", "target": "gpt-5"}
	acme.want(201, http.MethodPost, "/api/v1/rules", rule)
	if a := rival.do(http.MethodPost, "/api/v1/rules", rule); a.Status != 400 || !strings.Contains(string(a.Body), "chatty") {
		t.Errorf("rival's rule with acme's plugin = %d %s, want 400 with its name", a.Status, a.Body)
	}
	asked := acme.chat("auto", "a zebra")
	if got := asked.Header.Get("x-pointsman-rule") + " " + asked.Header.Get("x-pointsman-model"); got != "zebras gpt-5.2" {
		t.Errorf("acme's zebra was decided by %q, want zebras gpt-5.2\n%s", got, asked.Body)
	}
	fuel := regexp.MustCompile(`; fuel: (\d+)`).FindStringSubmatch(asked.Header.Get("x-pointsman-decision"))
	if fuel == nil {
		t.Fatalf("decision %q, want the fuel", asked.Header.Get("x-pointsman-decision"))
	}
	again := acme.chat("auto", "a zebra").Header.Get("x-pointsman-decision")
	if !strings.Contains(again, fuel[0]) {
		t.Errorf("the same request again: %q, want %q as before", again, fuel[0])
	}
	if a := rival.chat("auto", "a zebra"); a.Header.Get("x-pointsman-rule") == "zebras" {
		t.Error("rival's zebra was decided by acme's rule")
	}

	stats := acme.want(200, http.MethodGet, "/api/v1/plugins/chatty/1.0.0/stats", nil)
	spent, _ := strconv.ParseInt(fuel[1], 10, 64)
	if p50, _ := strconv.ParseInt(stats.field(t, "fuel_p50"), 10, 64); stats.field(t, "scope") != "replica" || stats.field(t, "calls") != "3" || p50 < spent || p50 > spent+spent/8+1 {
		t.Errorf("stats = %s, want 2 calls of %d, and the one with the config", stats.Body, spent)
	}
	logs := acme.want(200, http.MethodGet, "/api/v1/plugins/chatty/1.0.0/logs", nil)
	if text := string(logs.Body); strings.Count(text, `"text":"a zebra, a zebra"`) != 2 || !strings.Contains(text, asked.Header.Get("x-request-id")) || !strings.Contains(text, `"level":"warn"`) {
		t.Errorf("logs = %s, want both lines with their requests", text)
	}

	if a := acme.upload(second, "?activate=true"); a.Status != 201 {
		t.Fatalf("second version = %d %s", a.Status, a.Body)
	}
	for _, call := range [][2]string{
		{"GET", "/api/v1/plugins/chatty"}, {"GET", "/api/v1/plugins/chatty?account_id=acme"}, {"POST", "/api/v1/plugins/chatty/1.0.0/activate"},
		{"POST", "/api/v1/plugins/chatty/1.0.0/activate?account_id=acme"}, {"POST", "/api/v1/plugins/chatty/rollback?account_id=acme"},
		{"DELETE", "/api/v1/plugins/chatty/1.0.0?account_id=acme"}, {"GET", "/api/v1/plugins/chatty/1.0.0/logs?account_id=acme"},
		{"GET", "/api/v1/plugins/chatty/1.0.0/stats?account_id=acme"},
	} {
		rival.want(404, call[0], call[1], nil)
	}
	if text := string(rival.want(200, http.MethodGet, "/api/v1/plugins", nil).Body); strings.Contains(text, "chatty") {
		t.Errorf("rival's list = %s, want nothing of acme's", text)
	}
	acme.want(409, http.MethodDelete, "/api/v1/plugins/chatty/1.1.0", nil)
	if a := acme.want(200, http.MethodPost, "/api/v1/plugins/chatty/rollback", nil); a.field(t, "ref") != "chatty@1.0.0" {
		t.Errorf("rollback = %s, want chatty@1.0.0", a.Body)
	}
	acme.want(409, http.MethodPost, "/api/v1/plugins/chatty/rollback", nil)
	acme.want(204, http.MethodDelete, "/api/v1/plugins/chatty/1.1.0", nil)
	if got := acme.chat("auto", "a zebra").Header.Get("x-pointsman-rule"); got != "zebras" {
		t.Errorf("after the rollback the zebra was decided by %q, want zebras", got)
	}
	// The super admin manages every account's, of those that are there.
	if a := g.upload(first, "?account_id=nobody"); a.Status != 404 || !strings.Contains(string(a.Body), "There is no account 'nobody'") {
		t.Errorf("upload to an account that is not there = %d %s, want 404", a.Status, a.Body)
	}
	g.want(200, http.MethodGet, "/api/v1/plugins/chatty/1.0.0/stats?account_id=acme", nil)
	g.want(404, http.MethodGet, "/api/v1/plugins/chatty/1.0.0/stats", nil)
	provider, err := wasm.EmbedManifest(first, []byte(`{"name":"lab","version":"1.0.0","kind":"provider","abi":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if a := acme.upload(provider, ""); a.Status == 201 {
		t.Errorf("a tenant's provider plugin = %d, want it refused", a.Status)
	}
}

// A version that fails too often is suspended until somebody activates it again.
func TestActivateEndsSuspension(t *testing.T) {
	g := startGateway(t)
	acme := g.tenant("acme")
	for _, version := range []string{"1.0.0", "1.1.0"} {
		if a := acme.upload(buildChatty(t, "chatty", version), "?activate=true"); a.Status != 201 {
			t.Fatalf("upload of %s = %d %s", version, a.Status, a.Body)
		}
	}
	acme.want(201, http.MethodPost, "/api/v1/rules", map[string]any{"id": "zebras", "name": "Zebras", "priority": 99, "plugin": "chatty", "target": "gpt-5"})
	for range 5 {
		if a := acme.chat("auto", "explode"); a.Status != 200 {
			t.Fatalf("a request whose rule breaks = %d %s, want it passed on", a.Status, a.Body)
		}
	}
	const stats = "/api/v1/plugins/chatty/1.1.0/stats"
	suspended := string(acme.want(200, http.MethodGet, stats, nil).Body)
	if !strings.Contains(suspended, `"suspended_until"`) || !strings.Contains(suspended, `"unreachable":5`) && !strings.Contains(suspended, `"exit":5`) {
		t.Errorf("stats after five failures = %s, want them by kind, and the suspension", suspended)
	}
	if events := string(acme.want(200, http.MethodGet, "/api/v1/events", nil).Body); !strings.Contains(events, `"kind":"plugin_suspended","account_id":"acme","subject":"chatty@1.1.0"`) {
		t.Errorf("events = %s, want the suspension", events)
	}
	acme.want(204, http.MethodPost, "/api/v1/plugins/chatty/1.1.0/activate", nil)
	if again := string(acme.want(200, http.MethodGet, stats, nil).Body); strings.Contains(again, `"suspended_until"`) {
		t.Errorf("stats after activating it = %s, want no suspension", again)
	}
}
