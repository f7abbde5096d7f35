package upstream

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// line is a TCP connection whose reads and writes are bounded in time. TLS, where an
// origin has it, lies over it, so what is counted here are bytes of the network. One
// goroutine reads and writes; Close alone may be called by others.
type line struct {
	net.Conn
	sys syscall.RawConn // nil where the system has none

	// Bounds of the running exchange.
	end  time.Time     // no read or write lasts longer; zero: there is no bound
	idle time.Duration // nor than this

	// The deadlines that are set. They may be earlier than what is wanted, never later.
	// See RATIONALE.md, "Why are deadlines moved so seldom?"
	readBy, writeBy time.Time

	written uint64 // bytes that the kernel has taken
	base    uint64 // what it counted as acknowledged before them: the SYN
	counts  bool   // it counts
}

func newLine(c net.Conn) *line {
	l := &line{Conn: c}
	if sc, ok := c.(syscall.Conn); ok {
		l.sys, _ = sc.SyscallConn()
		l.base, l.counts = acked(l)
	}
	return l
}

// by is when the read or write that now begins must have ended.
func (l *line) by() time.Time {
	if l.end.IsZero() {
		return l.end
	}
	if t := time.Now().Add(l.idle); t.Before(l.end) {
		return t
	}
	return l.end
}

// Read implements net.Conn.
func (l *line) Read(p []byte) (int, error) {
	by := l.by()
	for {
		if l.readBy.After(by) || l.readBy.IsZero() && !by.IsZero() {
			if err := l.SetReadDeadline(by); err != nil {
				return 0, err
			}
			l.readBy = by
		}
		n, err := l.Conn.Read(p)
		if n > 0 || err == nil || !early(err, by) {
			return n, err
		}
		l.readBy = time.Time{}
	}
}

// writeSlice is how much is written within one bound, so that a long body on a slow line
// is not a stall.
const writeSlice = 256 << 10

// Write implements net.Conn.
func (l *line) Write(p []byte) (int, error) {
	by, done, slice := l.by(), 0, min(len(p), writeSlice)
	for {
		if l.writeBy.After(by) || l.writeBy.IsZero() && !by.IsZero() {
			if err := l.SetWriteDeadline(by); err != nil {
				return done, err
			}
			l.writeBy = by
		}
		n, err := l.Conn.Write(p[done:slice])
		done += n
		l.written += uint64(n)
		switch {
		case err != nil && !early(err, by), done == len(p):
			return done, err
		case err != nil:
			l.writeBy = time.Time{}
		default:
			by, slice = l.by(), min(len(p), done+writeSlice)
		}
	}
}

// early reports whether err is a deadline that was set for something before.
func early(err error, by time.Time) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(by)
}
