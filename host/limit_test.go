package host

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/host/store/storetest"
)

// onBothStores runs a test with a gateway of its own on each store.
func onBothStores(t *testing.T, test func(t *testing.T, g *gateway)) {
	t.Run("sqlite", func(t *testing.T) { test(t, startGateway(t)) })
	t.Run("postgres", func(t *testing.T) {
		if os.Getenv(storetest.PostgresVariable) == "" {
			t.Skip(storetest.PostgresVariable + " is not set: `make test` provides a server")
		}
		test(t, startGateway(t, func(c *Config, _ *Options) {
			c.DatabaseURL, c.EncryptionKey = storetest.PostgresURL(t), strings.Repeat("k", 32)
		}))
	})
}

// setLimit makes a limit, and deletes it with the part of the test that it is for.
func (g *gateway) setLimit(t *testing.T, body map[string]any) {
	t.Helper()
	id := g.want(http.StatusCreated, http.MethodPost, "/api/v1/limits", body).field(t, "id")
	t.Cleanup(func() { g.want(http.StatusNoContent, http.MethodDelete, "/api/v1/limits/"+id, nil) })
}

// pinned asks a model that has the given fallbacks.
func (g *gateway) pinned(model string, fallbacks ...string) answer {
	body := chatBody(model, "hello")
	body["models"] = append([]string{}, fallbacks...)
	return g.do(http.MethodPost, "/v1/chat/completions", body)
}

func TestLimits(t *testing.T) {
	onBothStores(t, func(t *testing.T, g *gateway) {
		t.Run("set, used up, reset, changed", g.limitIsUsedUp)
		t.Run("the next target is tried before a refusal", g.limitOfModel)
		t.Run("Anthropic's wire", g.limitInMessages)
		t.Run("what is too large is told so", g.limitTooLarge)
		t.Run("places in flight come back once", g.limitOfPlaces)
		t.Run("what a provider announced is honoured", g.limitAnnounced)
	})
}

func (g *gateway) limitIsUsedUp(t *testing.T) {
	g.setLimit(t, map[string]any{"id": "few", "kind": "requests", "amount": 3, "window": "hour"})
	for left := 2; left >= 0; left-- {
		a := g.pinned("gpt-4o")
		if got := a.Header.Get("X-Ratelimit-Remaining-Requests"); a.Status != 200 || got != strconv.Itoa(left) || a.Header.Get("X-Ratelimit-Limit-Requests") != "3" {
			t.Errorf("a request = %d with %s of %s left, want 200 with %d of 3", a.Status, got, a.Header.Get("X-Ratelimit-Limit-Requests"), left)
		}
		if reset, err := time.ParseDuration(a.Header.Get("X-Ratelimit-Reset-Requests")); err != nil || reset <= 0 || reset > time.Hour {
			t.Errorf("reset is %q, want a duration up to an hour", a.Header.Get("X-Ratelimit-Reset-Requests"))
		}
	}
	a := g.pinned("gpt-4o", "claude-haiku-4.5")
	after, _ := strconv.Atoi(a.Header.Get("Retry-After"))
	ms, _ := strconv.Atoi(a.Header.Get("Retry-After-Ms"))
	if a.Status != http.StatusTooManyRequests || after <= 1100 || after > 1200 || ms > 1000*after || ms <= 1000*(after-1) || a.Header.Get("X-Ratelimit-Remaining-Requests") != "0" {
		t.Errorf("the fourth = %d with %v, want 429, a true wait of 20 minutes at most, and 0 left", a.Status, a.Header)
	}
	if got := a.field(t, "error", "code") + " " + a.field(t, "error", "message"); !strings.HasPrefix(got, "rate_limit_exceeded Limit 'few'") {
		t.Errorf("the fourth says %q, want the limit's name", got)
	}
	var shown struct {
		Data []struct {
			Limit     struct{ ID string }
			Remaining *int64
		}
	}
	e := g.want(200, http.MethodGet, "/api/v1/limits/effective", nil)
	if err := json.Unmarshal(e.Body, &shown); err != nil || len(shown.Data) != 1 || shown.Data[0].Limit.ID != "few" || shown.Data[0].Remaining == nil || *shown.Data[0].Remaining != 0 {
		t.Errorf("effective = %s, want 'few' with 0 left", e.Body)
	}
	if s := g.want(200, http.MethodGet, "/api/v1/limits/stats", nil); s.field(t, "data", "admitted")+" "+s.field(t, "data", "refused")+" "+s.field(t, "data", "used") != "3 1 3" {
		t.Errorf("stats = %s, want 3 admitted, 1 refused, 3 used", s.Body)
	}
	g.want(200, http.MethodPost, "/api/v1/limits/few/reset", nil)
	if a := g.pinned("gpt-4o"); a.Status != 200 {
		t.Errorf("after a reset = %d, want 200 at once", a.Status)
	}
	// A change holds for the next request, also while others are under way.
	var served atomic.Int64
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if g.pinned("gpt-4o").Status == 200 {
				served.Add(1)
			}
		})
	}
	row := g.want(200, http.MethodPatch, "/api/v1/limits/few", map[string]any{"amount": 0})
	if a := g.pinned("gpt-4o"); a.Status != http.StatusTooManyRequests {
		t.Errorf("after the amount was set to 0 = %d, want 429 at once", a.Status)
	}
	calls.Wait()
	if served.Load() > 2 {
		t.Errorf("%d of 20 were served under load, want the 2 that were left at most", served.Load())
	}
	stale := g.do(http.MethodPut, "/api/v1/limits/few", map[string]any{"kind": "requests", "amount": 9, "window": "hour", "updated_at": "2026-01-01T00:00:00Z"})
	if stale.Status != http.StatusConflict {
		t.Errorf("a PUT over an older version = %d, want 409", stale.Status)
	}
	if row.Header.Get("ETag") == "" {
		t.Error("a limit has no ETag")
	}
}

func (g *gateway) limitOfModel(t *testing.T) {
	g.setLimit(t, map[string]any{"id": "model", "kind": "requests", "amount": 1, "window": "hour", "scope": map[string]any{"model": "gpt-4o"}})
	for _, want := range []string{"gpt-4o", "claude-haiku-4.5"} {
		if a := g.pinned("gpt-4o", "claude-haiku-4.5"); a.Status != 200 || a.Header.Get("X-Pointsman-Model") != want {
			t.Errorf("= %d by %q, want 200 by %s: %s", a.Status, a.Header.Get("X-Pointsman-Model"), want, a.Header.Get("X-Pointsman-Decision"))
		}
	}
	if a := g.pinned("gpt-4o"); a.Status != http.StatusTooManyRequests || a.Header.Get("X-Ratelimit-Remaining-Requests") != "0" || a.Header.Get("Retry-After") == "" {
		t.Errorf("without another target = %d with %v, want 429, 0 left and a wait", a.Status, a.Header)
	}
}

func (g *gateway) limitInMessages(t *testing.T) {
	g.setLimit(t, map[string]any{"id": "two", "kind": "requests", "amount": 1, "window": "hour"})
	ask := map[string]any{"model": "claude-haiku-4.5", "max_tokens": 16, "messages": []any{map[string]any{"role": "user", "content": "hi"}}}
	for _, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
		a := g.do(http.MethodPost, "/v1/messages", ask)
		at, err := time.Parse(time.RFC3339, a.Header.Get("Anthropic-Ratelimit-Requests-Reset"))
		if a.Status != want || a.Header.Get("Anthropic-Ratelimit-Requests-Limit") != "1" || a.Header.Get("Anthropic-Ratelimit-Requests-Remaining") != "0" || err != nil || !at.After(testNow) {
			t.Errorf("a message = %d with %v, want %d and Anthropic's headers", a.Status, a.Header, want)
		}
	}
}

func (g *gateway) limitTooLarge(t *testing.T) {
	g.setLimit(t, map[string]any{"id": "tokens", "kind": "tokens", "amount": 100, "window": "hour"})
	body := chatBody("gpt-4o", "hello")
	body["max_tokens"], body["models"] = 4000, []string{}
	a := g.do(http.MethodPost, "/v1/chat/completions", body)
	if a.Status != 429 || a.Header.Get("Retry-After") != "" || a.Header.Get("X-Should-Retry") != "false" || !strings.Contains(string(a.Body), "waiting does not help") {
		t.Errorf("more than the limit = %d %s with %v, want 429 that says that waiting does not help", a.Status, a.Body, a.Header)
	}
	body["max_tokens"] = 20
	if a := g.do(http.MethodPost, "/v1/chat/completions", body); a.Status != 200 || a.Header.Get("X-Ratelimit-Limit-Tokens") != "100" {
		t.Errorf("within it = %d %s, want 200 and the limit in a header", a.Status, a.Body)
	}
}

// places is what is left of the limit on requests in flight.
func (g *gateway) places(t *testing.T) string {
	t.Helper()
	return g.want(200, http.MethodGet, "/api/v1/limits/effective", nil).field(t, "data", "remaining")
}

func (g *gateway) limitOfPlaces(t *testing.T) {
	g.setLimit(t, map[string]any{"id": "places", "kind": "concurrency", "amount": 1, "per": []string{"account"}})
	c := g.sendRaw(t, "held", "gpt-4o", true, "[[simulate stall=2]]")
	g.untilAsked(t)
	if a := g.pinned("gpt-4o"); a.Status != 429 || a.Header.Get("Retry-After") != "" || !strings.Contains(string(a.Body), "1 requests in flight") {
		t.Errorf("beside a stream = %d %s, want 429 without a made-up wait", a.Status, a.Body)
	}
	_ = c.Close()
	g.freed(t, "the caller of a stream left")
	for _, fault := range []string{"", "status=500", "cut=1", "drop=true", "malformed=1", "status=429"} {
		for _, stream := range []bool{false, true} {
			body := chatBody("gpt-4o", "[[simulate "+fault+"]]")
			body["models"], body["stream"] = []string{}, stream
			g.do(http.MethodPost, "/v1/chat/completions", body)
			g.freed(t, "fault "+fault)
		}
	}
}

// freed waits until the one place is free, and holds that it is only one.
func (g *gateway) freed(t *testing.T, after string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); g.places(t) != "1"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s places are left, want 1", after, g.places(t))
		}
	}
}

func (g *gateway) limitAnnounced(t *testing.T) {
	before := len(g.simulator.Log())
	a := g.do(http.MethodPost, "/v1/chat/completions", func() any {
		body := chatBody("gpt-5-mini", "[[simulate status=429 kind=rate_limit retry_after=60]]")
		body["models"] = []string{}
		return body
	}())
	if a.Status != 429 {
		t.Fatalf("a provider's 429 = %d %s", a.Status, a.Body)
	}
	asked := len(g.simulator.Log())
	if a := g.pinned("gpt-5-mini"); a.Status != 429 && a.Status != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("within the provider's wait = %d with %v, want a refusal with a wait", a.Status, a.Header)
	}
	if got := len(g.simulator.Log()); asked == before || got != asked {
		t.Errorf("the provider was asked %d times before and %d within its wait, want at least 1 and 0", asked-before, got-asked)
	}
}
