package httpapi

import (
	"math"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// setLimits says in headers what is left of the limits that hold for the request: by
// OpenAI's names and in its form ("Rate limits" of its API guides, as of 2026-03), on the
// Messages API by Anthropic's too, where a reset is a time.
func setLimits(h *fasthttp.ResponseHeader, left engine.LimitState, messages bool, now time.Time) {
	for _, kind := range [...]struct {
		name string
		left engine.LimitLeft
	}{{"requests", left.Requests}, {"tokens", left.Tokens}} {
		if !kind.left.Set {
			continue
		}
		limit, remaining := strconv.FormatInt(kind.left.Limit, 10), strconv.FormatInt(kind.left.Remaining, 10)
		h.Set("x-ratelimit-limit-"+kind.name, limit)
		h.Set("x-ratelimit-remaining-"+kind.name, remaining)
		h.Set("x-ratelimit-reset-"+kind.name, resetText(kind.left.Reset))
		if messages {
			h.Set("anthropic-ratelimit-"+kind.name+"-limit", limit)
			h.Set("anthropic-ratelimit-"+kind.name+"-remaining", remaining)
			h.Set("anthropic-ratelimit-"+kind.name+"-reset", now.Add(kind.left.Reset).UTC().Truncate(time.Second).Add(time.Second).Format(time.RFC3339))
		}
	}
}

// resetText is a duration as OpenAI writes it, as "1s", "6m0s" or "17ms": by the
// millisecond, rounded up.
func resetText(d time.Duration) string {
	return (time.Duration(milliseconds(d)) * time.Millisecond).String()
}

// milliseconds rounds up: who waits that long has waited long enough.
func milliseconds(d time.Duration) int64 {
	return int64(math.Ceil(float64(d) / float64(time.Millisecond)))
}

// setRetry says when a refused request may be sent again, and, where waiting does not help,
// that it should not be: SDKs of OpenAI and Anthropic heed x-should-retry.
func setRetry(h *fasthttp.ResponseHeader, f *failure) {
	if f.after > 0 {
		h.Set("Retry-After", f.retryAfter())
		h.Set("Retry-After-Ms", strconv.FormatInt(milliseconds(f.after), 10))
	}
	if r := engine.AsLimitRefusal(f.cause); r != nil && r.TooLarge {
		h.Set("X-Should-Retry", "false")
	}
}
