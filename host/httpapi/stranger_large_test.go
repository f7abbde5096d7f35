package httpapi

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// TestStrangersLarge: what is said of a body that is not sent tells no more of a key than an
// ordinary request does.
func TestStrangersLarge(t *testing.T) {
	t.Parallel()
	f := &strange{fake: &fake{}, now: testNow}
	s := start(t, f.fake, func(c *Config) {
		c.Keys, c.Now, c.UnknownKeys, c.ReadTimeout = f, f.clock, 5, 5*time.Second
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	send := func(from, path, key, more string) reply {
		got := s.raw(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nX-Request-Id: same\r\nX-Forwarded-For: %s\r\nX-Api-Key: %s\r\n%s", path, from, key, more), 1)
		if len(got) == 0 {
			return reply{}
		}
		return got[0]
	}
	announced := map[string]string{
		"over the limit":         "Content-Length: 999999999\r\n\r\n",
		"over the limit, expect": "Expect: 100-continue\r\nContent-Length: 999999999\r\n\r\n",
		"large":                  fmt.Sprintf("Content-Length: %d\r\n\r\n", smallBody+1),
		"large, expect":          fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", smallBody+1),
		"chunked":                "Transfer-Encoding: chunked\r\n\r\n",
		"large, folded":          fmt.Sprintf("X-A: 1\r\n 2\r\nContent-Length: %d\r\n\r\n", smallBody+1),
	}
	const office, friendly = "203.0.113.7", "203.0.113.9"
	if got := send(office, chatPath, userKey, announced["over the limit"]); got.status != 413 {
		t.Errorf("a right key in peace: %d %s, want 413", got.status, got.body)
	}
	knock(s, friendly, adminKey)
	for i, at := range []struct{ path, more string }{{"/v1/nowhere", "over the limit"}, {"/v1/nowhere", "large"}, {"/dashboard/login", "over the limit"}, {chatPath, "large"}, {chatPath, "large, folded"}} {
		if got := send(office, at.path, fmt.Sprintf("unknown-key-number-%d-of-many", i), announced[at.more]); got.status == 429 || got.status == 0 {
			t.Errorf("%s to %s within the bound: %d", at.more, at.path, got.status)
		}
	}
	for _, path := range []string{chatPath, "/v1/nowhere", "/dashboard/login", "/api/v1/rules"} {
		for what, more := range announced {
			if what == "large, folded" && path != chatPath || strings.Contains(what, "expect") && path != chatPath {
				continue
			}
			wrong, right := send(office, path, "unknown-key-number-9-of-many", more), send(office, path, adminKey, more)
			if wrong.status != 429 || right.status != wrong.status || right.body != wrong.body {
				t.Errorf("%s to %s: a right key gets %d %s, a wrong one %d %s, want 429 for both", what, path, right.status, right.body, wrong.status, wrong.body)
			}
		}
	}
	large := chatBody(`,"user":"` + strings.Repeat("a", smallBody) + `"`)
	framed := fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n%s", len(large), large)
	if got := send(office, chatPath, madeKey, framed); got.status != 200 {
		t.Errorf("a large body with a made key: %d %s, want 200", got.status, got.body)
	}
	if got := send(office, chatPath, madeKey, announced["over the limit"]); got.status != 413 {
		t.Errorf("too large a body with a made key: %d %s, want 413", got.status, got.body)
	}
	// What others try elsewhere is no concern of a chosen key, whether it was right there before or not.
	for _, from := range []string{friendly, "203.0.113.10", "2001:db8::1"} {
		if got := send(from, chatPath, adminKey, framed); got.status != 200 {
			t.Errorf("a large body with a chosen key from %s: %d %s, want 200", from, got.status, got.body)
		}
		if got := send(from, chatPath, adminKey, announced["over the limit"]); got.status != 413 {
			t.Errorf("too large a body with a chosen key from %s: %d %s, want 413", from, got.status, got.body)
		}
	}
	f.pass(12 * time.Second)
	if got := send(office, chatPath, adminKey, framed); got.status != 200 {
		t.Errorf("a large body after the wait: %d %s, want 200", got.status, got.body)
	}
}

// TestContextOf: the header that fasthttp hands its hook is part of the request's context.
func TestContextOf(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	seen, served := make(chan string, 1), make(chan error, 1)
	server := &fasthttp.Server{ReduceMemoryUsage: true, Handler: func(*fasthttp.RequestCtx) {}, HeaderReceived: func(h *fasthttp.RequestHeader) (limits fasthttp.RequestConfig) {
		ctx := contextOf(h)
		seen <- ctx.RemoteAddr().String() + " " + string(ctx.Request.Header.RequestURI())
		return limits
	}}
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Shutdown(), <-served); err != nil {
			t.Error(err)
		}
	})
	for range 2 { // the second connection gets the first one's context
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/first", "/second"} {
			if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", path); err != nil {
				t.Fatal(err)
			}
			if got, want := <-seen, c.LocalAddr().String()+" "+path; got != want {
				t.Errorf("the hook sees %q, want %q", got, want)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
