package host

import (
	"net/http"
	"testing"
)

// What a dry run assumes comes true: a budget that is nearly used up, another user, a draft, a
// version of a plugin. What was told then is what the simulator's providers are asked.
func TestWhatIfsComeTrue(t *testing.T) {
	g := startGateway(t)
	acme := g.tenant("acme")
	for _, version := range []string{"1.0.0", "1.1.0"} {
		query := "?activate=true"
		if version == "1.1.0" {
			query = ""
		}
		module := buildChatty(t, "chatty", version)
		if version == "1.0.0" { // the first one decides otherwise
			module = named(t, builtExample, `{"name":"chatty","version":"1.0.0","kind":"rule","abi":1}`)
		}
		if a := acme.upload(module, query); a.Status != http.StatusCreated {
			t.Fatalf("upload of %s = %d %s", version, a.Status, a.Body)
		}
	}
	acme.want(http.StatusCreated, http.MethodPost, "/api/v1/rules", map[string]any{"id": "zebras", "name": "Zebras", "priority": 99, "plugin": "chatty", "target": "gpt-5",
		"config": map[string]any{"topics": []map[string]any{{"name": "animals", "words": []string{"zebra"}, "model": "gpt-4.1"}}}})
	acme.want(http.StatusCreated, http.MethodPost, "/api/v1/rules", map[string]any{"id": "frugal", "name": "Frugal", "priority": 300, "when": "budget.left_fraction < 0.1", "target": "gpt-5-mini"})
	acme.want(http.StatusCreated, http.MethodPost, "/api/v1/rules", map[string]any{"id": "anns", "name": "Ann's", "priority": 200, "when": "caller.user == 'ann'", "target": "claude-sonnet-4"})
	acme.want(http.StatusCreated, http.MethodPost, "/api/v1/users", map[string]any{"id": "ann", "name": "Ann", "role": "user"})
	made := acme.want(http.StatusCreated, http.MethodPost, "/api/v1/keys", map[string]any{"name": "ann", "user_id": "ann"})
	ann := *g
	ann.key = made.field(t, "secret")

	draft := []map[string]any{{"id": "owls", "name": "Owls", "priority": 400, "when": "mentions('owl')", "target": "gemini-2.5-pro", "enabled": true}}
	told := func(text string, what map[string]any) explained {
		t.Helper()
		return acme.explain(t, map[string]any{"request": chatBody("auto", text), "what_if": what})
	}
	for _, c := range []struct {
		name, text string
		what       map[string]any
		wantRule   string
		true       func() *gateway // makes it so, and says who asks
	}{
		{"as another user", "good morning", map[string]any{"user_id": "ann"}, "anns", func() *gateway { return &ann }},
		{"another version of a plugin", "a zebra", map[string]any{"plugin": "chatty", "plugin_version": "1.1.0"}, "zebras", func() *gateway {
			acme.want(http.StatusNoContent, http.MethodPost, "/api/v1/plugins/chatty/1.1.0/activate", nil)
			return acme
		}},
		{"a budget at 95 %", "good morning", map[string]any{"budget_left_fraction": 0.05}, "frugal", func() *gateway {
			acme.want(http.StatusCreated, http.MethodPost, "/api/v1/budgets", map[string]any{"id": "month", "period": "month", "amount": "100.00", "hard": true})
			acme.want(http.StatusCreated, http.MethodPost, "/api/v1/costs/record", map[string]any{"id": "invoice", "provider": "elsewhere", "cost_usd": "95.00", "at": testNow})
			return acme
		}},
		{"a draft", "an owl", map[string]any{"rules": draft}, "owls", func() *gateway {
			acme.want(http.StatusCreated, http.MethodPost, "/api/v1/rules/publish", map[string]any{"rules": draft, "was": 3})
			return acme
		}},
	} {
		before := told(c.text, nil)
		if before.Rule == c.wantRule && c.name != "another version of a plugin" {
			t.Errorf("%s: decided by %s already", c.name, before.Rule)
		}
		assumed := told(c.text, c.what)
		done := c.true().chat("auto", c.text)
		rule, model := done.Header.Get("x-pointsman-rule"), done.Header.Get("x-pointsman-model")
		if assumed.Rule != c.wantRule || rule != assumed.Rule || model != assumed.first() || assumed.first() == before.first() {
			t.Errorf("%s: %s by %s before, told %s by %s, done %s by %s (%s), want what was told, by %s",
				c.name, before.first(), before.Rule, assumed.first(), assumed.Rule, model, rule, done.Header.Get("x-pointsman-decision"), c.wantRule)
		}
	}
}
