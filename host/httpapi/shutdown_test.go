package httpapi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func TestReady(t *testing.T) {
	t.Parallel()
	var reason error
	s := start(t, &fake{}, func(c *Config) { c.Ready = func() error { return reason } })
	if r := s.do("GET", "/readyz", "", ""); r.status != 200 || r.member("status") != "ready" {
		t.Errorf("GET /readyz = %d %s, want ready", r.status, r.body)
	}
	reason = errors.New("the snapshot is not loaded")
	if r := s.do("GET", "/readyz", "", ""); r.status != 503 || r.member("reason") != "the snapshot is not loaded" {
		t.Errorf("GET /readyz = %d %s, want 503 with the reason", r.status, r.body)
	}
	if r := s.do("GET", "/healthz", "", ""); r.status != 200 || r.member("status") != "ok" {
		t.Errorf("GET /healthz = %d %s, want ok", r.status, r.body)
	}
	reason = nil
	s.Leave()
	if r := s.do("GET", "/readyz", "", ""); r.status != 503 || r.member("reason") != "shutting down" {
		t.Errorf("GET /readyz while draining = %d %s, want 503", r.status, r.body)
	}
}

// own is a server whose shutdown the test does itself.
func own(t *testing.T, f *fake, change func(*Config)) (*running, chan error) {
	t.Helper()
	cfg := f.config()
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	return &running{s, t, ln.Addr().String(), "http://" + ln.Addr().String()}, served
}

// TestShutdownWaits: what is under way ends by itself, new connections are refused.
func TestShutdownWaits(t *testing.T) {
	t.Parallel()
	source := scripted(step{chunk: `{"a":1}`})
	s, served := own(t, streaming(func() engine.Stream { return source }), nil)
	res := s.open(chatBody(`,"stream":true`))
	in := bufio.NewReader(res.Body)
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	if err := <-served; err != nil {
		t.Errorf("Serve() = %v, want nil once Shutdown began", err)
	}
	if c, err := net.Dial("tcp", s.addr); err == nil {
		_ = c.Close()
		t.Error("a new connection is accepted during shutdown")
	}
	source.steps <- step{chunk: `{"b":2}`}
	source.steps <- step{err: io.EOF}
	rest, err := io.ReadAll(in)
	if err != nil || !strings.HasSuffix(strings.ReplaceAll(string(rest), ": ping\n\n", ""), "data: {\"b\":2}\n\ndata: [DONE]\n\n") {
		t.Errorf("rest of the stream = %q, %v, want it whole", rest, err)
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown() = %v, want nil", err)
	}
	if n := s.conns.count(); n != 0 {
		t.Errorf("%d connections left, want 0", n)
	}
}

// TestShutdownDeadline: streams are told, plain requests get 503.
func TestShutdownDeadline(t *testing.T) {
	t.Parallel()
	source := scripted(step{chunk: `{"a":1}`})
	entered := make(chan struct{})
	f := streaming(func() engine.Stream { return source })
	f.complete = func(ctx context.Context, _ *engine.Request) (engine.Completion, error) {
		close(entered)
		<-ctx.Done()
		return engine.Completion{}, &engine.Error{Code: engine.CodeCanceled, Message: "The client closed the request.", Err: ctx.Err()}
	}
	s, served := own(t, f, nil)
	res := s.open(chatBody(`,"stream":true`))
	in := bufio.NewReader(res.Body)
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	plain := make(chan reply, 1)
	go func() { plain <- s.do("POST", chatPath, userKey, chatBody("")) }()
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown(past deadline) = %v, want context.Canceled", err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve() = %v, want nil", err)
	}
	rest, err := io.ReadAll(in)
	want := "data: {\"error\":{\"message\":\"The server is shutting down. Send the request again.\",\"type\":\"server_error\",\"param\":null,\"code\":\"shutting_down\"}}\n\n"
	if err != nil || strings.ReplaceAll(strings.TrimPrefix(string(rest), "\n"), ": ping\n\n", "") != want {
		t.Errorf("rest of the stream = %q, %v, want %q", rest, err, want)
	}
	isOpenAIError(t, "plain request", <-plain, 503, "server_error", "shutting_down", "")
	waitFor(t, "Close", source.closed)
	if n := s.conns.count(); n != 0 {
		t.Errorf("%d connections left, want 0", n)
	}
}

// TestShutdownCutsOff: a request that ignores its context does not hold the process.
func TestShutdownCutsOff(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	f := &fake{complete: func(context.Context, *engine.Request) (engine.Completion, error) {
		close(entered)
		<-leave
		return engine.Completion{Body: []byte(`{}`)}, nil
	}}
	s, served := own(t, f, func(c *Config) { c.ShutdownGrace = 20 * time.Millisecond })
	conn := s.dial()
	if _, err := io.WriteString(conn, chatRequest(chatBody(""))); err != nil {
		t.Fatal(err)
	}
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown = %v, want context.Canceled", err)
	}
	<-served
	all, err := io.ReadAll(conn)
	var timeout net.Error
	if len(all) > 0 || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("the connection got %q, %v, want it cut off", all, err)
	}
	close(leave)
}

// TestShutdownIdle: kept-alive connections do not hold it up.
func TestShutdownIdle(t *testing.T) {
	t.Parallel()
	s, served := own(t, &fake{}, nil)
	conn := s.dial()
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got := readReplies(t, bufio.NewReader(conn), 1); len(got) != 1 || got[0].status != 200 {
		t.Fatalf("GET /healthz = %+v, want 200", got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), rawDeadline)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown with an idle connection = %v, want nil", err)
	}
	<-served
}

func TestServeAfterShutdown(t *testing.T) {
	t.Parallel()
	s, err := New((&fake{}).config())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown before Serve = %v, want nil", err)
	}
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Errorf("Listen after Shutdown = %v, want nil at once", err)
	}
}

func TestNewRequires(t *testing.T) {
	t.Parallel()
	whole := (&fake{}).config()
	for name, strip := range map[string]func(*Config){
		"completer": func(c *Config) { c.Completer = nil }, "keys": func(c *Config) { c.Keys = nil },
		"rules": func(c *Config) { c.Rules = nil }, "plugins": func(c *Config) { c.Plugins = nil },
		"models": func(c *Config) { c.Models = nil }, "usage": func(c *Config) { c.Usage = nil }, "catalogue": func(c *Config) { c.Catalogue = nil },
	} {
		cfg := whole
		strip(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("New without %s = nil, want an error", name)
		}
	}
}
