package host

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryLimit is how many bytes of live memory the process should stay under: GOMEMLIMIT,
// else half of what the control group or the machine has, as garbage needs its room too; 0
// where neither is known.
func memoryLimit() int64 {
	if n := debug.SetMemoryLimit(-1); n < math.MaxInt64 {
		return n
	}
	if n := groupLimit(); n > 0 {
		return n / 2
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		return memTotal(string(text)) / 2
	}
	return 0
}

// groupLimit is what the control group may have, bytes; 0: no bound is known.
func groupLimit() int64 {
	text, err := os.ReadFile("/sys/fs/cgroup/memory.max")
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}

// memTotal reads the line "MemTotal: 16384 kB"; 0 without one.
func memTotal(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		if value, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}
