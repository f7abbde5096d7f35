package telemetry

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Sizes of recent: it looks back over five whole minutes and the one that runs.
const (
	recentMinutes = 6
	recentBuckets = 4 * 40 // four to each doubling, from 1 µs to beyond a week
)

// recent counts durations of the last minutes, to a quarter of a doubling. The zero value is
// empty. Safe for concurrent use, without a lock: a minute that begins while others count may
// lose a few of them.
type recent struct {
	minutes [recentMinutes]struct {
		minute atomic.Int64
		counts [recentBuckets]atomic.Uint32
	}
}

// add counts one that was measured at that time.
func (r *recent) add(d time.Duration, now time.Time) {
	minute := now.Unix() / 60
	m := &r.minutes[minute%recentMinutes]
	if was := m.minute.Load(); was != minute && m.minute.CompareAndSwap(was, minute) {
		for i := range m.counts {
			m.counts[i].Store(0)
		}
	}
	m.counts[bucketOf(d)].Add(1)
}

// quantile returns the duration that a share q of the last minutes' were not above, as the
// upper end of its bucket; n is how many there were, 0: none.
func (r *recent) quantile(q float64, now time.Time) (d time.Duration, n int64) {
	var sums [recentBuckets]int64
	minute := now.Unix() / 60
	for i := range r.minutes {
		m := &r.minutes[i]
		if at := m.minute.Load(); at > minute-recentMinutes && at <= minute {
			for b := range sums {
				c := int64(m.counts[b].Load())
				sums[b] += c
				n += c
			}
		}
	}
	left := int64(q * float64(n))
	for b, c := range sums {
		if left -= c; left < 0 {
			return bucketEnd(b), n
		}
	}
	return 0, n
}

// bucketOf is the bucket of a duration: of its microseconds the highest bit, and the two below.
func bucketOf(d time.Duration) int {
	us := uint64(max(1, d.Microseconds()))
	octave := bits.Len64(us) - 1
	part := (us << 2 >> octave) & 3
	return min(4*octave+int(part), recentBuckets-1)
}

func bucketEnd(b int) time.Duration {
	octave, part := b/4, uint64(b%4)
	return time.Duration((4+part+1)<<octave>>2) * time.Microsecond
}
