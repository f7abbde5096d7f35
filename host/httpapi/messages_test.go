package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// messagesBody is the smallest valid body of POST /v1/messages, with more members.
func messagesBody(model, members string) string {
	return `{"model":"` + model + `","max_tokens":5,"messages":[{"role":"user","content":"hi"}]` + members + `}`
}

func isMessagesError(t *testing.T, what string, r reply, status int, kind string) {
	t.Helper()
	id, _ := r.member("request_id").(string)
	message, _ := r.member("error", "message").(string)
	if r.status != status || r.member("type") != "error" || r.member("error", "type") != kind || message == "" || id != r.header.Get("Request-Id") || id == "" {
		t.Errorf("%s = %d %.300s, want %d and Anthropic's error body of type %s", what, r.status, r.body, status, kind)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	var got string
	f := &fake{complete: func(_ context.Context, r *engine.Request) (engine.Completion, error) {
		got = string(r.Doc.Bytes())
		return engine.Completion{
			Body: []byte(`{"id":"chatcmpl-1","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`),
			Meta: engine.Meta{Model: "gpt-4o", Provider: "openai", Rule: "pinned", Attempts: 1, Lossy: append(slices.Clone(r.Lossy), "seed")},
		}, nil
	}}
	s := start(t, f)
	for _, c := range []struct{ asked, wantModel, wantShown string }{
		{"auto", "auto", "gpt-4o"},
		{"gpt-4o", "gpt-4o", "gpt-4o"},
		{"openai/gpt-4o", "openai/gpt-4o", "openai/gpt-4o"},
		{"old", "old-model", "old"},
		{"claude-next", "claude-next", "claude-next"},
	} {
		r := s.do("POST", "/v1/messages?beta=true", "", messagesBody(c.asked, `,"container":"c"`), "X-Api-Key", userKey, "Anthropic-Version", "2023-06-01", "X-Request-Id", "mine")
		want := `{"id":"msg_1","type":"message","role":"assistant","model":"` + c.wantShown + `","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}`
		if r.status != 200 || r.body != want || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("POST messages for %s = %d %s, want %s", c.asked, r.status, r.body, want)
		}
		if want := `{"model":"` + c.wantModel + `","messages":[{"role":"user","content":"hi"}],"max_tokens":5}`; got != want {
			t.Errorf("POST messages for %s asks for %s, want %s", c.asked, got, want)
		}
		for name, want := range map[string]string{"X-Pointsman-Lossy": "container,seed", "Request-Id": "mine", "X-Request-Id": "mine", "X-Pointsman-Model": "gpt-4o"} {
			if r.header.Get(name) != want {
				t.Errorf("%s = %q, want %q", name, r.header.Get(name), want)
			}
		}
	}
}

func TestUpstreamModel(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	models := []engine.Model{
		{ID: "claude-haiku-4.5", UpstreamID: "claude-haiku-4-5-20251001", Enabled: true},
		{ID: "claude-opus-off", UpstreamID: "claude-opus-4-5-20251101"},
		{ID: "claude-sonnet-4.6", UpstreamID: "claude-sonnet-4-6", Enabled: true},
		{ID: "gpt-4o", UpstreamID: "gpt-4o-20240806", Enabled: true},
		{ID: "claude-opus-4", UpstreamID: "claude-opus-4-20250514", Enabled: true, RetiresAt: now.AddDate(0, -1, 0), Replacement: &engine.Replacement{UpstreamID: "claude-opus-4-8"}},
		{ID: "claude-opus-4.1", UpstreamID: "claude-opus-4-1-20250805", Enabled: true, RetiresAt: now.AddDate(0, 1, 0), Replacement: &engine.Replacement{UpstreamID: "claude-opus-4-9"}},
		{ID: "claude-sonnet-4", UpstreamID: "claude-sonnet-4-20250514", Enabled: true, RetiresAt: now.AddDate(0, -1, 0), Replacement: &engine.Replacement{UpstreamID: "claude-sonnet-4-6"}},
		{ID: "codex-1", UpstreamID: "codex-1", Enabled: true, RetiresAt: now.AddDate(0, -1, 0), Replacement: &engine.Replacement{UpstreamID: "gpt-5.4"}},
		{ID: "codex-2", UpstreamID: "codex-2", Enabled: true, RetiresAt: now.AddDate(0, -1, 0), Replacement: &engine.Replacement{UpstreamID: "gpt-5.4"}},
	}
	for _, c := range []struct{ asked, want string }{
		{"claude-haiku-4.5", "claude-haiku-4.5"},
		{"claude-haiku-4-5-20251001", "claude-haiku-4.5"},
		{"claude-haiku-4-5", "claude-haiku-4.5"},
		{"claude-sonnet-4-6-20260101", "claude-sonnet-4.6"},
		{"claude-opus-4-5-20251101", "claude-opus-4-5-20251101"},
		{"claude-opus-off", "claude-opus-off"},
		{"gpt-4o-20240806", "gpt-4o"},
		{"gpt-4o-20250101", "gpt-4o-20250101"},
		{"claude-opus-4-8", "claude-opus-4"},
		{"claude-opus-4-20250514", "claude-opus-4"},
		{"claude-opus-4-9", "claude-opus-4-9"},
		{"claude-sonnet-4-6", "claude-sonnet-4.6"},
		{"gpt-5.4", "gpt-5.4"},
		{"claude-", "claude-"},
		{"-20251001", "-20251001"},
		{"", ""},
	} {
		if got := upstreamModel(models, c.asked, now); got != c.want {
			t.Errorf("upstreamModel(%q) = %q, want %q", c.asked, got, c.want)
		}
	}
}

func TestMessagesStream(t *testing.T) {
	t.Parallel()
	const head = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"gpt-4o\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":0,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":0}}}\n\n"
	const text = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n" +
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n"
	const tail = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" +
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"stop_details\":null},\"usage\":{\"input_tokens\":9,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":2}}\n\n" +
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
	failed := func(kind, message string) string {
		return "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"" + kind + "\",\"message\":\"" + message + "\"},\"request_id\":\"mine\"}\n\n"
	}
	chunk := func(delta, finish string) step {
		return step{chunk: `{"id":"chatcmpl-1","model":"gpt-4o","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + `}]}`}
	}
	hi, stop := chunk(`{"content":"Hi"}`, `null`), chunk(`{}`, `"stop"`)
	counts := step{chunk: `{"id":"chatcmpl-1","model":"gpt-4o","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}`}
	for _, c := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"whole", []step{chunk(`{"role":"assistant","content":""}`, `null`), hi, stop, counts, {err: io.EOF}}, head + text + tail},
		{"overloaded in the middle", []step{hi, {err: &engine.Error{Code: engine.CodeUpstreamOverloaded, Message: "Full."}}}, head + text + failed("overloaded_error", "Full.")},
		{"cut", []step{hi, {err: &engine.Error{Code: engine.CodeUpstreamTruncated, Message: "Cut."}}}, head + text + failed("api_error", "Cut.")},
		{"an end without a finish", []step{hi, {err: io.EOF}}, head + text + failed("api_error", "The provider ended the stream before the answer was complete.")},
		{"an error that says nothing of itself", []step{hi, {err: errors.New("secret")}}, head + text + failed("api_error", "Internal error. The log has the details under this request id.")},
		{"a chunk that is none", []step{{chunk: `{`}}, failed("api_error", "Internal error. The log has the details under this request id.")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source := scripted(c.steps...)
			var asked bool
			f := &fake{stream: func(_ context.Context, r *engine.Request) (engine.Stream, engine.Meta, error) {
				asked = r.Stream && r.IncludeUsage
				return source, engine.Meta{Model: "gpt-4o", Attempts: 1}, nil
			}}
			s := start(t, f)
			r := s.do("POST", "/v1/messages", userKey, messagesBody("auto", `,"stream":true`), "X-Request-Id", "mine")
			if r.status != 200 || r.body != c.want || !strings.HasPrefix(r.header.Get("Content-Type"), "text/event-stream") {
				t.Errorf("stream = %d %s\nwant %s", r.status, r.body, c.want)
			}
			if !asked {
				t.Error("the request asks for no stream with usage, want both")
			}
			waitFor(t, "Close of the source", source.closed)
		})
	}
}

// A silent provider is covered by pings, which are events here and no comments.
func TestMessagesPing(t *testing.T) {
	t.Parallel()
	source := scripted()
	s := start(t, streaming(func() engine.Stream { return source }), func(c *Config) { c.Heartbeat = time.Millisecond })
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/v1/messages", strings.NewReader(messagesBody("auto", `,"stream":true`)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", userKey)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	const want = "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != want {
		t.Errorf("a silent stream says %q, %v, want %q", got, err, want)
	}
	_ = res.Body.Close()
	waitFor(t, "Close of the source after its client left", source.closed)
}

func TestMessagesErrors(t *testing.T) {
	t.Parallel()
	var fail error
	f := &fake{complete: func(context.Context, *engine.Request) (engine.Completion, error) { return engine.Completion{}, fail }}
	s := start(t, f)
	for _, c := range []struct {
		code   engine.Code
		after  time.Duration
		status int
		kind   string
	}{
		{engine.CodeInvalid, 0, 400, "invalid_request_error"},
		{engine.CodeContextLength, 0, 400, "invalid_request_error"},
		{engine.CodeModelNotAllowed, 0, 403, "permission_error"},
		{engine.CodeModelNotFound, 0, 404, "not_found_error"},
		{engine.CodeRateLimited, 2 * time.Second, 429, "rate_limit_error"},
		{engine.CodeUpstreamFailed, 0, 502, "api_error"},
		{engine.CodeUpstreamTimeout, 0, 504, "timeout_error"},
		{engine.CodeUpstreamOverloaded, time.Second, 529, "overloaded_error"},
		{engine.CodeNoTarget, 0, 503, "api_error"},
		{engine.CodeInternal, 0, 500, "api_error"},
	} {
		fail = &engine.Error{Code: c.code, Message: "Why.", After: c.after}
		r := s.do("POST", "/v1/messages", userKey, messagesBody("auto", ""))
		isMessagesError(t, string(c.code), r, c.status, c.kind)
		if c.after > 0 && r.header.Get("Retry-After") == "" {
			t.Errorf("%s has no Retry-After", c.code)
		}
	}
	for _, c := range []struct{ message, want string }{
		{"No model can take this request.", "prompt is too long: No model can take this request."},
		{"prompt is too long: 210000 tokens > 200000 maximum", "prompt is too long: 210000 tokens > 200000 maximum"},
	} {
		fail = &engine.Error{Code: engine.CodeContextLength, Message: c.message}
		if got := s.do("POST", "/v1/messages", userKey, messagesBody("auto", "")).member("error", "message"); got != c.want {
			t.Errorf("message of a prompt that is too long = %q, want %q", got, c.want)
		}
	}
	fail = &engine.Error{Code: engine.CodePluginFailed, Status: 402, Message: "Pay."}
	isMessagesError(t, "402", s.do("POST", "/v1/messages", userKey, messagesBody("auto", "")), 402, "billing_error")

	for _, c := range []struct{ name, body, want string }{
		{"no JSON", `{"model":`, "line 1"},
		{"no max_tokens", `{"model":"auto","messages":[{"role":"user","content":"hi"}]}`, "'max_tokens' is required"},
		{"a block at fault", `{"model":"auto","max_tokens":5,"messages":[{"role":"user","content":[{"type":"text"}]}]}`, "'messages[0].content[0].text'"},
		{"strict", messagesBody("auto", `,"container":"c","metadata":{"strict":"true"}`), "'container' cannot be carried"},
		{"a hint", messagesBody("auto", `,"metadata":{"session_id":"a\u0001"}`), "metadata.session_id"},
	} {
		r := s.do("POST", "/v1/messages", userKey, c.body)
		isMessagesError(t, c.name, r, 400, "invalid_request_error")
		if message, _ := r.member("error", "message").(string); !strings.Contains(message, c.want) {
			t.Errorf("%s = %q, want it to say %q", c.name, message, c.want)
		}
	}

	isMessagesError(t, "text/plain", s.do("POST", "/v1/messages", userKey, messagesBody("auto", ""), "Content-Type", "text/plain"), 415, "invalid_request_error")
	isMessagesError(t, "GET", s.do("GET", "/v1/messages", userKey, ""), 405, "invalid_request_error")
	isOpenAIError(t, "a path that only begins so", s.do("POST", "/v1/messagesx", userKey, "{}"), 404, "not_found_error", "not_found", "")
}

// Every wrong key gets the same bytes, in Anthropic's form too.
func TestMessagesUnauthorized(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	const want = `{"type":"error","error":{"type":"authentication_error","message":"Incorrect API key provided."}}`
	for _, key := range []string{"", "wrong-key-wrong-key-wrong"} {
		r := s.do("POST", "/v1/messages", key, messagesBody("auto", ""))
		if r.status != 401 || r.body != want || r.header.Get("WWW-Authenticate") == "" || r.header.Get("Request-Id") == "" {
			t.Errorf("key %q = %d %s, want 401 %s", key, r.status, r.body, want)
		}
	}
	if r := s.do("POST", "/v1/messages", userKey, messagesBody("auto", ""), "X-Api-Key", "another"); r.status != 401 {
		t.Errorf("two keys = %d, want 401", r.status)
	}
}

func TestMessagesFailsAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{stream: func(context.Context, *engine.Request) (engine.Stream, engine.Meta, error) {
		return nil, engine.Meta{Attempts: 1}, &engine.Error{Code: engine.CodeRateLimited, Message: "Slow."}
	}})
	isMessagesError(t, "a stream that cannot start", s.do("POST", "/v1/messages", userKey, messagesBody("auto", `,"stream":true`)), 429, "rate_limit_error")
}

// A body that says that it is too large is refused in Anthropic's form.
func TestMessagesTooLarge(t *testing.T) {
	s := start(t, &fake{})
	body := messagesBody("auto", "")
	r := s.do("POST", "/v1/messages", userKey, body+strings.Repeat(" ", 32<<20+1-len(body)))
	isMessagesError(t, "limit+1", r, 413, "request_too_large")
}
