//go:build !unix

package upstream

// alive reports whether an unused connection may be tried. What cannot be known
// here shows when the request fails, and is then not tried again.
func alive(c *conn) bool { return !c.dead.Load() }
