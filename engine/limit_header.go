package engine

import (
	"strconv"
	"strings"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Bounds of what is believed of a provider's headers.
const (
	maxAnnouncedText  = 64 // bytes of a value
	maxAnnouncedReset = 24 * time.Hour
)

// announcedNames are the headers of one announced limit.
type announcedNames struct{ limit, remaining, reset string }

// announcedHeaders are the headers of limits on requests and on tokens, of OpenAI and those
// who copy it, and of Anthropic ("Rate limits" of either's API reference, as of 2026-03).
var announcedHeaders = [...]struct{ requests, tokens announcedNames }{
	{
		announcedNames{"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"},
		announcedNames{"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"},
	},
	{
		announcedNames{"anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"},
		announcedNames{"anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"},
	},
}

// AnnouncedLimits reads what an answer's headers say of the provider's limits; only
// Requests, Tokens and RetryAfter are set. field returns a header, "" when it is absent; now
// is the time of the answer where it has no date of its own. What is not as the vendors
// describe it counts as absent; numbers and times are clamped.
func AnnouncedLimits(field func(name string) string, now time.Time) (o LimitObservation) {
	if !announcing(field) {
		return o
	}
	if date, err := time.Parse(time.RFC1123, announcedText(field, "date")); err == nil {
		now = date // resets may be given as times by the provider's clock
	}
	for _, names := range announcedHeaders {
		announced(&o.Requests, field, names.requests, now)
		announced(&o.Tokens, field, names.tokens, now)
	}
	o.RetryAfter = announcedRetry(field, now)
	return o
}

// announcing reports whether there is anything to read: most answers say nothing.
func announcing(field func(string) string) bool {
	for i := range announcedHeaders {
		names := &announcedHeaders[i]
		if field(names.requests.remaining) != "" || field(names.tokens.remaining) != "" {
			return true
		}
	}
	return field("retry-after-ms") != "" || field("retry-after") != ""
}

func announced(to *AnnouncedLeft, field func(string) string, names announcedNames, now time.Time) {
	if to.Set {
		return
	}
	remaining, ok := announcedNumber(field, names.remaining)
	if !ok {
		return
	}
	reset, ok := announcedReset(announcedText(field, names.reset), now)
	if !ok {
		return // how long it holds is not known
	}
	limit, _ := announcedNumber(field, names.limit)
	*to = AnnouncedLeft{Set: true, Limit: limit, Remaining: remaining, Reset: reset}
}

func announcedText(field func(string) string, name string) string {
	text := field(name)
	if len(text) > maxAnnouncedText {
		return ""
	}
	return strings.TrimSpace(text)
}

// announcedNumber reads digits. More than any limit may be is as much as one may be.
func announcedNumber(field func(string) string, name string) (int64, bool) {
	text := announcedText(field, name)
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		n = MaxLimitAmount
	}
	return min(n, MaxLimitAmount), true
}

// announcedReset reads "6m0s" and "17ms" (OpenAI), a time (Anthropic), or seconds.
func announcedReset(text string, now time.Time) (time.Duration, bool) {
	if text == "" {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		d, err = time.ParseDuration(text + "s")
	}
	if err != nil {
		var at time.Time
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return 0, false
		}
		d = at.Sub(now)
	}
	return max(0, min(d, maxAnnouncedReset)), true
}

// announcedRetry reads retry-after-ms, else retry-after in seconds or as a date.
func announcedRetry(field func(string) string, now time.Time) time.Duration {
	if ms, ok := announcedNumber(field, "retry-after-ms"); ok {
		return min(time.Duration(ms)*time.Millisecond, maxAnnouncedReset)
	}
	if s, ok := announcedNumber(field, "retry-after"); ok {
		return time.Duration(min(s, int64(maxAnnouncedReset/time.Second))) * time.Second
	}
	at, err := time.Parse(time.RFC1123, announcedText(field, "retry-after"))
	if err != nil {
		return 0
	}
	return max(0, min(at.Sub(now), maxAnnouncedReset))
}

// observe tells the limiter what the answer said of the provider's limits. A wait counts
// as one where the provider refused for its limits: others are told to wait for what ails
// the provider, which another of its keys or models need not share.
func (a *attempt) observe(err error) {
	limits := a.x.p.cfg.Limits
	if limits == nil || a.reply == nil || a.reply.Field == nil || a.x.free() {
		return
	}
	o := AnnouncedLimits(a.reply.Field, a.x.began.Add(a.ended))
	if f := asAttemptError(err); f == nil || f.class != abi.ClassRateLimited {
		o.RetryAfter = 0
	}
	if !o.Requests.Set && !o.Tokens.Set && o.RetryAfter == 0 {
		return
	}
	t := a.target
	o.ProviderOwner, o.ProviderID, o.Credential, o.UpstreamID = t.Provider.AccountID, t.Provider.ID, t.Credential, t.Model.UpstreamID
	limits.Observe(o)
}

// limitsLeft is what is left of the limits that hold for the caller, and for a target when
// one served or was refused.
func (x *execution) limitsLeft(served *Target) LimitState {
	if x.p.cfg.Limits == nil || x.free() {
		return LimitState{}
	}
	q := x.limitRequest(LimitOfAll)
	if served == nil {
		served = x.limited
	}
	if served != nil {
		q.target(served)
	}
	return x.p.cfg.Limits.Peek(q)
}

func (q *LimitRequest) target(t *Target) {
	q.ProviderOwner, q.ProviderID, q.Credential = t.Provider.AccountID, t.Provider.ID, t.Credential
	q.ModelOwner, q.ModelID, q.UpstreamID = t.Model.AccountID, t.Model.ID, t.Model.UpstreamID
}
