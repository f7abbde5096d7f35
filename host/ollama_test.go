package host

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ollama answers as that server does (its OpenAI endpoints, November 2026): no key, unknown
// members ignored, calls whole and without an index, reasoning under its own name.
type ollama struct {
	mu     sync.Mutex
	bodies []map[string]any
	keys   []string
}

func (o *ollama) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keys = append(o.keys, r.Header.Get("Authorization")+r.Header.Get("x-api-key"))
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/v1/models" {
		_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"llama3.2:3b","object":"model","created":1,"owned_by":"library"}]}`)
		return
	}
	body := map[string]any{}
	if json.NewDecoder(r.Body).Decode(&body) != nil || r.URL.Path != "/v1/chat/completions" {
		http.Error(w, `{"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}`, http.StatusNotFound)
		return
	}
	o.bodies = append(o.bodies, body)
	if body["stream"] == true {
		w.Header().Set("Content-Type", "text/event-stream")
		const head = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"llama3.2:3b","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":`
		_, _ = io.WriteString(w, head+`{"role":"assistant","content":"","reasoning":"hm"},"finish_reason":null}]}`+"\n\n"+
			head+`{"role":"assistant","content":"","tool_calls":[{"id":"call_1","type":"function","function":{"name":"time","arguments":"{}"}}]},"finish_reason":null}]}`+"\n\n"+
			head+`{"role":"assistant","content":""},"finish_reason":"tool_calls"}]}`+"\n\n"+
			`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"llama3.2:3b","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`+"\n\n"+
			"data: [DONE]\n\n")
		return
	}
	_, _ = io.WriteString(w, `{"id":"chatcmpl-2","object":"chat.completion","created":1,"model":"llama3.2:3b","choices":[{"index":0,"message":{"role":"assistant","content":"OK"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":1,"total_tokens":8}}`)
}

// took returns the bodies that came since the last call.
func (o *ollama) took() []map[string]any {
	o.mu.Lock()
	defer o.mu.Unlock()
	bodies := o.bodies
	o.bodies = nil
	return bodies
}

// What the README says of a local server, word for word.
func TestReadmeAddsAProvider(t *testing.T) {
	t.Parallel()
	fake := &ollama{}
	server := httptest.NewServer(fake)
	defer server.Close()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Add a provider\n")
	section, _, _ = strings.Cut(section, "\n## ")
	calls := regexp.MustCompile(`(?s)curl \$URL(\S+) "\$\{AUTH\[@\]\}" (?:-d '([^']*)'|-X POST)`).FindAllStringSubmatch(section, -1)
	if len(calls) != 3 {
		t.Fatalf("README.md has %d calls, want a provider, a model and a test:\n%s", len(calls), section)
	}
	g := startGateway(t)
	for i, c := range calls {
		var body any
		if c[2] != "" {
			if err := json.Unmarshal([]byte(strings.ReplaceAll(c[2], "http://127.0.0.1:11434", server.URL)), &body); err != nil {
				t.Fatalf("%s: %v", c[2], err)
			}
		}
		a := g.do("POST", c[1], body)
		if want := []int{201, 201, 200}[i]; a.Status != want {
			t.Fatalf("POST %s = %d, want %d\n%s", c[1], a.Status, want, a.Body)
		}
		if i == 2 && (a.field(t, "ok") != "true" || !strings.Contains(a.field(t, "models"), "llama3.2:3b") || a.field(t, "call", "model") != "llama") {
			t.Errorf("test = %s, want ok, the list and a call", a.Body)
		}
	}
	fake.took()
	a := g.do("POST", "/v1/chat/completions", map[string]any{
		"model": "llama", "max_completion_tokens": 64, "tool_choice": "auto", "messages": []any{map[string]any{"role": "user", "content": "What time is it?"}},
		"tools":  []any{map[string]any{"type": "function", "function": map[string]any{"name": "time", "parameters": map[string]any{"type": "object"}}}},
		"stream": true,
	})
	if said := string(a.Body); a.Status != 200 || !strings.Contains(said, `"index":0,"id":"call_1"`) || !strings.Contains(said, `"finish_reason":"tool_calls"`) || !strings.Contains(said, `"reasoning_content":"hm"`) || !strings.HasSuffix(said, "data: [DONE]\n\n") || strings.Contains(said, `"usage":{`) {
		t.Errorf("chat = %d\n%s\nwant the call with an index, the reasoning under our name, and no usage that was not asked for", a.Status, said)
	}
	bodies := fake.took()
	if len(bodies) != 1 {
		t.Fatalf("the server saw %d calls, want 1", len(bodies))
	}
	b := bodies[0]
	if b["model"] != "llama3.2:3b" || b["max_tokens"] != 64.0 || b["max_completion_tokens"] != nil || b["tool_choice"] != nil || b["stream_options"] == nil {
		t.Errorf("the server was sent %v, want max_tokens, no tool_choice, and usage asked for", b)
	}
	if i := slices.IndexFunc(fake.keys, func(k string) bool { return k != "" }); i >= 0 {
		t.Errorf("a keyless server was sent %q", fake.keys[i])
	}
}
