package host

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/simulator"
)

// vendor is the simulator behind a door that knows keys: a revoked one is refused with
// 401, a paused one with 429. It keeps the bodies that were sent with each key.
type vendor struct {
	*httptest.Server
	mu      sync.Mutex
	revoked map[string]bool
	paused  map[string]bool
	sent    []string // "key path" of each request
	bodies  []string
}

func startVendor(t *testing.T) *vendor {
	t.Helper()
	sim := simulator.New(simulator.Config{})
	v := &vendor{revoked: map[string]bool{}, paused: map[string]bool{}}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		for _, name := range []string{"X-Api-Key", "X-Goog-Api-Key"} {
			if k := r.Header.Get(name); k != "" {
				key = k
			}
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		v.mu.Lock()
		v.sent, v.bodies = append(v.sent, key+" "+r.URL.Path), append(v.bodies, string(body))
		revoked, paused := v.revoked[key], v.paused[key]
		v.mu.Unlock()
		w.Header().Set("Set-Cookie", "__cf_bm=secret-cookie")
		w.Header().Set("CF-Ray", "secret-ray")
		w.Header().Set("OpenAI-Organization", "secret-org")
		w.Header().Set("X-RateLimit-Limit-Requests", "4711")
		switch {
		case revoked:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(401)
			_, _ = io.WriteString(w, `{"error":{"message":"Incorrect API key provided: `+key+`.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`)
		case paused:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(429)
			_, _ = io.WriteString(w, `{"error":{"message":"Rate limit reached in organization org-secret1234.","type":"requests","param":null,"code":"rate_limit_exceeded"}}`)
		default:
			sim.Handler().ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		_ = sim.Close()
		v.Close()
	})
	return v
}

// took returns, sorted, with which keys chats were sent since the last call.
func (v *vendor) took() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	keys := map[string]bool{}
	for _, s := range v.sent {
		key, _, _ := strings.Cut(s, " ")
		keys[key] = true
	}
	v.sent = nil
	return slices.Sorted(maps.Keys(keys))
}

func (v *vendor) set(m map[string]bool, key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m[key] = true
}

const (
	firstKey     = "sk-first-0123456789abcdef"
	secondKey    = "sk-second-0123456789abcdef"
	anthropicKey = "sk-ant-0123456789abcdef"
	googleKey    = "AIza0123456789abcdef"
)

// keyGateway is a gateway whose OpenAI has two keys of that vendor, and Anthropic one.
func keyGateway(t *testing.T, v *vendor) *gateway {
	t.Helper()
	g := startGateway(t, func(c *Config, _ *Options) {
		c.Upstreams = Upstreams{
			OpenAIKey: firstKey, OpenAIBase: v.URL + "/openai/v1",
			AnthropicKey: anthropicKey, AnthropicBase: v.URL + "/anthropic",
			GeminiKey: googleKey, GeminiBase: v.URL + "/google",
		}
	})
	a := g.do(http.MethodPost, "/api/v1/providers/openai/credentials", map[string]any{"id": "second", "secret": secondKey})
	if a.Status != http.StatusCreated {
		t.Fatalf("create credential = %d %s", a.Status, a.Body)
	}
	return g
}

// say asks gpt-4o, with claude-haiku-4.5 behind it.
func (g *gateway) say(text string, stream bool) answer {
	body := chatBody("gpt-4o", text)
	body["models"], body["stream"] = []string{"claude-haiku-4.5"}, stream
	return g.do(http.MethodPost, "/v1/chat/completions", body)
}

// A caller does not notice that a key is revoked; an administrator does.
func TestRevokedKey(t *testing.T) {
	for _, stream := range []bool{false, true} {
		v := startVendor(t)
		g := keyGateway(t, v)
		for range 20 {
			if a := g.say("hi", stream); a.Status != 200 || a.Header.Get("x-pointsman-model") != "gpt-4o" {
				t.Fatalf("with two keys = %d by %q", a.Status, a.Header.Get("x-pointsman-model"))
			}
		}
		if got := v.took(); !slices.Equal(got, []string{firstKey, secondKey}) {
			t.Errorf("20 requests used %v, want both keys", got)
		}

		v.set(v.revoked, firstKey)
		attempts := 0
		for range 20 {
			a := g.say("hi", stream)
			if a.Status != 200 || a.Header.Get("x-pointsman-model") != "gpt-4o" {
				t.Fatalf("with one revoked = %d by %q: %s", a.Status, a.Header.Get("x-pointsman-model"), a.Body)
			}
			if a.Header.Get("x-pointsman-attempts") == "2" {
				attempts++
			}
		}
		if attempts != 1 {
			t.Errorf("%d requests met the revoked key, want 1", attempts)
		}
		v.took()

		v.set(v.revoked, secondKey)
		for i := range 3 {
			a := g.say("hi", stream)
			want := "1"
			if i == 0 {
				want = "2"
			}
			if a.Status != 200 || a.Header.Get("x-pointsman-model") != "claude-haiku-4.5" || a.Header.Get("x-pointsman-attempts") != want {
				t.Errorf("with both revoked, request %d = %d by %q in %q attempts, want claude-haiku-4.5 in %s",
					i, a.Status, a.Header.Get("x-pointsman-model"), a.Header.Get("x-pointsman-attempts"), want)
			}
			if i > 0 && !strings.Contains(a.Header.Get("x-pointsman-decision"), "gpt-4o no_credential (provider openai, suspended)") {
				t.Errorf("decision = %q, want why gpt-4o is passed over", a.Header.Get("x-pointsman-decision"))
			}
		}
		if got := v.took(); !slices.Equal(got, []string{anthropicKey, secondKey}) {
			t.Errorf("three requests used %v, want the second key once and then Anthropic's", got)
		}

		type notice struct {
			Kind, Subject string
			ProviderID    string `json:"provider_id"`
		}
		var list struct{ Data []notice }
		a := g.do(http.MethodGet, "/api/v1/events", nil)
		err := json.Unmarshal(a.Body, &list)
		// What health thinks of the two is told beside it.
		list.Data = slices.DeleteFunc(list.Data, func(n notice) bool { return n.Kind == engine.NoticeStatusChange })
		if err != nil || len(list.Data) != 2 || list.Data[1].Kind != "credential_suspended" ||
			list.Data[1].Subject != "env" || list.Data[0].Subject != "second" || list.Data[0].ProviderID != "openai" {
			t.Errorf("events = %s, want that env and second are suspended", a.Body)
		}
		if strings.Contains(string(a.Body), firstKey[3:9]) {
			t.Errorf("events show a key: %s", a.Body)
		}

		// A new secret is no longer the one that was refused.
		a = g.do(http.MethodPatch, "/api/v1/providers/openai/credentials/second", map[string]any{"secret": "sk-third-0123456789abcdef"})
		if a.Status != 200 {
			t.Fatalf("replace secret = %d %s", a.Status, a.Body)
		}
		if a := g.say("hi", stream); a.Status != 200 || a.Header.Get("x-pointsman-model") != "gpt-4o" {
			t.Errorf("with a new secret = %d by %q, want gpt-4o at once", a.Status, a.Header.Get("x-pointsman-model"))
		}
	}
}

// Nothing of what a vendor says about its customer reaches a caller.
func TestNothingOfTheVendorLeaks(t *testing.T) {
	v := startVendor(t)
	g := keyGateway(t, v)
	check := func(what string, a answer, wantStatus int) {
		t.Helper()
		if a.Status != wantStatus {
			t.Errorf("%s = %d, want %d: %s", what, a.Status, wantStatus, a.Body)
		}
		all := string(a.Body)
		for name, values := range a.Header {
			all += name + ": " + strings.Join(values, ",") + "\n"
		}
		for _, secret := range []string{"secret", "4711", "Set-Cookie", "Cf-Ray", "Organization", "org-", "sk-"} {
			if strings.Contains(all, secret) {
				t.Errorf("%s: the answer holds %q:\n%s", what, secret, all)
			}
		}
	}
	pinned := func(stream bool) answer {
		body := chatBody("openai/gpt-4o", "hi")
		body["stream"] = stream
		return g.do(http.MethodPost, "/v1/chat/completions", body)
	}
	check("an answer", pinned(false), 200)
	check("a stream", pinned(true), 200)
	v.set(v.paused, firstKey)
	v.set(v.paused, secondKey)
	limited := pinned(false)
	check("a rate limit", limited, 429)
	again := pinned(true)
	check("the pause after it", again, 429)
	for _, a := range []answer{limited, again} {
		if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 300 || after > 600 {
			t.Errorf("retry-after = %q, want what is left of the vendor's 600 s", a.Header.Get("Retry-After"))
		}
	}
	if again.Header.Get("x-pointsman-attempts") != "0" {
		t.Errorf("a paused provider was asked %s times, want not at all", again.Header.Get("x-pointsman-attempts"))
	}
}

// A provider that hangs costs its bound of time and not the request.
func TestHangGoesToTheNextTarget(t *testing.T) {
	g := startGateway(t, func(c *Config, _ *Options) {
		c.Timeouts.FirstByte, c.Timeouts.Answer = 300*time.Millisecond, 300*time.Millisecond
	})
	for _, stream := range []bool{false, true} {
		for _, how := range []string{"stall=headers", "body=html", "body=empty", "body=truncated", "drop=true", "drop=true mode=rst", "status=529", "status=500", "status=400 kind=context_length", "status=404 kind=model"} {
			a := g.say("[[simulate provider=openai "+how+"]] hi", stream)
			if a.Status != 200 || a.Header.Get("x-pointsman-model") != "claude-haiku-4.5" || a.Header.Get("x-pointsman-attempts") != "2" {
				t.Errorf("%s, stream %v = %d by %q in %s attempts, want claude-haiku-4.5 in 2: %s", how, stream, a.Status,
					a.Header.Get("x-pointsman-model"), a.Header.Get("x-pointsman-attempts"), a.Header.Get("x-pointsman-decision"))
			}
		}
	}
}

// A conversation that is too long for one model goes to one that holds more, and not to one
// that holds no more.
func TestContextLengthGoesToALargerWindow(t *testing.T) {
	g := sharedGateway(t)
	body := chatBody("gpt-4o", "[[simulate provider=openai status=400 kind=context_length]] hi")
	body["models"] = []string{"gpt-4.1", "raptor-mini-preview", "gemini-2.5-pro"}
	a := g.do(http.MethodPost, "/v1/chat/completions", body)
	if a.Status != 200 {
		t.Fatalf("= %d %s", a.Status, a.Body)
	}
	if model := a.Header.Get("x-pointsman-model"); model != "gemini-2.5-pro" && model != "raptor-mini-preview" {
		t.Errorf("served by %q, want a larger one (%s)", model, a.Header.Get("x-pointsman-decision"))
	}
	alone := chatBody("gpt-4o", "[[simulate provider=openai status=400 kind=context_length]] hi")
	alone["models"] = []string{}
	if a := g.do(http.MethodPost, "/v1/chat/completions", alone); a.Status != 400 || a.field(t, "error", "code") != "context_length_exceeded" {
		t.Errorf("with nobody else = %d %s, want 400 context_length_exceeded", a.Status, a.Body)
	}
}

// A conversation that Gemini began with tool calls goes on at OpenAI and at Anthropic: the
// ids that the caller holds still join calls and results, and nothing of Gemini's own is
// sent along.
func TestToolCallsMoveBetweenVendors(t *testing.T) {
	for _, model := range []string{"gpt-4o", "gpt-5.1-codex", "claude-haiku-4.5"} {
		t.Run(model, func(t *testing.T) {
			v := startVendor(t)
			g := keyGateway(t, v)
			tool := func(name string) any {
				return map[string]any{"type": "function", "function": map[string]any{"name": name, "parameters": map[string]any{
					"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"},
				}}}
			}
			messages := []any{map[string]any{"role": "user", "content": "call weather and call clock"}}
			body := map[string]any{"model": "gemini-3-flash-preview", "models": []string{model}, "tools": []any{tool("weather"), tool("clock")}, "messages": messages}
			first := g.do(http.MethodPost, "/v1/chat/completions", body)
			var said struct {
				Choices []struct {
					Message json.RawMessage `json:"message"`
				} `json:"choices"`
			}
			if err := json.Unmarshal(first.Body, &said); err != nil || len(said.Choices) != 1 || first.Header.Get("x-pointsman-provider") != "google" {
				t.Fatalf("first turn = %d %s", first.Status, first.Body)
			}
			var calls struct {
				ToolCalls []struct{ ID string } `json:"tool_calls"`
			}
			if err := json.Unmarshal(said.Choices[0].Message, &calls); err != nil || len(calls.ToolCalls) != 2 {
				t.Fatalf("first turn = %s, want two calls", first.Body)
			}
			messages = append(messages, said.Choices[0].Message)
			for _, c := range calls.ToolCalls {
				messages = append(messages, map[string]any{"role": "tool", "tool_call_id": c.ID, "content": "fine"})
			}
			body["messages"] = messages
			v.set(v.revoked, googleKey)
			second := g.do(http.MethodPost, "/v1/chat/completions", body)
			if second.Status != 200 || second.Header.Get("x-pointsman-model") != model || second.Header.Get("x-pointsman-attempts") != "2" {
				t.Fatalf("second turn = %d by %q in %s attempts: %s", second.Status, second.Header.Get("x-pointsman-model"), second.Header.Get("x-pointsman-attempts"), second.Body)
			}
			v.mu.Lock()
			sent := v.bodies[len(v.bodies)-1]
			v.mu.Unlock()
			for _, c := range calls.ToolCalls {
				if strings.Count(sent, `"`+c.ID+`"`) != 2 {
					t.Errorf("%s was sent %s, want %s in a call and in its result", model, sent, c.ID)
				}
			}
			for _, own := range []string{"extra_content", "thought_signature", "thoughtSignature", "thinking_blocks"} {
				if strings.Contains(sent, own) {
					t.Errorf("%s was sent Gemini's %s: %s", model, own, sent)
				}
			}
		})
	}
}

// Where its rule says so, a stream that OpenAI cuts is brought to its end by Claude.
func TestStreamGoesOnAfterACut(t *testing.T) {
	g := startGateway(t)
	for id, allowed := range map[string]bool{"carries-on": true, "stops": false} {
		a := g.do(http.MethodPost, "/api/v1/rules", map[string]any{
			"id": id, "name": id, "priority": 9000, "when": "request.command == '/" + id + "'",
			"target": "gpt-4o", "fallbacks": []string{"claude-haiku-4.5"}, "only": true, "continue_after_cut": allowed,
		})
		if a.Status != http.StatusCreated {
			t.Fatalf("create rule %s = %d %s", id, a.Status, a.Body)
		}
		body := chatBody("auto", "/"+id+" [[simulate provider=openai cut=3]] tell me a long story")
		body["stream"] = true
		a = g.do(http.MethodPost, "/v1/chat/completions", body)
		list := events(a.Body)
		if a.Status != 200 || a.Header.Get("x-pointsman-model") != "gpt-4o" || len(list) == 0 {
			t.Fatalf("%s = %d by %q: %s", id, a.Status, a.Header.Get("x-pointsman-model"), a.Body)
		}
		last := list[len(list)-1]
		if allowed != (last == "[DONE]") || allowed == strings.Contains(string(a.Body), `{"error":`) {
			t.Errorf("%s ends with %q, want a proper end: %v", id, last, allowed)
			continue
		}
		if !allowed {
			continue
		}
		ids := map[string]bool{}
		for _, data := range list[:len(list)-1] {
			var chunk struct{ ID string }
			if err := json.Unmarshal([]byte(data), &chunk); err != nil {
				t.Fatalf("event %q: %v", data, err)
			}
			ids[chunk.ID] = true
		}
		if len(ids) != 1 || !strings.Contains(streamText(t, list), "claude-haiku") {
			t.Errorf("the stream has ids %v and says %q, want one id and both legs", ids, streamText(t, list))
		}
		var page struct {
			Data []struct {
				Attempt int
				Outcome string
			}
		}
		for deadline := time.Now().Add(10 * time.Second); len(page.Data) < 2 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			u := g.do(http.MethodGet, "/api/v1/usage?request_id="+a.Header.Get("x-request-id"), nil)
			if err := json.Unmarshal(u.Body, &page); err != nil {
				t.Fatalf("usage: %v", err)
			}
		}
		if len(page.Data) != 2 {
			t.Fatalf("rows = %+v, want two", page.Data)
		}
		for _, row := range page.Data {
			if want := map[int]string{1: "truncated", 2: "ok"}[row.Attempt]; row.Outcome != want {
				t.Errorf("row %d is %s, want %s", row.Attempt, row.Outcome, want)
			}
		}
	}
}
