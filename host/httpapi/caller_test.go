package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// hangGuard ends a test that would wait for ever.
const hangGuard = 10 * time.Second

// rawChat is a chat request as it goes over the wire.
func rawChat(members string) string {
	body := chatBody(members)
	return "POST " + chatPath + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + userKey +
		"\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// waiting is a fake whose completions wait for their context, and say so.
type waiting struct {
	*fake
	begun chan struct{} // one for each
	ended chan error    // the cause
}

func newWaiting() *waiting {
	w := &waiting{fake: &fake{}, begun: make(chan struct{}, 1024), ended: make(chan error, 1024)}
	wait := func(ctx context.Context) error {
		w.begun <- struct{}{}
		<-ctx.Done()
		w.ended <- context.Cause(ctx)
		return &engine.Error{Code: engine.CodeCanceled, Message: "The client closed the request.", Err: ctx.Err()}
	}
	w.complete = func(ctx context.Context, _ *engine.Request) (engine.Completion, error) {
		return engine.Completion{}, wait(ctx)
	}
	w.stream = func(ctx context.Context, _ *engine.Request) (engine.Stream, engine.Meta, error) {
		return nil, engine.Meta{}, wait(ctx)
	}
	return w
}

func needsWatch(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a caller who left is watched for on Linux only")
	}
}

// receive takes one value or fails the test.
func receive[T any](t *testing.T, from <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(hangGuard):
		t.Fatalf("%s did not happen within %v", what, hangGuard)
	}
	return v
}

// leave is a way in which a caller goes.
type leave struct {
	name string
	do   func(c *net.TCPConn)
}

var leaves = []leave{
	{"close", func(c *net.TCPConn) { _ = c.Close() }},
	{"reset", func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() }},
	{"half-close", func(c *net.TCPConn) { _ = c.CloseWrite() }},
}

// A caller who leaves before the answer's head ends the request, plain or streamed, also
// with another request already sent.
func TestCallerGoneBeforeTheAnswer(t *testing.T) {
	needsWatch(t)
	t.Parallel()
	for _, request := range []struct{ name, text string }{
		{"plain", rawChat("")},
		{"stream", rawChat(`,"stream":true`)},
		{"plain, with a second request behind it", rawChat("") + rawChat("")},
	} {
		for _, way := range leaves {
			t.Run(request.name+", "+way.name, func(t *testing.T) {
				t.Parallel()
				w := newWaiting()
				s := start(t, w.fake)
				var took []time.Duration
				for range 5 {
					c := s.dial()
					if _, err := io.WriteString(c, request.text); err != nil {
						t.Fatal(err)
					}
					receive(t, w.begun, "the request")
					left := time.Now()
					way.do(c.(*net.TCPConn))
					if err := receive(t, w.ended, "the end of the request"); !errors.Is(err, errCallerGone) {
						t.Fatalf("the context ended with %v, want %v", err, errCallerGone)
					}
					took = append(took, time.Since(left))
					if strings.Contains(request.name, "second") && way.name == "half-close" {
						// It is on the wire, and its caller is as gone.
						receive(t, w.begun, "the second request")
						receive(t, w.ended, "the end of the second request")
					}
				}
				slices.Sort(took)
				if took[2] > 2*time.Second {
					t.Errorf("it took %v, want a median of at most 2 s", took)
				}
			})
		}
	}
}

// Once the stream has begun a half-closed caller still reads; one who is gone ends it.
func TestCallerGoneDuringAStream(t *testing.T) {
	needsWatch(t)
	t.Parallel()
	chunk := `{"choices":[{"index":0,"delta":{"content":"x"}}]}`
	for _, way := range leaves {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			source := scripted(step{chunk: chunk})
			s := start(t, streaming(func() engine.Stream { return source }))
			c := s.dial()
			if _, err := io.WriteString(c, rawChat(`,"stream":true`)); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(c)
			for line := ""; !strings.HasPrefix(line, "data: "); {
				var err error
				if line, err = in.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			way.do(c.(*net.TCPConn))
			if way.name == "half-close" {
				// Heartbeats say that time goes by and nobody hung up.
				for pings := 0; pings < 2; {
					line, err := in.ReadString('\n')
					if err != nil {
						t.Fatalf("the stream of a half-closed caller ended: %v", err)
					}
					pings += strings.Count(line, ": ping")
				}
				source.steps <- step{err: io.EOF}
				rest, err := io.ReadAll(in)
				if !strings.Contains(string(rest), "[DONE]") {
					t.Errorf("the stream ended with %q (%v), want its end", rest, err)
				}
				return
			}
			receive(t, source.closed, "the end of the stream")
		})
	}
}

// What a caller sent ahead is still there after a long wait.
func TestCallerWatchEatsNothing(t *testing.T) {
	needsWatch(t)
	t.Parallel()
	n := 0
	f := &fake{complete: func(context.Context, *engine.Request) (engine.Completion, error) {
		if n++; n == 1 {
			time.Sleep(3 * callerWatch) // real sockets know no other clock
		}
		return engine.Completion{Body: []byte(`{"n":` + strconv.Itoa(n) + `}`)}, nil
	}}
	s := start(t, f)
	got := s.raw(rawChat("")+rawChat("")+rawChat(""), 3)
	if len(got) != 3 || got[0].body != `{"n":1}` || got[1].body != `{"n":2}` || got[2].body != `{"n":3}` {
		t.Errorf("three requests in one write = %+v, want three answers in order", got)
	}
}

// lookouts counts the goroutines that watch connections.
func lookouts(t *testing.T) int {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 2); err != nil {
		t.Fatal(err)
	}
	return strings.Count(b.String(), "(*callers).run(")
}

// However many wait, one goroutine watches them, and none when nobody waits.
func TestCallersShareOneLookout(t *testing.T) {
	needsWatch(t)
	const many = 200
	w := newWaiting()
	s := start(t, w.fake)
	var conns []net.Conn
	for range many {
		c := s.dial()
		if _, err := io.WriteString(c, rawChat("")); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for range many {
		receive(t, w.begun, "a request")
	}
	if n := lookouts(t); n != 1 {
		t.Errorf("%d goroutines watch %d callers, want 1", n, many)
	}
	for _, c := range conns[:many/2] {
		_ = c.Close()
	}
	for range many / 2 {
		receive(t, w.ended, "the end of a request")
	}
	select {
	case err := <-w.ended:
		t.Errorf("the request of a caller who stayed ended: %v", err)
	default:
	}
	for _, c := range conns[many/2:] {
		_ = c.Close()
	}
	for range many / 2 {
		receive(t, w.ended, "the end of a request")
	}
	for deadline := time.Now().Add(hangGuard); lookouts(t) > 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("somebody still watches, with nobody there")
		}
		time.Sleep(callerWatch / 10)
	}
	s.callers.mu.Lock()
	defer s.callers.mu.Unlock()
	if s.callers.first != nil {
		t.Error("somebody is still in the list")
	}
}

// Coming, going, and being looked at may happen all at once.
func TestCallersHammer(t *testing.T) {
	t.Parallel()
	a, b := tcpPair(t)
	defer a.Close()
	defer b.Close()
	var set callers
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 2000 {
				k := set.watch(a, func() { t.Error("gone") })
				k.answers()
				k.release()
				k.release()
			}
		})
	}
	all.Wait()
	if set.first != nil {
		t.Error("somebody is still in the list")
	}
	set.close()
	if k := set.watch(a, nil); k != nil {
		t.Error("a closed set takes callers")
	}
}

func tcpPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if a, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// Under TLS the socket below is asked, whichever of the two wraps the other.
func TestCallerUnderTLS(t *testing.T) {
	needsWatch(t)
	t.Parallel()
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"TLS within ours": func(c net.Conn) net.Conn { return &conn{Conn: tls.Server(c, &tls.Config{}), set: &connections{}} },
		"ours within TLS": func(c net.Conn) net.Conn { return tls.Server(&conn{Conn: c, set: &connections{}}, &tls.Config{}) },
	} {
		a, b := tcpPair(t)
		gone := make(chan struct{})
		var set callers
		k := set.watch(wrap(a), sync.OnceFunc(func() { close(gone) }))
		_ = b.Close()
		receive(t, gone, name+": that the caller left")
		k.release()
		set.close()
		_ = a.Close()
	}
}

// A connection without a socket is served all the same.
func TestCallerWithoutSocket(t *testing.T) {
	t.Parallel()
	var set callers
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	k := set.watch(a, nil)
	if k != nil {
		t.Errorf("watch(net.Pipe()) = %v, want none", k)
	}
	k.answers()
	k.release()
}

func BenchmarkCallerLook(b *testing.B) {
	x, y := tcpPair(b)
	defer x.Close()
	defer y.Close()
	raw := rawConn(x)
	var look lookout
	b.ReportAllocs()
	for b.Loop() {
		if look.left(raw, false) {
			b.Fatal("gone")
		}
	}
}

func BenchmarkCallerWatch(b *testing.B) {
	x, y := tcpPair(b)
	defer x.Close()
	defer y.Close()
	var set callers
	defer set.close()
	b.ReportAllocs()
	for b.Loop() {
		set.watch(x, nil).release()
	}
}
