package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Many exchanges at once, some canceled, some closed early, some cut: every answer
// is the one that was asked for, and nothing stays behind.
func TestHammer(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		id := string(body)
		switch r.URL.Path {
		case "/plain":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"id":%q}`, id)
		case "/cut":
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: %s\n\n", id)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 20 {
				if _, err := fmt.Fprintf(w, "event: %d\ndata: %s\n\n", i, id); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
			}
		}
	}))
	defer srv.Close()
	before := runtime.NumGoroutine()
	c := client(t, func(cfg *Config) { cfg.MaxIdle = 8 })
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(worker), 7))
			for i := range rounds {
				id := fmt.Sprintf("%d-%d", worker, i)
				if err := hit(c, srv.URL, id, rnd); err != nil {
					t.Errorf("request %s: %v", id, err)
					return
				}
			}
		})
	}
	wg.Wait()
	c.Close()
	srv.Close()
	limit := time.Now().Add(patience)
	for runtime.NumGoroutine() > before && time.Now().Before(limit) {
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

func hit(c *Client, base, id string, rnd *rand.Rand) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	kind := rnd.IntN(6)
	r := request(base, func(r *engine.UpstreamRequest) {
		r.Request.Path = [...]string{"/plain", "/stream", "/stream", "/stream", "/cut", "/plain"}[kind]
		r.Request.Body = []byte(id)
		r.Stream = r.Request.Path != "/plain"
	})
	if kind == 5 {
		go cancel()
	}
	reply, err := c.Do(ctx, r)
	if kind == 5 && engine.CodeOf(err) == engine.CodeCanceled {
		return nil
	}
	if err != nil {
		return err
	}
	defer reply.Close()
	if !r.Stream {
		if want := fmt.Sprintf(`{"id":%q}`, id); string(reply.Body) != want {
			return fmt.Errorf("body %q, want %q", reply.Body, want)
		}
		return nil
	}
	stop := rnd.IntN(20)
	for i := 0; ; i++ {
		if kind == 2 && i == stop {
			return nil // closed early
		}
		if kind == 3 && i == stop {
			cancel()
		}
		e, err := reply.Events.Next(ctx)
		switch {
		case err == nil && string(e.Data) != id:
			return fmt.Errorf("event %d is %q, want %q", i, e.Data, id)
		case err == nil:
		case kind == 1 && err == io.EOF && i == 20,
			kind == 3 && engine.CodeOf(err) == engine.CodeCanceled,
			kind == 3 && err == io.EOF && i == 20,
			kind == 4 && engine.CodeOf(err) == engine.CodeUpstreamTruncated && i <= 1:
			return nil
		default:
			return fmt.Errorf("kind %d event %d: %w", kind, i, err)
		}
	}
}

// Whatever a provider answers, the client comes back with what Go's own client
// would have read, or with an error, and never panics.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		okAnswer,
		okHead + chunked + chunks(`{"a"`, `:1}`) + "0\r\nX: y\r\n\r\n",
		okHead + "\r\n" + helloJSON,
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n{}",
		"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 429 Too Many\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\n folded: x\r\nA: b\r\n\tc\r\nContent-Length: 0\r\n\r\n",
		sseHead + chunked + chunks(helloSSE) + "0\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := read(b)
		if err != nil {
			return
		}
		got, err := readAll(x, x.room(), x.length(), 1<<20)
		if err != nil {
			return
		}
		br := bufio.NewReader(bytes.NewReader(b))
		for {
			want, err := http.ReadResponse(br, &http.Request{Method: "POST"})
			if err != nil {
				if strings.Contains(err.Error(), "malformed MIME header") || strings.Contains(err.Error(), "invalid header") {
					return // the names of headers that do not matter
				}
				t.Fatalf("%q was read as %d %q, Go's client says %v", b, x.status(), got, err)
			}
			if want.StatusCode < 200 {
				continue
			}
			body, err := io.ReadAll(want.Body)
			if err != nil && !strings.Contains(err.Error(), "malformed MIME header") && !strings.Contains(err.Error(), "trailer") {
				t.Fatalf("%q was read as %d %q, Go's client says %v", b, x.status(), got, err)
			}
			if want.StatusCode != x.status() || !bytes.Equal(body, got) {
				t.Fatalf("%q was read as %d %q, Go's client says %d %q", b, x.status(), got, want.StatusCode, body)
			}
			return
		}
	})
}

// read reads the head of an answer that consists of b.
func read(b []byte) (*exchange, error) {
	fake := &fakeConn{r: bytes.NewReader(b)}
	x := &exchange{conn: newConn(newLine(fake), nil), out: &outgoing{provider: "p"}}
	x.conn.begin(time.Now().Add(patience), patience)
	x.watch(context.Background())
	return x, x.readHead(64 << 10)
}

type fakeConn struct {
	net.Conn
	r io.Reader
}

func (c *fakeConn) Read(p []byte) (int, error)       { return c.r.Read(p) }
func (c *fakeConn) Close() error                     { return nil }
func (c *fakeConn) SetReadDeadline(time.Time) error  { return nil }
func (c *fakeConn) SetWriteDeadline(time.Time) error { return errors.New("not written") }
