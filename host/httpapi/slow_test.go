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

// TestClientGone: a client that goes away ends the stream's context and closes it,
// whether its source is silent or busy.
func TestClientGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		busy bool
		// reset sends RST instead of FIN.
		reset bool
	}{{"silent, FIN", false, false}, {"silent, RST", false, true}, {"busy, FIN", true, false}, {"busy, RST", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source := scripted(step{chunk: `{"a":1}`})
			if c.busy {
				endless := source
				go func() {
					for {
						select {
						case endless.steps <- step{chunk: `{"x":1}`}:
						case <-endless.closed:
							return
						}
					}
				}()
			}
			var ctx context.Context
			f := &fake{stream: func(c context.Context, _ *engine.Request) (engine.Stream, engine.Meta, error) {
				ctx = c
				return source, engine.Meta{}, nil
			}}
			s := start(t, f, func(c *Config) { c.Heartbeat = 10 * time.Millisecond })
			conn := s.dial()
			if _, err := io.WriteString(conn, chatRequest(chatBody(`,"stream":true`))); err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if c.reset {
				_ = conn.(*net.TCPConn).SetLinger(0)
			}
			_ = conn.Close()
			waitFor(t, "Close after the client left", source.closed)
			waitFor(t, "the end of the context", ctx.Done())
			if errors.Is(context.Cause(ctx), errShuttingDown) {
				t.Error("the context ended with errShuttingDown, want context.Canceled")
			}
		})
	}
}

// TestSlowReader: a client that does not read is cut off when one event cannot be
// written in time, however old the stream is.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	source := scripted()
	chunk := `{"x":"` + strings.Repeat("y", 64<<10) + `"}`
	go func() {
		for {
			select {
			case source.steps <- step{chunk: chunk}:
			case <-source.closed:
				return
			}
		}
	}()
	s := start(t, streaming(func() engine.Stream { return source }), func(c *Config) { c.EventTimeout = 50 * time.Millisecond })
	conn := s.dial()
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	if _, err := io.WriteString(conn, chatRequest(chatBody(`,"stream":true`))); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "Close after the write deadline", source.closed)
}

// TestStreamOutlivesWriteTimeout: the deadline is for each event, not for the stream.
func TestStreamOutlivesWriteTimeout(t *testing.T) {
	t.Parallel()
	source := scripted()
	s := start(t, streaming(func() engine.Stream { return source }), func(c *Config) {
		c.WriteTimeout, c.EventTimeout, c.Heartbeat = 20*time.Millisecond, 5*time.Second, 5*time.Millisecond
	})
	source.steps <- step{chunk: `{"n":0}`}
	res := s.open(chatBody(`,"stream":true`))
	body := bufio.NewReader(res.Body)
	// Twenty heartbeats of 5 ms are older than the write timeout.
	for pings := 0; pings < 20; {
		line, err := body.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d heartbeats: %v", pings, err)
		}
		if line == ": ping\n" {
			pings++
		}
	}
	source.steps <- step{err: io.EOF}
	rest, err := io.ReadAll(body)
	if err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("end of the stream = %q, %v, want [DONE]", rest, err)
	}
}
