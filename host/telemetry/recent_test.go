package telemetry

import (
	"testing"
	"time"
)

func TestRecent(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	var r recent
	if d, n := r.quantile(.95, start); d != 0 || n != 0 {
		t.Errorf("of nothing: %v of %d, want 0 of 0", d, n)
	}
	for i := range 100 {
		d := 100 * time.Microsecond
		if i >= 90 {
			d = 3 * time.Millisecond
		}
		r.add(d, start.Add(time.Duration(i)*time.Second))
	}
	later := start.Add(2 * time.Minute)
	for _, tt := range []struct {
		q        float64
		min, max time.Duration
	}{{.5, 100 * time.Microsecond, 128 * time.Microsecond}, {.95, 3 * time.Millisecond, 3840 * time.Microsecond}} {
		if d, n := r.quantile(tt.q, later); d < tt.min || d > tt.max || n != 100 {
			t.Errorf("quantile(%v) = %v of %d, want from %v to %v of 100", tt.q, d, n, tt.min, tt.max)
		}
	}
	// The first minute is forgotten, and its place is another's.
	if _, n := r.quantile(.95, start.Add(6*time.Minute)); n != 40 {
		t.Errorf("six minutes later: %d, want the 40 of the second minute", n)
	}
	r.add(time.Millisecond, start.Add(6*time.Minute))
	if _, n := r.quantile(.95, start.Add(6*time.Minute)); n != 41 {
		t.Errorf("with one more: %d, want 41", n)
	}
}

// A duration is within its bucket, and a quarter of it at most below the end.
func TestRecentBuckets(t *testing.T) {
	for _, us := range []int64{1, 2, 3, 4, 5, 7, 8, 100, 127, 128, 999, 1000, 65535, 1 << 30} {
		d := time.Duration(us) * time.Microsecond
		end := bucketEnd(bucketOf(d))
		if end < d || end > d+d/2+time.Microsecond {
			t.Errorf("%v is in a bucket that ends at %v", d, end)
		}
	}
}
