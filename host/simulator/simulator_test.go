package simulator

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait of a test for another goroutine. It is never slept.
const patience = 10 * time.Second

var fixedNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// start runs a simulator whose clock stands still.
func start(t testing.TB, cfg Config) *Simulator {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return fixedNow }
	}
	s := New(cfg)
	if _, err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

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

// reply of a simulator, read to its end.
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

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{Chunks: 5})
			plain := w.ask(t, s, "Tell me <b>all</b> & more", false)
			if plain.status != 200 || plain.header.Get("Content-Type") != "application/json" {
				t.Fatalf("plain = %d %s: %s", plain.status, plain.header.Get("Content-Type"), plain.body)
			}
			want := "This is a simulated answer of " + w.model + " at " + w.provider + ". No model was asked, and nothing was billed. You wrote: Tell me <b>all</b> & more"
			if got := w.text(decode(t, plain.body)); got != want {
				t.Errorf("plain text = %q, want %q", got, want)
			}
			if !strings.Contains(plain.body, "<b>all</b> & more") {
				t.Errorf("the body escapes what providers do not: %s", plain.body)
			}
			stream := w.ask(t, s, "Tell me <b>all</b> & more", true)
			if stream.status != 200 || !strings.HasPrefix(stream.header.Get("Content-Type"), "text/event-stream") {
				t.Fatalf("stream = %d %s: %s", stream.status, stream.header.Get("Content-Type"), stream.body)
			}
			_, data := split(stream.body)
			if got := w.said(t, data); got != want {
				t.Errorf("streamed text = %q, want %q", got, want)
			}
			if last := data[len(data)-1]; !w.terminal(last) {
				t.Errorf("the last event is %s, want the wire's terminal one", last)
			}
			if crlf := strings.Contains(stream.body, "\r\n"); crlf != (w.provider == "google") {
				t.Errorf("lines end in CR LF: %v", crlf)
			}
			rows := s.Log()
			if len(rows) != 2 || rows[0].Outcome != OutcomeOK || rows[0].Stream || !rows[1].Stream {
				t.Fatalf("log = %+v, want one plain and one streamed row", rows)
			}
			for _, row := range rows {
				if row.Provider != w.provider || row.Model != w.model || row.Completion != tokens(len(want)) || row.TextBytes != len(want) {
					t.Errorf("row = %+v, want %s %s, %d tokens", row, w.provider, w.model, tokens(len(want)))
				}
			}
			if rows[0].Chunks != 1 || rows[1].Chunks != 5 {
				t.Errorf("chunks = %d and %d, want 1 and 5", rows[0].Chunks, rows[1].Chunks)
			}
			if rows[0].ID == rows[1].ID || !strings.Contains(plain.body, rows[0].ID) || !strings.Contains(stream.body, rows[1].ID) {
				t.Errorf("ids %q and %q are not those of the answers", rows[0].ID, rows[1].ID)
			}
		})
	}
}

// The same requests in the same order get the same bytes.
func TestAnswersAreDeterministic(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		for _, stream := range []bool{false, true} {
			first := w.ask(t, start(t, Config{}), "hello", stream)
			second := w.ask(t, start(t, Config{}), "hello", stream)
			if first.body != second.body || first.body == "" {
				t.Errorf("%s, stream %v: %q and %q differ", w.name, stream, first.body, second.body)
			}
		}
	}
}

func TestUsageAndLimits(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	prompt := strings.Repeat("x", 401) // with "Be brief." 410 bytes, 103 tokens
	tests := []struct {
		name, path string
		body       map[string]any
		change     func(map[string]any)
		want       string // part of the body
		wantPrompt int
		wantOut    int
	}{
		{"chat", wires[0].path("", false), wires[0].body("gpt-4o", prompt, false), func(b map[string]any) { b["max_tokens"] = 5 },
			`"finish_reason":"length"`, 103, 5},
		{"chat, newer name", wires[0].path("", false), wires[0].body("gpt-5", prompt, false), func(b map[string]any) { b["max_completion_tokens"] = 5 },
			`"usage":{"prompt_tokens":103,"completion_tokens":5,"total_tokens":108,`, 103, 5},
		{"responses", "/openai/v1/responses", map[string]any{"model": "gpt-5", "input": prompt, "instructions": "Be brief.", "max_output_tokens": 16}, nil,
			`"incomplete_details":{"reason":"max_output_tokens"}`, 103, 16},
		{"messages", "/anthropic/v1/messages", wires[3].body("claude-sonnet-4-6", prompt, false), func(b map[string]any) { b["max_tokens"], b["system"] = 5, "Be brief." },
			`"stop_reason":"max_tokens"`, 103, 5},
		{"generate", "/google/v1beta/models/gemini-2.5-pro:generateContent", wires[4].body("", prompt, false), func(b map[string]any) {
			b["generation_config"] = map[string]any{"max_output_tokens": 5}
			b["systemInstruction"] = map[string]any{"parts": []any{map[string]any{"text": "Be brief."}}}
		}, `"finishReason":"MAX_TOKENS"`, 103, 5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.change != nil {
				test.change(test.body)
			}
			r := post(t, s, test.path, test.body)
			if r.status != 200 || !strings.Contains(r.body, test.want) {
				t.Errorf("%s = %d %s, want %s in it", test.name, r.status, r.body, test.want)
			}
			rows := s.Log()
			if row := rows[len(rows)-1]; row.Prompt != test.wantPrompt || row.Completion != test.wantOut {
				t.Errorf("%s cost %d and %d tokens, want %d and %d", test.name, row.Prompt, row.Completion, test.wantPrompt, test.wantOut)
			}
		})
	}
	t.Run("words", func(t *testing.T) {
		s := start(t, Config{Words: 3})
		for prompt, want := range map[string]int{"hi": 3, "[[simulate words=500]] hi": 500} {
			r := wires[0].ask(t, s, prompt, false)
			if got := len(strings.Fields(wires[0].text(decode(t, r.body)))); got != want {
				t.Errorf("the answer to %q has %d words, want %d", prompt, got, want)
			}
		}
	})
	t.Run("echo is bounded", func(t *testing.T) {
		r := wires[0].ask(t, s, strings.Repeat("ä", 5000), false)
		if got := wires[0].text(decode(t, r.body)); len(got) > 400 || !strings.HasSuffix(got, "ä…") {
			t.Errorf("the answer to a long message is %q, want a bounded echo", got)
		}
	})
	t.Run("usage of a stream is only told when asked", func(t *testing.T) {
		b := wires[0].body("gpt-4o", "hi", true)
		delete(b, "stream_options")
		if r := post(t, s, wires[0].path("", true), b); strings.Contains(r.body, "usage") {
			t.Errorf("a stream without include_usage has usage: %s", r.body)
		}
		if r := wires[0].ask(t, s, "hi", true); strings.Count(r.body, `"usage":null`) < 2 || strings.Count(r.body, `"usage":{`) != 1 {
			t.Errorf("a stream with include_usage has not null and then one usage: %s", r.body)
		}
	})
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	want := map[string][]string{
		"openai":    {"x-request-id", "openai-version", "openai-processing-ms", "x-ratelimit-limit-requests", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests"},
		"raptor":    {"x-request-id"},
		"anthropic": {"request-id", "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-tokens-reset"},
		"google":    {"server-timing", "x-gemini-service-tier"},
	}
	for _, w := range wires {
		for _, stream := range []bool{false, true} {
			r := w.ask(t, s, "hi", stream)
			for _, name := range want[w.provider] {
				if r.header.Get(name) == "" {
					t.Errorf("%s, stream %v: no header %s", w.name, stream, name)
				}
			}
		}
	}
}

func TestStartAndClose(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	if got := s.BaseURL("openai"); got != "" {
		t.Errorf("BaseURL before Start = %q, want none", got)
	}
	origin, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for provider, want := range map[string]string{"openai": "/openai/v1", "raptor": "/raptor/v1", "anthropic": "/anthropic", "google": "/google"} {
		if got := s.BaseURL(provider); got != origin+want {
			t.Errorf("BaseURL(%q) = %q, want %q", provider, got, origin+want)
		}
	}
	if _, err := s.Start("127.0.0.1:0"); err == nil {
		t.Errorf("a second Start succeeded")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ended := make(chan replied, 1)
	go func() {
		ended <- do(t, ctx, s, http.MethodPost, "/openai/v1/chat/completions", chatBody("gpt-4o", "[[simulate stall=headers]]", false), key)
	}()
	waitForStall(t, s)
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if r := <-ended; r.err == nil || errors.Is(r.err, context.DeadlineExceeded) {
		t.Errorf("a stalled answer went on over Close: %+v", r)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second Close = %v", err)
	}
	if _, err := s.Start("127.0.0.1:0"); err == nil {
		t.Errorf("Start after Close succeeded")
	}
}

// waitForStall returns when a request has begun that has not ended.
func waitForStall(t testing.TB, s *Simulator) {
	t.Helper()
	limit := time.Now().Add(patience)
	for time.Now().Before(limit) {
		s.log.mu.Lock()
		running := s.log.begun > s.log.total
		s.log.mu.Unlock()
		if running {
			return
		}
	}
	t.Fatal("no request is running")
}

// The handler alone serves too, over a recorder or another listener.
func TestHandler(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	defer s.Close()
	body, _ := json.Marshal(chatBody("gpt-4o", "hi", true))
	req, err := http.NewRequest(http.MethodPost, "/openai/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer x")
	w := &recorder{header: http.Header{}}
	s.Handler().ServeHTTP(w, req)
	if _, data := split(w.b.String()); len(data) < 3 || data[len(data)-1] != "[DONE]" {
		t.Errorf("the handler wrote %q", w.b.String())
	}
}

type recorder struct {
	header http.Header
	b      bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(p []byte) (int, error) { return r.b.Write(p) }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Flush()                      {}
