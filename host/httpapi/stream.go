package httpapi

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
)

// eventStream is the body of a streamed answer: it writes itself in the connection's own
// goroutine, which also asks the source for what comes next, and fasthttp flushes each write. A
// write that fails ends it. See RATIONALE.md, "Why is a stream's body a reader?".
//
// While that goroutine waits for the source, a heartbeat may be written by a timer's. Everything
// that it holds is its own; the fasthttp context is not among it.
type eventStream struct {
	s       *Server
	rq      *request
	conn    net.Conn
	source  engine.Stream
	wire    framing
	done    func() // gives back what the request held
	kept    *keyed // of a request with an idempotency key; else nil
	gathers bool   // the source says before it waits, so that what comes together goes out together
	once    sync.Once

	mu      sync.Mutex // held while something is framed or written
	out     io.Writer  // nil: nothing is to be written
	pending []byte     // framed, and not yet written
	timer   *time.Timer
	said    time.Time // when something was written last
	armed   time.Time // when the write deadline was set
	broken  error     // a write failed
	over    bool      // the last event is framed
	failed  *failure  // why it ended, nil for the proper end
}

const (
	eventPrefix = "data: "
	eventEnd    = "\n\n"
	eventPing   = ": ping\n\n"
	eventDone   = "data: [DONE]\n\n"
)

const (
	// eventPiece is the most that is written under one deadline, bytes.
	eventPiece = 4 << 10
	// gathered is how many bytes of events that came together are enough to be written.
	gathered = 4 << 10
	// eventsKept is how large a buffer for events may stay, bytes.
	eventsKept = 64 << 10
)

func (s *Server) newEventStream(rq *request, source engine.Stream, wire framing, conn net.Conn, done func()) *eventStream {
	e := &eventStream{s: s, rq: rq, conn: conn, source: source, wire: wire, done: done}
	if f, ok := source.(engine.Forewarner); ok {
		e.gathers = true
		f.BeforeWait(e.flush)
	}
	return e
}

// SupportsBodyWriteTo implements fasthttp.BodyWriterTo: each Write of WriteTo is a chunk, and flushed.
func (*eventStream) SupportsBodyWriteTo() bool { return true }

// Read is never called: a body must be a reader, and fasthttp calls WriteTo in its place.
func (*eventStream) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }

// WriteTo implements io.WriterTo for fasthttp: it writes the events to the last one.
func (e *eventStream) WriteTo(w io.Writer) (int64, error) {
	e.open(w)
	defer e.open(nil)
	for {
		chunk, err := e.fetch()
		if over, err := e.take(chunk, err); over || err != nil {
			return 0, err
		}
	}
}

// open has events and heartbeats written to w, or no more of them.
func (e *eventStream) open(w io.Writer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.out = w; w == nil {
		e.timer.Stop()
		return
	}
	e.said = time.Now()
	e.timer = time.AfterFunc(e.s.cfg.Heartbeat, e.beat)
}

// fetch waits for the source's next chunk, which is valid until the next call.
func (e *eventStream) fetch() (chunk []byte, err error) {
	defer e.contain(&err)
	return e.source.Next(e.rq.ctx)
}

// contain makes a failure of a panic: a broken source must not take the process with it, nor
// leave its stream open.
func (e *eventStream) contain(err *error) {
	if v := recover(); v != nil {
		e.s.panicked(e.rq, v)
		*err = failureOf(nil)
	}
}

// take frames what the source said, and writes it unless more is there already. over says that it was
// the last.
func (e *eventStream) take(chunk []byte, cause error) (over bool, err error) {
	defer e.contain(&err)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken != nil {
		return false, e.broken
	}
	if cause != nil {
		e.write() // to keep the answer takes a while
	}
	e.frame(chunk, cause)
	if e.over || !e.gathers || len(e.pending) >= gathered {
		e.write()
	}
	return e.over, e.broken
}

// flush writes what is framed: the source is about to wait.
func (e *eventStream) flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.write()
}

// write writes what is framed, if it still can. The caller holds mu.
func (e *eventStream) write() {
	if len(e.pending) == 0 || e.out == nil || e.broken != nil {
		return
	}
	for p := e.pending; len(p) > 0 && e.broken == nil; {
		piece := p[:min(len(p), eventPiece)]
		p, e.said = p[len(piece):], time.Now()
		if e.broken = e.arm(); e.broken == nil {
			_, e.broken = e.out.Write(piece)
		}
	}
	if e.pending = e.pending[:0]; cap(e.pending) > eventsKept {
		e.pending = nil
	}
	if e.broken != nil {
		e.rq.cancel(context.Canceled) // also a source that is being waited for
	}
}

// arm sets the deadline of the write that comes next: one for each piece, not for the stream,
// which may be as old as it likes, while its reader may only be so slow. Events come by the
// hundred, and a deadline is not moved for each: it is an eighth longer than it has to be.
func (e *eventStream) arm() error {
	most := e.s.cfg.EventTimeout
	if !e.armed.IsZero() && e.said.Sub(e.armed) < most/8 {
		return nil
	}
	e.armed = e.said
	return e.conn.SetWriteDeadline(e.said.Add(most + most/8))
}

// beat writes a heartbeat if the source has been silent for long enough. The timer's goroutine runs it.
func (e *eventStream) beat() {
	defer func() {
		if v := recover(); v != nil { // in a goroutine that nobody else would recover
			e.s.panicked(e.rq, v)
			e.rq.cancel(context.Canceled)
		}
	}()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.out == nil || e.over || e.broken != nil {
		return
	}
	// It was set when it rang last, not with each event.
	left := e.s.cfg.Heartbeat - time.Since(e.said)
	if left <= 0 {
		left = e.s.cfg.Heartbeat
		e.pending = e.wire.ping(e.pending)
		e.write()
	}
	e.timer.Reset(left)
}

// frame appends what the source said, as it is written in the caller's wire.
func (e *eventStream) frame(chunk []byte, err error) {
	before := len(e.pending)
	switch {
	case err == nil:
		e.pending, err = e.wire.chunk(e.pending, chunk)
	case errors.Is(err, io.EOF):
		e.pending, err = e.wire.done(e.pending)
		e.over = true
	}
	if err != nil {
		e.failed = during(e.rq.ctx, err)
		e.pending = e.wire.failed(e.pending, e.failed)
		e.over = true
	}
	e.kept.streamed(e.pending[before:], e.over, e.failed == nil)
}

// framing writes a stream in the events of the caller's wire. One goroutine uses it.
type framing interface {
	// chunk appends what one canonical chunk becomes; there may be nothing. It keeps
	// nothing of the chunk. After an error the stream fails.
	chunk(dst, chunk []byte) ([]byte, error)
	// done appends the proper end.
	done(dst []byte) ([]byte, error)
	// failed appends the error event, which is the last.
	failed(dst []byte, f *failure) []byte
	// ping appends what keeps a silent connection alive.
	ping(dst []byte) []byte
}

// chatFraming is the stream of Chat Completions: the chunks as they are.
type chatFraming struct{}

func (chatFraming) chunk(dst, chunk []byte) ([]byte, error) { return appendEvent(dst, chunk), nil }
func (chatFraming) done(dst []byte) ([]byte, error)         { return append(dst, eventDone...), nil }
func (chatFraming) failed(dst []byte, f *failure) []byte    { return appendEvent(dst, f.openAI()) }
func (chatFraming) ping(dst []byte) []byte                  { return append(dst, eventPing...) }

// appendEvent frames one JSON text.
func appendEvent(dst, text []byte) []byte {
	return append(document.AppendLine(append(dst, eventPrefix...), text), eventEnd...)
}

// sendBare writes the head and the events without any framing. c is closed by the caller.
func (e *eventStream) sendBare(c net.Conn, head []byte) {
	defer e.Close()
	defer func() {
		// A goroutine of its own, which nobody else would recover.
		if v := recover(); v != nil {
			e.s.panicked(e.rq, v)
		}
	}()
	_ = e.conn.SetWriteDeadline(time.Now().Add(e.s.cfg.EventTimeout))
	if _, err := c.Write(head); err == nil {
		_, _ = e.WriteTo(c)
	}
}

// Close ends the stream, whether it came to its end or the client is gone. fasthttp
// calls it; it returns when the source is closed.
func (e *eventStream) Close() error {
	e.once.Do(func() {
		if !e.over {
			e.failed = &failure{status: answers[engine.CodeCanceled].status, code: string(engine.CodeCanceled)}
		}
		e.release()
		e.rq.cancel(context.Canceled)
		e.kept.abandon()
		e.done()
		status := http.StatusOK
		if e.failed != nil {
			status = e.failed.status
		}
		e.s.log(e.rq, e.rq.method, status)
	})
	return nil
}

// release closes the source, before the request's context ends: what is left of a whole answer
// may still be read, so that the provider's connection can be used again.
func (e *eventStream) release() {
	defer func() {
		if v := recover(); v != nil {
			e.s.panicked(e.rq, v)
		}
	}()
	e.source.Close()
}
