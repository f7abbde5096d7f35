package host

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pointsman/pointsman/host/simulator"
)

// A provider's credential must never reach a guest, not even as a copy that it
// left in a buffer: every guest's whole memory is searched after each call.
func TestGuestsNeverHoldTheCredential(t *testing.T) {
	sim := simulator.New(simulator.Config{})
	if _, err := sim.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	canaries := map[string]string{
		"openai": "sk-canary-openai-7f3a91c2d4", "anthropic": "sk-ant-canary-anthropic-51be", "google": "AIzaCanaryGoogle93d1", "raptor": "raptor-canary-08aa",
	}
	var mu sync.Mutex
	calls := map[string]int{}
	var leaks []string
	g := startGateway(t, func(c *Config, o *Options) {
		c.Upstreams = Upstreams{
			OpenAIKey: canaries["openai"], OpenAIBase: sim.BaseURL("openai"),
			AnthropicKey: canaries["anthropic"], AnthropicBase: sim.BaseURL("anthropic"),
			GeminiKey: canaries["google"], GeminiBase: sim.BaseURL("google"),
			RaptorKey: canaries["raptor"], RaptorBase: sim.BaseURL("raptor"),
		}
		o.AfterCall = func(plugin string, memory []byte) {
			mu.Lock()
			defer mu.Unlock()
			name, _, _ := strings.Cut(plugin, "@")
			calls[name]++
			for provider, canary := range canaries {
				if bytes.Contains(memory, []byte(canary)) {
					leaks = append(leaks, plugin+" holds the key of "+provider)
				}
			}
			if bytes.Contains(memory, []byte(testKey)) {
				leaks = append(leaks, plugin+" holds the caller's key")
			}
		}
	})
	// A refused key is used no more, so that comes last.
	for _, text := range []string{"hello", "[[simulate status=503]] hello", "[[simulate status=401]] hello"} {
		for _, tt := range clientModels {
			for _, stream := range []bool{false, true} {
				body := chatBody(tt.model, text)
				body["stream"], body["models"] = stream, []string{}
				a := g.do(http.MethodPost, "/v1/chat/completions", body)
				if (a.Status == http.StatusOK) != (text == "hello") {
					t.Errorf("%s %q stream=%v: status = %d\n%s", tt.model, text, stream, a.Status, a.Body)
				}
				for provider, canary := range canaries {
					if strings.Contains(string(a.Body), canary) {
						t.Errorf("%s %q: the answer holds the key of %s", tt.model, text, provider)
					}
				}
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(leaks) > 0 {
		t.Errorf("leaks: %v", leaks)
	}
	for _, adapter := range []string{"openai", "anthropic", "google"} {
		if calls[adapter] == 0 {
			t.Errorf("no call of guest %s was searched (%v)", adapter, calls)
		}
	}
}
