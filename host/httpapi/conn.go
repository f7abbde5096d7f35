package httpapi

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"
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
	log zerolog.Logger
}

// While the process has no file to spare, say, it tries again after acceptWait, twice as long each
// time up to maxAcceptWait.
const (
	acceptWait    = 5 * time.Millisecond
	maxAcceptWait = 250 * time.Millisecond
)

// Accept waits for the next connection. What passes by itself does not end the server, as it
// would if fasthttp saw it.
func (l *listener) Accept() (net.Conn, error) {
	for wait := acceptWait; ; wait = min(2*wait, maxAcceptWait) {
		c, err := l.Listener.Accept()
		if err == nil {
			return l.set.add(c), nil
		}
		if !passes(err) {
			return nil, err
		}
		if wait == acceptWait {
			l.log.Warn().Err(err).Msg("connections cannot be accepted now")
		}
		time.Sleep(wait)
	}
}

// passes reports whether an error of accept says nothing of the listener itself.
func passes(err error) bool {
	return slices.ContainsFunc([]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED}, func(e error) bool {
		return errors.Is(err, e)
	})
}

func (s *connections) add(c net.Conn) *conn {
	wrapped := &conn{Conn: c, set: s, ahead: newReadAhead(c)}
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
	ahead  readAhead   // by the goroutine that reads
	unread atomic.Bool // the client may still be sending a body that nobody will read
	closed atomic.Bool
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if n := c.ahead.kept(p); n > 0 {
		return n, nil
	}
	if len(p) != 1 || c.ahead.raw == nil {
		return c.Conn.Read(p)
	}
	if err := c.ahead.wait(); err != nil {
		return 0, err
	}
	return c.ahead.kept(p), nil
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
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	if c, ok := c.(*conn); ok {
		c.unread.Store(true)
	}
}
