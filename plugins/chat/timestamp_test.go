package chat

import "testing"

func TestTimestamp(t *testing.T) {
	for s, want := range map[string]int64{
		"1970-01-01T00:00:00Z": 0,
		"2024-02-29T23:59:59Z": 1709251199000,
		"2026-11-22T12:00:07Z": 1795348807000,
		"2026-11-22T12:00:07":  -1,
		"2026-11-22 12:00:07Z": -1,
		"2026-11-2xT12:00:07Z": -1,
		"":                     -1,
	} {
		got, ok := Timestamp(s)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("Timestamp(%q) = %d, %v, want %d", s, got, ok, want)
		}
	}
	for _, tt := range []struct{ ms, now, want int64 }{{9, 2, 7}, {2, 9, 0}, {1 << 60, 0, maxRetryMS}} {
		if got := Until(tt.ms, tt.now); got != tt.want {
			t.Errorf("Until(%d, %d) = %d, want %d", tt.ms, tt.now, got, tt.want)
		}
	}
}
