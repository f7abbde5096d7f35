package row

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pointsman/pointsman/engine"
)

// latencyDigits is how many decimal digits a bucket has in LatencyNumber: no bucket of any
// sum counts a trillion calls.
const latencyDigits = 12

var latencyLimit = int64(1e12 - 1)

// LatencyNumber writes buckets as one decimal number, bucket 0 in its lowest twelve digits.
// The sum of such numbers is that of the buckets, which lets a database add them up. A count
// beyond 10¹²-1 is written as that.
func LatencyNumber(b *engine.LatencyBuckets) string {
	low, high := 0, len(b)-1
	for low < len(b) && b[low] == 0 {
		low++
	}
	if low == len(b) {
		return "0"
	}
	for b[high] == 0 {
		high--
	}
	text := make([]byte, 0, (high-low+1)*latencyDigits+4)
	for i := high; i >= low; i-- {
		var digits [latencyDigits]byte
		for n, at := min(max(b[i], 0), latencyLimit), latencyDigits-1; at >= 0; at, n = at-1, n/10 {
			digits[at] = byte('0' + n%10)
		}
		text = append(text, digits[:]...)
	}
	return string(strconv.AppendInt(append(text, 'e'), int64(low*latencyDigits), 10))
}

// ParseLatencyNumber reads a number that LatencyNumber wrote, or a sum of such, without an exponent.
func ParseLatencyNumber(text string) (b engine.LatencyBuckets, err error) {
	for i := 0; text != ""; i++ {
		cut := max(len(text)-latencyDigits, 0)
		n, err := strconv.ParseUint(text[cut:], 10, 63)
		if err != nil || i == len(b) {
			return engine.LatencyBuckets{}, fmt.Errorf("read latencies: %q is no sum of them", text)
		}
		b[i], text = int64(n), text[:cut]
	}
	return b, nil
}

// LatencyList writes buckets as pairs of bucket and count, "5:17 6:3 ". Such lists put
// together are read as their sum.
func LatencyList(b *engine.LatencyBuckets) string {
	var text []byte
	for i, n := range b {
		if n != 0 {
			text = strconv.AppendInt(text, int64(i), 10)
			text = strconv.AppendInt(append(text, ':'), n, 10)
			text = append(text, ' ')
		}
	}
	return string(text)
}

// ParseLatencyList reads lists that LatencyList wrote.
func ParseLatencyList(text string) (b engine.LatencyBuckets, err error) {
	for text != "" {
		var pair string
		pair, text, _ = strings.Cut(text, " ")
		bucket, count, _ := strings.Cut(pair, ":")
		i, err := strconv.Atoi(bucket)
		n, bad := strconv.ParseInt(count, 10, 64)
		if err != nil || bad != nil || i < 0 || i >= len(b) {
			return engine.LatencyBuckets{}, fmt.Errorf("read latencies: %q is no pair of bucket and count", pair)
		}
		var one engine.LatencyBuckets
		one[i] = n
		b.Merge(one)
	}
	return b, nil
}
