package upstream

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// exchange is one request and its answer on one connection. It implements answer.
type exchange struct {
	conn *conn
	pool *pool
	out  *outgoing
	head head
	body
	space []byte // for the body, empty

	watched context.Context
	unwatch func() bool           // nil: watched has no end
	why     atomic.Pointer[error] // the context error that ended the exchange

	untouched bool // failed, and the other side can have seen nothing of the request
	spoiled   bool // the request was not written whole, or the connection is about to be closed
	over      bool
}

func (x *exchange) status() int { return x.head.status }

func (x *exchange) field(name string) string { return string(x.head.field(name)) }

func (x *exchange) room() []byte { return x.space }

func (x *exchange) until(t time.Time) {
	l := x.conn.line
	x.conn.bound(earlier(l.end, t), l.idle)
}

func (x *exchange) interrupt() { x.conn.kill() }

// beforeWait implements answer.
func (x *exchange) beforeWait(tell func()) {
	if !x.over { // else the connection may be another's
		x.conn.tell = tell
	}
}

// watch implements answer.
func (x *exchange) watch(ctx context.Context) {
	if ctx == x.watched {
		return
	}
	if !x.forget() {
		// What ends the exchange has begun, and may come when the connection were another's.
		x.spoiled = true
	}
	x.watched, x.unwatch = ctx, nil
	if ctx.Done() == nil {
		return
	}
	x.unwatch = context.AfterFunc(ctx, func() {
		err := ctx.Err()
		x.why.CompareAndSwap(nil, &err)
		x.conn.kill()
	})
}

// forget ends the watch. It reports whether the connection was left alone.
func (x *exchange) forget() bool { return x.unwatch == nil || x.unwatch() }

// close implements answer.
func (x *exchange) close() {
	if x.over {
		return
	}
	x.over = true
	if x.forget() && !x.spoiled && !x.head.close && x.finish() {
		x.pool.put(x.out.key, x.conn)
		return
	}
	x.conn.kill()
}

// Phases of an exchange, for messages about time.
const (
	phaseSend = "take the request"
	phaseHead = "begin to answer"
	phaseBody = "go on answering"
)

// failure implements answer.
func (x *exchange) failure(err error, cut engine.Code) *engine.Error {
	message := ""
	switch {
	case errors.Is(err, errTooLong):
		message = "Provider " + x.out.provider + " sent more than is allowed."
	case errors.Is(err, errShape):
		message = "Provider " + x.out.provider + " sent a stream that cannot be read."
	default:
		return x.fail(phaseBody, cut)
	}
	x.end()
	return &engine.Error{Code: cut, Message: message, Err: err}
}

// fail ends the exchange and says why, by what ended its last read or write: the
// context, the clock, the other side, or bytes that are not HTTP.
func (x *exchange) fail(phase string, cut engine.Code) *engine.Error {
	x.end()
	err := x.conn.err
	var timeout interface{ Timeout() bool }
	switch why := x.why.Load(); {
	case why != nil && errors.Is(*why, context.Canceled):
		return &engine.Error{Code: engine.CodeCanceled, Message: "The request was canceled.", Err: *why}
	case why != nil:
		return &engine.Error{Code: engine.CodeUpstreamTimeout, Message: "The time for the request is used up.", Err: *why}
	case err == nil:
		return &engine.Error{Code: cut, Message: "Provider " + x.out.provider + " did not answer in valid HTTP.", Err: errHead}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &engine.Error{Code: engine.CodeUpstreamTimeout, Message: "Provider " + x.out.provider + " did not " + phase + " in time.", Err: err}
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return &engine.Error{Code: cut, Message: "Provider " + x.out.provider + " closed the connection before its answer was complete.", Err: err}
}

// end closes the connection and notes whether the request may be sent again.
func (x *exchange) end() {
	if x.over {
		return
	}
	x.over = true
	_ = x.forget()
	x.untouched = x.why.Load() == nil && x.unseen()
	x.conn.kill()
}

// unseen reports whether the other side closed the connection before any byte of
// the request had reached it.
// See RATIONALE.md, "When is a request sent twice?"
func (x *exchange) unseen() bool {
	c := x.conn
	switch {
	case !c.reused || c.got:
		return false
	case !c.sent() && c.secure == nil:
		return true
	case !errors.Is(c.err, io.EOF) && !errors.Is(c.err, io.ErrUnexpectedEOF) && !errors.Is(c.err, syscall.EPIPE):
		return false
	}
	now, known := acked(c.line)
	return known && c.line.counts && now <= c.line.base+c.before
}
