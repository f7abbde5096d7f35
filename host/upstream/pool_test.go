package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	whole := sseHead + chunked + chunks(helloSSE) + "0\r\n\r\n"
	tests := []struct {
		name   string
		answer script
		stream bool
		read   int // events read before Close; -1: to the end
		want   int // connections for two requests
	}{
		{name: "plain", answer: keep(okAnswer), want: 1},
		{name: "plain chunked", answer: keep(okHead + chunked + chunks(helloJSON) + "0\r\n\r\n"), want: 1},
		{name: "failed", answer: keep("HTTP/1.1 429 x\r\nContent-Length: 2\r\n\r\n{}"), want: 1},
		{name: "no content", answer: keep("HTTP/1.1 204 x\r\n\r\n"), want: 1},
		{name: "large header", answer: keep(okHead + "X: " + strings.Repeat("x", 40<<10) + "\r\nContent-Length: 0\r\n\r\n"), want: 1},
		{name: "stream read to its end", answer: keep(whole), stream: true, read: -1, want: 1},
		{name: "stream closed after its last event", answer: keep(whole), stream: true, read: 2, want: 1},
		{name: "stream closed early, all of it was there", answer: keep(whole), stream: true, read: 1, want: 1},
		{name: "stream closed in the middle", answer: keep(sseHead + chunked + chunks("data: x\n\n", "data: ")), stream: true, read: 1, want: 2},
		{name: "stream closed before its end came", answer: keep(sseHead + chunked + chunks(helloSSE)), stream: true, read: 2, want: 2},
		{name: "close asked for", answer: keep(okHead + "Connection: close\r\nContent-Length: 0\r\n\r\n"), want: 2},
		{name: "HTTP/1.0", answer: keep("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), want: 2},
		{name: "bytes after the end", answer: keep(okAnswer + okAnswer), want: 2},
		{name: "refused for its type", answer: keep("HTTP/1.1 200 x\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\n"), stream: true, want: 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, test.answer)
			c := client(t)
			for range 2 {
				reply, err := c.Do(context.Background(), request(s.url, func(r *engine.UpstreamRequest) { r.Stream = test.stream }))
				if err != nil {
					continue
				}
				for range test.read {
					if _, err := reply.Events.Next(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				if test.read < 0 {
					if _, err := drain(context.Background(), reply.Events); err != io.EOF {
						t.Fatal(err)
					}
				}
				reply.Close()
			}
			if got := s.accepted(); got != test.want {
				t.Errorf("two requests (%s) made %d connections, want %d", test.name, got, test.want)
			}
		})
	}
}

// Connections of one account's provider, or of a provider that may be private,
// serve no other.
func TestConnectionsAreNotShared(t *testing.T) {
	t.Parallel()
	s := serve(t, keep(okAnswer))
	c := New(Config{Secret: oneKey, AllowPrivate: func(*engine.Provider) bool { return true }})
	defer c.Close()
	for _, id := range []string{"p", "q", "p", "q"} {
		reply, err := c.Do(context.Background(), request(s.url, func(r *engine.UpstreamRequest) { r.Provider.ID = id }))
		if err != nil {
			t.Fatal(err)
		}
		reply.Close()
	}
	if got := s.accepted(); got != 2 {
		t.Errorf("two providers made %d connections, want 2", got)
	}
}

func TestStaleConnection(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		// stale is what the server does with the connection after the first answer.
		stale func(c *net.TCPConn)
		// late: it does so after the client found the connection alive.
		late     bool
		wantCode engine.Code // of the second request; "" when it is served
	}{
		{name: "closed long ago", stale: func(c *net.TCPConn) { _ = c.Close() }},
		{name: "reset long ago", stale: func(c *net.TCPConn) { reset(c) }},
		{name: "says something unasked", stale: func(c *net.TCPConn) { _, _ = io.WriteString(c, "HTTP/1.1 408 x\r\n\r\n") }},
		{name: "closed meanwhile", stale: func(c *net.TCPConn) { _ = c.Close() }, late: true},
		{name: "reset before the request", stale: func(c *net.TCPConn) { reset(c) }, late: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conns, gone := make(chan *net.TCPConn, 1), make(chan struct{})
			s := serve(t, func(c *net.TCPConn, n int) bool {
				_, _ = io.WriteString(c, okAnswer)
				if n == 0 {
					conns <- c
					<-gone
					return false
				}
				return true
			})
			c := client(t)
			reply, err := c.Do(context.Background(), request(s.url))
			if err != nil {
				t.Fatal(err)
			}
			reply.Close()
			first := await(t, conns, "the first answer")
			stale := sync.OnceFunc(func() {
				test.stale(first)
				// The end has arrived when the client's side says so.
				waitUntilDead(t, c)
				close(gone)
			})
			if test.late {
				c.wire.(*http1).afterTake = stale
			} else {
				stale()
			}
			reply, err = c.Do(context.Background(), request(s.url))
			if engine.CodeOf(err) != test.wantCode {
				t.Fatalf("the second Do = %v, want code %q", err, test.wantCode)
			}
			if err == nil {
				reply.Close()
			}
			if got := len(s.seen()); got != 2 {
				t.Errorf("the server read %d requests, want 2", got)
			}
			if got := s.accepted(); got != 2 {
				t.Errorf("%d connections were made, want 2", got)
			}
		})
	}
}

// waitUntilDead polls until the server's close has reached every idle
// connection of the client; in a late test the one taken is out of the pool, and
// loopback has delivered the close when the call that made it returned.
func waitUntilDead(t *testing.T, c *Client) {
	t.Helper()
	p := c.wire.(*http1).pool
	limit := time.Now().Add(patience)
	for {
		living := 0
		eachIdle(p, func(c *conn) {
			if alive(c) {
				living++
			}
		})
		if living == 0 {
			return
		}
		if time.Now().After(limit) {
			t.Fatal("the close did not arrive")
		}
	}
}

// eachIdle calls f for each unused connection.
func eachIdle(p *pool, f func(*conn)) {
	for i := range p.parts {
		part := &p.parts[i]
		part.mu.Lock()
		for _, list := range part.idle {
			for _, c := range list {
				f(c)
			}
		}
		part.mu.Unlock()
	}
}

// A request that the server may have read is never sent again.
func TestReadRequestIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(c *net.TCPConn){
		"FIN": func(c *net.TCPConn) { _ = c.Close() },
		"RST": func(c *net.TCPConn) { reset(c) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(c *net.TCPConn, n int) bool {
				if n == 0 {
					_, _ = io.WriteString(c, okAnswer)
					return true
				}
				end(c)
				return false
			})
			c := client(t)
			reply, err := c.Do(context.Background(), request(s.url))
			if err != nil {
				t.Fatal(err)
			}
			reply.Close()
			_, err = c.Do(context.Background(), request(s.url))
			if engine.CodeOf(err) != engine.CodeUpstreamFailed {
				t.Errorf("the second Do = %v, want %s", err, engine.CodeUpstreamFailed)
			}
			if got := len(s.seen()); got != 2 {
				t.Errorf("the server read %d requests, want 2", got)
			}
		})
	}
}

func TestPoolBounds(t *testing.T) {
	t.Parallel()
	pipe := func() *conn {
		a, b := net.Pipe()
		t.Cleanup(func() { _ = a.Close(); _ = b.Close() })
		return newConn(newLine(a), nil)
	}
	key := func(i int) poolKey { return poolKey{provider: fmt.Sprint(i)} }
	p := newPool(time.Minute, 2)
	defer p.close()
	var all []*conn
	for i := range 40 {
		c := pipe()
		all = append(all, c)
		p.put(key(i/4), c)
	}
	kept := 0
	for _, c := range all {
		if !c.dead.Load() {
			kept++
		}
	}
	if kept != 16 || p.count.Load() != 16 {
		t.Errorf("the pool kept %d connections (count %d), want 16: 2 per key, 8 keys", kept, p.count.Load())
	}
	if c := p.take(key(0), time.Now()); c == nil || c != all[1] {
		t.Errorf("take did not return the youngest connection")
	}
	eachIdle(p, func(c *conn) { c.parked = c.parked.Add(-2 * time.Minute) })
	if c := p.take(key(0), time.Now()); c != nil {
		t.Errorf("take returned a connection that was unused for too long")
	}
	keys := 0
	for i := range p.parts {
		p.prune(&p.parts[i])
		keys += len(p.parts[i].idle)
	}
	if n := p.count.Load(); n != 0 || keys != 0 {
		t.Errorf("after prune %d connections and %d keys remain, want none", n, keys)
	}
	last := pipe()
	p.put(key(1), last)
	p.close()
	if !last.dead.Load() {
		t.Errorf("close left a connection open")
	}
	after := pipe()
	p.put(key(1), after)
	if !after.dead.Load() {
		t.Errorf("a closed pool kept a connection")
	}
}

func TestUnseen(t *testing.T) {
	t.Parallel()
	secure := tls.Client(nil, &tls.Config{})
	tests := []struct {
		name    string
		conn    conn
		written uint64
		want    bool
	}{
		{"fresh connection", conn{}, 0, false},
		{"nothing was written", conn{reused: true}, 0, true},
		{"nothing was written into TLS, as far as is known", conn{reused: true, err: io.EOF, secure: secure}, 0, false},
		{"something was read", conn{reused: true, got: true}, 0, false},
		{"written, then reset", conn{reused: true, err: errors.New("reset")}, 1, false},
		{"written, then closed, acknowledgements unknown", conn{reused: true, err: io.EOF}, 1, false},
	}
	for i := range tests {
		test := &tests[i]
		test.conn.line = &line{written: test.written}
		x := &exchange{conn: &test.conn}
		if got := x.unseen(); got != test.want {
			t.Errorf("unseen(%q) = %v, want %v", test.name, got, test.want)
		}
	}
}
