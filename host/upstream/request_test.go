package upstream

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const okAnswer = okHead + "Content-Length: 7\r\n\r\n" + helloJSON

func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	s := serve(t, keep(okAnswer))
	host := strings.TrimPrefix(s.url, "http://")
	tests := []struct {
		name       string
		base       string
		change     func(*engine.UpstreamRequest)
		wantMethod string
		wantURI    string
		want       map[string]string // header → value, "" for absent
	}{
		{
			name: "defaults", base: s.url, wantMethod: "POST", wantURI: "/chat",
			want: map[string]string{
				"Authorization": "Bearer " + testKey, "Content-Type": "application/json", "Accept": "application/json",
				"Accept-Encoding": "identity", "User-Agent": "pointsman", "X-Api-Key": "",
			},
		},
		{
			name: "base path", base: s.url + "/v1/", wantMethod: "POST", wantURI: "/v1/chat",
		},
		{
			name: "base query and path query", base: s.url + "/v1?api-version=1", wantMethod: "POST", wantURI: "/v1/models/a:b?api-version=1&alt=sse",
			change: func(r *engine.UpstreamRequest) { r.Request.Path = "/models/a:b?alt=sse" },
		},
		{
			name: "escapes stay as they are", base: s.url + "/a%20b", wantMethod: "POST", wantURI: "/a%20b/m%2Fx",
			change: func(r *engine.UpstreamRequest) { r.Request.Path = "/m%2Fx" },
		},
		{
			name: "get", base: s.url, wantMethod: "GET", wantURI: "/chat",
			change: func(r *engine.UpstreamRequest) { r.Request.Method, r.Request.Body = "GET", nil },
			want:   map[string]string{"Content-Type": "", "Content-Length": ""},
		},
		{
			name: "key in a header", base: s.url, wantMethod: "POST", wantURI: "/chat",
			change: func(r *engine.UpstreamRequest) {
				r.Auth = engine.ManifestAuth{Scheme: "header", Name: "x-api-key"}
			},
			want: map[string]string{"X-Api-Key": testKey, "Authorization": ""},
		},
		{
			name: "key in the query", base: s.url, wantMethod: "POST", wantURI: "/chat?key=" + testKey,
			change: func(r *engine.UpstreamRequest) { r.Auth = engine.ManifestAuth{Scheme: "query", Name: "key"} },
			want:   map[string]string{"Authorization": ""},
		},
		{
			name: "key in a query that exists", base: s.url, wantMethod: "POST", wantURI: "/chat?alt=sse&key=" + testKey,
			change: func(r *engine.UpstreamRequest) {
				r.Auth = engine.ManifestAuth{Scheme: "query", Name: "key"}
				r.Request.Path = "/chat?alt=sse"
			},
		},
		{
			name: "stream", base: s.url, wantMethod: "POST", wantURI: "/chat",
			change: func(r *engine.UpstreamRequest) { r.Stream, r.Framing = true, "ndjson" },
			want:   map[string]string{"Accept": "application/json"},
		},
		{
			name: "sse", base: s.url, wantMethod: "POST", wantURI: "/chat",
			change: streamed,
			want:   map[string]string{"Accept": "text/event-stream"},
		},
		{
			name: "adapter wins over manifest, ours over both", base: s.url, wantMethod: "POST", wantURI: "/chat",
			change: func(r *engine.UpstreamRequest) {
				r.Headers = map[string]string{"anthropic-version": "1", "anthropic-beta": "a", "HOST": "evil.example", "Accept-Encoding": "gzip"}
				r.Request.Headers = []engine.Pair{
					{Name: "Anthropic-Version", Value: "2"},
					{Name: "authorization", Value: "Bearer evil"},
					{Name: "X-API-Key", Value: "evil"},
					{Name: "content-length", Value: "1"},
					{Name: "Transfer-Encoding", Value: "chunked"},
					{Name: "Connection", Value: "close"},
					{Name: "Cookie", Value: "a=b"},
					{Name: "Content-Type", Value: "application/json; charset=utf-8"},
					{Name: "User-Agent", Value: "adapter"},
				}
			},
			want: map[string]string{
				"Anthropic-Version": "2", "Anthropic-Beta": "a", "Accept-Encoding": "identity", "X-Api-Key": "",
				"Authorization": "Bearer " + testKey, "Connection": "", "Cookie": "",
				"Content-Type": "application/json; charset=utf-8", "User-Agent": "adapter",
			},
		},
	}
	c := client(t)
	for _, test := range tests {
		// Not parallel: the server's last request is looked at.
		t.Run(test.name, func(t *testing.T) {
			r := request(test.base)
			if test.change != nil {
				test.change(r)
			}
			reply, err := c.Do(context.Background(), r)
			if err == nil {
				reply.Close()
			} else if !r.Stream {
				t.Fatalf("Do(%q) = %v, want an answer", test.name, err)
			}
			requests := s.seen()
			got := requests[len(requests)-1]
			if got.Method != test.wantMethod || got.RequestURI != test.wantURI {
				t.Errorf("Do(%q) sent %s %s, want %s %s", test.name, got.Method, got.RequestURI, test.wantMethod, test.wantURI)
			}
			if got.Host != host {
				t.Errorf("Do(%q) sent host %q, want %q", test.name, got.Host, host)
			}
			if int(got.ContentLength) != len(r.Request.Body) || len(got.TransferEncoding) > 0 {
				t.Errorf("Do(%q) sent length %d, coding %v, want %d", test.name, got.ContentLength, got.TransferEncoding, len(r.Request.Body))
			}
			for name, want := range test.want {
				if have := got.Header.Values(name); len(have) > 1 || got.Header.Get(name) != want {
					t.Errorf("Do(%q) sent %s %q, want %q", test.name, name, have, want)
				}
			}
		})
	}
}

func TestRequestsThatAreNotSent(t *testing.T) {
	t.Parallel()
	s := serve(t, keep(okAnswer))
	path := func(p string) func(*engine.UpstreamRequest) {
		return func(r *engine.UpstreamRequest) { r.Request.Path = p }
	}
	header := func(name, value string) func(*engine.UpstreamRequest) {
		return func(r *engine.UpstreamRequest) { r.Request.Headers = []engine.Pair{{Name: name, Value: value}} }
	}
	base := func(b string) func(*engine.UpstreamRequest) {
		return func(r *engine.UpstreamRequest) { r.Provider.BaseURL = b }
	}
	tests := []struct {
		name   string
		change func(*engine.UpstreamRequest)
		want   engine.Code
	}{
		{"no path", path(""), engine.CodePluginFailed},
		{"absolute URL", path("http://evil.example/"), engine.CodePluginFailed},
		{"authority", path("//evil.example/"), engine.CodePluginFailed},
		{"at sign", path("@evil.example/"), engine.CodePluginFailed},
		{"dot segments", path("/a/../../b"), engine.CodePluginFailed},
		{"dot segment at the end", path("/a/.."), engine.CodePluginFailed},
		{"escaped dot segments", path("/a/%2e%2E/b"), engine.CodePluginFailed},
		{"escaped slash in dot segments", path("/a/..%2fb"), engine.CodePluginFailed},
		{"backslash", path(`/a\..\b`), engine.CodePluginFailed},
		{"escaped backslash", path(`/a/..%5cb`), engine.CodePluginFailed},
		{"bad escape", path("/a%zz"), engine.CodePluginFailed},
		{"fragment", path("/a#b"), engine.CodePluginFailed},
		{"blank", path("/a b"), engine.CodePluginFailed},
		{"line end", path("/a HTTP/1.1\r\nX: y"), engine.CodePluginFailed},
		{"line end in the query", path("/a?b\r\nX: y"), engine.CodePluginFailed},
		{"not ASCII", path("/ä"), engine.CodePluginFailed},
		{"header value with a line end", header("X", "a\r\nY: b"), engine.CodePluginFailed},
		{"header value with NUL", header("X", "a\x00"), engine.CodePluginFailed},
		{"header name with a line end", header("X\r\nY", "a"), engine.CodePluginFailed},
		{"header name with a blank", header("X Y", "a"), engine.CodePluginFailed},
		{"header name with a colon", header("X:", "a"), engine.CodePluginFailed},
		{"header without a name", header("", "a"), engine.CodePluginFailed},
		{"method", func(r *engine.UpstreamRequest) { r.Request.Method = "CONNECT" }, engine.CodePluginFailed},
		{"method with a blank", func(r *engine.UpstreamRequest) { r.Request.Method = "GET / HTTP/1.1\r\nX:" }, engine.CodePluginFailed},
		{"get with a body", func(r *engine.UpstreamRequest) { r.Request.Method = "GET" }, engine.CodePluginFailed},
		{"auth scheme", func(r *engine.UpstreamRequest) { r.Auth.Scheme = "basic" }, engine.CodePluginFailed},
		{"auth in a framing header", func(r *engine.UpstreamRequest) {
			r.Auth = engine.ManifestAuth{Scheme: "header", Name: "Host"}
		}, engine.CodePluginFailed},
		{"auth header name", func(r *engine.UpstreamRequest) {
			r.Auth = engine.ManifestAuth{Scheme: "header", Name: "x: y"}
		}, engine.CodePluginFailed},
		{"base URL without a host", base("http:///v1"), engine.CodeUpstreamFailed},
		{"base URL of another scheme", base("ftp://127.0.0.1"), engine.CodeUpstreamFailed},
		{"base URL with a user", base("http://user:pass@127.0.0.1"), engine.CodeUpstreamFailed},
		{"base URL with a fragment", base(s.url + "#x"), engine.CodeUpstreamFailed},
		{"base URL with dots", base(s.url + "/a/../b"), engine.CodeUpstreamFailed},
		{"base URL with a line end", base(s.url + "/a\r\n"), engine.CodeUpstreamFailed},
		{"no base URL", base(""), engine.CodeUpstreamFailed},
		{"unknown provider", func(r *engine.UpstreamRequest) { r.Provider.ID = "unknown" }, engine.CodeUpstreamFailed},
		{"an account's provider of the same id", func(r *engine.UpstreamRequest) { r.Provider.AccountID = "a" }, engine.CodeUpstreamFailed},
	}
	c := client(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := request(s.url, test.change)
			_, err := c.Do(context.Background(), r)
			if engine.CodeOf(err) != test.want {
				t.Errorf("Do(%q) = %v, want code %s", test.name, err, test.want)
			}
		})
	}
	if n := s.accepted(); n != 0 {
		t.Errorf("%d connections were made, want none", n)
	}
}

// Of an answer's headers only those of the list can be read, in any case.
func TestFields(t *testing.T) {
	t.Parallel()
	answer := map[string]string{
		"retry-AFTER": "7", "Retry-After-Ms": "1574", "X-Empty": "", "Content-Length": "2",
		"x-ratelimit-remaining-Tokens": "3", "anthropic-ratelimit-input-tokens-reset": "2026-11-22T12:00:00Z", "X-Should-Retry": "true",
		"Request-Id": "req_1", "Set-Cookie": "__cf_bm=secret", "CF-Ray": "8c", "Openai-Organization": "org-1", "OpenAI-Project": "proj_1",
		"Server": "cloudflare", "X-Api-Key": "k", "Authorization": "Bearer k", "X-Ratelimit": "1", "Anthropic-Organization-Id": "o", "WWW-Authenticate": "x",
	}
	head := "HTTP/1.1 429 x\r\n"
	for name, value := range answer {
		head += name + ": " + value + "\r\n"
	}
	s := serve(t, say(head+"\r\n{}"))
	reply, err := client(t).Do(context.Background(), request(s.url))
	if err != nil {
		t.Fatal(err)
	}
	reply.Close()
	want := map[string]string{
		"Retry-After": "7", "retry-after": "7", "retry-after-ms": "1574", "X-RateLimit-Remaining-Tokens": "3",
		"Anthropic-Ratelimit-Input-Tokens-Reset": "2026-11-22T12:00:00Z", "x-should-retry": "true", "request-id": "req_1",
	}
	for name := range answer {
		if got := reply.Field(name); got != "" && !shown(name) {
			t.Errorf("Field(%q) = %q, want it hidden", name, got)
		}
	}
	for _, name := range []string{"set-cookie", "cf-ray", "openai-organization", "openai-project", "authorization", "content-length", "x-none"} {
		want[name] = ""
	}
	for name, value := range want {
		if got := reply.Field(name); got != value {
			t.Errorf("Field(%q) = %q, want %q", name, got, value)
		}
	}
}

// Each stage has a bound of its own, and its end is told apart from the others'. One that
// comes before the request was sent costs nothing.
func TestEveryStageIsBounded(t *testing.T) {
	t.Parallel()
	const short = 40 * time.Millisecond
	head := sseHead + chunked
	tests := []struct {
		name   string
		set    func(*Config)
		answer script // nil: TLS, and nobody accepts
		stream bool
		code   engine.Code
		says   string
	}{
		{"connect", func(c *Config) { c.Connect = short }, nil, false, engine.CodeUpstreamFailed, "accept a connection"},
		{"first byte of a stream", func(c *Config) { c.FirstByte = short }, hold(""), true, engine.CodeUpstreamTimeout, "begin to answer"},
		{"first byte of a plain answer", func(c *Config) { c.Answer = short }, hold(""), false, engine.CodeUpstreamTimeout, "begin to answer"},
		{"within the head", func(c *Config) { c.Answer = short }, hold("HTTP/1.1 200 OK\r\nContent-"), false, engine.CodeUpstreamTimeout, "begin to answer"},
		{"within a plain answer", func(c *Config) { c.Idle = short }, hold(okHead + "Content-Length: 9\r\n\r\n{"), false, engine.CodeUpstreamTimeout, "go on answering"},
		{"before the first event", func(c *Config) { c.Idle = short }, hold(head), true, engine.CodeUpstreamTimeout, "go on answering"},
		{"between events", func(c *Config) { c.Idle = short }, hold(head + chunks("data: 1\n\n")), true, engine.CodeUpstreamTimeout, "go on answering"},
		{"a plain answer in all", func(c *Config) { c.Total = short }, hold(""), false, engine.CodeUpstreamTimeout, "in time"},
		{"a stream in all", func(c *Config) { c.Total = 4 * short }, drip(head, chunks("data: 1\n\n"), short/4), true, engine.CodeUpstreamTimeout, "in time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := ""
			if tt.answer != nil {
				base = serve(t, tt.answer).url
			} else {
				// Connections wait in the backlog: TCP is there, TLS never answers.
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer ln.Close()
				base = "https://" + ln.Addr().String()
			}
			reply, err := client(t, tt.set).Do(context.Background(), request(base, func(r *engine.UpstreamRequest) { r.Stream = tt.stream }))
			if err == nil && reply.Events != nil {
				defer reply.Close()
				_, err = drain(context.Background(), reply.Events)
			}
			if engine.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("= %v, want %s that says %q", err, tt.code, tt.says)
			}
		})
	}
}

// drip sends head and then piece for ever, once in every so often.
func drip(head, piece string, every time.Duration) script {
	return func(c *net.TCPConn, _ int) bool {
		_, err := io.WriteString(c, head)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for err == nil {
			<-tick.C
			_, err = io.WriteString(c, piece)
		}
		return false
	}
}

// A plain answer may begin later than a stream: see RATIONALE.md.
func TestFirstByteOfPlainAnswers(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := serve(t, func(c *net.TCPConn, _ int) bool {
		<-release
		_, err := io.WriteString(c, okAnswer)
		return err == nil
	})
	c := client(t, func(cfg *Config) { cfg.FirstByte = 30 * time.Millisecond })
	if _, err := c.Do(context.Background(), request(s.url, streamed)); engine.CodeOf(err) != engine.CodeUpstreamTimeout {
		t.Errorf("Do of a stream = %v, want %s", err, engine.CodeUpstreamTimeout)
	}
	explicit := request(s.url, func(r *engine.UpstreamRequest) { r.FirstByte = 30 * time.Millisecond })
	if _, err := c.Do(context.Background(), explicit); engine.CodeOf(err) != engine.CodeUpstreamTimeout {
		t.Errorf("Do with a first-byte bound = %v, want %s", err, engine.CodeUpstreamTimeout)
	}
	time.AfterFunc(100*time.Millisecond, func() { close(release) })
	reply, err := c.Do(context.Background(), request(s.url))
	if err != nil || reply.Status != http.StatusOK {
		t.Errorf("Do of a late plain answer = %v, want it", err)
	}
}
