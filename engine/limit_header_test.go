package engine

import (
	"strings"
	"testing"
	"time"
)

func headers(pairs ...string) func(string) string {
	all := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return all[strings.ToLower(name)] }
}

func TestAnnouncedLimits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	openAI := []string{"x-ratelimit-limit-requests", "60", "x-ratelimit-remaining-requests", "59", "x-ratelimit-reset-requests"}
	for _, test := range []struct {
		name string
		in   []string
		want LimitObservation
	}{
		{"nothing", nil, LimitObservation{}},
		{"OpenAI", append(openAI[:5:5], "6m0s", "x-ratelimit-limit-tokens", "150000", "x-ratelimit-remaining-tokens", "149984", "x-ratelimit-reset-tokens", "17ms"),
			LimitObservation{Requests: AnnouncedLeft{true, 60, 59, 6 * time.Minute}, Tokens: AnnouncedLeft{true, 150000, 149984, 17 * time.Millisecond}}},
		{"seconds", append(openAI[:5:5], "1.5"), LimitObservation{Requests: AnnouncedLeft{true, 60, 59, 1500 * time.Millisecond}}},
		{"Anthropic", []string{"anthropic-ratelimit-requests-limit", "50", "anthropic-ratelimit-requests-remaining", "0", "anthropic-ratelimit-requests-reset", "2026-11-22T12:00:30Z"},
			LimitObservation{Requests: AnnouncedLeft{true, 50, 0, 30 * time.Second}}},
		{"Anthropic, by its own clock", []string{"date", "Sun, 22 Nov 2026 11:00:00 GMT", "anthropic-ratelimit-tokens-limit", "50", "anthropic-ratelimit-tokens-remaining", "7", "anthropic-ratelimit-tokens-reset", "2026-11-22T11:00:09Z"},
			LimitObservation{Tokens: AnnouncedLeft{true, 50, 7, 9 * time.Second}}},
		{"a reset that is over", []string{"anthropic-ratelimit-requests-remaining", "1", "anthropic-ratelimit-requests-reset", "2020-01-01T00:00:00Z"},
			LimitObservation{Requests: AnnouncedLeft{true, 0, 1, 0}}},
		{"no reset", openAI[:4], LimitObservation{}},
		{"no remaining", append(openAI[:2:2], "x-ratelimit-reset-requests", "1s"), LimitObservation{}},
		{"a negative number", []string{"x-ratelimit-remaining-requests", "-5", "x-ratelimit-reset-requests", "1s"}, LimitObservation{}},
		{"more than any number", []string{"x-ratelimit-remaining-requests", strings.Repeat("9", 60), "x-ratelimit-reset-requests", "99999h"},
			LimitObservation{Requests: AnnouncedLeft{true, 0, MaxLimitAmount, 24 * time.Hour}}},
		{"a long text", []string{"x-ratelimit-remaining-requests", strings.Repeat("1", 65), "x-ratelimit-reset-requests", "1s"}, LimitObservation{}},
		{"retry-after", []string{"retry-after", "7"}, LimitObservation{RetryAfter: 7 * time.Second}},
		{"retry-after of ages", []string{"retry-after", "99999999999999999999"}, LimitObservation{RetryAfter: 24 * time.Hour}},
		{"retry-after-ms first", []string{"retry-after", "7", "retry-after-ms", "6500"}, LimitObservation{RetryAfter: 6500 * time.Millisecond}},
		{"retry-after as a date", []string{"retry-after", "Sun, 22 Nov 2026 12:01:00 GMT"}, LimitObservation{RetryAfter: time.Minute}},
		{"retry-after that is no time", []string{"retry-after", "soon"}, LimitObservation{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := AnnouncedLimits(headers(test.in...), now); got != test.want {
				t.Errorf("AnnouncedLimits(%q) = %+v, want %+v", test.in, got, test.want)
			}
		})
	}
}

func FuzzAnnouncedLimits(f *testing.F) {
	f.Add("60", "59", "6m0s", "7", "Sun, 22 Nov 2026 12:00:00 GMT")
	f.Add("-1", "1e9", "2026-11-22T12:00:30Z", "9223372036854775807", "")
	f.Add("", "0", "-1h", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT")
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, limit, remaining, reset, retry, date string) {
		o := AnnouncedLimits(headers(
			"x-ratelimit-limit-requests", limit, "x-ratelimit-remaining-requests", remaining, "x-ratelimit-reset-requests", reset,
			"anthropic-ratelimit-tokens-limit", limit, "anthropic-ratelimit-tokens-remaining", remaining, "anthropic-ratelimit-tokens-reset", reset,
			"retry-after", retry, "retry-after-ms", limit, "date", date,
		), now)
		for _, left := range []AnnouncedLeft{o.Requests, o.Tokens} {
			if left.Limit < 0 || left.Limit > MaxLimitAmount || left.Remaining < 0 || left.Remaining > MaxLimitAmount || left.Reset < 0 || left.Reset > maxAnnouncedReset {
				t.Errorf("AnnouncedLimits() = %+v, which is out of bounds", left)
			}
		}
		if o.RetryAfter < 0 || o.RetryAfter > maxAnnouncedReset {
			t.Errorf("AnnouncedLimits().RetryAfter = %v, which is out of bounds", o.RetryAfter)
		}
	})
}
