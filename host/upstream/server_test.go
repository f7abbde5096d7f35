package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// patience bounds every wait of a test for another goroutine. It is never slept.
const patience = 10 * time.Second

// server is a raw TCP server: each request is read whole, then answered by a script.
type server struct {
	url string
	ln  net.Listener

	mu       sync.Mutex
	conns    []net.Conn
	requests []*http.Request
	bodies   []string
	done     sync.WaitGroup
}

// script answers request number n of all (from 0) on c. It returns false when
// the connection is to be closed.
type script func(c *net.TCPConn, n int) bool

func serve(t testing.TB, answer script) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{ln: ln, url: "http://" + ln.Addr().String()}
	s.done.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			s.done.Go(func() { s.handle(c.(*net.TCPConn), answer) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			_ = c.Close()
		}
		s.mu.Unlock()
		s.done.Wait()
	})
	return s
}

func (s *server) handle(c *net.TCPConn, answer script) {
	defer c.Close()
	br := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		n := len(s.requests)
		s.requests = append(s.requests, req)
		s.bodies = append(s.bodies, string(body))
		s.mu.Unlock()
		if !answer(c, n) {
			return
		}
	}
}

// rawLoop is a server that answers each request of that body length with the same bytes.
func rawLoop(b testing.TB, answer []byte, bodyLen int) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var conns sync.WaitGroup
	var open sync.Map
	conns.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			open.Store(c, nil)
			conns.Go(func() {
				defer c.Close()
				br := bufio.NewReader(c)
				for {
					for {
						line, err := br.ReadSlice('\n')
						if err != nil {
							return
						}
						if len(line) == 2 {
							break
						}
					}
					if _, err := br.Discard(bodyLen); err != nil {
						return
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			})
		}
	})
	b.Cleanup(func() {
		_ = ln.Close()
		open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		conns.Wait()
	})
	return "http://" + ln.Addr().String()
}

func (s *server) accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *server) seen() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.requests...)
}

// say answers with those bytes and closes.
func say(text string) script {
	return func(c *net.TCPConn, _ int) bool {
		_, _ = io.WriteString(c, text)
		return false
	}
}

// keep answers with those bytes and waits for the next request.
func keep(text string) script {
	return func(c *net.TCPConn, _ int) bool {
		_, err := io.WriteString(c, text)
		return err == nil
	}
}

// reset closes c with a RST.
func reset(c *net.TCPConn) bool {
	_ = c.SetLinger(0)
	_ = c.Close()
	return false
}

const testKey = "sk-canary-0123456789abcdef"

// client is a client for the provider "p", which may be on loopback.
func client(t testing.TB, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		Secret:       oneKey,
		AllowPrivate: func(*engine.Provider) bool { return true },
		Total:        patience,
		Idle:         patience,
		FirstByte:    patience,
		Answer:       patience,
	}
	for _, f := range change {
		f(&cfg)
	}
	c := New(cfg)
	t.Cleanup(c.Close)
	return c
}

// request is a request to the provider "p" at that base URL.
func request(base string, change ...func(*engine.UpstreamRequest)) *engine.UpstreamRequest {
	r := &engine.UpstreamRequest{
		Provider: &engine.Provider{ID: "p", BaseURL: base, Credentials: []engine.Credential{{ID: "k", Weight: 1, Enabled: true}}},
		Auth:     engine.ManifestAuth{Scheme: "bearer"},
		Request:  engine.AdapterRequest{Path: "/chat", Body: []byte(`{"model":"m"}`)},
	}
	for _, f := range change {
		f(r)
	}
	return r
}

func streamed(r *engine.UpstreamRequest) { r.Stream = true }

func withFraming(name string) func(*engine.UpstreamRequest) {
	return func(r *engine.UpstreamRequest) { r.Framing = name }
}

// drain reads all events, as "name|data", and the error that ended them.
func drain(ctx context.Context, r engine.EventReader) ([]string, error) {
	var events []string
	for {
		e, err := r.Next(ctx)
		if err != nil {
			return events, err
		}
		events = append(events, e.Name+"|"+string(e.Data))
	}
}

// codeOf is "EOF" for a proper end, else the error's code.
func codeOf(err error) string {
	if errors.Is(err, io.EOF) {
		return "EOF"
	}
	return string(engine.CodeOf(err))
}

// await fails the test when ch is not closed or sent to in time.
func await[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not happen within %s", what, patience)
		panic("unreachable")
	}
}

// oneKey gives every global provider but "unknown" testKey.
func oneKey(p *engine.Provider, _ string) string {
	if p.AccountID != "" || p.ID == "unknown" {
		return ""
	}
	return testKey
}
