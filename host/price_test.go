package host

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// TestPrices runs a request through calculation, ledger and correction: what is calculated
// for its tokens is what is billed, a model that lost its price costs the ceiling, and a price
// that is corrected changes what was billed by a row of its own.
func TestPrices(t *testing.T) {
	t.Parallel()
	g := startGateway(t, func(c *Config, _ *Options) { c.Unpriced = engine.UnpricedCeiling })
	g.want(http.StatusCreated, http.MethodPost, "/api/v1/models/gpt-5/prices", map[string]any{
		"from": testNow.AddDate(0, 0, -1), "input": "3", "output": "30", "cached_input": "0.3", "reasoning": "7", "per_request": "0.001",
	})
	ask := func() map[string]any {
		a := g.do(http.MethodPost, "/v1/chat/completions", chatBody("gpt-5", "hi"))
		if a.Status != http.StatusOK {
			t.Fatalf("chat = %d %s", a.Status, a.Body)
		}
		var list struct{ Data []map[string]any }
		if err := json.Unmarshal(usageOf(t, g, a.Header.Get("X-Request-Id")).Body, &list); err != nil || len(list.Data) == 0 {
			t.Fatalf("usage = %v, %v", list, err)
		}
		return list.Data[0]
	}
	billed := ask()
	calculate := func(tokens any) map[string]any {
		var list struct{ Data []map[string]any }
		a := g.want(http.StatusOK, http.MethodPost, "/api/v1/costs/calculate", map[string]any{"tokens": tokens, "models": []string{"gpt-5"}})
		if err := json.Unmarshal(a.Body, &list); err != nil || len(list.Data) != 1 {
			t.Fatalf("calculate = %s, %v", a.Body, err)
		}
		return list.Data[0]
	}
	if got := calculate(billed["tokens"]); got["cost_nano_usd"] != billed["cost_nano_usd"] || got["cost_nano_usd"].(float64) <= 1_000_000 || got["usable"] != true {
		t.Errorf("calculated %v, billed %v, want the same, and more than the request's own price", got, billed)
	}

	// The price was a third of a cent too low for each request.
	g.want(http.StatusCreated, http.MethodPost, "/api/v1/models/gpt-5/prices", map[string]any{
		"from": testNow.AddDate(0, 0, -1), "input": "3", "output": "30", "cached_input": "0.3", "reasoning": "7", "per_request": "0.004",
	})
	span := map[string]any{"from": testNow.Add(-time.Hour), "to": testNow.Add(time.Hour)}
	for _, want := range []float64{3_000_000, 0} {
		var rated map[string]any
		a := g.want(http.StatusOK, http.MethodPost, "/api/v1/models/gpt-5/prices/rerate", span)
		if err := json.Unmarshal(a.Body, &rated); err != nil || rated["rows"] != 1.0 || rated["difference_nano_usd"] != want {
			t.Errorf("rerate = %s, want one row and %v", a.Body, want)
		}
	}

	// The vendor replaces the model by one whose price nobody knows.
	g.want(http.StatusOK, http.MethodPatch, "/api/v1/models/gpt-5", map[string]any{
		"retires_at": testNow.Add(-time.Minute), "replacement": map[string]any{"upstream_id": "gpt-5-unheard-of", "api": "chat", "context_window": 1000, "max_output": 1000},
	})
	dear := ask()
	if cost, _ := dear["cost_nano_usd"].(float64); cost <= billed["cost_nano_usd"].(float64) || dear["estimated"] != true || dear["upstream_id"] != "gpt-5-unheard-of" {
		t.Errorf("without a price = %v, want it dearer than %v, and estimated", dear, billed["cost_nano_usd"])
	}
	if price, _ := calculate(dear["tokens"])["price"].(map[string]any); price["scope"] != "ceiling" {
		t.Errorf("calculated at %v, want the ceiling", price)
	}
}
