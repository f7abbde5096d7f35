package engine

import (
	"math"
	"sort"
)

// LatencyBuckets counts durations in buckets that grow by a half: bucket 0 is below 1 ms,
// bucket i ends before 1.5^i ms, and the last has no end. Sums of them are exact; a quantile
// is within a bucket. The zero value is empty. Not safe for concurrent use.
type LatencyBuckets [32]int64

// latencyEnds are the first whole milliseconds that are no more in each bucket, but the last.
var latencyEnds = func() (ends [len(LatencyBuckets{}) - 1]int64) {
	for i := range ends {
		ends[i] = int64(math.Ceil(math.Pow(1.5, float64(i))))
	}
	return ends
}()

// Add counts one duration in milliseconds; a negative one counts as 0.
func (b *LatencyBuckets) Add(ms int64) { b[LatencyBucket(ms)]++ }

// LatencyBucket returns which of the LatencyBuckets a duration in milliseconds is counted in.
func LatencyBucket(ms int64) int {
	return sort.Search(len(latencyEnds), func(i int) bool { return ms < latencyEnds[i] })
}

// Merge adds what other counts.
func (b *LatencyBuckets) Merge(other LatencyBuckets) {
	for i, n := range other {
		b[i] = saturatingSum(b[i], n)
	}
}

// Count returns how many durations were counted.
func (b *LatencyBuckets) Count() (n int64) {
	for _, c := range b {
		n = saturatingSum(n, c)
	}
	return n
}

// Quantile returns about how many milliseconds a share q (0 to 1) of the durations stayed
// within: a value in the bucket that holds that duration, as if those in it lay evenly.
// In the last bucket it is the bucket's begin. Of nothing it is 0.
func (b *LatencyBuckets) Quantile(q float64) float64 {
	total := b.Count()
	if total == 0 {
		return 0
	}
	rank, below := min(max(q, 0), 1)*float64(total), 0.0
	last := 0
	for i, n := range b {
		if n <= 0 {
			continue
		}
		last = i
		if below+float64(n) >= rank {
			begin, end := latencySpan(i)
			return begin + (end-begin)*max(rank-below, 0)/float64(n)
		}
		below += float64(n)
	}
	_, end := latencySpan(last) // rounding took the rank past the end
	return end
}

// latencySpan is from which to which whole millisecond a bucket goes.
func latencySpan(i int) (begin, end float64) {
	if i > 0 {
		begin = float64(latencyEnds[i-1])
	}
	if i == len(latencyEnds) {
		return begin, begin
	}
	return begin, float64(latencyEnds[i] - 1)
}
