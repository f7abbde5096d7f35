//go:build unix

package upstream

import "golang.org/x/sys/unix"

// alive reports whether an unused connection is still open and silent. One that
// has something to read was closed by the other side, or says what nobody asked.
func alive(c *conn) bool {
	if c.dead.Load() {
		return false
	}
	if c.line.sys == nil {
		return true
	}
	if c.look == nil {
		c.look = func(fd uintptr) {
			what := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(what[:], 0)
			c.silent = err == nil && n == 0
		}
	}
	c.silent = false
	return c.line.sys.Control(c.look) == nil && c.silent
}
