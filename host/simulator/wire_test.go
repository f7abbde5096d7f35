package simulator

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// wire is one of the APIs: how to ask it, and how to read what it says.
type wire struct {
	name, provider, model string
	path                  func(model string, stream bool) string
	body                  func(model, prompt string, stream bool) map[string]any
	text                  func(body map[string]any) string // of a plain answer
	piece                 func(event map[string]any) string
	terminal              func(data string) bool // the event that says that all was said
}

var wires = []wire{
	{
		name: "chat", provider: "openai", model: "gpt-4o",
		path: func(string, bool) string { return "/openai/v1/chat/completions" },
		body: chatBody,
		text: func(b map[string]any) string {
			return text(object(object(list(b["choices"])[0])["message"])["content"])
		},
		piece: func(e map[string]any) string {
			if len(list(e["choices"])) == 0 {
				return ""
			}
			return text(object(object(list(e["choices"])[0])["delta"])["content"])
		},
		terminal: func(d string) bool { return d == "[DONE]" },
	},
	{
		name: "raptor", provider: "raptor", model: "raptor-mini",
		path: func(string, bool) string { return "/raptor/v1/chat/completions" },
		body: chatBody,
		text: func(b map[string]any) string {
			return text(object(object(list(b["choices"])[0])["message"])["content"])
		},
		piece: func(e map[string]any) string {
			if len(list(e["choices"])) == 0 {
				return ""
			}
			return text(object(object(list(e["choices"])[0])["delta"])["content"])
		},
		terminal: func(d string) bool { return d == "[DONE]" },
	},
	{
		name: "responses", provider: "openai", model: "gpt-5.3-codex",
		path: func(string, bool) string { return "/openai/v1/responses" },
		body: func(model, prompt string, stream bool) map[string]any {
			return map[string]any{"model": model, "input": prompt, "stream": stream}
		},
		text: func(b map[string]any) string {
			return text(object(list(object(list(b["output"])[0])["content"])[0])["text"])
		},
		piece: func(e map[string]any) string {
			if e["type"] != "response.output_text.delta" {
				return ""
			}
			return text(e["delta"])
		},
		terminal: func(d string) bool { return strings.HasPrefix(d, `{"type":"response.completed"`) },
	},
	{
		name: "messages", provider: "anthropic", model: "claude-sonnet-4-6",
		path: func(string, bool) string { return "/anthropic/v1/messages" },
		body: func(model, prompt string, stream bool) map[string]any {
			return map[string]any{"model": model, "max_tokens": 4096, "stream": stream,
				"messages": []any{map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": prompt}}}}}
		},
		text:     func(b map[string]any) string { return text(object(list(b["content"])[0])["text"]) },
		piece:    func(e map[string]any) string { return text(object(e["delta"])["text"]) },
		terminal: func(d string) bool { return d == `{"type":"message_stop"}` },
	},
	{
		name: "generate", provider: "google", model: "gemini-2.5-pro",
		path: func(model string, stream bool) string {
			if stream {
				return "/google/v1beta/models/" + model + ":streamGenerateContent?alt=sse"
			}
			return "/google/v1beta/models/" + model + ":generateContent"
		},
		body: func(_, prompt string, _ bool) map[string]any {
			return map[string]any{"contents": []any{map[string]any{"role": "user", "parts": []any{map[string]any{"text": prompt}}}}}
		},
		text:     googleText,
		piece:    googleText,
		terminal: func(d string) bool { return strings.Contains(d, `"finishReason":"STOP"`) },
	},
}

func chatBody(model, prompt string, stream bool) map[string]any {
	b := map[string]any{"model": model, "stream": stream, "messages": []any{
		map[string]any{"role": "system", "content": "Be brief."}, map[string]any{"role": "user", "content": prompt}}}
	if stream {
		b["stream_options"] = map[string]any{"include_usage": true}
	}
	return b
}

func googleText(b map[string]any) string {
	if len(list(b["candidates"])) == 0 {
		return ""
	}
	return text(object(list(object(object(list(b["candidates"])[0])["content"])["parts"])[0])["text"])
}

// replied is an answer of the simulator, read to its end.
type replied struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

const key = "test-key-of-no-worth"

// post sends a body (text, or a value as JSON) with the provider's own headers.
func post(t testing.TB, s *Simulator, path string, body any) replied {
	t.Helper()
	return do(t, context.Background(), s, http.MethodPost, path, body, key)
}

func do(t testing.TB, ctx context.Context, s *Simulator, method, path string, body any, key string) replied {
	t.Helper()
	raw, isText := body.(string)
	if !isText {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		raw = string(b)
	}
	s.mu.Lock()
	addr := s.addr
	s.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, method, addr+path, strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("anthropic-version", "2023-06-01")
	if key != "" {
		switch {
		case strings.HasPrefix(path, "/anthropic"):
			req.Header.Set("x-api-key", key)
		case strings.HasPrefix(path, "/google"):
			req.Header.Set("x-goog-api-key", key)
		default:
			req.Header.Set("Authorization", "Bearer "+key)
		}
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return replied{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return replied{status: res.StatusCode, header: res.Header, body: string(b), err: err}
}

// ask sends a prompt over the wire.
func (w wire) ask(t testing.TB, s *Simulator, prompt string, stream bool) replied {
	t.Helper()
	return post(t, s, w.path(w.model, stream), w.body(w.model, prompt, stream))
}

// split splits a stream into the data of its events; a name stands before its data.
func split(body string) (names, data []string) {
	name := ""
	lines := bufio.NewScanner(strings.NewReader(body))
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		line := lines.Text()
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			name = v
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok {
			names, data = append(names, name), append(data, v)
			name = ""
		}
	}
	return names, data
}

func decode(t testing.TB, s string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		t.Fatalf("%q is not a JSON object: %v", s, err)
	}
	return m
}

// said is the text of a stream.
func (w wire) said(t testing.TB, data []string) string {
	var b strings.Builder
	for _, d := range data {
		if d != "[DONE]" {
			b.WriteString(w.piece(decode(t, d)))
		}
	}
	return b.String()
}
