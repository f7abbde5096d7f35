package upstream

import (
	"bufio"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// Bounds on answers that are no use to anyone.
const (
	maxInterim = 8               // 1xx answers before the final one
	earlyWait  = 1 * time.Second // for an answer that came before the request was written
)

// http1 is the HTTP/1.1 transport: fasthttp's request writer and header parser
// over connections of our own, which can be closed at any moment.
type http1 struct {
	dialer    *dialer
	pool      *pool
	maxHeader int
	writers   sync.Pool // of *bufio.Writer

	// afterTake runs when a pooled connection was found alive. Tests only.
	afterTake func()
}

func newHTTP1(cfg *Config) *http1 {
	return &http1{
		dialer:    newDialer(cfg),
		pool:      newPool(cfg.KeepIdle, cfg.MaxIdle),
		maxHeader: cfg.MaxHeader,
		writers:   sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 4<<10) }},
	}
}

func (t *http1) close() { t.pool.close() }

// roundTrip implements transport. The request is sent a second time only when
// nothing of it was accepted the first time.
// See RATIONALE.md, "When is a request sent twice?"
func (t *http1) roundTrip(ctx context.Context, out *outgoing) (answer, error) {
	if ctx.Err() != nil {
		return nil, dialFailure(ctx, out, ctx.Err())
	}
	end := time.Now().Add(out.total)
	key := poolKey{
		account: out.account, provider: out.provider, address: out.origin.address,
		tls: out.origin.tls, private: out.private,
	}
	if c := t.pool.take(key); c != nil {
		if t.afterTake != nil {
			t.afterTake()
		}
		x, err := t.exchange(ctx, c, key, out, end)
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
	x, failure := t.exchange(ctx, c, key, out, end)
	if failure != nil {
		return nil, failure
	}
	return x, nil
}

// exchange sends the request on c and reads the answer's head. When it fails, c
// is closed, and the exchange is returned all the same.
func (t *http1) exchange(ctx context.Context, c *conn, key poolKey, out *outgoing, end time.Time) (*exchange, *engine.Error) {
	x := &exchange{conn: c, pool: t.pool, key: key, out: out}
	if c.reused {
		x.ackedBefore, x.ackedKnown = acked(c)
	}
	c.begin(end, out.idle)
	x.watch(ctx)
	if err := t.send(c, out); err != nil {
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
	c.bound(earlier(end, time.Now().Add(out.firstByte)), out.firstByte)
	if err := x.readHead(t.maxHeader); err != nil {
		return x, x.fail(phaseHead, engine.CodeUpstreamFailed)
	}
	c.bound(end, out.idle)
	return x, nil
}

// send writes the request.
func (t *http1) send(c *conn, out *outgoing) error {
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	req.Header.SetMethod(out.method)
	req.Header.SetRequestURI(out.target)
	req.Header.SetHost(out.origin.header)
	req.Header.SetNoDefaultContentType(true)
	for _, h := range out.header {
		req.Header.Set(h.Name, h.Value)
	}
	if len(out.body) > 0 {
		req.SetBodyRaw(out.body)
	}
	w := t.writers.Get().(*bufio.Writer)
	w.Reset(c)
	err := req.Write(w)
	if err == nil {
		err = w.Flush()
	}
	w.Reset(nil)
	t.writers.Put(w)
	return err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// errHead says that the head of an answer cannot be used. The parser's own text
// quotes the provider, and is dropped.
var errHead = errors.New("malformed head")

// readHead reads the status line and headers of the final answer.
func (x *exchange) readHead(limit int) error {
	c := x.conn
	x.head.SetNoDefaultContentType(true)
	for interim := 0; interim <= maxInterim; {
		if line, err := c.br.Peek(len("HTTP/1.1 200")); err != nil || !validStatus(line) {
			return errHead
		}
		err := x.head.Read(c.br)
		var small *fasthttp.ErrSmallBuffer
		switch {
		case errors.As(err, &small) && c.br.Size() < limit:
			c.grow(limit)
		case err != nil || x.head.StatusCode() == fasthttp.StatusSwitchingProtocols:
			return errHead
		case x.head.StatusCode() >= 200:
			x.startBody()
			return nil
		default:
			interim++
		}
	}
	return errHead
}

// validStatus reports whether a status line begins as it should. The parser
// below takes any three digits, 000 among them, and blank lines before.
func validStatus(line []byte) bool {
	if string(line[:7]) != "HTTP/1." || line[7] != '0' && line[7] != '1' || line[8] != ' ' {
		return false
	}
	digit := func(i int) bool { return '0' <= line[i] && line[i] <= '9' }
	return '1' <= line[9] && line[9] <= '5' && digit(10) && digit(11)
}
