package simulator

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// events writes a server-sent event stream with the exchange's fault in it.
type events struct {
	x       *exchange
	newline string
	sent    int  // pieces of text
	over    bool // nothing more may be written
}

// stream begins an event stream. newline is what ends a line: Google's is CRLF.
func (x *exchange) stream(newline string) *events {
	x.row.Stream = true
	kind := "text/event-stream; charset=utf-8"
	if x.fault.Type != "" {
		kind = x.fault.Type
	}
	x.w.Header().Set("Content-Type", kind)
	x.w.Header().Set("Cache-Control", "no-cache")
	e := &events{x: x, newline: newline}
	if n := x.fault.Oversize; n > 0 {
		e.raw("", `{"padding":"`+strings.Repeat("x", n)+`"}`)
	}
	return e
}

// event writes one event; name is empty on wires that use none.
func (e *events) event(name string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic("simulator: " + err.Error())
	}
	e.raw(name, string(data))
}

func (e *events) raw(name, data string) {
	if e.over {
		return
	}
	var b strings.Builder
	if name != "" {
		b.WriteString("event: " + name + e.newline)
	}
	b.WriteString("data: " + data + e.newline + e.newline)
	if _, err := io.WriteString(e.x.w, b.String()); err != nil {
		e.over, e.x.row.Outcome = true, "gone"
		return
	}
	if f, ok := e.x.w.(http.Flusher); ok {
		f.Flush()
	}
}

// piece writes one event that carries text, unless it is the fault's turn. fail
// writes the wire's own error event.
func (e *events) piece(name string, v any, fail func()) {
	if e.over {
		return
	}
	f, ctx := e.x.fault, e.x.r.Context()
	if e.sent > 0 && !e.x.s.pause(ctx, e.x.s.cfg.ChunkDelay) {
		e.over, e.x.row.Outcome = true, "gone"
		return
	}
	stall, err := strconv.Atoi(f.Stall)
	switch {
	case f.Cut > 0 && e.sent == f.Cut:
		e.over, e.x.row.Outcome = true, "cut"
		e.x.abort()
		return
	case err == nil && e.sent == stall:
		e.over, e.x.row.Outcome = true, "stalled"
		e.x.s.stall(ctx)
		return
	case f.Malformed > 0 && e.sent == f.Malformed:
		e.sent++
		e.x.row.Outcome = "malformed"
		e.raw(name, `{"choices":[{"delta":{"content":`)
		return
	case f.Error > 0 && e.sent == f.Error:
		fail()
		e.over, e.x.row.Outcome = true, "error"
		return
	}
	e.event(name, v)
	e.sent++
	e.x.row.Chunks = e.sent
}

// ending reports whether the terminal events are to be written.
func (e *events) ending() bool { return !e.over && !e.x.fault.NoEnd }

// end closes the stream, or leaves it open when the fault says so.
func (e *events) end() {
	if e.x.fault.Open && !e.over {
		e.x.s.stall(e.x.r.Context())
	}
}

// abort closes the client's connection in mid-answer: with FIN, or with RST.
func (x *exchange) abort() {
	h, ok := x.w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	if f, ok := x.w.(http.Flusher); ok {
		f.Flush()
	}
	conn, _, err := h.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && x.fault.Mode == "rst" {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
