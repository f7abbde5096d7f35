package host

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
)

// What a provider says of its limits on an answer that is well holds for the next request: the
// provider is not asked, and the wait is that of one request to flow back.
func TestLimitsThatAnswersAnnounce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked.Add(1)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("X-Ratelimit-Limit-Requests", "60")
		h.Set("X-Ratelimit-Remaining-Requests", "0")
		h.Set("X-Ratelimit-Reset-Requests", "1h0m0s")
		_, _ = io.WriteString(w, `{"id":"c","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}`)
	}))
	t.Cleanup(provider.Close)
	g := startGateway(t, func(c *Config, _ *Options) {
		c.Upstreams = Upstreams{OpenAIKey: "sk-test", OpenAIBase: provider.URL + "/v1"}
	})
	if a := g.pinned("gpt-4o"); a.Status != http.StatusOK {
		t.Fatalf("the first request = %d %s, want 200", a.Status, a.Body)
	}
	for range 3 {
		a := g.pinned("gpt-4o")
		// One of 60 an hour is there after a minute.
		after, _ := strconv.Atoi(a.Header.Get("Retry-After"))
		if a.Status != http.StatusTooManyRequests || after < 50 || after > 60 {
			t.Errorf("when none is left = %d with retry-after %d, want 429 with a minute: %s", a.Status, after, a.Body)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the provider was asked %d times, want once", n)
	}
}
