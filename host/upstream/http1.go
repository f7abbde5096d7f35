package upstream

import (
	"context"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// Bounds on answers that are no use to anyone.
const (
	maxInterim = 8               // 1xx answers before the final one
	earlyWait  = 1 * time.Second // for an answer that came before the request was written
)

// http1 is the HTTP/1.1 transport, over connections that can be closed at any moment.
type http1 struct {
	dialer    *dialer
	pool      *pool
	maxHeader int

	// afterTake runs when a pooled connection was found alive. Tests only.
	afterTake func()
}

func newHTTP1(cfg *Config) *http1 {
	return &http1{
		dialer:    newDialer(cfg),
		pool:      newPool(cfg.KeepIdle, cfg.MaxIdle),
		maxHeader: cfg.MaxHeader,
	}
}

func (t *http1) close() { t.pool.close() }

// roundTrip implements transport. The request is sent a second time only when
// nothing of it was accepted the first time.
// See RATIONALE.md, "When is a request sent twice?"
func (t *http1) roundTrip(ctx context.Context, out *outgoing) (answer, error) {
	defer out.release()
	if ctx.Err() != nil {
		return nil, dialFailure(ctx, out, ctx.Err())
	}
	now := time.Now()
	end := now.Add(out.total)
	if c := t.pool.take(out.key, now); c != nil {
		if t.afterTake != nil {
			t.afterTake()
		}
		x, err := t.exchange(ctx, c, out, end, true)
		if err == nil {
			return x, nil
		}
		if !x.untouched {
			return nil, err
		}
	}
	c, err := t.dialer.dial(ctx, out)
	if err != nil {
		return nil, dialFailure(ctx, out, err)
	}
	x, failure := t.exchange(ctx, c, out, end, false)
	if failure != nil {
		return nil, failure
	}
	return x, nil
}

// exchange sends the request on c and reads the answer's head. When it fails, c
// is closed, and the exchange is returned all the same. again says that the request may have to be
// sent once more; otherwise it is released while the answer is waited for, which may take minutes.
func (t *http1) exchange(ctx context.Context, c *conn, out *outgoing, end time.Time, again bool) (*exchange, *engine.Error) {
	x := &exchange{conn: c, pool: t.pool, out: out}
	c.begin(end, out.idle)
	x.watch(ctx)
	if err := send(c, out); err != nil {
		// A server that refuses early may have answered and closed.
		x.spoiled = true
		c.bound(earlier(end, time.Now().Add(earlyWait)), earlyWait)
		if x.readHead(t.maxHeader) == nil {
			c.bound(end, out.idle)
			return x, nil
		}
		c.err = err
		return x, x.fail(phaseSend, engine.CodeUpstreamFailed)
	}
	if !again {
		out.release()
	}
	c.bound(earlier(end, time.Now().Add(out.firstByte)), out.firstByte)
	if err := x.readHead(t.maxHeader); err != nil {
		return x, x.fail(phaseHead, engine.CodeUpstreamFailed)
	}
	c.bound(end, out.idle)
	return x, nil
}

// send writes the request.
func send(c *conn, out *outgoing) error {
	_, err := c.Write(out.wire.buf)
	if err == nil && len(out.rest) > 0 {
		_, err = c.Write(out.rest)
	}
	return err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// readHead reads the status line and headers of the final answer.
func (x *exchange) readHead(limit int) error {
	c := x.conn
	for range maxInterim + 1 {
		n, err := c.awaitHead(limit)
		if err != nil {
			return err
		}
		if err := x.head.parse(c.unread()[:n]); err != nil || x.head.status == fasthttp.StatusSwitchingProtocols {
			return errHead
		}
		c.r += n
		if x.head.status >= 200 {
			x.startBody()
			x.keepHead()
			return nil
		}
	}
	return errHead
}

// awaitHead reads until a head is whole, and returns its length.
func (c *conn) awaitHead(limit int) (int, error) {
	for seen := 0; ; {
		b := c.unread()
		if len(b) >= len(statusLine) && !validStatus(b) {
			return 0, errHead
		}
		if n := headEnd(b, seen); n > 0 {
			return n, nil
		}
		seen = max(len(b)-len("\n\r"), 0)
		if err := c.fill(limit); err != nil {
			return 0, err
		}
	}
}

// plainRoom is up to which length a body lies in one piece of memory with its head.
const plainRoom = 64 << 10

// keepHead copies the head out of the buffer, which the body needs.
func (x *exchange) keepHead() {
	n, more := len(x.head.raw), 0
	if x.kind == byLength && x.size <= plainRoom {
		more = int(x.size)
	}
	b := append(make([]byte, 0, n+more), x.head.raw...)
	x.head.raw, x.space = b[:n:n], b[n:n]
}
