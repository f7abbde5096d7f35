package host

import (
	"net/http"
	"strings"
	"testing"
)

// What was spent counts across a restart, a budget that is used up refuses with its name and
// its reset, and a bound in the preferences is a budget as well.
func TestBudgetThroughTheAPI(t *testing.T) {
	dir := t.TempDir()
	in := func(c *Config, _ *Options) { c.DataDir = dir }
	g := startGateway(t, in)
	const path = "/api/v1/budgets/month"
	g.want(http.StatusCreated, http.MethodPost, "/api/v1/budgets", map[string]any{
		"id": "month", "period": "month", "amount": "50.00", "hard": true,
		"thresholds": []any{map[string]any{"percent": 1, "actions": []string{"event"}}},
	})
	g.want(http.StatusOK, http.MethodPost, "/v1/chat/completions", chatBody("gpt-5", "hello"))
	spent := g.want(http.StatusOK, http.MethodGet, path, nil).field(t, "state", "spent")
	if spent == "0.00" {
		t.Errorf("spent after a completion = %s, want what it cost", spent)
	}
	if held := g.want(http.StatusOK, http.MethodGet, path, nil).field(t, "state", "held"); held != "0.00" {
		t.Errorf("held when nothing is under way = %s, want nothing", held)
	}
	g.stopSoon()

	g2 := startGateway(t, in, func(c *Config, _ *Options) { c.AdminKey = "" })
	g2.key = g.key
	if got := g2.want(http.StatusOK, http.MethodGet, path, nil).field(t, "state", "spent"); got != spent {
		t.Errorf("spent after a restart = %s, want %s", got, spent)
	}
	g2.want(http.StatusOK, http.MethodPatch, path, map[string]any{"amount": spent})
	refused := g2.do(http.MethodPost, "/v1/chat/completions", chatBody("gpt-5", "hello"))
	if refused.Status != http.StatusTooManyRequests || !strings.Contains(string(refused.Body), `"budget_exceeded"`) ||
		!strings.Contains(string(refused.Body), "'month'") || refused.Header.Get("Retry-After") == "" {
		t.Errorf("a completion beyond the budget = %d %s, Retry-After %q, want 429 naming it and its reset", refused.Status, refused.Body, refused.Header.Get("Retry-After"))
	}
	g2.want(http.StatusNoContent, http.MethodDelete, path, nil)
	g2.want(http.StatusOK, http.MethodPost, "/v1/chat/completions", chatBody("gpt-5", "hello"))
	g2.want(http.StatusOK, http.MethodPut, "/api/v1/preferences?level=account", map[string]any{"max_cost_per_day": "0.000000001"})
	refused = g2.do(http.MethodPost, "/v1/chat/completions", chatBody("gpt-5", "hello"))
	if refused.Status != http.StatusTooManyRequests || !strings.Contains(string(refused.Body), "'preference'") {
		t.Errorf("a completion beyond max_cost_per_day = %d %s, want 429", refused.Status, refused.Body)
	}

	// What was spent elsewhere counts at once, and somebody has said so.
	g2.want(http.StatusOK, http.MethodPut, "/api/v1/preferences?level=account", map[string]any{"max_cost_per_day": "5.00"})
	g2.want(http.StatusOK, http.MethodPost, "/v1/chat/completions", chatBody("gpt-5", "hello"))
	invoice := map[string]any{"id": "invoice-1", "provider": "elsewhere", "cost_usd": "6.00", "at": testNow}
	g2.want(http.StatusCreated, http.MethodPost, "/api/v1/costs/record", invoice)
	g2.want(http.StatusOK, http.MethodPost, "/api/v1/costs/record", invoice)
	refused = g2.do(http.MethodPost, "/v1/chat/completions", chatBody("gpt-5", "hello"))
	if refused.Status != http.StatusTooManyRequests || !strings.Contains(string(refused.Body), "'preference'") {
		t.Errorf("a completion after 6 of 5 dollars were spent elsewhere = %d %s, want 429", refused.Status, refused.Body)
	}
	if log := string(g2.want(http.StatusOK, http.MethodGet, "/api/v1/audit", nil).Body); strings.Count(log, `"usage.record"`) != 1 || !strings.Contains(log, "invoice-1") {
		t.Errorf("the audit log has %d entries of what was spent elsewhere, want 1", strings.Count(log, `"usage.record"`))
	}

	// A bound on tokens holds with what was used before it was set, and names itself.
	g2.want(http.StatusOK, http.MethodPut, "/api/v1/preferences?level=account", map[string]any{"max_tokens_per_day": 1_000_000})
	g2.want(http.StatusOK, http.MethodPost, "/v1/chat/completions", chatBody("gpt-5", "hello"))
	g2.want(http.StatusOK, http.MethodPut, "/api/v1/preferences?level=account", map[string]any{"max_tokens_per_day": 3})
	refused = g2.do(http.MethodPost, "/v1/chat/completions", chatBody("gpt-5", "hello"))
	if refused.Status != http.StatusTooManyRequests || !strings.Contains(string(refused.Body), "'max_tokens_per_day'") ||
		!strings.Contains(string(refused.Body), "It resets at ") || refused.Header.Get("Retry-After") == "" {
		t.Errorf("a completion beyond max_tokens_per_day = %d %s, Retry-After %q, want 429 naming it and its reset", refused.Status, refused.Body, refused.Header.Get("Retry-After"))
	}
}
