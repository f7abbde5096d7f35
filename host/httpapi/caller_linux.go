package httpapi

import (
	"syscall"

	sys "golang.org/x/sys/unix"
)

// lookout asks the kernel about sockets, one after the other. One goroutine uses it.
type lookout struct {
	fds   [1]sys.PollFd
	check func(fd uintptr)
}

// left reports whether the peer has left: it closed its sending half (FIN), unless the
// answer is under way, or reset the connection. Bytes that wait to be read hide
// neither (poll(2), POLLRDHUP; Linux 2.6.17 and later).
func (l *lookout) left(raw syscall.RawConn, answering bool) bool {
	if l.check == nil {
		l.check = func(fd uintptr) {
			l.fds[0] = sys.PollFd{Fd: int32(fd), Events: sys.POLLRDHUP}
			if _, err := sys.Poll(l.fds[:], 0); err != nil {
				l.fds[0].Revents = 0 // interrupted: the next look tells
			}
		}
	}
	l.fds[0].Revents = 0
	// Control, unlike Read, neither waits for a reader nor minds its deadline.
	if raw.Control(l.check) != nil {
		return false // closed by ourselves
	}
	signs := int16(sys.POLLERR | sys.POLLHUP)
	if !answering {
		signs |= sys.POLLRDHUP
	}
	return l.fds[0].Revents&signs != 0
}
