package upstream

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const (
	okHead    = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	sseHead   = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	chunked   = "Transfer-Encoding: chunked\r\n\r\n"
	helloSSE  = "data: {\"a\":1}\n\ndata: [DONE]\n\n"
	helloJSON = `{"a":1}`
)

func chunks(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(p), p)
	}
	return b.String()
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// hold sends text and then nothing, until the client closes.
func hold(text string) script {
	return func(c *net.TCPConn, _ int) bool {
		_, _ = io.WriteString(c, text)
		_, _ = io.Copy(io.Discard, c)
		return false
	}
}

// flood sends head once and then more for ever, until the client closes.
func flood(head, more string) script {
	return func(c *net.TCPConn, _ int) bool {
		_, err := io.WriteString(c, head)
		more := []byte(strings.Repeat(more, 1+4096/len(more)))
		for err == nil {
			_, err = c.Write(more)
		}
		return false
	}
}

// aborted sends text and then a RST, which may overtake it.
func aborted(text string) script {
	return func(c *net.TCPConn, _ int) bool {
		_, _ = io.WriteString(c, text)
		return reset(c)
	}
}

func TestNastyPlainAnswers(t *testing.T) {
	t.Parallel()
	short := func(c *Config) {
		c.FirstByte, c.Idle, c.Total = 60*time.Millisecond, 60*time.Millisecond, 150*time.Millisecond
	}
	tests := []struct {
		name       string
		answer     script
		change     func(*Config)
		wantCode   engine.Code // "" when an answer is wanted
		wantStatus int
		wantBody   string
	}{
		{name: "content length", answer: say(okHead + "Content-Length: 7\r\n\r\n" + helloJSON), wantStatus: 200, wantBody: helloJSON},
		{name: "chunked", answer: say(okHead + chunked + chunks(`{"a"`, `:1}`) + "0\r\n\r\n"), wantStatus: 200, wantBody: helloJSON},
		{name: "chunked with extension and trailer", answer: say(okHead + chunked + "7;x=\"y\"\r\n" + helloJSON + "\r\n0\r\nX: y\r\n\r\n"), wantStatus: 200, wantBody: helloJSON},
		{name: "until close", answer: say(okHead + "\r\n" + helloJSON), wantStatus: 200, wantBody: helloJSON},
		{name: "HTTP/1.0", answer: say("HTTP/1.0 200 OK\r\n\r\n" + helloJSON), wantStatus: 200, wantBody: helloJSON},
		{name: "chunked wins over length", answer: say(okHead + "Content-Length: 3\r\n" + chunked + chunks(helloJSON) + "0\r\n\r\n"), wantStatus: 200, wantBody: helloJSON},
		{name: "early hints then answer", answer: say("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + okHead + "Content-Length: 7\r\n\r\n" + helloJSON), wantStatus: 200, wantBody: helloJSON},
		{name: "empty body", answer: say(okHead + "Content-Length: 0\r\n\r\n"), wantStatus: 200},
		{name: "no content", answer: say("HTTP/1.1 204 No Content\r\n\r\n"), wantStatus: 204},
		{name: "status 529", answer: say("HTTP/1.1 529 Overloaded\r\nContent-Length: 2\r\n\r\n{}"), wantStatus: 529, wantBody: "{}"},
		{name: "status with html", answer: say("HTTP/1.1 503 x\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"), wantStatus: 503, wantBody: "<html>"},
		{name: "redirect is an answer", answer: say("HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), wantStatus: 307},
		{name: "header of 40 KB", answer: say(okHead + "X: " + strings.Repeat("x", 40<<10) + "\r\nContent-Length: 7\r\n\r\n" + helloJSON), wantStatus: 200, wantBody: helloJSON},

		{name: "failed status survives a cut body", answer: say("HTTP/1.1 429 x\r\nContent-Length: 100\r\n\r\n{"), wantStatus: 429},
		{name: "failed status survives a stalled body", answer: hold("HTTP/1.1 429 x\r\nContent-Length: 100\r\n\r\n{"), change: short, wantStatus: 429},
		{name: "failed status survives an endless body", answer: flood("HTTP/1.1 500 x\r\n\r\n", "xxxxxxxx"), wantStatus: 500},
		{name: "failed status survives compression", answer: say("HTTP/1.1 500 x\r\nContent-Encoding: gzip\r\n\r\n" + zipped("{}")), wantStatus: 500},

		{name: "empty answer", answer: say(""), wantCode: engine.CodeUpstreamFailed},
		{name: "reset at once", answer: aborted(""), wantCode: engine.CodeUpstreamFailed},
		{name: "not HTTP", answer: say("SSH-2.0-OpenSSH_9.9\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "HTTP/0.9 html", answer: say("<html><body>hello, this is a page</body></html>"), wantCode: engine.CodeUpstreamFailed},
		{name: "HTTP/2 status line", answer: say("HTTP/2.0 200 OK\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "blank lines first", answer: say("\r\n\r\n" + okHead + "Content-Length: 0\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "status 999", answer: say("HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "status 000", answer: say("HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "status 2000", answer: say("HTTP/1.1 2000 x\r\nContent-Length: 0\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "status 20", answer: say("HTTP/1.1 20 xx\r\nContent-Length: 0\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "status in words", answer: say("HTTP/1.1 OK fine\r\nContent-Length: 0\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "switching protocols", answer: say("HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "flood of 1xx", answer: flood("", "HTTP/1.1 100 Continue\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "endless header", answer: flood("HTTP/1.1 200 OK\r\nX: ", "xxxxxxxx"), wantCode: engine.CodeUpstreamFailed},
		{name: "endless headers", answer: flood("HTTP/1.1 200 OK\r\n", "X-Header: xxxxxxxx\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "header cut", answer: say("HTTP/1.1 200 OK\r\nContent-Le"), wantCode: engine.CodeUpstreamFailed},
		{name: "two lengths", answer: say(okHead + "Content-Length: 7\r\nContent-Length: 8\r\n\r\n" + helloJSON), wantCode: engine.CodeUpstreamFailed},
		{name: "negative length", answer: say(okHead + "Content-Length: -7\r\n\r\n" + helloJSON), wantCode: engine.CodeUpstreamFailed},
		{name: "length overflow", answer: say(okHead + "Content-Length: 99999999999999999999\r\n\r\n" + helloJSON), wantCode: engine.CodeUpstreamFailed},
		{name: "unknown transfer coding", answer: say(okHead + "Transfer-Encoding: xchunked\r\n\r\n" + helloJSON), wantCode: engine.CodeUpstreamFailed},
		{name: "gzip", answer: say(okHead + "Content-Encoding: gzip\r\n\r\n" + zipped(strings.Repeat("0", 1<<20))), wantCode: engine.CodeUpstreamFailed},
		{name: "length says more, FIN", answer: say(okHead + "Content-Length: 100\r\n\r\n" + helloJSON), wantCode: engine.CodeUpstreamFailed},
		{name: "length says more, RST", answer: aborted(okHead + "Content-Length: 100\r\n\r\n" + helloJSON), wantCode: engine.CodeUpstreamFailed},
		{name: "length over the limit", answer: hold(okHead + "Content-Length: 33554433\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "endless body until close", answer: flood(okHead+"\r\n", "xxxxxxxx"), change: func(c *Config) { c.MaxBody = 1 << 20 }, wantCode: engine.CodeUpstreamFailed},
		{name: "endless chunked body", answer: flood(okHead+chunked, chunks("xxxxxxxx")), change: func(c *Config) { c.MaxBody = 1 << 20 }, wantCode: engine.CodeUpstreamFailed},
		{name: "no last chunk", answer: say(okHead + chunked + chunks(helloJSON)), wantCode: engine.CodeUpstreamFailed},
		{name: "last chunk without its end", answer: say(okHead + chunked + chunks(helloJSON) + "0\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "chunk size negative", answer: say(okHead + chunked + "-7\r\n" + helloJSON + "\r\n0\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "chunk size overflow", answer: say(okHead + chunked + "ffffffffffffffff7\r\n" + helloJSON + "\r\n0\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "chunk size empty", answer: say(okHead + chunked + "\r\n" + helloJSON + "\r\n0\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "chunk longer than its size", answer: say(okHead + chunked + "6\r\n" + helloJSON + "\r\n0\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "chunk line ends in LF", answer: say(okHead + chunked + "7\n" + helloJSON + "\r\n0\r\n\r\n"), wantCode: engine.CodeUpstreamFailed},
		{name: "endless chunk extension", answer: flood(okHead+chunked+"7;", "xxxxxxxx"), wantCode: engine.CodeUpstreamFailed},
		{name: "endless trailer", answer: flood(okHead+chunked+chunks(helloJSON)+"0\r\n", "X: y\r\n"), wantCode: engine.CodeUpstreamFailed},

		{name: "headers never", answer: hold(""), change: short, wantCode: engine.CodeUpstreamTimeout},
		{name: "headers half", answer: hold("HTTP/1.1 200 OK\r\n"), change: short, wantCode: engine.CodeUpstreamTimeout},
		{name: "body stalls", answer: hold(okHead + "Content-Length: 100\r\n\r\n{"), change: short, wantCode: engine.CodeUpstreamTimeout},
		{name: "body stalls in a chunk", answer: hold(okHead + chunked + "64\r\n{"), change: short, wantCode: engine.CodeUpstreamTimeout},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, test.answer)
			c := client(t)
			if test.change != nil {
				c = client(t, test.change)
			}
			reply, err := c.Do(context.Background(), request(s.url))
			if test.wantCode != "" {
				if engine.CodeOf(err) != test.wantCode {
					t.Fatalf("Do(%q) = %v, want code %s", test.name, err, test.wantCode)
				}
				if reply != nil {
					t.Errorf("Do(%q) returned an answer beside its error", test.name)
				}
				return
			}
			if err != nil {
				t.Fatalf("Do(%q) = %v, want status %d", test.name, err, test.wantStatus)
			}
			defer reply.Close()
			if reply.Status != test.wantStatus || string(reply.Body) != test.wantBody {
				t.Errorf("Do(%q) = %d %q, want %d %q", test.name, reply.Status, reply.Body, test.wantStatus, test.wantBody)
			}
			if reply.Events != nil {
				t.Errorf("Do(%q) has events though it was not streamed", test.name)
			}
		})
	}
}

func TestNastyStreams(t *testing.T) {
	t.Parallel()
	short := func(c *Config) { c.FirstByte, c.Idle, c.Total = 60*time.Millisecond, 60*time.Millisecond, patience }
	two := []string{`|{"a":1}`, "|[DONE]"}
	one := two[:1]
	long := strings.Repeat("x", 70<<10)
	tests := []struct {
		name       string
		answer     script
		change     func(*Config)
		framing    string
		wantCode   engine.Code // of Do
		wantEvents []string
		wantEnd    string // code of the last Next, or EOF
	}{
		{name: "chunked", answer: say(sseHead + chunked + chunks(helloSSE) + "0\r\n\r\n"), wantEvents: two, wantEnd: "EOF"},
		{name: "chunked, split in an event", answer: say(sseHead + chunked + chunks("dat", "a: {\"a\"", ":1}\n", "\ndata: [DONE]\n\n") + "0\r\n\r\n"), wantEvents: two, wantEnd: "EOF"},
		{name: "content length", answer: say(sseHead + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(helloSSE)) + helloSSE), wantEvents: two, wantEnd: "EOF"},
		{name: "until close", answer: say(sseHead + "\r\n" + helloSSE), wantEvents: two, wantEnd: "EOF"},
		{name: "parameters and case in the type", answer: say("HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n" + chunked + chunks(helloSSE) + "0\r\n\r\n"), wantEvents: two, wantEnd: "EOF"},
		{name: "no content type", answer: say("HTTP/1.1 200 OK\r\n" + chunked + chunks(helloSSE) + "0\r\n\r\n"), wantEvents: two, wantEnd: "EOF"},
		{name: "line of 70 KB", answer: say(sseHead + chunked + chunks("data: "+long+"\n\n") + "0\r\n\r\n"), wantEvents: []string{"|" + long}, wantEnd: "EOF"},
		{name: "invalid UTF-8", answer: say(sseHead + chunked + chunks("data: \"\xff\xfe\"\n\n") + "0\r\n\r\n"), wantEvents: []string{"|\"\uFFFD\""}, wantEnd: "EOF"},
		{name: "last event without a blank line", answer: say(sseHead + chunked + chunks("data: {\"a\":1}") + "0\r\n\r\n"), wantEvents: one, wantEnd: "EOF"},
		{name: "empty", answer: say(sseHead + chunked + "0\r\n\r\n"), wantEnd: "EOF"},
		{name: "ndjson", framing: "ndjson", answer: say("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n" + chunked + chunks("{\"a\":1}\n\n[DO", "NE]") + "0\r\n\r\n"), wantEvents: two, wantEnd: "EOF"},
		{name: "json-array", framing: "json-array", answer: say(okHead + chunked + chunks("[{\"a\":", "1}\n,\r\n{\"}\":[{}]}]\n") + "0\r\n\r\n"), wantEvents: []string{one[0], `|{"}":[{}]}`}, wantEnd: "EOF"},

		{name: "FIN without the last chunk", answer: say(sseHead + chunked + chunks("data: {\"a\":1}\n\n")), wantEvents: one, wantEnd: "upstream_truncated"},
		{name: "FIN in an event", answer: say(sseHead + chunked + chunks("data: {\"a\":1}\n\ndata: {\"b\":")), wantEvents: one, wantEnd: "upstream_truncated"},
		{name: "FIN in a chunk", answer: say(sseHead + chunked + "64\r\ndata: {\"a\":1}\n\n"), wantEvents: one, wantEnd: "upstream_truncated"},
		{name: "FIN before the length", answer: say(sseHead + "Content-Length: 100\r\n\r\ndata: {\"a\":1}\n\n"), wantEvents: one, wantEnd: "upstream_truncated"},
		{name: "malformed chunk", answer: say(sseHead + chunked + chunks("data: {\"a\":1}\n\n") + "zz\r\n"), wantEvents: one, wantEnd: "upstream_truncated"},
		{name: "json-array cut", framing: "json-array", answer: say(okHead + chunked + chunks("[{\"a\":1},{\"b\"") + "0\r\n\r\n"), wantEvents: one, wantEnd: "upstream_truncated"},
		{name: "json-array not closed", framing: "json-array", answer: say(okHead + chunked + chunks("[{\"a\":1}") + "0\r\n\r\n"), wantEvents: one, wantEnd: "upstream_truncated"},
		{name: "json-array is html", framing: "json-array", answer: say(okHead + chunked + chunks("<html>") + "0\r\n\r\n"), wantEnd: "upstream_truncated"},
		{name: "event over the limit", answer: flood(sseHead+"\r\ndata: ", "xxxxxxxx"), change: func(c *Config) { c.MaxEvent = 1 << 20 }, wantEnd: "upstream_truncated"},
		{name: "event of many lines over the limit", answer: flood(sseHead+"\r\n", "data: xxxxxxxx\n"), change: func(c *Config) { c.MaxEvent = 1 << 20 }, wantEnd: "upstream_truncated"},
		{name: "endless comments", answer: flood(sseHead+"\r\n", ": ping\n\n"), change: func(c *Config) { c.MaxStream = 1 << 20 }, wantEnd: "upstream_truncated"},
		{name: "endless field name", answer: flood(sseHead+"\r\n", "xxxxxxxx"), change: func(c *Config) { c.MaxStream = 1 << 20 }, wantEnd: "upstream_truncated"},

		{name: "stalls before the headers", answer: hold(""), change: short, wantCode: engine.CodeUpstreamTimeout},
		{name: "stalls before the first event", answer: hold(sseHead + chunked), change: short, wantEnd: "upstream_timeout"},
		{name: "stalls in mid-stream", answer: hold(sseHead + chunked + chunks("data: {\"a\":1}\n\nda")), change: short, wantEvents: one, wantEnd: "upstream_timeout"},
		{name: "longer than the total", answer: flood(sseHead+"\r\n", ": ping\n\n"), change: func(c *Config) { c.Total, c.MaxStream = 100*time.Millisecond, 1<<40 }, wantEnd: "upstream_timeout"},

		{name: "html", answer: say("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"), wantCode: engine.CodeUpstreamFailed},
		{name: "plain JSON", answer: say(okHead + "Content-Length: 7\r\n\r\n" + helloJSON), wantCode: engine.CodeUpstreamFailed},
		{name: "gzip", answer: say(sseHead + "Content-Encoding: GZIP\r\n\r\n" + zipped(helloSSE)), wantCode: engine.CodeUpstreamFailed},
		{name: "unknown framing", framing: "xml", answer: say(sseHead + "\r\n"), wantCode: engine.CodePluginFailed},
		{name: "sse asked, array framing sent", framing: "json-array", answer: say(sseHead + "\r\n" + helloSSE), wantCode: engine.CodeUpstreamFailed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, test.answer)
			c := client(t)
			if test.change != nil {
				c = client(t, test.change)
			}
			reply, err := c.Do(context.Background(), request(s.url, streamed, withFraming(test.framing)))
			if test.wantCode != "" {
				if engine.CodeOf(err) != test.wantCode {
					t.Fatalf("Do(%q) = %v, want code %s", test.name, err, test.wantCode)
				}
				return
			}
			if err != nil {
				t.Fatalf("Do(%q) = %v, want events", test.name, err)
			}
			defer reply.Close()
			if reply.Body != nil {
				t.Errorf("Do(%q) has a body beside its events", test.name)
			}
			events, err := drain(context.Background(), reply.Events)
			if !slices.Equal(events, test.wantEvents) {
				t.Errorf("Do(%q) events = %.200q, want %.200q", test.name, events, test.wantEvents)
			}
			if codeOf(err) != test.wantEnd {
				t.Errorf("Do(%q) ended with %v, want %s", test.name, err, test.wantEnd)
			}
			if _, again := reply.Events.Next(context.Background()); codeOf(again) != test.wantEnd {
				t.Errorf("Next after the end of %q = %v, want %s again", test.name, again, test.wantEnd)
			}
		})
	}
}

// A RST may overtake what was sent before it, so the events before it are not asserted.
func TestStreamResetIsTruncation(t *testing.T) {
	t.Parallel()
	read := make(chan struct{})
	s := serve(t, func(c *net.TCPConn, _ int) bool {
		_, _ = io.WriteString(c, sseHead+chunked+chunks("data: {\"a\":1}\n\n"))
		<-read
		return reset(c)
	})
	reply, err := client(t).Do(context.Background(), request(s.url, streamed))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Close()
	if e, err := reply.Events.Next(context.Background()); err != nil || string(e.Data) != `{"a":1}` {
		t.Fatalf("Next = %q, %v, want the first event", e.Data, err)
	}
	close(read)
	if _, err := reply.Events.Next(context.Background()); engine.CodeOf(err) != engine.CodeUpstreamTruncated {
		t.Errorf("Next after a RST = %v, want %s", err, engine.CodeUpstreamTruncated)
	}
}

// A server that refuses a large request before it has read it is heard.
func TestEarlyRefusalIsHeard(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		c, err := ln.Accept()
		if err != nil {
			return
		}
		_, _ = io.ReadFull(c, make([]byte, 100))
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}")
		_ = c.Close() // with the rest unread: the client's writes fail
	}()
	r := request("http://" + ln.Addr().String())
	r.Request.Body = bytes.Repeat([]byte(" "), 32<<20)
	reply, err := client(t).Do(context.Background(), r)
	if err != nil || reply.Status != 413 {
		t.Fatalf("Do = %v, %v, want status 413", reply, err)
	}
	reply.Close()
	await(t, finished, "the end of the server")
}

// The bounded time of a lie about the length costs no memory.
func TestAnnouncedLengthIsNotAllocated(t *testing.T) {
	t.Parallel()
	r := &lyingReader{data: []byte("{}")}
	_, err := readAll(r, nil, 32<<20, 32<<20)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("readAll = %v, want %v", err, io.ErrUnexpectedEOF)
	}
	if r.asked > 65<<10 {
		t.Errorf("readAll allocated %d bytes for an announced length, want at most 65 KiB", r.asked)
	}
}

type lyingReader struct {
	data  []byte
	asked int
}

func (r *lyingReader) Read(p []byte) (int, error) {
	r.asked = max(r.asked, len(p))
	if len(r.data) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}
