//go:build !linux

package httpapi

import "syscall"

// lookout sees nothing here: only a write that fails tells that a caller left, which a
// stream's heartbeats find out.
type lookout struct{}

func (*lookout) left(syscall.RawConn, bool) bool { return false }
