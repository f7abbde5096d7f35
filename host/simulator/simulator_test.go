package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
