package httpapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

func TestChat(t *testing.T) {
	t.Parallel()
	var got *engine.Request
	f := &fake{complete: func(_ context.Context, r *engine.Request) (engine.Completion, error) {
		clone := *r
		clone.Doc = nil
		got = &clone
		return engine.Completion{
			Body: []byte(`{"id":"chatcmpl-1","model":"gpt-4o"}`),
			Meta: engine.Meta{Model: "gpt-4o", Provider: "openai", Rule: "customer-service", Attempts: 2, Decision: "rule:customer-service; gpt-4o via openai", OverheadUS: 123, Simulated: true, Substituted: "gpt-4o-2", Lossy: []string{"seed", "n"}},
		}, nil
	}}
	s := start(t, f)
	r := s.do("POST", chatPath, userKey, chatBody(`,"metadata":{"session_id":"body"}`), "X-Pointsman-Session", "header", "X-Request-Id", "my.id-1_A")
	if r.status != 200 || r.body != `{"id":"chatcmpl-1","model":"gpt-4o"}` || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("POST chat = %d %q as %q, want the completion as JSON", r.status, r.body, r.header.Get("Content-Type"))
	}
	for name, want := range map[string]string{
		"X-Request-Id": "my.id-1_A", "X-Pointsman-Model": "gpt-4o", "X-Pointsman-Provider": "openai",
		"X-Pointsman-Rule": "customer-service", "X-Pointsman-Attempts": "2", "X-Pointsman-Overhead-Us": "123",
		"X-Pointsman-Decision": "rule:customer-service; gpt-4o via openai", "X-Pointsman-Simulated": "true",
		"X-Pointsman-Substituted": "gpt-4o-2", "X-Pointsman-Lossy": "seed,n",
	} {
		if r.header.Get(name) != want {
			t.Errorf("header %s = %q, want %q", name, r.header.Get(name), want)
		}
	}
	if got.ID != "my.id-1_A" || got.Model != "auto" || got.Hints.SessionID != "header" || got.Principal.UserID != "user" || !got.Received.Equal(testNow) || got.Stream {
		t.Errorf("the pipeline got %+v, want the request of user with session header", got)
	}
}

// TestChatBadInput is the "bad input" paragraph: the right status, code and param.
func TestChatBadInput(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	deep := strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000)
	var wide strings.Builder
	for i := range 1_000_000 {
		fmt.Fprintf(&wide, `,"k%d":0`, i)
	}
	for _, c := range []struct {
		name, body  string
		code, param string
	}{
		{"empty body", "", "invalid_json", ""},
		{"not JSON", "hello", "invalid_json", ""},
		{"cut off", chatBody("")[:40], "invalid_json", "messages[0].role"},
		{"trailing junk", chatBody("") + "x", "invalid_json", ""},
		{"BOM", "\xEF\xBB\xBF" + chatBody(""), "invalid_json", ""},
		{"depth 10,000", chatBody(`,"x":` + deep), "invalid_json", "*"},
		{"a million keys", chatBody(wide.String()), "invalid_json", "*"},
		{"duplicate model", `{"model":"auto","model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}`, "invalid_json", "model"},
		{"duplicate nested", `{"model":"auto","messages":[{"role":"user","role":"system","content":"hi"}]}`, "invalid_json", "messages[0].role"},
		{"NaN", chatBody(`,"temperature":NaN`), "invalid_json", "temperature"},
		{"1e999", chatBody(`,"temperature":1e999`), "invalid_json", "temperature"},
		{"lone surrogate", `{"model":"auto","messages":[{"role":"user","content":"\ud800"}]}`, "invalid_json", "messages[0].content"},
		{"invalid UTF-8", "{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}", "invalid_json", "messages[0].content"},
		{"array", `[]`, "invalid_request", ""},
		{"no model", `{"messages":[{"role":"user","content":"hi"}]}`, "invalid_request", "model"},
		{"no messages", `{"model":"auto"}`, "invalid_request", "messages"},
		{"empty messages", `{"model":"auto","messages":[]}`, "invalid_request", "messages"},
		{"role", `{"model":"auto","messages":[{"role":"robot","content":"hi"}]}`, "invalid_request", "messages[0].role"},
		{"content", `{"model":"auto","messages":[{"role":"user","content":1}]}`, "invalid_request", "messages[0].content"},
		{"temperature", chatBody(`,"temperature":3`), "invalid_request", "temperature"},
		{"max_tokens", chatBody(`,"max_tokens":0`), "invalid_request", "max_tokens"},
		{"stream_options", chatBody(`,"stream_options":{}`), "invalid_request", "stream_options"},
		{"metadata", chatBody(`,"metadata":{"a":1}`), "invalid_request", "metadata.a"},
	} {
		r := s.do("POST", chatPath, userKey, c.body)
		param := c.param
		if param == "*" {
			param, _ = r.member("error", "param").(string)
		}
		isOpenAIError(t, c.name, r, 400, "invalid_request_error", c.code, param)
		if _, err := uuid.Parse(r.header.Get("X-Request-Id")); err != nil {
			t.Errorf("%s: x-request-id %q, want a UUID", c.name, r.header.Get("X-Request-Id"))
		}
	}
	if r := s.do("POST", chatPath, userKey, chatBody(`,"seed":9007199254740993`)); r.status != 200 {
		t.Errorf("2^53+1: %d %s, want 200", r.status, r.body)
	}
	isOpenAIError(t, "bad hint header", s.do("POST", chatPath, userKey, chatBody(""), "X-Pointsman-Agent", strings.Repeat("a", 300)), 400, "invalid_request_error", "invalid_request", "x-pointsman-agent")
}

// TestChatErrors: what the pipeline answers, with the headers that it could fill.
func TestChatErrors(t *testing.T) {
	t.Parallel()
	var fail error
	f := &fake{
		complete: func(context.Context, *engine.Request) (engine.Completion, error) {
			return engine.Completion{Meta: engine.Meta{Rule: "r", Attempts: 3, Decision: "all failed\r\nx-evil: 1 \u00e4"}}, fail
		},
		stream: func(context.Context, *engine.Request) (engine.Stream, engine.Meta, error) {
			return nil, engine.Meta{Rule: "r", Attempts: 3, Decision: "all failed\r\nx-evil: 1 \u00e4"}, fail
		},
	}
	s := start(t, f)
	for _, c := range []struct {
		name              string
		err               error
		status            int
		kind, code, param string
		wantRetry         string
	}{
		{"model not found", &engine.Error{Code: engine.CodeModelNotFound, Param: "model", Message: "The model 'x' does not exist. Nearest: gpt-4o."}, 404, "not_found_error", "model_not_found", "model", ""},
		{"not allowed", &engine.Error{Code: engine.CodeModelNotAllowed, Param: "model", Message: "no"}, 403, "permission_error", "model_not_allowed", "model", ""},
		{"rate limited", &engine.Error{Code: engine.CodeRateLimited, Message: "slow down", After: 1500 * time.Millisecond}, 429, "rate_limit_error", "rate_limit_exceeded", "", "2"},
		{"wrapped", fmt.Errorf("complete: %w", engine.Errorf(engine.CodeUpstreamFailed, "bad")), 502, "server_error", "upstream_error", "", ""},
		{"timeout", engine.Errorf(engine.CodeUpstreamTimeout, "late"), 504, "server_error", "upstream_timeout", "", ""},
		{"rejected by a rule", &engine.Error{Code: engine.CodeRuleRejected, Status: 451, Message: "not here"}, 451, "invalid_request_error", "rule_rejected", "", ""},
		{"rejected as forbidden", &engine.Error{Code: engine.CodeRuleRejected, Status: 403, Message: "no"}, 403, "permission_error", "rule_rejected", "", ""},
		{"status out of range", &engine.Error{Code: engine.CodeRuleRejected, Status: 200, Message: "no"}, 400, "invalid_request_error", "rule_rejected", "", ""},
		{"unknown code", &engine.Error{Code: "made_up", Message: "odd"}, 500, "server_error", "made_up", "", ""},
		{"plain error", errors.New("secret detail of the database"), 500, "server_error", "internal_error", "", ""},
	} {
		fail = c.err
		for _, members := range []string{"", `,"stream":true`} {
			r := s.do("POST", chatPath, userKey, chatBody(members))
			what := c.name + members
			isOpenAIError(t, what, r, c.status, c.kind, c.code, c.param)
			if strings.Contains(r.body, "secret") {
				t.Errorf("%s: body %s shows an internal error", what, r.body)
			}
			if got := r.header.Get("Retry-After"); got != c.wantRetry {
				t.Errorf("%s: Retry-After = %q, want %q", what, got, c.wantRetry)
			}
			if r.header.Get("X-Pointsman-Rule") != "r" || r.header.Get("X-Pointsman-Attempts") != "3" {
				t.Errorf("%s: rule %q, attempts %q, want r and 3", what, r.header.Get("X-Pointsman-Rule"), r.header.Get("X-Pointsman-Attempts"))
			}
			if got := r.header.Get("X-Pointsman-Decision"); got != "all failed??x-evil: 1 ?" || r.header.Get("X-Evil") != "" {
				t.Errorf("%s: decision header %q, want it without line ends", what, got)
			}
		}
	}
}

func TestPanicContained(t *testing.T) {
	t.Parallel()
	f := &fake{
		complete: func(context.Context, *engine.Request) (engine.Completion, error) { panic("boom in complete") },
		stream:   func(context.Context, *engine.Request) (engine.Stream, engine.Meta, error) { panic("boom in stream") },
		onRules:  func() { panic("boom in rules") },
	}
	s := start(t, f)
	for _, members := range []string{"", `,"stream":true`} {
		r := s.do("POST", chatPath, userKey, chatBody(members))
		isOpenAIError(t, "panic"+members, r, 500, "server_error", "internal_error", "")
		if strings.Contains(r.body, "boom") {
			t.Errorf("the panic's text is shown: %s", r.body)
		}
	}
	r := s.do("GET", "/api/v1/rules", userKey, "")
	isProblem(t, "panic on the admin API", r, 500, "internal_error")
	if strings.Contains(r.body, "boom") {
		t.Errorf("the panic's text is shown: %s", r.body)
	}
	if r := s.do("GET", "/healthz", "", ""); r.status != 200 {
		t.Errorf("GET /healthz after panics = %d, want 200", r.status)
	}
	if n := s.bodies.used.Load(); n != 0 {
		t.Errorf("%d bytes of bodies are still held after panics, want 0", n)
	}
}

func TestContentTypeAndEncoding(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	for _, c := range []struct {
		name, header, value string
		want                int
	}{
		{"json", "Content-Type", "application/json", 200},
		{"json with charset", "Content-Type", "Application/JSON; charset=utf-8", 200},
		{"vendor json", "Content-Type", "application/vnd.x+json", 200},
		{"none", "Content-Type", "", 200},
		{"text", "Content-Type", "text/plain", 415},
		{"form", "Content-Type", "application/x-www-form-urlencoded", 415},
		{"json prefix", "Content-Type", "application/jsonp", 415},
		{"identity", "Content-Encoding", "identity", 200},
		{"gzip", "Content-Encoding", "gzip", 415},
		{"GZIP", "Content-Encoding", "GZIP", 415},
		{"gzip three times", "Content-Encoding", "gzip, gzip, gzip", 415},
		{"zstd", "Content-Encoding", "zstd", 415},
		{"br", "Content-Encoding", "br", 415},
		{"deflate", "Content-Encoding", "deflate", 415},
		{"identity and gzip", "Content-Encoding", "identity, gzip", 415},
	} {
		text := "POST " + chatPath + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + userKey + "\r\nConnection: close\r\n"
		if c.value != "" {
			text += c.header + ": " + c.value + "\r\n"
		}
		body := chatBody("")
		got := s.raw(text+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body), 1)
		if len(got) != 1 || got[0].status != c.want {
			t.Errorf("%s: %+v, want status %d", c.name, got, c.want)
			continue
		}
		if c.want == 415 {
			isOpenAIError(t, c.name, got[0], 415, "invalid_request_error", "unsupported_media_type", "")
		}
	}
	if r := s.do("POST", "/api/v1/rules", superKey, `{}`, "Content-Encoding", "gzip"); r.status != 415 {
		t.Errorf("gzip on the admin API = %d, want 415", r.status)
	}
}

// TestAliasing: what the pipeline keeps of a request stays as it was while the same
// connections carry other requests. Run it with -race.
func TestAliasing(t *testing.T) {
	t.Parallel()
	type kept struct{ account, model, session, id, text string }
	var mu sync.Mutex
	var all []kept
	f := &fake{complete: func(_ context.Context, r *engine.Request) (engine.Completion, error) {
		k := kept{r.Principal.AccountID, r.Model, r.Hints.SessionID, r.ID, r.Doc.Root().Pointer("/messages/0/content").Text()}
		mu.Lock()
		all = append(all, k)
		mu.Unlock()
		return engine.Completion{Body: []byte(`{"echo":"` + k.account + `"}`), Meta: engine.Meta{Rule: k.account}}, nil
	}}
	s := start(t, f)
	const connections, requests = 16, 50
	var wg sync.WaitGroup
	for c := range connections {
		wg.Go(func() {
			var text strings.Builder
			for i := range requests {
				name := fmt.Sprintf("t%02d-%02d", c, i)
				body := fmt.Sprintf(`{"model":"m-%s","messages":[{"role":"user","content":"say %s"}]}`, name, name)
				fmt.Fprintf(&text, "POST %s HTTP/1.1\r\nHost: x\r\nX-Api-Key: tenant-key-%s\r\nX-Pointsman-Session: s-%s\r\nX-Request-Id: r-%s\r\nContent-Length: %d\r\n\r\n%s", chatPath, name, name, name, len(body), body)
			}
			got := s.raw(text.String(), requests)
			if len(got) != requests {
				t.Errorf("connection %d: %d answers, want %d", c, len(got), requests)
				return
			}
			for i, r := range got {
				name := fmt.Sprintf("t%02d-%02d", c, i)
				if r.body != `{"echo":"`+name+`"}` || r.header.Get("X-Pointsman-Rule") != name || r.header.Get("X-Request-Id") != "r-"+name {
					t.Errorf("answer %s: %d %s rule %q id %q, want its own", name, r.status, r.body, r.header.Get("X-Pointsman-Rule"), r.header.Get("X-Request-Id"))
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, k := range all {
		if k != (kept{k.account, "m-" + k.account, "s-" + k.account, "r-" + k.account, "say " + k.account}) || seen[k.account] {
			t.Errorf("kept %+v, want all of it of one request, once", k)
		}
		seen[k.account] = true
	}
	if len(seen) != connections*requests {
		t.Errorf("%d requests kept, want %d", len(seen), connections*requests)
	}
}

// TestBodiesInFlight: more bytes than the budget are refused with Retry-After, small
// bodies never are, and what was held is given back.
func TestBodiesInFlight(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	f := &fake{complete: func(_ context.Context, r *engine.Request) (engine.Completion, error) {
		if r.Model == "wait" {
			entered <- struct{}{}
			<-leave
		}
		return engine.Completion{Body: []byte(`{}`)}, nil
	}}
	s := start(t, f, func(c *Config) { c.BodiesInFlight = 150 << 10 })
	big := func(model string) string {
		return `{"model":"` + model + `","messages":[{"role":"user","content":"` + strings.Repeat("a", 100<<10) + `"}]}`
	}
	first := make(chan reply, 1)
	go func() { first <- s.do("POST", chatPath, userKey, big("wait")) }()
	<-entered
	r := s.do("POST", chatPath, userKey, big("auto"))
	isOpenAIError(t, "over the budget", r, 503, "server_error", "overloaded", "")
	if r.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After = %q, want 1", r.header.Get("Retry-After"))
	}
	if r := s.do("POST", chatPath, userKey, chatBody("")); r.status != 200 {
		t.Errorf("a small body over the budget = %d, want 200", r.status)
	}
	close(leave)
	if r := <-first; r.status != 200 {
		t.Errorf("the first large body = %d, want 200", r.status)
	}
	if r := s.do("POST", chatPath, userKey, big("auto")); r.status != 200 {
		t.Errorf("a large body afterwards = %d, want 200", r.status)
	}
	if n := s.bodies.used.Load(); n != 0 {
		t.Errorf("%d bytes are still held, want 0", n)
	}
}

// BenchmarkChat is a plain request through everything of this package but the socket.
func BenchmarkChat(b *testing.B) {
	f := &fake{}
	s, err := New(f.config())
	if err != nil {
		b.Fatal(err)
	}
	body := `{"model":"auto","messages":[{"role":"user","content":"` + strings.Repeat("a question ", 100) + `"}]}`
	var fctx fasthttp.RequestCtx
	var req fasthttp.Request
	req.Header.SetMethod("POST")
	req.SetRequestURI(chatPath)
	req.Header.SetHost("x")
	req.Header.SetContentType("application/json")
	req.Header.Set("Authorization", "Bearer "+userKey)
	req.SetBodyString(body)
	b.ReportAllocs()
	for b.Loop() {
		fctx.Init(&req, nil, nil)
		s.serve(&fctx)
		if fctx.Response.StatusCode() != 200 {
			b.Fatalf("status %d: %s", fctx.Response.StatusCode(), fctx.Response.Body())
		}
		fctx.ResetUserValues()
		fctx.Response.Reset()
	}
}
