package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// script is a stream whose chunks a test writes. Its buffer is reused, as a real one's is.
type script struct {
	steps  chan step // closed: blocks until ctx ends
	buffer []byte
	closed chan struct{}
	once   sync.Once
	inNext atomic.Bool
}

type step struct {
	chunk string
	err   error
	panic string
}

func scripted(steps ...step) *script {
	s := &script{steps: make(chan step, len(steps)+1), closed: make(chan struct{})}
	for _, st := range steps {
		s.steps <- st
	}
	return s
}

func (s *script) Next(ctx context.Context) ([]byte, error) {
	if !s.inNext.CompareAndSwap(false, true) {
		return nil, errors.New("Next runs twice at once")
	}
	defer s.inNext.Store(false)
	for i := range s.buffer {
		s.buffer[i] = '#' // the last chunk is not valid any more
	}
	select {
	case st := <-s.steps:
		if st.panic != "" {
			panic(st.panic)
		}
		s.buffer = append(s.buffer[:0], st.chunk...)
		return s.buffer, st.err
	case <-ctx.Done():
		return nil, &engine.Error{Code: engine.CodeCanceled, Message: "The client closed the stream.", Err: ctx.Err()}
	}
}

func (s *script) Close() {
	if s.inNext.Load() {
		panic("Close runs beside Next")
	}
	s.once.Do(func() { close(s.closed) })
}

// streaming is a fake whose every stream is the one that next returns.
func streaming(next func() engine.Stream) *fake {
	return &fake{stream: func(context.Context, *engine.Request) (engine.Stream, engine.Meta, error) {
		return next(), engine.Meta{Model: "gpt-4o", Provider: "openai", Rule: "default", Attempts: 1}, nil
	}}
}

// waitFor fails the test when the channel does not close.
func waitFor(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(rawDeadline):
		t.Fatalf("%s did not happen", what)
	}
}

func chatRequest(body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", chatPath, userKey, len(body), body)
}

// TestStreamBytes: exactly what an SSE client gets.
func TestStreamBytes(t *testing.T) {
	t.Parallel()
	long := `{"content":"` + strings.Repeat("x", 20_000) + `"}`
	for _, c := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"chunks", []step{{chunk: `{"a":1}`}, {chunk: `{"b":2}`}, {err: io.EOF}}, "data: {\"a\":1}\n\ndata: {\"b\":2}\n\ndata: [DONE]\n\n"},
		{"none", []step{{err: io.EOF}}, "data: [DONE]\n\n"},
		{"longer than every buffer", []step{{chunk: long}, {chunk: `{}`}, {err: io.EOF}}, "data: " + long + "\n\ndata: {}\n\ndata: [DONE]\n\n"},
		{"line ends between tokens", []step{{chunk: "{\r\n \"a\":\n\"\\n\"\r}"}, {err: io.EOF}}, "data: {   \"a\": \"\\n\" }\n\ndata: [DONE]\n\n"},
		{"error in the middle", []step{{chunk: `{"a":1}`}, {err: engine.Errorf(engine.CodeUpstreamTruncated, "Provider openai ended the stream before the answer was complete.")}},
			"data: {\"a\":1}\n\ndata: {\"error\":{\"message\":\"Provider openai ended the stream before the answer was complete.\",\"type\":\"server_error\",\"param\":null,\"code\":\"upstream_truncated\"}}\n\n"},
		{"unknown error", []step{{err: errors.New("secret")}},
			"data: {\"error\":{\"message\":\"Internal error. The log has the details under this request id.\",\"type\":\"server_error\",\"param\":null,\"code\":\"internal_error\"}}\n\n"},
		{"panic", []step{{chunk: `{"a":1}`}, {panic: "secret"}},
			"data: {\"a\":1}\n\ndata: {\"error\":{\"message\":\"Internal error. The log has the details under this request id.\",\"type\":\"server_error\",\"param\":null,\"code\":\"internal_error\"}}\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source := scripted(c.steps...)
			s := start(t, streaming(func() engine.Stream { return source }))
			r := s.do("POST", chatPath, userKey, chatBody(`,"stream":true`))
			if r.status != 200 || r.body != c.want {
				t.Errorf("stream = %d %.300q, want %.300q", r.status, r.body, c.want)
			}
			for name, want := range map[string]string{
				"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", "X-Accel-Buffering": "no",
				"X-Pointsman-Rule": "default", "X-Pointsman-Model": "gpt-4o",
			} {
				if got := r.header.Get(name); got != want {
					t.Errorf("header %s = %q, want %q", name, got, want)
				}
			}
			waitFor(t, "Close", source.closed)
		})
	}
}

// TestStreamFlushes: each event goes out before the next one exists, and the
// connection serves another request afterwards.
func TestStreamFlushes(t *testing.T) {
	t.Parallel()
	source := scripted()
	s := start(t, streaming(func() engine.Stream { return source }), func(c *Config) { c.Heartbeat = time.Hour })
	conn := s.dial()
	if _, err := io.WriteString(conn, chatRequest(chatBody(`,"stream":true`))); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	source.steps <- step{chunk: `{"n":0}`}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := bufio.NewReader(res.Body)
	for i := range 5 {
		line, err := body.ReadString('\n')
		if want := fmt.Sprintf("data: {\"n\":%d}\n", i); err != nil || line != want {
			t.Fatalf("line = %q, %v, want %q", line, err, want)
		}
		if blank, err := body.ReadString('\n'); err != nil || blank != "\n" {
			t.Fatalf("line = %q, %v, want a blank line", blank, err)
		}
		if i < 4 {
			source.steps <- step{chunk: fmt.Sprintf(`{"n":%d}`, i+1)}
		}
	}
	source.steps <- step{err: io.EOF}
	rest, err := io.ReadAll(body)
	if err != nil || string(rest) != "data: [DONE]\n\n" {
		t.Fatalf("rest = %q, %v, want [DONE]", rest, err)
	}
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got := readReplies(t, in, 1); len(got) != 1 || got[0].status != 200 {
		t.Errorf("request after the stream = %+v, want 200", got)
	}
}

// gatheringScript is a script that says before it waits.
type gatheringScript struct {
	*script
	tell func()
}

func (g *gatheringScript) BeforeWait(tell func()) { g.tell = tell }

func (g *gatheringScript) Next(ctx context.Context) ([]byte, error) {
	if len(g.steps) == 0 {
		g.tell()
	}
	return g.script.Next(ctx)
}

// TestStreamGathers: events that are there together go out in one chunk, but none waits for one
// that is not there yet.
func TestStreamGathers(t *testing.T) {
	t.Parallel()
	source := &gatheringScript{script: scripted(step{chunk: `{"n":0}`}, step{chunk: `{"n":1}`}, step{chunk: strings.Repeat("x", gathered)})}
	s := start(t, streaming(func() engine.Stream { return source }), func(c *Config) { c.Heartbeat = time.Hour })
	conn := s.dial()
	if _, err := io.WriteString(conn, chatRequest(chatBody(`,"stream":true`))); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
	}
	chunk := func(want string) {
		t.Helper()
		line, err := in.ReadString('\n')
		var size int
		if _, scanErr := fmt.Sscanf(line, "%x\r\n", &size); err != nil || scanErr != nil {
			t.Fatalf("chunk begins with %q, %v", line, err)
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(in, b); err != nil || string(b) != want+"\r\n" {
			t.Fatalf("chunk = %.60q, %v, want %.60q", b, err, want)
		}
	}
	long := "data: " + strings.Repeat("x", gathered) + "\n\n"
	all := "data: {\"n\":0}\n\ndata: {\"n\":1}\n\n" + long
	chunk(all[:eventPiece])
	chunk(all[eventPiece:])
	source.steps <- step{chunk: `{"n":2}`}
	chunk("data: {\"n\":2}\n\n")
	source.steps <- step{err: io.EOF}
	chunk("data: [DONE]\n\n")
	chunk("")
}

// TestStreamHeartbeat: a silent source makes comments, which carry no data.
func TestStreamHeartbeat(t *testing.T) {
	t.Parallel()
	source := scripted(step{chunk: `{"a":1}`})
	s := start(t, streaming(func() engine.Stream { return source }), func(c *Config) { c.Heartbeat = 5 * time.Millisecond })
	res := s.open(chatBody(`,"stream":true`))
	body := bufio.NewReader(res.Body)
	pings := 0
	for pings < 3 {
		line, err := body.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d heartbeats: %v", pings, err)
		}
		if line == ": ping\n" {
			pings++
		}
	}
	source.steps <- step{chunk: `{"b":2}`}
	source.steps <- step{err: io.EOF}
	rest, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.ReplaceAll(strings.TrimPrefix(string(rest), "\n"), ": ping\n\n", ""); got != "data: {\"b\":2}\n\ndata: [DONE]\n\n" {
		t.Errorf("stream after heartbeats = %q, want the chunk and [DONE]", got)
	}
}

// open sends a streamed request and returns as soon as the headers are there.
func (s *running) open(body string) *http.Response {
	s.t.Helper()
	req, err := http.NewRequest("POST", s.url+chatPath, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+userKey)
	ctx, cancel := context.WithTimeout(s.t.Context(), rawDeadline)
	s.t.Cleanup(cancel)
	res, err := client.Do(req.WithContext(ctx))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// TestStreamHTTP10: a client of HTTP/1.0 cannot read chunks; it gets the events and
// then the end of the connection.
func TestStreamHTTP10(t *testing.T) {
	t.Parallel()
	s := start(t, streaming(func() engine.Stream { return scripted(step{chunk: `{"a":1}`}, step{err: io.EOF}) }))
	conn := s.dial()
	if _, err := io.WriteString(conn, strings.Replace(chatRequest(chatBody(`,"stream":true`)), "HTTP/1.1", "HTTP/1.0", 1)); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := bytes.Cut(all, []byte("\r\n\r\n"))
	if string(body) != "data: {\"a\":1}\n\ndata: [DONE]\n\n" {
		t.Errorf("HTTP/1.0 stream = %q, want the plain events", body)
	}
}

// TestStreamsTogether: many streams at once each get their own events, and nothing is
// left over when they end.
func TestStreamsTogether(t *testing.T) {
	t.Parallel()
	var number atomic.Int64
	f := &fake{stream: func(_ context.Context, r *engine.Request) (engine.Stream, engine.Meta, error) {
		number.Add(1)
		var steps []step
		for i := range 50 {
			steps = append(steps, step{chunk: fmt.Sprintf(`{"model":%q,"n":%d}`, r.Model, i)})
		}
		return scripted(append(steps, step{err: io.EOF})...), engine.Meta{Rule: r.Model}, nil
	}}
	s := start(t, f)
	var wg sync.WaitGroup
	for c := range 16 {
		wg.Go(func() {
			for i := range 4 {
				name := fmt.Sprintf("m-%d-%d", c, i)
				r := s.do("POST", chatPath, userKey, `{"model":"`+name+`","stream":true,"messages":[{"role":"user","content":"hi"}]}`)
				events := strings.Split(strings.TrimSuffix(r.body, "\n\n"), "\n\n")
				if len(events) != 51 || events[50] != "data: [DONE]" || r.header.Get("X-Pointsman-Rule") != name {
					t.Errorf("%s: %d events, rule %q, want 51 of its own", name, len(events), r.header.Get("X-Pointsman-Rule"))
					continue
				}
				for n, e := range events[:50] {
					if want := fmt.Sprintf(`data: {"model":%q,"n":%d}`, name, n); e != want {
						t.Errorf("%s: event %d = %q, want %q", name, n, e, want)
					}
				}
			}
		})
	}
	wg.Wait()
	if number.Load() != 64 {
		t.Errorf("%d streams, want 64", number.Load())
	}
}

// TestRequestLog: one line for each request, streams when they end, no content.
func TestRequestLog(t *testing.T) {
	t.Parallel()
	var out lockedBuffer
	source := scripted(step{chunk: `{"secret":"answer"}`}, step{err: engine.Errorf(engine.CodeUpstreamTruncated, "cut")})
	s := start(t, streaming(func() engine.Stream { return source }), func(c *Config) { c.Logger = zerolog.New(&out) })
	s.do("POST", chatPath, userKey, `{"model":"auto","stream":true,"messages":[{"role":"user","content":"secret question"}]}`, "X-Request-Id", "one")
	s.do("GET", "/v1/models", "wrong-key-wrong-key-wrong", "", "X-Request-Id", "two")
	waitFor(t, "Close", source.closed)
	s.do("GET", "/healthz", "", "", "X-Request-Id", "three") // the lines before it are written by now
	lines := map[string]map[string]any{}
	for line := range strings.Lines(out.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		lines[m["request_id"].(string)] = m
	}
	if m := lines["one"]; m["status"] != 502.0 || m["route"] != chatPath || m["tenant_id"] != "acme" || m["rule_id"] != "default" || m["model"] != "gpt-4o" {
		t.Errorf("log of a stream = %v, want its route, tenant, rule and 502", m)
	}
	if m := lines["two"]; m["status"] != 401.0 || m["tenant_id"] != nil {
		t.Errorf("log of a wrong key = %v, want 401 without a tenant", m)
	}
	for _, word := range []string{"secret", userKey, "wrong-key"} {
		if strings.Contains(out.String(), word) {
			t.Errorf("the log holds %q:\n%s", word, out.String())
		}
	}
}

// lockedBuffer may be written by several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// FuzzAppendEvent: one event is always one "data:" line, whatever JSON is in it.
func FuzzAppendEvent(f *testing.F) {
	for _, s := range []string{`{"a":1}`, "1e700", "{\n}", "{\r\n\"a\":\"\\n\"}", "", "data: x\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := appendEvent(nil, text)
		inner, ok := bytes.CutPrefix(got, []byte("data: "))
		inner, ok2 := bytes.CutSuffix(inner, []byte("\n\n"))
		if !ok || !ok2 || bytes.ContainsAny(inner, "\r\n") || len(inner) != len(text) {
			t.Fatalf("appendEvent(%q) = %q, want one data line", text, got)
		}
		if json.Valid(text) {
			// Compacted, so that numbers of any size are compared as they are written.
			var a, b bytes.Buffer
			if json.Compact(&a, text) != nil || json.Compact(&b, inner) != nil || a.String() != b.String() {
				t.Fatalf("appendEvent(%q) = %q, want the same value", text, got)
			}
		}
	})
}

func BenchmarkStreamEvent(b *testing.B) {
	f := &fake{}
	s, err := New(f.config())
	if err != nil {
		b.Fatal(err)
	}
	source := &endless{left: b.N, chunk: []byte(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"word"},"finish_reason":null}]}`)}
	ctx, cancel := context.WithCancelCause(context.Background())
	rq := &request{id: "b", ctx: ctx, cancel: cancel, streaming: true}
	here, there := net.Pipe()
	defer there.Close()
	e := s.newEventStream(rq, source, chatFraming{}, here, func() {})
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := e.WriteTo(io.Discard); err != nil {
		b.Fatal(err)
	}
	_ = e.Close()
}

// endless has the same chunk so many times.
type endless struct {
	left  int
	chunk []byte
}

func (e *endless) Next(context.Context) ([]byte, error) {
	if e.left--; e.left < 0 {
		return nil, io.EOF
	}
	return e.chunk, nil
}
func (e *endless) Close() {}
