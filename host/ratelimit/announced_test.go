package ratelimit_test

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
)

func TestAnnouncedLimits(t *testing.T) {
	t.Parallel()
	target := engine.LimitRequest{
		Part: engine.LimitOfTarget, AccountID: "a", ProviderID: "openai", ModelID: "m", UpstreamID: "gpt-4o", Credential: "c1", Tokens: 100,
	}
	of := func(change func(*engine.LimitObservation)) engine.LimitObservation {
		o := engine.LimitObservation{ProviderID: "openai", Credential: "c1", UpstreamID: "gpt-4o"}
		change(&o)
		return o
	}
	for _, c := range []struct {
		name  string
		said  engine.LimitObservation
		q     func(*engine.LimitRequest)
		after time.Duration // 0: admitted
		kind  engine.LimitKind
	}{
		{"retry-after", of(func(o *engine.LimitObservation) { o.RetryAfter = 7 * time.Second }), nil, 7 * time.Second, engine.LimitRequests},
		{"no requests left, no limit said", of(func(o *engine.LimitObservation) {
			o.Requests = engine.AnnouncedLeft{Set: true, Reset: 5 * time.Second}
		}), nil, 5 * time.Second, engine.LimitRequests},
		{"no requests left of 10, which flow back", of(func(o *engine.LimitObservation) {
			o.Requests = engine.AnnouncedLeft{Set: true, Limit: 10, Reset: 5 * time.Second}
		}), nil, 500 * time.Millisecond, engine.LimitRequests},
		{"too few tokens", of(func(o *engine.LimitObservation) {
			o.Tokens = engine.AnnouncedLeft{Set: true, Limit: 1000, Remaining: 50, Reset: 19 * time.Second}
		}), nil, time.Second, engine.LimitTokens},
		{"enough tokens", of(func(o *engine.LimitObservation) {
			o.Tokens = engine.AnnouncedLeft{Set: true, Limit: 1000, Remaining: 100, Reset: 19 * time.Second}
		}), nil, 0, ""},
		{"of the whole credential", of(func(o *engine.LimitObservation) { o.UpstreamID, o.RetryAfter = "", time.Second }), nil, time.Second, engine.LimitRequests},
		{"of another model", of(func(o *engine.LimitObservation) { o.UpstreamID, o.RetryAfter = "gpt-5", time.Second }), nil, 0, ""},
		{"of another credential", of(func(o *engine.LimitObservation) { o.RetryAfter = time.Second }),
			func(q *engine.LimitRequest) { q.Credential = "c2" }, 0, ""},
		{"not of the caller", of(func(o *engine.LimitObservation) { o.RetryAfter = time.Second }),
			func(q *engine.LimitRequest) { q.Part = engine.LimitOfCaller }, 0, ""},
		{"longer than an hour counts as an hour", of(func(o *engine.LimitObservation) { o.RetryAfter = 1 << 60 }), nil, time.Hour, engine.LimitRequests},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now := time.Duration(1)
			l := newLimiter(t, ratelimit.Config{Clock: func() time.Duration { return now }})
			l.Observe(c.said)
			q := target
			if c.q != nil {
				c.q(&q)
			}
			_, err := l.Reserve(t.Context(), &q)
			r := engine.AsLimitRefusal(err)
			if c.after == 0 {
				if err != nil {
					t.Errorf("Reserve() = %v, want nil", err)
				}
				return
			}
			if r == nil || r.After != c.after || r.Kind != c.kind || r.Provider != "openai" {
				t.Fatalf("Reserve() = %+v, want a refusal of %s for %v", r, c.kind, c.after)
			}
			now += c.after - 1
			if _, err := l.Reserve(t.Context(), &q); err == nil {
				t.Error("Reserve() just before = nil, want a refusal")
			}
			now++
			if _, err := l.Reserve(t.Context(), &q); err != nil {
				t.Errorf("Reserve() after the wait = %v, want nil", err)
			}
		})
	}
}

func TestAnnouncedRefusalTakesNothing(t *testing.T) {
	t.Parallel()
	now := time.Duration(1)
	l := newLimiter(t, ratelimit.Config{Clock: func() time.Duration { return now }}, one("l", func(*engine.Limit) {}))
	q := engine.LimitRequest{AccountID: "a", ProviderID: "p", Credential: "c", UpstreamID: "u", Tokens: 10}
	l.Observe(engine.LimitObservation{
		ProviderID: "p", Credential: "c", UpstreamID: "u", Requests: engine.AnnouncedLeft{Set: true, Remaining: 1, Reset: time.Minute},
	})
	first, err := l.Reserve(t.Context(), &q)
	if err != nil {
		t.Fatalf("Reserve() = %v, want nil", err)
	}
	if _, err := l.Reserve(t.Context(), &q); engine.AsLimitRefusal(err) == nil || engine.AsLimitRefusal(err).Provider != "p" {
		t.Fatalf("second Reserve() = %v, want the provider's refusal", err)
	}
	if left := l.Peek(&q).Requests.Remaining; left != 9 {
		t.Errorf("left of our own limit = %d, want 9", left)
	}
	first.Cancel()
	if _, err := l.Reserve(t.Context(), &q); err != nil {
		t.Errorf("Reserve() after the first was cancelled = %v, want nil", err)
	}
}
