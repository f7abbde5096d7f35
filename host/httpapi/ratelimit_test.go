package httpapi

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

func limitHeaders(h *fasthttp.ResponseHeader) map[string]string {
	found := map[string]string{}
	for name, value := range h.All() {
		found[strings.ToLower(string(name))] = string(value)
	}
	delete(found, "content-type")
	delete(found, "server")
	return found
}

func TestLimitHeaders(t *testing.T) {
	t.Parallel()
	left := engine.LimitState{
		Requests:    engine.LimitLeft{Set: true, Limit: 60, Remaining: 59, Reset: time.Second},
		Concurrency: engine.LimitLeft{Set: true, Limit: 5, Remaining: 4},
	}
	both := left
	both.Tokens = engine.LimitLeft{Set: true, Limit: 1000, Reset: 6*time.Minute + 100*time.Microsecond}
	requests := map[string]string{"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1s"}
	with := func(more map[string]string) map[string]string {
		all := maps.Clone(requests)
		maps.Copy(all, more)
		return all
	}
	for _, test := range []struct {
		name     string
		left     engine.LimitState
		messages bool
		want     map[string]string
	}{
		{"no limit", engine.LimitState{}, false, map[string]string{}},
		{"requests", left, false, requests},
		{"tokens too, rounded up", both, false, with(map[string]string{"x-ratelimit-limit-tokens": "1000", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0.001s"})},
		{"Anthropic's", left, true, with(map[string]string{
			"anthropic-ratelimit-requests-limit": "60", "anthropic-ratelimit-requests-remaining": "59", "anthropic-ratelimit-requests-reset": "2026-11-22T12:00:02Z",
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var h fasthttp.ResponseHeader
			setLimits(&h, test.left, test.messages, testNow)
			if got := limitHeaders(&h); !maps.Equal(got, test.want) {
				t.Errorf("setLimits(%+v) = %v, want %v", test.left, got, test.want)
			}
		})
	}
}

func TestRetryHeaders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		refusal engine.LimitRefusal
		want    map[string]string
	}{
		{"a wait, rounded up", engine.LimitRefusal{After: 1500*time.Millisecond + 1}, map[string]string{"retry-after": "2", "retry-after-ms": "1501"}},
		{"less than a millisecond", engine.LimitRefusal{After: 1}, map[string]string{"retry-after": "1", "retry-after-ms": "1"}},
		{"whole seconds", engine.LimitRefusal{After: 3 * time.Second}, map[string]string{"retry-after": "3", "retry-after-ms": "3000"}},
		{"requests in flight", engine.LimitRefusal{Kind: engine.LimitConcurrency}, map[string]string{}},
		{"too large for any wait", engine.LimitRefusal{TooLarge: true}, map[string]string{"x-should-retry": "false"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var h fasthttp.ResponseHeader
			setRetry(&h, failureOf(test.refusal.AsError()))
			if got := limitHeaders(&h); !maps.Equal(got, test.want) {
				t.Errorf("setRetry(%+v) = %v, want %v", test.refusal, got, test.want)
			}
		})
	}
}
