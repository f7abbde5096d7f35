package host

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// company is a gateway with the account acme, whose user ann is in the team red.
type company struct {
	*gateway                      // the super admin
	boss, lead, ann *gateway      // the same, with other keys
	later           *atomic.Int64 // how far the clock of requests has moved, ns
}

func newCompany(t *testing.T, change ...func(*Config, *Options)) *company {
	t.Helper()
	c := &company{later: &atomic.Int64{}}
	c.gateway = startGateway(t, append(change, func(_ *Config, o *Options) {
		o.Now = func() time.Time { return testNow.Add(time.Duration(c.later.Load())) }
	})...)
	c.want(201, http.MethodPost, "/api/v1/accounts", map[string]any{"id": "acme", "name": "Acme"})
	for _, team := range []string{"red", "blue"} {
		c.want(201, http.MethodPost, "/api/v1/teams", map[string]any{"id": team, "name": team, "account_id": "acme"})
	}
	as := func(id, team, role string) *gateway {
		c.want(201, http.MethodPost, "/api/v1/users", map[string]any{"id": id, "name": id, "account_id": "acme", "team_id": team, "role": role})
		made := c.want(201, http.MethodPost, "/api/v1/keys", map[string]any{"name": id, "account_id": "acme", "user_id": id})
		g := *c.gateway
		g.key = made.field(t, "secret")
		return &g
	}
	c.boss, c.lead, c.ann = as("boss", "", "account_admin"), as("lead", "red", "team_lead"), as("ann", "red", "user")
	return c
}

const (
	ofAcme = "/api/v1/preferences?account_id=acme&level=account"
	ofRed  = "/api/v1/preferences?account_id=acme&team_id=red"
	ofAnn  = "/api/v1/preferences?account_id=acme&user_id=ann"
)

// override is the path of an override at that level.
func override(of string) string {
	return strings.Replace(of, "preferences?", "preferences/override?", 1)
}

// decidedBy is who decided ann's request, and for which model; the error's code when it is refused.
func (c *company) decidedBy(model, task string) string {
	c.t.Helper()
	body := chatBody(model, "hello there")
	if task != "" {
		body["metadata"] = map[string]any{"task_type": task}
	}
	a := c.ann.do(http.MethodPost, "/v1/chat/completions", body)
	if a.Status != http.StatusOK {
		return a.field(c.t, "error", "code")
	}
	return a.Header.Get("x-pointsman-rule") + " " + a.Header.Get("x-pointsman-model")
}

func (c *company) decides(when, model, task, want string) {
	c.t.Helper()
	if got := c.decidedBy(model, task); got != want {
		c.t.Errorf("%s: %q for the task %q is decided by %q, want %q", when, model, task, got, want)
	}
}

// refused fails unless the request gets that status and a detail with those words.
func refused(t *testing.T, a answer, status int, words string) {
	t.Helper()
	if a.Status != status || !strings.Contains(a.field(t, "detail"), words) {
		t.Errorf("answer = %d %s, want %d and %q", a.Status, a.Body, status, words)
	}
}

// TestSettings tries preferences, overrides and assignments through the API, on both stores.
func TestSettings(t *testing.T) {
	t.Parallel()
	stores := map[string]func(t *testing.T) func(*Config, *Options){
		"sqlite": func(*testing.T) func(*Config, *Options) { return func(*Config, *Options) {} },
		"postgres": func(t *testing.T) func(*Config, *Options) {
			url := storetest.PostgresURL(t)
			return func(c *Config, _ *Options) { c.DatabaseURL, c.EncryptionKey = url, strings.Repeat("k", 32) }
		},
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCompany(t, store(t))
			// One after the other: each leaves nothing behind.
			for _, part := range []func(*testing.T, *company){
				mostSpecificWins, aboveLocks, superAdminOverrides, listsNarrow, ownRulesOnly, tasksAreAssigned, assignmentsLockAndExpire, settingsAreChecked,
			} {
				part(t, c)
			}
		})
	}
}

func mostSpecificWins(t *testing.T, c *company) {
	c.decides("nothing is set", "auto", "", "default gpt-4o")
	for _, s := range []struct {
		who      *gateway
		of, name string
	}{{c.boss, ofAcme, "gpt-5"}, {c.lead, ofRed, "gpt-5.2"}, {c.ann, ofAnn, "claude-haiku-4.5"}} {
		s.who.want(200, http.MethodPut, s.of, map[string]any{"default_model": s.name})
		c.decides("set by "+s.of, "auto", "", "default "+s.name)
	}
	e := c.ann.want(200, http.MethodGet, "/api/v1/preferences/effective", nil)
	if got := e.field(t, "sources", "default_model", "level"); got != "user" {
		t.Errorf("source of default_model = %q, want user: %s", got, e.Body)
	}
	if got := e.field(t, "sources", "default_model", "by"); got != "acme/ann" {
		t.Errorf("author of default_model = %q, want acme/ann", got)
	}
	if seen := c.lead.want(200, http.MethodGet, "/api/v1/preferences/effective?user_id=ann", nil); string(seen.Body) != string(e.Body) {
		t.Errorf("what her lead sees of ann = %s, want %s", seen.Body, e.Body)
	}
	c.ann.want(200, http.MethodPatch, ofAnn, map[string]any{"default_model": nil})
	c.decides("unset by the user", "auto", "", "default gpt-5.2")
	c.lead.want(204, http.MethodDelete, ofRed, nil)
	c.decides("deleted by the lead", "auto", "", "default gpt-5")
	c.boss.want(204, http.MethodDelete, ofAcme, nil)
	c.boss.want(204, http.MethodDelete, ofAnn, nil)
	c.decides("nothing is left", "auto", "", "default gpt-4o")
	c.boss.want(404, http.MethodDelete, ofAcme, nil)
}

func aboveLocks(t *testing.T, c *company) {
	c.ann.want(200, http.MethodPut, ofAnn, map[string]any{"default_model": "gpt-5.2"})
	c.boss.want(200, http.MethodPut, ofAcme, map[string]any{"default_model": "gpt-5", "locked": []string{"default_model", "allowed_models"}})
	c.decides("locked by the account", "auto", "", "default gpt-5")
	refused(t, c.ann.do(http.MethodPatch, ofAnn, map[string]any{"default_model": "gpt-4o"}), 403, "locked by the level account")
	refused(t, c.ann.do(http.MethodDelete, ofAnn, nil), 403, "locked by the level account")
	refused(t, c.lead.do(http.MethodPut, ofRed, map[string]any{"allowed_models": []string{"gpt-5"}}), 403, "locked by the level account")
	refused(t, c.lead.do(http.MethodPatch, ofAcme, map[string]any{"locked": nil}), 403, "level account")
	c.ann.want(200, http.MethodPatch, ofAnn, map[string]any{"prefer_cost": true})
	e := c.ann.want(200, http.MethodGet, "/api/v1/preferences/effective", nil)
	if e.field(t, "sources", "default_model", "level") != "account" || e.field(t, "sources", "default_model", "locked") != "true" || e.field(t, "prefer_cost") != "true" {
		t.Errorf("effective = %s, want the account's locked default and the user's preference", e.Body)
	}
	c.boss.want(200, http.MethodPatch, ofAcme, map[string]any{"locked": []string{}})
	c.decides("unlocked", "auto", "", "default gpt-5.2")
	c.boss.want(204, http.MethodDelete, ofAcme, nil)
	c.ann.want(204, http.MethodDelete, ofAnn, nil)
}

func superAdminOverrides(t *testing.T, c *company) {
	c.boss.want(200, http.MethodPut, ofAcme, map[string]any{"default_model": "gpt-5", "allowed_models": []string{"gpt-5", "gpt-5.2"}, "locked": []string{"default_model"}})
	reason := map[string]any{"default_model": "gpt-5.2", "reason": "gpt-5 is retired next week"}
	for _, who := range []*gateway{c.boss, c.lead, c.ann} {
		who.want(403, http.MethodPut, override(ofAcme), reason)
	}
	refused(t, c.do(http.MethodPut, override(ofAcme), map[string]any{"default_model": "gpt-5.2", "reason": "  "}), 400, "'reason'")
	refused(t, c.do(http.MethodPut, override(ofAcme), map[string]any{"reason": "none"}), 400, "needs a member")
	c.want(200, http.MethodPut, override(ofAcme), reason)
	c.decides("overridden", "auto", "", "default gpt-5.2")
	for _, of := range []string{ofAcme, "/api/v1/preferences/effective"} {
		a := c.ann.want(200, http.MethodGet, of, nil)
		if body := string(a.Body); !strings.Contains(body, "gpt-5 is retired next week") || !strings.Contains(body, "default/") {
			t.Errorf("GET %s = %s, want the override with who and why", of, body)
		}
	}
	if a := c.ann.want(200, http.MethodGet, ofAcme, nil); a.field(t, "default_model") != "gpt-5" || a.field(t, "override", "default_model") != "gpt-5.2" {
		t.Errorf("GET preferences = %s, want the setting with the override beside it", a.Body)
	}
	c.want(200, http.MethodPut, override(ofRed), map[string]any{"model": "claude-haiku-4.5", "reason": "incident 7"})
	c.decides("sent elsewhere, whatever is allowed", "auto", "", "override claude-haiku-4.5")
	c.decides("a pin is sent elsewhere too", "gpt-5", "", "override claude-haiku-4.5")
	c.want(204, http.MethodDelete, override(ofRed), nil)
	c.decides("removed at the team", "auto", "", "default gpt-5.2")
	c.want(204, http.MethodDelete, override(ofAcme), nil)
	c.decides("removed", "auto", "", "default gpt-5")
	c.want(404, http.MethodDelete, override(ofAcme), nil)
	c.boss.want(204, http.MethodDelete, ofAcme, nil)
}

// offered are the models that GET /v1/models shows, without auto.
func (c *company) offered() []string {
	c.t.Helper()
	var list struct{ Data []struct{ ID string } }
	if err := json.Unmarshal(c.ann.want(200, http.MethodGet, "/v1/models", nil).Body, &list); err != nil {
		c.t.Fatal(err)
	}
	var ids []string
	for _, m := range list.Data {
		if m.ID != "auto" {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func listsNarrow(t *testing.T, c *company) {
	c.boss.want(200, http.MethodPut, ofAcme, map[string]any{"allowed_models": []string{"gpt-5", "gpt-5.2", "claude-haiku-4.5"}})
	c.lead.want(200, http.MethodPut, ofRed, map[string]any{"allowed_models": []string{"gpt-5.2", "gpt-5", "gpt-4o"}, "blocked_models": []string{"gpt-5"}, "default_model": "gpt-5.2"})
	c.decides("the intersection, less what is blocked", "auto", "", "default gpt-5.2")
	if got := c.offered(); !slices.Equal(got, []string{"gpt-5.2"}) {
		t.Errorf("GET /v1/models = %q, want what ann may use", got)
	}
	for _, id := range []string{"gpt-4o", "gpt-5", "claude-haiku-4.5", "anthropic/claude-haiku-4.5"} {
		c.decides("a pin that is not allowed", id, "", "model_not_allowed")
	}
	if a := c.ann.do(http.MethodPost, "/v1/chat/completions", chatBody("gpt-5", "x")); a.Status != 403 {
		t.Errorf("a blocked pin = %d %s, want 403", a.Status, a.Body)
	}
	c.ann.want(404, http.MethodGet, "/v1/models/gpt-5", nil)
	c.decides("a pin that is", "gpt-5.2", "", "pinned gpt-5.2")
	c.boss.want(200, http.MethodPatch, ofAcme, map[string]any{"allowed_models": []string{}})
	c.decides("nothing is allowed", "auto", "", "model_not_allowed")
	c.boss.want(204, http.MethodDelete, ofAcme, nil)
	c.lead.want(204, http.MethodDelete, ofRed, nil)
}

func ownRulesOnly(t *testing.T, c *company) {
	a := c.boss.want(201, http.MethodPost, "/api/v1/rules", map[string]any{"id": "hello", "name": "hello", "priority": 1, "when": `mentions("hello there")`, "target": "gpt-5.2"})
	c.want(201, http.MethodPost, "/api/v1/rules", map[string]any{"id": "everything", "name": "everything", "priority": 9_000, "when": "true", "target": "claude-haiku-4.5"})
	c.decides("a global rule of higher priority", "auto", "", "everything claude-haiku-4.5")
	c.boss.want(200, http.MethodPut, ofAcme, map[string]any{"custom_rules_only": true})
	c.decides("its own rules only", "auto", "", "hello gpt-5.2")
	refused(t, c.lead.do(http.MethodPut, ofRed, map[string]any{"custom_rules_only": true}), 400, "setting of the account")
	c.boss.want(204, http.MethodDelete, ofAcme, nil)
	c.boss.want(204, http.MethodDelete, a.Header.Get("Location"), nil)
	c.want(204, http.MethodDelete, "/api/v1/rules/everything", nil)
}

func tasksAreAssigned(t *testing.T, c *company) {
	made := func(who *gateway, id string, more map[string]any) string {
		body := map[string]any{"id": id, "task_type": "review", "model": "gpt-5"}
		for k, v := range more {
			body[k] = v
		}
		return who.want(201, http.MethodPost, "/api/v1/assignments", body).Header.Get("Location")
	}
	paths := []string{made(c.boss, "all", nil)}
	c.decides("of the account", "auto", "review", "assignment gpt-5")
	c.decides("of another task", "auto", "translation", "default gpt-4o")
	c.decides("a pin goes first", "gpt-5.2", "review", "pinned gpt-5.2")
	paths = append(paths, made(c.lead, "red", map[string]any{"model": "gpt-5.2", "when": `caller.team == "red" and mentions("hello")`}))
	c.decides("of the team", "auto", "review", "assignment gpt-5.2")
	paths = append(paths, made(c.ann, "ann", map[string]any{"model": "claude-haiku-4.5", "when": `mentions("zebra")`}))
	c.decides("a condition that does not hold", "auto", "review", "assignment gpt-5.2")
	c.ann.want(200, http.MethodPatch, paths[2], map[string]any{"when": ""})
	c.decides("of the user", "auto", "review", "assignment claude-haiku-4.5")
	c.ann.want(200, http.MethodPatch, paths[2], map[string]any{"enabled": false})
	c.lead.want(200, http.MethodPatch, paths[1], map[string]any{"allowed_models": []string{"gpt-5.2", "gpt-4o"}})
	c.decides("a pin outside the task's models", "claude-haiku-4.5", "review", "model_not_allowed")
	refused(t, c.lead.do(http.MethodPatch, paths[1], map[string]any{"model": "gpt-5"}), 400, "allowed_models")
	bad := c.lead.do(http.MethodPatch, paths[1], map[string]any{"when": "request.tokns > 5"})
	if bad.Status != 400 || bad.field(t, "code") != "rule_compile" || bad.field(t, "column") != "9" {
		t.Errorf("a condition that does not compile = %d %s, want 400 with its place", bad.Status, bad.Body)
	}
	for i, who := range []*gateway{c.boss, c.lead, c.ann} {
		who.want(204, http.MethodDelete, paths[i], nil)
	}
	c.decides("deleted", "auto", "review", "default gpt-4o")
}

func assignmentsLockAndExpire(t *testing.T, c *company) {
	c.lead.want(201, http.MethodPost, "/api/v1/assignments", map[string]any{"id": "red", "task_type": "review", "model": "gpt-5.2"})
	c.boss.want(201, http.MethodPost, "/api/v1/assignments", map[string]any{"id": "all", "task_type": "review", "model": "gpt-5", "locked": true, "expires_at": testNow.Add(time.Hour)})
	c.decides("locked by the account", "auto", "review", "assignment gpt-5")
	refused(t, c.ann.do(http.MethodPost, "/api/v1/assignments", map[string]any{"task_type": "review", "model": "gpt-4o"}), 403, "locked by the level account")
	refused(t, c.lead.do(http.MethodPatch, "/api/v1/assignments/red", map[string]any{"priority": 99}), 403, "locked by the level account")
	c.later.Store(int64(time.Hour))
	c.decides("the lock has expired", "auto", "review", "assignment gpt-5.2")
	refused(t, c.boss.do(http.MethodPost, "/api/v1/assignments", map[string]any{"task_type": "late", "model": "gpt-5", "expires_at": testNow.Add(time.Minute)}), 400, "in the future")
	c.later.Store(0)
	c.boss.want(204, http.MethodDelete, "/api/v1/assignments/all", nil)
	c.lead.want(204, http.MethodDelete, "/api/v1/assignments/red", nil)
	c.boss.want(201, http.MethodPost, "/api/v1/assignments", map[string]any{"id": "for-ann", "user_id": "ann", "task_type": "review", "model": "gpt-5"})
	refused(t, c.ann.do(http.MethodDelete, "/api/v1/assignments/for-ann", nil), 403, "made for you by acme/boss")
	c.boss.want(204, http.MethodDelete, "/api/v1/assignments/for-ann", nil)
}

func settingsAreChecked(t *testing.T, c *company) {
	long := make([]string, 201)
	for i := range long {
		long[i] = "gpt-5"
	}
	for _, tt := range []struct {
		name   string
		who    *gateway
		of     string
		body   map[string]any
		status int
	}{
		{"no such model", c.boss, ofAcme, map[string]any{"default_model": "gpt-6"}, 400},
		{"no such model in a list", c.boss, ofAcme, map[string]any{"blocked_models": []string{"gpt-5", "gpt-6"}}, 400},
		{"embeddings serve no chat", c.boss, ofAcme, map[string]any{"default_model": "text-embedding-3-small"}, 400},
		{"a list too long", c.boss, ofAcme, map[string]any{"allowed_models": long}, 422},
		{"an unknown member", c.boss, ofAcme, map[string]any{"prefer_luck": true}, 422},
		{"an unknown lock", c.boss, ofAcme, map[string]any{"locked": []string{"everything"}}, 400},
		{"a model without an override", c.boss, ofAcme, map[string]any{"model": "gpt-5"}, 422},
		{"no amount", c.boss, ofAcme, map[string]any{"max_cost_per_day": "-1"}, 400},
		{"a negative cap", c.boss, ofAcme, map[string]any{"max_tokens_per_day": -1}, 422},
		{"a lock below a user", c.boss, ofAnn, map[string]any{"locked": []string{"default_model"}}, 400},
		{"a user's own cap", c.ann, ofAnn, map[string]any{"max_tokens_per_day": 1}, 403},
		{"a user's team", c.ann, ofRed, map[string]any{"prefer_cost": true}, 403},
		{"a lead's account", c.lead, ofAcme, map[string]any{"prefer_cost": true}, 403},
		{"another team", c.lead, strings.Replace(ofRed, "red", "blue", 1), map[string]any{"prefer_cost": true}, 404},
		{"another account", c.boss, strings.Replace(ofAcme, "acme", "default", 1), map[string]any{"prefer_cost": true}, 404},
		{"everybody", c.boss, "/api/v1/preferences?level=global", map[string]any{"prefer_cost": true}, 403},
		{"no such team", c.boss, strings.Replace(ofRed, "red", "green", 1), map[string]any{"prefer_cost": true}, 404},
		{"ids that do not fit", c.boss, ofRed + "&user_id=ann&level=team", map[string]any{"prefer_cost": true}, 400},
	} {
		if a := tt.who.do(http.MethodPut, tt.of, tt.body); a.Status != tt.status {
			t.Errorf("%s: PUT %s = %d %s, want %d", tt.name, tt.of, a.Status, a.Body, tt.status)
		}
	}
	// What GET gives can be sent back, and an old version is noticed.
	first := c.boss.want(200, http.MethodPut, ofAcme, map[string]any{"max_cost_per_day": "12.50", "max_tokens_per_day": 0, "allowed_models": []string{}})
	if first.field(t, "max_cost_per_day") != "12.50" || first.field(t, "allowed_models") != "[]" {
		t.Errorf("PUT = %s, want what was sent", first.Body)
	}
	second := c.boss.want(200, http.MethodPut, ofAcme, string(first.Body))
	c.boss.want(409, http.MethodPut, ofAcme, string(first.Body))
	if second.Header.Get("ETag") == first.Header.Get("ETag") {
		t.Error("two writes have one ETag")
	}
	c.boss.want(200, http.MethodPatch, ofAcme, map[string]any{"allowed_models": nil})
	e := c.ann.want(200, http.MethodGet, "/api/v1/preferences/effective", nil)
	if got := e.field(t, "caps", "max_cost_per_day") + " " + e.field(t, "caps", "max_tokens_per_day") + " " + e.field(t, "allowed_models"); got != "12.50 0 " {
		t.Errorf("caps = %q, want 12.50 and 0, and every model", got)
	}
	c.boss.want(204, http.MethodDelete, ofAcme, nil)
	log := c.boss.want(200, http.MethodGet, "/api/v1/audit?action=preferences.", nil)
	if got := log.field(t, "data", "action"); got != "preferences.delete" {
		t.Errorf("the newest audit entry is %q, want preferences.delete", got)
	}
	log = c.boss.want(200, http.MethodGet, "/api/v1/audit?action=override.set&object=override/account", nil)
	if log.field(t, "data", "reason") != "gpt-5 is retired next week" || log.field(t, "data", "actor_account") != "default" {
		t.Errorf("audit of the override = %s, want who did it and why", log.Body)
	}
}

// What is stored holds from the first request after a start. An assignment whose condition no
// longer compiles matches nothing and costs no start; what it locks stays locked.
func TestSettingsAreLoadedAtStart(t *testing.T) {
	t.Parallel()
	model := "gpt-5"
	g := startGateway(t, storedBefore(t, func(s engine.Store) {
		must(t, s.PutPreferences(t.Context(), engine.Preferences{DefaultModel: &model, CreatedAt: testNow, UpdatedAt: testNow}, time.Time{}))
		for _, a := range []engine.Assignment{
			{ID: "good", TaskType: "review", Model: "gpt-5.2", Priority: 1, Enabled: true},
			{ID: "broken", TaskType: "review", Model: "claude-haiku-4.5", Priority: 2, When: "request.tokns > 1", Locked: true, Enabled: true},
			{Tenant: engine.Tenant{AccountID: "default"}, ID: "below", TaskType: "review", Model: "gpt-4o", Enabled: true},
		} {
			a.CreatedAt, a.UpdatedAt = testNow, testNow
			if a.AccountID != "" {
				must(t, s.CreateAccount(t.Context(), engine.Account{ID: a.AccountID, Name: a.AccountID, CreatedAt: testNow}))
			}
			must(t, s.CreateAssignment(t.Context(), a))
		}
	}))
	for _, c := range []struct{ task, want string }{{"", "default gpt-5"}, {"review", "assignment gpt-5.2"}} {
		body := chatBody("auto", "hello")
		if c.task != "" {
			body["metadata"] = map[string]any{"task_type": c.task}
		}
		a := g.do(http.MethodPost, "/v1/chat/completions", body)
		if got := a.Header.Get("x-pointsman-rule") + " " + a.Header.Get("x-pointsman-model"); got != c.want {
			t.Errorf("the task %q is decided by %q (%d), want %q", c.task, got, a.Status, c.want)
		}
	}
}
