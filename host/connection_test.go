package host

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// A stream that came to its end leaves its connection to the next one.
func TestStreamsShareAConnection(t *testing.T) {
	var opened atomic.Int64
	chunks := []string{
		`{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}`,
		`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
		`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}`,
		"[DONE]",
	}
	provider := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, c := range chunks {
			fmt.Fprintf(w, "data: %s\n\n", c)
			w.(http.Flusher).Flush()
		}
	}))
	provider.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	provider.Start()
	t.Cleanup(provider.Close)
	g := startGateway(t, func(c *Config, _ *Options) { c.Upstreams.OpenAIBase = provider.URL + "/v1" })
	for i := range 10 {
		body := chatBody("gpt-4o", "hello")
		body["stream"] = true
		if a := g.do(http.MethodPost, "/v1/chat/completions", body); !strings.HasSuffix(string(a.Body), "data: [DONE]\n\n") {
			t.Fatalf("stream %d = %d %s, want it whole", i, a.Status, a.Body)
		}
	}
	// The next stream may begin before the one before has given its connection back: the
	// caller has its answer first. A connection for each would be ten.
	if n := opened.Load(); n > 5 {
		t.Errorf("%d connections for ten streams, one after the other, want them shared", n)
	}
}
