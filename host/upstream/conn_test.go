package upstream

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// watchEnd answers with text, then reports when the client closed the connection.
func watchEnd(text string, closed chan<- time.Time) script {
	return func(c *net.TCPConn, _ int) bool {
		_, _ = io.WriteString(c, text)
		_, _ = io.Copy(io.Discard, c)
		closed <- time.Now()
		return false
	}
}

// Cancelling closes the socket at once, wherever the exchange is.
func TestCancelClosesTheConnection(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer string
		stream bool
		inNext bool
	}{
		{name: "waiting for headers", answer: ""},
		{name: "in the headers", answer: "HTTP/1.1 200 OK\r\nX"},
		{name: "in a plain body", answer: okHead + "Content-Length: 100\r\n\r\n{"},
		{name: "in a failed body", answer: "HTTP/1.1 500 x\r\nContent-Length: 100\r\n\r\n{"},
		{name: "stream waiting for headers", answer: "", stream: true},
		{name: "stream waiting for an event", answer: sseHead + chunked, stream: true, inNext: true},
		{name: "stream in an event", answer: sseHead + chunked + chunks("data: x"), stream: true, inNext: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			arrived, closed := make(chan struct{}, 1), make(chan time.Time, 1)
			end := watchEnd(test.answer, closed)
			s := serve(t, func(c *net.TCPConn, n int) bool { arrived <- struct{}{}; return end(c, n) })
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			result := make(chan error, 1)
			go func() {
				reply, err := client(t).Do(ctx, request(s.url, func(r *engine.UpstreamRequest) { r.Stream = test.stream }))
				if err == nil && test.inNext {
					_, err = reply.Events.Next(ctx)
				}
				if reply != nil && err == nil {
					reply.Close()
				}
				result <- err
			}()
			await(t, arrived, "the request")
			began := time.Now()
			cancel()
			err := await(t, result, "the end of Do")
			if test.name != "in a failed body" && engine.CodeOf(err) != engine.CodeCanceled {
				t.Errorf("Do(%q) = %v, want %s", test.name, err, engine.CodeCanceled)
			}
			if took := await(t, closed, "the close").Sub(began); took > time.Second {
				t.Errorf("the server saw the close after %s, want ≤ 1s", took)
			}
		})
	}
}

func TestContextEndsTheExchange(t *testing.T) {
	t.Parallel()
	t.Run("deadline of Do", func(t *testing.T) {
		t.Parallel()
		s := serve(t, hold(""))
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		if _, err := client(t).Do(ctx, request(s.url)); engine.CodeOf(err) != engine.CodeUpstreamTimeout {
			t.Errorf("Do = %v, want %s", err, engine.CodeUpstreamTimeout)
		}
	})
	t.Run("deadline of Next alone", func(t *testing.T) {
		t.Parallel()
		closed := make(chan time.Time, 1)
		s := serve(t, watchEnd(sseHead+chunked, closed))
		reply, err := client(t).Do(context.Background(), request(s.url, streamed))
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		if _, err := reply.Events.Next(ctx); engine.CodeOf(err) != engine.CodeUpstreamTimeout {
			t.Errorf("Next = %v, want %s", err, engine.CodeUpstreamTimeout)
		}
		await(t, closed, "the close")
	})
	t.Run("canceled before", func(t *testing.T) {
		t.Parallel()
		s := serve(t, hold(""))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := client(t).Do(ctx, request(s.url)); engine.CodeOf(err) != engine.CodeCanceled {
			t.Errorf("Do = %v, want %s", err, engine.CodeCanceled)
		}
		if n := s.accepted(); n != 0 {
			t.Errorf("%d connections were made, want none", n)
		}
	})
	t.Run("canceled between events", func(t *testing.T) {
		t.Parallel()
		closed := make(chan time.Time, 1)
		s := serve(t, watchEnd(sseHead+chunked+chunks("data: x\n\n"), closed))
		ctx, cancel := context.WithCancel(context.Background())
		reply, err := client(t).Do(ctx, request(s.url, streamed))
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Close()
		if _, err := reply.Events.Next(ctx); err != nil {
			t.Fatal(err)
		}
		cancel() // nobody reads: the connection must close all the same
		await(t, closed, "the close")
		if _, err := reply.Events.Next(ctx); engine.CodeOf(err) != engine.CodeCanceled {
			t.Errorf("Next = %v, want %s", err, engine.CodeCanceled)
		}
	})
}

// Close by another goroutine under a running Next ends both.
func TestCloseUnderNext(t *testing.T) {
	t.Parallel()
	closed := make(chan time.Time, 1)
	s := serve(t, watchEnd(sseHead+chunked+chunks("data: x\n\n"), closed))
	reply, err := client(t).Do(context.Background(), request(s.url, streamed))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reply.Events.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := reply.Events.Next(context.Background())
		result <- err
	}()
	reply.Close()
	reply.Close()
	if err := await(t, result, "the end of Next"); engine.CodeOf(err) != engine.CodeCanceled {
		t.Errorf("Next under Close = %v, want %s", err, engine.CodeCanceled)
	}
	await(t, closed, "the close")
	if _, err := reply.Events.Next(context.Background()); engine.CodeOf(err) != engine.CodeCanceled {
		t.Errorf("Next after Close = %v, want %s", err, engine.CodeCanceled)
	}
}

// A connection that the end of a context is about to close is not kept, although the
// stream was read to its end under another context.
func TestConnectionOfAnEndedContextIsNotKept(t *testing.T) {
	t.Parallel()
	s := serve(t, keep(sseHead+chunked+chunks("data: x\n\n")+"0\r\n\r\n"))
	c := client(t)
	reply, err := c.Do(context.Background(), request(s.url, streamed))
	if err != nil {
		t.Fatal(err)
	}
	x := reply.Events.(*eventReader).in.(*exchange)
	x.unwatch = func() bool { return false } // it has begun, and has not come to the connection
	if events, err := drain(t.Context(), reply.Events); len(events) != 1 || err != io.EOF {
		t.Fatalf("the stream gave %q, %v, want one event", events, err)
	}
	reply.Close()
	if !x.conn.dead.Load() {
		t.Error("the connection was kept for the next request, which would lose it")
	}
}
