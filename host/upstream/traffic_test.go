package upstream

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// What a request and an event cost in calls of the system, on a connection that was kept.
// A read that finds nothing and waits counts as one with what it then gets.
func TestCallsOfTheSystem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		body   int // bytes of the request
		answer int // of the answer's body
		events int // of a stream; 0: it is a plain answer
		writes int64
		reads  int64
	}{
		{name: "small", body: 300, answer: 1000, writes: 1, reads: 1},
		{name: "nothing to send", answer: 2, writes: 1, reads: 1},
		{name: "10 KB there", body: 10 << 10, answer: 1000, writes: 1, reads: 1},
		{name: "100 KB there", body: 100 << 10, answer: 1000, writes: 2, reads: 1},
		{name: "stream", body: 300, events: 20, writes: 1, reads: 20},
	}
	for _, secure := range []bool{false, true} {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s tls=%v", tt.name, secure), func(t *testing.T) {
				t.Parallel()
				if secure && tt.writes > 1 {
					tt.writes = 1 + 6 // a write for each record of 16 KiB
				}
				next := make(chan struct{})
				srv := answering(t, secure, func(w http.ResponseWriter) {
					if tt.events == 0 {
						w.Header().Set("Content-Type", "application/json")
						_, _ = w.Write(bytes.Repeat([]byte(" "), tt.answer))
						return
					}
					w.Header().Set("Content-Type", "text/event-stream")
					for i := range tt.events {
						<-next
						fmt.Fprintf(w, "data: %d %0300d\n\n", i, i)
						if i < tt.events-1 { // the last one comes with the end of the body
							_ = http.NewResponseController(w).Flush()
						}
					}
				})
				c := client(t, trusting(srv))
				exchange := func() {
					go func() {
						if tt.events > 0 {
							next <- struct{}{}
						}
					}()
					reply, err := c.Do(context.Background(), request(srv.URL, func(r *engine.UpstreamRequest) {
						r.Request.Body, r.Stream = bytes.Repeat([]byte(" "), tt.body), tt.events > 0
					}))
					if err != nil {
						t.Fatal(err)
					}
					defer reply.Close()
					for i := range tt.events {
						if i > 0 {
							next <- struct{}{}
						}
						if _, err := reply.Events.Next(context.Background()); err != nil {
							t.Fatal(err)
						}
					}
					if tt.events > 0 {
						if _, err := reply.Events.Next(context.Background()); err != io.EOF {
							t.Fatalf("the stream ended with %v", err)
						}
					}
				}
				exchange()
				counts := &counting{}
				eachIdle(c.wire.(*http1).pool, func(c *conn) { counts.Conn, c.line.Conn = c.line.Conn, counts })
				if counts.Conn == nil {
					t.Fatal("the connection was not kept")
				}
				exchange()
				if w, r := counts.writes.Load(), counts.reads.Load(); w != tt.writes || r != tt.reads {
					t.Errorf("%s made %d writes and %d reads, want %d and %d", tt.name, w, r, tt.writes, tt.reads)
				}
				if d := counts.readDeadlines.Load() + counts.writeDeadlines.Load(); d != 0 {
					t.Errorf("%s set %d deadlines, want none beside those of the exchange before", tt.name, d)
				}
			})
		}
	}
}

// answering is a server that reads each request whole and answers as it is told.
func answering(t testing.TB, secure bool, answer func(http.ResponseWriter)) *httptest.Server {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer(w)
	}))
	if secure {
		srv.TLS = &tls.Config{DynamicRecordSizingDisabled: true}
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return srv
}

// trusting makes a client accept the server's certificate, if it has one.
func trusting(srv *httptest.Server) func(*Config) {
	return func(cfg *Config) {
		if srv.Certificate() != nil {
			cfg.RootCAs = roots(srv)
		}
	}
}

// fewest is how many allocations f makes: the fewest of many runs, as pools drop things
// under the race detector, and other goroutines allocate too.
func fewest(f func()) float64 {
	least := testing.AllocsPerRun(1, f)
	for range 200 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}

// What a request allocates beside its body, whoever waits for it.
func TestAllocationsOfARequest(t *testing.T) {
	answer := okHead + "Content-Length: 7\r\nX-Request-Id: req_1\r\n\r\n" + helloJSON
	c, r := client(t), request(rawLoop(t, []byte(answer), len(`{"model":"m"}`)))
	exchange := func(ctx context.Context) {
		reply, err := c.Do(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		reply.Close()
	}
	if n := fewest(func() { exchange(context.Background()) }); n > 4 {
		t.Errorf("a request makes %v allocations, want at most 4", n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if n := fewest(func() { exchange(ctx) }); n > 10 {
		t.Errorf("a request that can be canceled makes %v allocations, want at most 10", n)
	}
}

// An event allocates nothing, however it arrives.
func TestAllocationsOfAnEvent(t *testing.T) {
	event := "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"}}]}\n\n"
	named := "event: content_block_delta\n" + event
	for name, text := range map[string]string{
		"an event a chunk":    chunks(event),
		"many in a chunk":     chunks(event + event + event),
		"an event in chunks":  chunks(event[:20], event[20:]),
		"named":               chunks(named),
		"no chunks":           event,
		"comments in between": chunks(": ping\n\n", event),
	} {
		head := sseHead + chunked
		if name == "no chunks" {
			head = sseHead + "\r\n"
		}
		t.Run(name, func(t *testing.T) {
			reply, err := client(t).Do(context.Background(), request(serve(t, flood(head, text)).url, streamed))
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Close()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			n := fewest(func() {
				if _, err := reply.Events.Next(ctx); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("an event (%s) makes %v allocations, want none", name, n)
			}
		})
	}
}

// What the other side's kernel acknowledges of our bytes is what was counted as written:
// the rule of when a request is sent twice depends on it.
func TestAcknowledgedBytesAreCounted(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("this system does not count acknowledged bytes")
	}
	for _, secure := range []bool{false, true} {
		srv := answering(t, secure, func(w http.ResponseWriter) { _, _ = w.Write([]byte(helloJSON)) })
		c := client(t, trusting(srv))
		for i := range 3 {
			reply, err := c.Do(context.Background(), request(srv.URL))
			if err != nil {
				t.Fatal(err)
			}
			reply.Close()
			eachIdle(c.wire.(*http1).pool, func(c *conn) {
				n, ok := acked(c.line)
				if !ok || n != c.line.base+c.line.written {
					t.Errorf("TLS %v: after request %d %d bytes were acknowledged (known: %v), want %d + %d", secure, i, n, ok, c.line.base, c.line.written)
				}
			})
		}
	}
}

// TestBeforeWait: who asks is told before each read, and not while an event is there already; nor
// when the stream's connection is another's.
func TestBeforeWait(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	srv := answering(t, false, func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, events := range []string{"data: 0\n\n", "data: 1\n\ndata: 2\n\n", "data: 3\n\n"} {
			<-next
			fmt.Fprint(w, events)
			_ = http.NewResponseController(w).Flush()
		}
		<-next
	})
	c := client(t, trusting(srv))
	go func() { next <- struct{}{} }()
	res, err := c.Do(t.Context(), request(srv.URL, streamed))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	told := 0
	warned := res.Events.(engine.Forewarner)
	warned.BeforeWait(func() {
		if told++; told > 1 { // the first event may have come with the head, or not
			go func() { next <- struct{}{} }()
		}
	})
	var seen []int
	for {
		_, err := res.Events.Next(t.Context())
		seen = append(seen, told)
		if err != nil {
			break
		}
		if len(seen) == 1 {
			told = 1
		}
	}
	if want := []int{2, 2, 3, 4}; fmt.Sprint(seen[1:]) != fmt.Sprint(want) {
		t.Errorf("told so often when the events after the first were there: %v, want %v", seen[1:], want)
	}
	warned.BeforeWait(func() { t.Error("told by a stream that is over") })
	go func() {
		for range 4 {
			next <- struct{}{}
		}
	}()
	again, err := c.Do(t.Context(), request(srv.URL, streamed))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := drain(t.Context(), again.Events); codeOf(err) != "EOF" {
		t.Error(err)
	}
}
