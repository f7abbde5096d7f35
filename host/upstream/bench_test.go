//go:build unix

package upstream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// One hop to a server on loopback: the whole of Do against Go's own client.
func BenchmarkHop(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 1024)
	answer := []byte(`{"id":"chatcmpl-1","choices":[{"message":{"content":"` + strings.Repeat("y", 1000) + `"}}]}`)
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-Request-Id: req_1\r\n\r\n", len(answer))
	s := rawLoop(b, []byte(head+string(answer)), len(body))
	b.Run("client=upstream", func(b *testing.B) {
		c := client(b)
		r := request(s)
		r.Request.Body = body
		b.ReportAllocs()
		defer reportCPU(b)()
		for b.Loop() {
			reply, err := c.Do(context.Background(), r)
			if err != nil || len(reply.Body) != len(answer) {
				b.Fatal(err)
			}
			reply.Close()
		}
	})
	b.Run("client=upstream+cancelable", func(b *testing.B) {
		c := client(b)
		r := request(s)
		r.Request.Body = body
		b.ReportAllocs()
		defer reportCPU(b)()
		for b.Loop() {
			ctx, cancel := context.WithCancel(context.Background())
			reply, err := c.Do(ctx, r)
			if err != nil || len(reply.Body) != len(answer) {
				b.Fatal(err)
			}
			reply.Close()
			cancel()
		}
	})
	b.Run("client=fasthttp", func(b *testing.B) {
		c := &fasthttp.HostClient{Addr: strings.TrimPrefix(s, "http://"), ReadTimeout: patience, WriteTimeout: patience}
		defer c.CloseIdleConnections()
		b.ReportAllocs()
		defer reportCPU(b)()
		for b.Loop() {
			req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			req.Header.SetMethod("POST")
			req.SetRequestURI(s + "/chat")
			req.Header.Set("Authorization", "Bearer "+testKey)
			req.Header.Set("Accept", "application/json")
			req.Header.Set("Accept-Encoding", "identity")
			req.Header.SetContentType("application/json")
			req.SetBodyRaw(body)
			if err := c.Do(req, res); err != nil || len(res.Body()) != len(answer) {
				b.Fatal(err)
			}
			fasthttp.ReleaseRequest(req)
			fasthttp.ReleaseResponse(res)
		}
	})
	b.Run("client=net-http", func(b *testing.B) {
		c := &http.Client{Transport: &http.Transport{DisableCompression: true}}
		defer c.CloseIdleConnections()
		b.ReportAllocs()
		defer reportCPU(b)()
		for b.Loop() {
			req, err := http.NewRequest("POST", s+"/chat", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+testKey)
			req.Header.Set("Content-Type", "application/json")
			res, err := c.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || len(got) != len(answer) {
				b.Fatal(err)
			}
		}
	})
}

// One event of a stream, each written by itself and read before the next one is.
func BenchmarkStream(b *testing.B) {
	event := []byte(chunks(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}` + "\n\n"))
	server := func(b *testing.B) (string, chan<- struct{}) {
		next := make(chan struct{}, 1)
		s := serve(b, func(c *net.TCPConn, _ int) bool {
			_, err := io.WriteString(c, sseHead+chunked)
			for range next {
				if err == nil {
					_, err = c.Write(event)
				}
			}
			return false
		})
		b.Cleanup(func() { close(next) })
		return s.url, next
	}
	b.Run("client=upstream", func(b *testing.B) {
		url, next := server(b)
		reply, err := client(b).Do(context.Background(), request(url, streamed))
		if err != nil {
			b.Fatal(err)
		}
		defer reply.Close()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		b.ReportAllocs()
		defer reportCPU(b)()
		for b.Loop() {
			next <- struct{}{}
			if _, err := reply.Events.Next(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("client=fasthttp", func(b *testing.B) {
		url, next := server(b)
		c := &fasthttp.HostClient{Addr: strings.TrimPrefix(url, "http://"), StreamResponseBody: true}
		req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		req.Header.SetMethod("POST")
		req.SetRequestURI(url + "/chat")
		req.SetBodyString("{}")
		if err := c.Do(req, res); err != nil {
			b.Fatal(err)
		}
		r, buf := res.BodyStream(), make([]byte, 4<<10)
		b.ReportAllocs()
		defer reportCPU(b)()
		for b.Loop() {
			next <- struct{}{}
			if n, err := r.Read(buf); err != nil || n == 0 {
				b.Fatal(n, err)
			}
		}
	})
}

// Reading one event of a stream of 300-byte chunks, framing alone.
func BenchmarkEvent(b *testing.B) {
	event := []byte(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"` + strings.Repeat("z", 160) + `"},"finish_reason":null}]}` + "\n\n")
	r := &pieces{r: &repeat{b: event}}
	f := &sse{max: 1 << 24}
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.next(r); err != nil {
			b.Fatal(err)
		}
	}
}

// repeat is a reader of the same bytes for ever.
type repeat struct {
	b  []byte
	at int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.b[r.at:])
	r.at = (r.at + n) % len(r.b)
	return n, nil
}

// Memory that one open stream takes, beside the socket itself.
func BenchmarkOpenStreams(b *testing.B) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: x\n\n")
		_ = http.NewResponseController(w).Flush()
		<-release
	}))
	defer srv.Close()
	defer close(release)
	c := client(b)
	const streams = 200
	for b.Loop() {
		var before, after runtime.MemStats
		replies := make([]*engine.UpstreamResponse, 0, streams)
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range streams {
			reply, err := c.Do(context.Background(), request(srv.URL, streamed))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := reply.Events.Next(context.Background()); err != nil {
				b.Fatal(err)
			}
			replies = append(replies, reply)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc+after.StackInuse-before.HeapAlloc-before.StackInuse)/streams, "B/stream")
		for _, reply := range replies {
			reply.Close()
		}
	}
}

// reportCPU reports the processor time of the whole process, the server's too,
// that an operation took: on loopback the clock mostly measures waiting.
func reportCPU(b *testing.B) func() {
	used := func() time.Duration {
		var r syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64((used()-before).Microseconds())/float64(b.N), "cpu-µs/op") }
}
