//go:build unix

package upstream

import "golang.org/x/sys/unix"

// alive reports whether an unused connection is still open and silent. One that
// has something to read was closed by the other side, or says what nobody asked.
func alive(c *conn) bool {
	if c.dead.Load() {
		return false
	}
	if c.sys == nil {
		return true
	}
	silent := false
	err := c.sys.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		silent = err == unix.EAGAIN
	})
	return err == nil && silent
}
