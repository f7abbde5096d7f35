package engine

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// observer is a limiter without limits that notes what it is told.
type observer struct {
	mu   sync.Mutex
	seen []LimitObservation
}

func (o *observer) Reserve(context.Context, *LimitRequest) (LimitReservation, error) {
	return LimitReservation{}, nil
}
func (o *observer) Peek(*LimitRequest) LimitState { return LimitState{} }
func (o *observer) Observe(seen LimitObservation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, seen)
}

// Each attempt's answer says what the provider has left, also a refusal, and only a refusal
// for limits how long to wait.
func TestAnswersAreObserved(t *testing.T) {
	t.Parallel()
	fields := headers("x-ratelimit-limit-requests", "60", "x-ratelimit-remaining-requests", "7", "x-ratelimit-reset-requests", "1s", "retry-after", "30")
	left := AnnouncedLeft{true, 60, 7, time.Second}
	answered := *works("hello")
	answered.fields = fields
	refuse := func(class abi.Class) func(context.Context) (AdapterReply, error) {
		return func(context.Context) (AdapterReply, error) {
			return AdapterReply{Failure: &AdapterFailure{Class: class}}, nil
		}
	}
	for _, test := range []struct {
		name  string
		a     script
		want  AnnouncedLeft
		after time.Duration
		none  bool
	}{
		{name: "an answer", a: answered, want: left},
		{name: "a refusal for limits", a: script{status: 429, body: "{}", fields: fields, refuse: refuse(abi.ClassRateLimited)}, want: left, after: 30 * time.Second},
		{name: "another refusal", a: script{status: 503, body: "{}", fields: fields, refuse: refuse(abi.ClassOverloaded)}, want: left},
		{name: "an answer that says nothing", a: *works("hello"), none: true},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(test.name+map[bool]string{true: ", streamed"}[stream], func(t *testing.T) {
				t.Parallel()
				a, seen := test.a, &observer{}
				g := newRig(t, map[string]*script{"a": &a, "b": works("b")})
				g.cfg.Limits = seen
				_, _, _ = g.run(t, t.Context(), rigRequest(t, ""), stream)
				if test.none {
					if len(seen.seen) != 0 {
						t.Errorf("observed %+v, want nothing", seen.seen)
					}
					return
				}
				if len(seen.seen) != 1 {
					t.Fatalf("observed %+v, want one answer", seen.seen)
				}
				got := seen.seen[0]
				if got.Requests != test.want || got.RetryAfter != test.after || got.ProviderID != "a" || got.UpstreamID == "" {
					t.Errorf("observed %+v, want %+v of a model of provider a, and a wait of %v", got, test.want, test.after)
				}
			})
		}
	}
}

// Of several refusals that one is told which ends first.
func TestSoonerRefusal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		afters []time.Duration
		want   time.Duration
	}{
		{"one", []time.Duration{time.Second}, time.Second},
		{"the first is the sooner", []time.Duration{1, 2}, 1},
		{"a later one is", []time.Duration{3, 1, 2}, 1},
		{"the first has no time", []time.Duration{0, 5}, 5},
		{"a later one has none", []time.Duration{5, 0}, 5},
		{"none has", []time.Duration{0, 0}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var told error
			for after := range slices.Values(test.afters) {
				if e := (&LimitRefusal{After: after}).AsError(); sooner(e, told) {
					told = e
				}
			}
			if got := asError(told).After; got != test.want {
				t.Errorf("after refusals of %v a wait of %v is told, want %v", test.afters, got, test.want)
			}
		})
	}
}
