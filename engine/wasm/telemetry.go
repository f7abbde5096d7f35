package wasm

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// telemetry is what is counted of one version, as long as it is offered. Calls only add to
// atomics. Safe for concurrent use.
type telemetry struct {
	calls  atomic.Int64
	traps  [trapKinds]atomic.Int64
	fuel   histogram
	live   atomic.Int64 // instances
	memory atomic.Int64 // bytes of them
	logs   logRing
}

// histogram counts numbers in buckets an eighth of a power of two apart, so that a
// quantile is at most an eighth too high.
type histogram struct{ buckets [41 * subBuckets]atomic.Int64 }

const subBuckets = 8

func bucketOf(v int64) int {
	if v < subBuckets {
		return int(max(v, 0))
	}
	shift := bits.Len64(uint64(v)) - 4 // leaves four bits, the first of which is set
	return min((shift+1)*subBuckets+int(v>>shift)-subBuckets, 41*subBuckets-1)
}

// bucketTop is the greatest number of a bucket.
func bucketTop(i int) int64 {
	if i < subBuckets {
		return int64(i)
	}
	shift := i/subBuckets - 1
	return int64(i%subBuckets+subBuckets+1)<<shift - 1
}

func (h *histogram) add(v int64) { h.buckets[bucketOf(v)].Add(1) }

// quantiles returns the least numbers that those shares of all are not above; 0 without any.
func (h *histogram) quantiles(shares ...float64) []int64 {
	var counts [len(h.buckets)]int64
	total := int64(0)
	for i := range counts {
		counts[i] = h.buckets[i].Load()
		total += counts[i]
	}
	values := make([]int64, len(shares))
	for k, share := range shares {
		rank, seen := int64(share*float64(total)), int64(0)
		for i, n := range counts {
			if seen += n; n > 0 && seen > rank || n > 0 && seen == total {
				values[k] = bucketTop(i)
				break
			}
		}
	}
	return values
}

// logRing keeps the newest lines that a version logged, of a flood only some.
type logRing struct {
	mu      sync.Mutex // guards what follows
	lines   [logLines]engine.PluginLog
	next    int
	full    bool
	dropped int64
	second  int64 // that taken counts for
	taken   int
}

const (
	logLines     = 200
	logPerSecond = 100
)

func (r *logRing) add(now time.Time, requestID string, level int32, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := now.Unix(); s != r.second {
		r.second, r.taken = s, 0
	}
	if r.taken++; r.taken > logPerSecond {
		r.dropped++
		return
	}
	r.lines[r.next] = engine.PluginLog{At: now, RequestID: requestID, Level: level, Text: text}
	if r.next++; r.next == logLines {
		r.next, r.full = 0, true
	}
}

// list returns the lines, oldest first.
func (r *logRing) list() []engine.PluginLog {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []engine.PluginLog
	if r.full {
		all = append(all, r.lines[r.next:]...)
	}
	return append(all, r.lines[:r.next]...)
}

// Stats returns what was counted of the account's version (or a global one, "") since this
// process offers it; false when it does not.
func (l *Library) Stats(accountID, name, version string) (engine.PluginStats, bool) {
	s := l.current.Load().exact[exactKey{accountID, name, version}]
	if s == nil {
		return engine.PluginStats{}, false
	}
	t := &s.telemetry
	fuel := t.fuel.quantiles(0.5, 0.99)
	stats := engine.PluginStats{
		Calls: t.calls.Load(), Failures: map[string]int64{}, FuelP50: fuel[0], FuelP99: fuel[1],
		Instances: t.live.Load(), MemoryBytes: t.memory.Load(),
	}
	for kind := range t.traps {
		if n := t.traps[kind].Load(); n > 0 {
			stats.Failures[trapNames[kind]] = n
		}
	}
	if until := s.suspension.until.Load(); until > time.Now().UnixMilli() {
		stats.SuspendedUntil = time.UnixMilli(until).UTC()
	}
	return stats, true
}

// Logs returns the newest lines of the version, oldest first, and how many a flood cost.
func (l *Library) Logs(accountID, name, version string) (lines []engine.PluginLog, dropped int64, ok bool) {
	s := l.current.Load().exact[exactKey{accountID, name, version}]
	if s == nil {
		return nil, 0, false
	}
	s.telemetry.logs.mu.Lock()
	dropped = s.telemetry.logs.dropped
	s.telemetry.logs.mu.Unlock()
	return s.telemetry.logs.list(), dropped, true
}
