package simulator

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// events writes a server-sent event stream with the exchange's fault in it.
type events struct {
	x       *exchange
	newline string
	stallAt int  // pieces before a stall; -1: none
	sent    int  // pieces of text
	over    bool // nothing more may be written
}

// stream begins an event stream. newline is what ends a line: Google's is CRLF.
func (x *exchange) stream(newline string) *events {
	x.row.Stream = true
	x.contentType("text/event-stream; charset=utf-8")
	x.w.Header().Set("Cache-Control", "no-cache")
	e := &events{x: x, newline: newline, stallAt: -1}
	if n, err := strconv.Atoi(x.fault.Stall); err == nil {
		e.stallAt = n
	}
	if n := x.fault.Oversize; n > 0 {
		e.raw("", `{"padding":"`+strings.Repeat("x", n)+`"}`)
	}
	return e
}

// event writes one event; name is empty on wires that use none.
func (e *events) event(name string, v any) { e.raw(name, string(encode(v))) }

func (e *events) raw(name, data string) {
	if e.over {
		return
	}
	var b strings.Builder
	if name != "" {
		b.WriteString("event: " + name + e.newline)
	}
	b.WriteString("data: " + data + e.newline + e.newline)
	if _, err := io.WriteString(e.x.w, b.String()); err != nil || e.x.flush() != nil {
		e.stop(OutcomeGone)
	}
}

// stop ends the stream for that reason.
func (e *events) stop(outcome string) { e.over, e.x.row.Outcome = true, outcome }

// piece writes one event that carries text, unless it is the fault's turn. fail
// writes the wire's own error event.
func (e *events) piece(name, text string, v any, fail func()) {
	if e.over {
		return
	}
	f, ctx := e.x.fault, e.x.r.Context()
	between := e.x.s.cfg.ChunkDelay + time.Duration(f.Slow)*time.Millisecond
	switch {
	case e.sent > 0 && !e.x.s.pause(ctx, between):
		e.stop(OutcomeGone)
		e.x.abort()
	case e.sent == e.stallAt && !e.x.s.stall(ctx):
		e.stop(OutcomeStalled)
		e.x.abort()
	case f.Cut > 0 && e.sent == f.Cut:
		e.stop(OutcomeCut)
		e.x.abort()
	case f.Error > 0 && e.sent == f.Error:
		fail()
		e.stop(OutcomeError)
	case f.Malformed > 0 && e.sent == f.Malformed:
		e.sent++
		e.x.row.Outcome = OutcomeMalformed
		e.raw(name, `{"choices":[{"delta":{"content":`)
	default:
		e.event(name, v)
		if !e.over {
			e.sent++
			e.x.row.Chunks, e.x.row.TextBytes = e.sent, e.x.row.TextBytes+len(text)
		}
	}
}

// ending reports whether the terminal events are to be written.
func (e *events) ending() bool { return !e.over && !e.x.fault.NoEnd }

// end closes the stream, or leaves it open when the fault says so.
func (e *events) end() {
	if e.x.fault.Open && !e.over {
		e.x.s.stall(e.x.r.Context())
	}
}

func (x *exchange) flush() error { return http.NewResponseController(x.w).Flush() }

// abort closes the client's connection: with FIN, or with RST. An answer that was
// not finished must not look as if it was.
func (x *exchange) abort() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // a recorder, or HTTP/2
	}
	if tcp, ok := conn.(*net.TCPConn); ok && x.fault.Mode == "rst" {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
