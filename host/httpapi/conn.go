package httpapi

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// connections are the open ones. The zero value is ready.
type connections struct {
	linger time.Duration

	mu   sync.Mutex
	open map[*conn]struct{}
}

// maxLinger bounds what is read and thrown away after an early refusal.
const maxLinger = 2 * defaultBodyLimit

// listener wraps what it accepts, so that connections can be closed from outside.
type listener struct {
	net.Listener
	set *connections
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.set.add(c), nil
}

func (s *connections) add(c net.Conn) *conn {
	wrapped := &conn{Conn: c, set: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = make(map[*conn]struct{})
	}
	s.open[wrapped] = struct{}{}
	return wrapped
}

func (s *connections) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// closeAll cuts every connection off, whatever it is doing.
func (s *connections) closeAll() {
	s.mu.Lock()
	all := make([]*conn, 0, len(s.open))
	for c := range s.open {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		_ = c.Conn.Close()
	}
}

// conn is a client's connection.
type conn struct {
	net.Conn
	set    *connections
	unread atomic.Bool // the client may still be sending a body that nobody will read
	closed atomic.Bool
}

// Close closes the connection. One that was refused while its client was still
// sending is closed for writing first and read on for a while: closing it with unread
// bytes makes TCP reset it, and the client might never see why (RFC 9112, 9.6).
func (c *conn) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return nil
	}
	c.set.mu.Lock()
	delete(c.set.open, c)
	c.set.mu.Unlock()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && c.unread.Load() && half.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(c.set.linger))
		_, _ = io.Copy(io.Discard, io.LimitReader(c.Conn, maxLinger))
	}
	return c.Conn.Close()
}

// leaveUnread marks a connection whose request was refused before it was read.
func leaveUnread(c net.Conn) {
	if c, ok := c.(*conn); ok {
		c.unread.Store(true)
	}
}
