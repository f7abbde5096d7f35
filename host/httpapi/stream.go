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

// eventStream is the body of a streamed answer: fasthttp reads it in the connection's
// own goroutine, and writes and flushes what each Read gave before it reads on. A
// write that fails closes it. See RATIONALE.md, "Why is a stream's body a reader?".
//
// Two goroutines share it: the connection's (Read, Close) and the pump's, which alone
// touches the engine.Stream. Everything that it holds is its own; the fasthttp context
// is not among it.
type eventStream struct {
	s      *Server
	rq     *request
	conn   net.Conn
	source engine.Stream
	wire   framing
	done   func() // gives back what the request held
	kept   *keyed // of a request with an idempotency key; else nil

	want chan struct{} // the connection asks for the next chunk; Close closes it
	got  chan arrival  // the pump's answer, one for each want
	gone chan struct{} // closed by the pump when it has closed source

	asked   bool        // a want is unanswered
	over    bool        // pending is the last there will be
	pending []byte      // framed bytes not yet handed to fasthttp, from at on
	at      int         //
	timer   *time.Timer // of the next heartbeat, or of a look whether it is due
	said    time.Time   // when something was handed to fasthttp last
	armed   time.Time   // when the write deadline was set
	failed  *failure    // why it ended, nil for the proper end
	once    sync.Once
}

// arrival is one answer of the source. chunk is valid until the next want.
type arrival struct {
	chunk []byte
	err   error
}

const (
	eventPrefix = "data: "
	eventEnd    = "\n\n"
	eventPing   = ": ping\n\n"
	eventDone   = "data: [DONE]\n\n"
)

func (s *Server) newEventStream(rq *request, source engine.Stream, wire framing, conn net.Conn, done func()) *eventStream {
	e := &eventStream{
		s: s, rq: rq, conn: conn, source: source, wire: wire, done: done,
		want: make(chan struct{}, 1), got: make(chan arrival, 1), gone: make(chan struct{}),
		timer: time.NewTimer(s.cfg.Heartbeat), said: time.Now(),
	}
	go e.pump()
	return e
}

// pump fetches one chunk for each want. It is a goroutine of its own so that the
// connection can send heartbeats while the source is silent.
func (e *eventStream) pump() {
	defer close(e.gone)
	defer func() {
		// A broken source must not take the process with it.
		if v := recover(); v != nil {
			e.s.panicked(e.rq, v)
		}
	}()
	defer e.source.Close()
	for range e.want {
		a := e.fetch()
		e.got <- a
		if a.err != nil {
			return
		}
	}
}

func (e *eventStream) fetch() (a arrival) {
	defer func() {
		if v := recover(); v != nil {
			e.s.panicked(e.rq, v)
			a = arrival{err: failureOf(nil)}
		}
	}()
	chunk, err := e.source.Next(e.rq.ctx)
	return arrival{chunk, err}
}

// Read implements io.Reader for fasthttp: it returns when there is something to send,
// at most one event at a time.
func (e *eventStream) Read(p []byte) (n int, err error) {
	defer func() {
		// fasthttp contains a panic here too, but then nobody would close the stream.
		if v := recover(); v != nil {
			e.s.panicked(e.rq, v)
			n, err = 0, errors.New("event stream panicked")
		}
	}()
	for e.at == len(e.pending) { // a chunk may say nothing in the caller's wire
		if e.over {
			return 0, io.EOF
		}
		e.next()
	}
	n = copy(p, e.pending[e.at:])
	e.at += n
	e.said = time.Now()
	return n, e.arm()
}

// arm sets the deadline of the write that comes next: one for each event, not for the stream,
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

// next waits for the next event, or for the time of a heartbeat, and frames it.
func (e *eventStream) next() {
	if !e.asked {
		e.want <- struct{}{}
		e.asked = true
	}
	e.pending, e.at = e.pending[:0], 0
	for {
		select {
		case a := <-e.got:
			e.asked = false
			e.frame(a)
			return
		case <-e.timer.C:
			// It was set when it rang last, not with each event.
			if left := e.s.cfg.Heartbeat - time.Since(e.said); left > 0 {
				e.timer.Reset(left)
				continue
			}
			e.timer.Reset(e.s.cfg.Heartbeat)
			e.pending = e.wire.ping(e.pending)
			return
		}
	}
}

func (e *eventStream) frame(a arrival) {
	err := a.err
	switch {
	case err == nil:
		e.pending, err = e.wire.chunk(e.pending, a.chunk)
	case errors.Is(err, io.EOF):
		e.pending, err = e.wire.done(e.pending)
		e.over = true
	}
	if err != nil {
		e.failed = during(e.rq.ctx, err)
		e.pending = e.wire.failed(e.pending, e.failed)
		e.over = true
	}
	e.kept.streamed(e.pending, e.over, e.failed == nil)
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
		_, _ = io.Copy(c, e)
	}
}

// Close ends the stream, whether it came to its end or the client is gone. fasthttp
// calls it; it returns when the source is closed.
func (e *eventStream) Close() error {
	e.once.Do(func() {
		if !e.over {
			e.failed = &failure{status: answers[engine.CodeCanceled].status, code: string(engine.CodeCanceled)}
		}
		e.rq.cancel(context.Canceled)
		close(e.want)
		<-e.gone
		e.timer.Stop()
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
