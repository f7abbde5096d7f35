//go:build failpoint

package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// failpoint ends the process, as kill -9 does, when the point of POINTSMAN_FAILPOINT is
// reached so many times, as in "settled:12". A released program has no such thing.
func failpoint() func(point string) {
	point, times, _ := strings.Cut(os.Getenv("POINTSMAN_FAILPOINT"), ":")
	left, err := strconv.ParseInt(times, 10, 64)
	if err != nil {
		return nil
	}
	var reached atomic.Int64
	return func(at string) {
		if at == point && reached.Add(1) == left {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // nothing more may happen
		}
	}
}
