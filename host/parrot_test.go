package host

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/wasm"
)

const imaginary = "../examples/plugins/go-imaginary-provider"

// parrot is the API of that example, as its README describes it. Who asks it to be tired is refused.
func parrot(t *testing.T) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var speak struct {
			Voice  string
			Script []struct{ Who, Says string }
			Stream bool
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &speak)
		}
		if r.URL.Path != "/v2/speak" || r.Header.Get("x-parrot-key") != "polly" || r.Header.Get("authorization") != "" ||
			err != nil || speak.Voice != "grey-1" || len(speak.Script) == 0 {
			t.Errorf("the provider is asked %s %s, key %q, %s (%v)", r.Method, r.URL, r.Header.Get("x-parrot-key"), body, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		says := speak.Script[len(speak.Script)-1].Says
		switch {
		case strings.Contains(says, "tired"):
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"squawk":{"kind":"tired","note":"asleep","rest_ms":100}}`)
		case speak.Stream:
			w.Header().Set("Content-Type", "application/x-ndjson")
			for _, line := range []string{`{"speech":"sp-1"}`, `{"piece":"Hel"}`, `{"piece":"lo"}`, `{"ended":"done","cost":{"heard":3,"spoken":2}}`} {
				_, _ = io.WriteString(w, line+"\n")
				_ = http.NewResponseController(w).Flush()
			}
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{
				"speech": "sp-1", "said": "You said: " + says, "ended": "done", "cost": map[string]int{"heard": 3, "spoken": 4},
			})
		}
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v2"
}

// A provider whose wire no adapter of ours speaks is reached by a plugin that is uploaded: a
// completion, a stream and an error come back as any other provider's.
func TestUploadedProvider(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "plugin.wasm")
	if err := wasm.BuildGo(t.Context(), imaginary, filepath.Join(imaginary, "manifest.json"), out); err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	fixtures, err := os.ReadFile(filepath.Join(imaginary, "fixtures.json"))
	if err != nil {
		t.Fatal(err)
	}
	g := startGateway(t)
	if a := g.upload(module, "", string(fixtures)); a.Status != 201 {
		t.Fatalf("upload = %d, want 201\n%s", a.Status, a.Body)
	}
	g.want(201, "POST", "/api/v1/providers", map[string]any{"id": "parrot", "adapter": "go-imaginary-provider", "base_url": parrot(t)})
	g.want(201, "POST", "/api/v1/providers/parrot/credentials", map[string]any{"secret": "polly"})
	g.want(201, "POST", "/api/v1/models", map[string]any{
		"id": "grey", "provider": "parrot", "upstream_id": "grey-1", "price": map[string]string{"input": "0", "output": "0"},
	})

	a := g.chat("grey", `Hi "there"`)
	if got := a.field(t, "choices", "message", "content"); a.Status != 200 || got != `You said: Hi "there"` || a.field(t, "usage", "total_tokens") != "7" {
		t.Errorf("chat = %d %s, want what was said, 7 tokens\n%s", a.Status, got, a.Body)
	}
	body := chatBody("grey", "Hi")
	body["stream"] = true
	a = g.do(http.MethodPost, "/v1/chat/completions", body)
	for _, part := range []string{`"content":"Hel"`, `"content":"lo"`, `"id":"sp-1"`, `"finish_reason":"stop"`, "data: [DONE]"} {
		if a.Status != 200 || !strings.Contains(string(a.Body), part) {
			t.Errorf("stream = %d without %s\n%s", a.Status, part, a.Body)
		}
	}
	if a = g.chat("grey", "be tired"); a.Status != 429 || a.field(t, "error", "type") != "rate_limit_error" {
		t.Errorf("chat with a tired parrot = %d, want 429 rate_limit_error\n%s", a.Status, a.Body)
	}
}
