package upstream

import (
	"bytes"
	"crypto/tls"
	"sync/atomic"
	"time"
)

// readBuffer is the size of a connection's read buffer. It holds the headers
// that providers send; longer ones get a larger buffer for that exchange.
const readBuffer = 4 << 10

// conn is a connection to an origin. It belongs to one exchange, or to the
// pool, at a time; only kill may be called by others.
type conn struct {
	line   *line
	secure *tls.Conn // over line; nil: there is none
	dead   atomic.Bool

	buf  []byte // what was read; nil: nothing ever
	r, w int    // unread are buf[r:w]

	// Of the running exchange.
	before uint64 // line.written when it began
	err    error  // of the last read, or of the write that failed
	got    bool   // something was read
	tell   func() // called before more is read into the buffer; nil: nobody asked

	reused bool
	parked time.Time // when it became unused

	look   func(fd uintptr) // see alive; made once
	silent bool             // its result
}

func newConn(l *line, secure *tls.Conn) *conn {
	return &conn{line: l, secure: secure}
}

// begin readies the connection for an exchange.
func (c *conn) begin(end time.Time, idle time.Duration) {
	c.bound(end, idle)
	c.before, c.err, c.got, c.tell = c.line.written, nil, false, nil
}

// bound sets other bounds for the rest of the exchange: no read or write goes on after
// end, or takes longer than idle.
func (c *conn) bound(end time.Time, idle time.Duration) { c.line.end, c.line.idle = end, idle }

// sent reports whether the kernel took anything in this exchange.
func (c *conn) sent() bool { return c.line.written > c.before }

// Write writes within the bounds.
func (c *conn) Write(p []byte) (int, error) {
	if c.secure != nil {
		return c.secure.Write(p)
	}
	return c.line.Write(p)
}

// Read reads past the buffer, which must be empty, within the bounds.
func (c *conn) Read(p []byte) (n int, err error) {
	if c.secure != nil {
		n, err = c.secure.Read(p)
	} else {
		n, err = c.line.Read(p)
	}
	c.err = err
	if n > 0 {
		c.got = true
		return n, nil // an error comes again
	}
	return 0, err
}

// unread is what was read and not used.
func (c *conn) unread() []byte { return c.buf[c.r:c.w] }

// fill reads more into the buffer, once. One that is full of unread bytes grows up to
// limit; errTooLong means that it is there.
func (c *conn) fill(limit int) error {
	switch {
	case c.buf == nil:
		c.buf = make([]byte, readBuffer)
	case c.r == c.w:
		c.r, c.w = 0, 0
	case c.w < len(c.buf):
	case c.r > 0:
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	case len(c.buf) >= limit:
		return errTooLong
	default:
		grown := make([]byte, min(4*len(c.buf), limit))
		copy(grown, c.buf)
		c.buf = grown
	}
	if c.tell != nil {
		c.tell()
	}
	n, err := c.Read(c.buf[c.w:])
	c.w += n
	return err
}

// readLine returns a line, without its end, which must be CR LF; it must fit the buffer.
// The line is valid until the next read.
func (c *conn) readLine() ([]byte, error) {
	for seen := 0; ; {
		b := c.unread()
		if i := bytes.IndexByte(b[seen:], '\n'); i >= 0 {
			line, ok := bytes.CutSuffix(b[:seen+i], []byte("\r"))
			if !ok || bytes.IndexByte(line, '\r') >= 0 {
				return nil, errChunk
			}
			c.r += seen + i + 1
			return line, nil
		}
		if seen = len(b); seen > 0 && seen == len(c.buf) {
			return nil, errChunk
		}
		if err := c.fill(len(c.buf)); err != nil {
			return nil, short(err)
		}
	}
}

// park readies an idle connection for the pool. It reports whether it may be used again.
func (c *conn) park(now time.Time) bool {
	if c.dead.Load() || c.r < c.w {
		// Bytes after the end of an answer belong to no exchange.
		return false
	}
	if len(c.buf) > readBuffer {
		c.buf = nil
	}
	c.r, c.w, c.tell = 0, 0, nil
	c.reused, c.parked = true, now
	return true
}

// kill closes the connection at once. TLS is told nothing: its farewell could
// block, and the other side needs no more than the end of the stream.
func (c *conn) kill() {
	if c.dead.CompareAndSwap(false, true) {
		_ = c.line.Close()
	}
}
