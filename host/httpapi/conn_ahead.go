package httpapi

import (
	"io"
	"net"
	"sync"
	"syscall"
)

// readAhead reads a connection for fasthttp, which asks for a request's first byte before it takes
// a buffer. It takes one of its own only when there is something to read, and what comes with the
// byte is kept for the next read, so that a request costs no more system calls than it would
// with a buffer that waits. See RATIONALE.md, "What does an open connection hold?".
type readAhead struct {
	raw syscall.RawConn       // nil where there is none, or no way to ask
	try func(fd uintptr) bool // made once
	buf *[readBufferSize]byte // nil: nothing is kept
	got []byte                // of buf, not yet handed out
	err error                 // of the last try
}

var aheadBuffers = sync.Pool{New: func() any { return new([readBufferSize]byte) }}

func newReadAhead(c net.Conn) (a readAhead) {
	if sc, ok := c.(syscall.Conn); ok && canReadNow {
		a.raw, _ = sc.SyscallConn()
	}
	return a
}

// kept hands out what was read ahead; 0 when there is nothing.
func (a *readAhead) kept(p []byte) int {
	if a.buf == nil {
		return 0
	}
	n := copy(p, a.got)
	if a.got = a.got[n:]; len(a.got) == 0 {
		a.giveBack()
	}
	return n
}

func (a *readAhead) giveBack() {
	if a.buf != nil {
		aheadBuffers.Put(a.buf)
		a.buf, a.got = nil, nil
	}
}

// wait waits, within the connection's deadline, until there is something, and keeps it.
func (a *readAhead) wait() error {
	if a.try == nil {
		a.try = a.look
	}
	a.err = nil
	err := a.raw.Read(a.try)
	if err == nil {
		err = a.err
	}
	if err != nil {
		a.giveBack()
	}
	return err
}

// look reports whether the wait is over.
func (a *readAhead) look(fd uintptr) bool {
	a.buf = aheadBuffers.Get().(*[readBufferSize]byte)
	n, later, err := readNow(fd, a.buf[:])
	if later {
		a.giveBack()
		return false
	}
	if n <= 0 && err == nil {
		err = io.EOF
	}
	a.got, a.err = a.buf[:max(n, 0)], err
	return true
}
