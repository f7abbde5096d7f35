package upstream

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// readBuffer is the size of a connection's read buffer. It holds the headers
// that providers send; longer ones get a larger buffer for that exchange.
const readBuffer = 4 << 10

// conn is a connection to an origin. It belongs to one exchange, or to the
// pool, at a time; only kill may be called by others.
type conn struct {
	net  net.Conn // TLS, or the same as raw
	raw  net.Conn
	sys  syscall.RawConn // of raw; nil where the system has none
	br   *bufio.Reader
	dead atomic.Bool

	// Bounds of the running exchange.
	end  time.Time     // no read or write lasts longer
	idle time.Duration // nor than this

	err    error // of the last read, or of the write that failed
	sent   bool  // something was written in this exchange
	got    bool  // something was read in this exchange
	reused bool
	parked time.Time // when it became unused
}

func newConn(c, raw net.Conn) *conn {
	cn := &conn{net: c, raw: raw}
	if sc, ok := raw.(syscall.Conn); ok {
		cn.sys, _ = sc.SyscallConn()
	}
	cn.br = bufio.NewReaderSize(cn, readBuffer)
	return cn
}

// begin readies the connection for an exchange.
func (c *conn) begin(end time.Time, idle time.Duration) {
	c.end, c.idle, c.err, c.sent, c.got = end, idle, nil, false, false
}

// bound sets other bounds for the rest of the exchange.
func (c *conn) bound(end time.Time, idle time.Duration) { c.end, c.idle = end, idle }

// Read reads from the connection within its bounds.
func (c *conn) Read(p []byte) (int, error) {
	if err := c.net.SetReadDeadline(c.deadline()); err != nil {
		c.err = err
		return 0, err
	}
	n, err := c.net.Read(p)
	c.err = err
	c.got = c.got || n > 0
	return n, err
}

// Write writes within the bounds: each slice of the data has its own idle time,
// so that a long body on a slow line is not a stall.
func (c *conn) Write(p []byte) (int, error) {
	const slice = 64 << 10
	written := 0
	for {
		if err := c.net.SetWriteDeadline(c.deadline()); err != nil {
			return written, err
		}
		n, err := c.net.Write(p[written:min(written+slice, len(p))])
		written += n
		c.sent = c.sent || n > 0
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

func (c *conn) deadline() time.Time {
	if t := time.Now().Add(c.idle); t.Before(c.end) {
		return t
	}
	return c.end
}

// grow gives the connection a read buffer of that size; what is buffered stays.
func (c *conn) grow(size int) {
	buffered, _ := c.br.Peek(c.br.Buffered())
	c.br = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(buffered)), c), size)
}

// park readies an idle connection for the pool. It reports whether it may be used again.
func (c *conn) park(now time.Time) bool {
	if c.dead.Load() || c.br.Buffered() > 0 {
		// Bytes after the end of an answer belong to no exchange.
		return false
	}
	if c.br.Size() > readBuffer {
		c.br = bufio.NewReaderSize(c, readBuffer)
	}
	c.reused, c.parked = true, now
	return true
}

// kill closes the connection at once. TLS is told nothing: its farewell could
// block, and the other side needs no more than the end of the stream.
func (c *conn) kill() {
	if c.dead.CompareAndSwap(false, true) {
		_ = c.raw.Close()
	}
}
