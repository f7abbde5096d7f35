package chat

import (
	"net/http"
	"testing"
	"time"
)

func TestDecimal(t *testing.T) {
	tests := []struct {
		text   string
		wantMS int64
		wantOK bool
	}{
		{"0", 0, true}, {"7", 7000, true}, {" 7 ", 7000, true}, {"34.4", 34_400, true}, {"0.5", 500, true},
		{"48.939935699", 48_940, true}, {"1.0000", 1000, true}, {"1.0001", 1001, true}, {"1.", 1000, true},
		{"86401", maxRetryMS, true}, {"99999999999999999999999999", maxRetryMS, true},
		{"", 0, false}, {".5", 0, false}, {"-1", 0, false}, {"1e3", 0, false}, {"1.x", 0, false}, {"soon", 0, false},
	}
	for _, tt := range tests {
		if ms, ok := decimal(tt.text, 1000); ok != tt.wantOK || ok && ms != tt.wantMS {
			t.Errorf("decimal(%q) = %d, %v, want %d, %v", tt.text, ms, ok, tt.wantMS, tt.wantOK)
		}
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]int64{"48s": 48_000, "34.4s": 34_400, "0s": 0} {
		if ms, ok := Seconds(text); !ok || ms != want {
			t.Errorf("Seconds(%q) = %d, %v, want %d", text, ms, ok, want)
		}
	}
	for _, text := range []string{"", "s", "48", "48m", "1m30s"} {
		if ms, ok := Seconds(text); ok {
			t.Errorf("Seconds(%q) = %d, want none", text, ms)
		}
	}
}

// Dates agree with net/http's reading of the same form.
func TestHTTPDate(t *testing.T) {
	for _, at := range []time.Time{
		time.Unix(0, 0), time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC), time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC),
		time.Date(2026, 11, 22, 12, 1, 30, 0, time.UTC), time.Date(2100, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		text := at.UTC().Format(http.TimeFormat)
		if ms, ok := httpDate(text); !ok || ms != at.UnixMilli() {
			t.Errorf("httpDate(%q) = %d, %v, want %d", text, ms, ok, at.UnixMilli())
		}
	}
	for _, text := range []string{
		"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 anF 1994 08:49:37 GMT", "Sun, xx Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08-49:37 GMT",
	} {
		if ms, ok := httpDate(text); ok {
			t.Errorf("httpDate(%q) = %d, want none", text, ms)
		}
	}
}
