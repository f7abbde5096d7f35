//go:build failpoint

package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// failpoint breaks the process when a point of POINTSMAN_FAILPOINT, a list with commas, is reached so
// many times: "settled:12" ends it as kill -9 does, "settled:12:panic" panics there. A released program
// has no such thing.
func failpoint() func(point string) {
	type breakage struct {
		point string
		left  atomic.Int64
		panic bool
	}
	var all []*breakage
	for text := range strings.SplitSeq(os.Getenv("POINTSMAN_FAILPOINT"), ",") {
		point, times, _ := strings.Cut(text, ":")
		times, how, _ := strings.Cut(times, ":")
		left, err := strconv.ParseInt(times, 10, 64)
		if err != nil {
			continue
		}
		b := &breakage{point: point, panic: how == "panic"}
		b.left.Store(left)
		all = append(all, b)
	}
	if len(all) == 0 {
		return nil
	}
	return func(at string) {
		for _, b := range all {
			if b.point != at || b.left.Add(-1) != 0 {
				continue
			}
			if b.panic {
				panic("failpoint " + at)
			}
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // nothing more may happen
		}
	}
}
