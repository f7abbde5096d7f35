package ratelimit_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
)

// Callers that differ in one value alone, each often enough to be remembered, are told apart.
func TestRememberedCallersAreToldApart(t *testing.T) {
	t.Parallel()
	each := one("each", func(l *engine.Limit) {
		l.Per = engine.LimitByAccount | engine.LimitByTeam | engine.LimitByUser | engine.LimitByKey | engine.LimitByProvider | engine.LimitByModel
		l.Amount = 1_000
	})
	callers := one("callers", func(l *engine.Limit) { l.Per, l.Amount = engine.LimitByKey, 1_000 })
	l := newLimiter(t, ratelimit.Config{Clock: func() time.Duration { return time.Hour }}, each, callers)
	var all []engine.LimitRequest
	for _, change := range []func(q *engine.LimitRequest){
		func(*engine.LimitRequest) {},
		func(q *engine.LimitRequest) { q.AccountID = "b" },
		func(q *engine.LimitRequest) { q.TeamID = "b" },
		func(q *engine.LimitRequest) { q.UserID = "b" },
		func(q *engine.LimitRequest) { q.KeyID = "b" },
		func(q *engine.LimitRequest) { q.ProviderID = "b" },
		func(q *engine.LimitRequest) { q.ProviderOwner = "b" },
		func(q *engine.LimitRequest) { q.ModelID = "b" },
		func(q *engine.LimitRequest) { q.ModelOwner = "b" },
		func(q *engine.LimitRequest) { q.Part = engine.LimitOfTarget },
	} {
		q := engine.LimitRequest{AccountID: "a", TeamID: "a", UserID: "a", KeyID: "a", ProviderID: "a", ModelID: "a", Tokens: 1}
		change(&q)
		all = append(all, q)
	}
	const times = 5
	for range times {
		for i := range all {
			if _, err := l.Reserve(t.Context(), &all[i]); err != nil {
				t.Fatalf("Reserve(%+v) = %v, want nil", all[i], err)
			}
		}
	}
	for _, s := range stats(t, l, engine.LimitStatQuery{Keep: func(m engine.Limit) bool { return m.ID == "each" }, Most: 100}) {
		want := int64(times)
		if s.Scope == "account=a team=a user=a key=a provider=a model=a" {
			want = 2 * times // the same, once as a whole and once as a target
		}
		if s.Admitted != want {
			t.Errorf("bucket %q admitted %d, want %d", s.Scope, s.Admitted, want)
		}
	}
	caller := all[0]
	caller.Part = engine.LimitOfCaller
	for i := range times {
		caller.ModelID = fmt.Sprint("m", i) // of no matter here
		if _, err := l.Reserve(t.Context(), &caller); err != nil {
			t.Fatalf("Reserve(%+v) = %v, want nil", caller, err)
		}
	}
	if left := l.Peek(&all[0]).Requests; left.LimitID != "callers" || left.Remaining != 1_000-times*8 {
		t.Errorf("Peek() = %+v, want %d left of 'callers', of which the eight requests with its key took", left, 1_000-times*8)
	}
}

// A bucket that was forgotten while a reservation was open takes what that used all the same,
// whether or not another came in its place, and so does one whose limit was set anew.
func TestWhatIsSettledLateIsNotLost(t *testing.T) {
	t.Parallel()
	tokens := one("tokens", func(l *engine.Limit) { l.Kind, l.Amount = engine.LimitTokens, 600 })
	q := engine.LimitRequest{AccountID: "a", UserID: "u", KeyID: "k", Tokens: 10}
	for _, c := range []struct {
		name      string
		meanwhile func(l *ratelimit.Limiter)
		want      int64
	}{
		{"no other came", func(*ratelimit.Limiter) {}, 600 - 110},
		{"another came", func(l *ratelimit.Limiter) {
			if r, err := l.Reserve(t.Context(), &q); err == nil {
				r.Settle(10)
			}
		}, 600 - 120},
		{"set anew", func(l *ratelimit.Limiter) { l.Set([]engine.Limit{tokens}) }, 600 - 110},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var now atomic.Int64
			now.Store(1)
			l := newLimiter(t, ratelimit.Config{Clock: func() time.Duration { return time.Duration(now.Load()) }}, tokens)
			for range 3 { // so that the caller is remembered
				if r, err := l.Reserve(t.Context(), &q); err == nil {
					r.Cancel()
				}
			}
			open, err := l.Reserve(t.Context(), &q)
			if err != nil {
				t.Fatalf("Reserve() = %v, want nil", err)
			}
			now.Add(int64(time.Hour))
			if got := l.Sweep(time.Duration(now.Load())); got != 1 {
				t.Fatalf("Sweep() = %d, want the bucket, which is full", got)
			}
			c.meanwhile(l)
			open.Settle(120) // 110 more than the estimate
			if got := l.Peek(&q).Tokens.Remaining; got != c.want {
				t.Errorf("left = %d, want %d", got, c.want)
			}
			if l.Live() != 1 {
				t.Errorf("%d live buckets, want the one", l.Live())
			}
		})
	}
}

// What is looked at often is remembered too, and never said of a bucket that was forgotten.
func TestRememberedLooksSeeWhatIsInForce(t *testing.T) {
	t.Parallel()
	each := one("each", func(l *engine.Limit) { l.Per, l.Amount = engine.LimitByUser, 600 })
	q := engine.LimitRequest{AccountID: "a", UserID: "u", KeyID: "k", Tokens: 1}
	var now atomic.Int64
	now.Store(1)
	l := newLimiter(t, ratelimit.Config{Clock: func() time.Duration { return time.Duration(now.Load()) }}, each)
	left := func(when string, want int64) {
		t.Helper()
		for i := range 4 { // from the third on it is remembered
			if got := l.Peek(&q).Requests; !got.Set || got.Remaining != want {
				t.Errorf("%s: Peek() no. %d = %+v, want %d left", when, i, got, want)
			}
		}
	}
	reserve := func() {
		t.Helper()
		if _, err := l.Reserve(t.Context(), &q); err != nil {
			t.Fatal(err)
		}
	}
	left("before a request", 600)
	if l.Live() != 0 {
		t.Errorf("Peek() left %d buckets, want none", l.Live())
	}
	reserve()
	left("after a request", 599)
	now.Add(int64(time.Hour))
	if got := l.Sweep(time.Duration(now.Load())); got != 1 {
		t.Fatalf("Sweep() = %d, want the bucket, which is full", got)
	}
	left("when it was forgotten", 600)
	reserve()
	left("when another is in its place", 599)
	each.Amount = 6_000
	l.Set([]engine.Limit{each})
	left("under another limit", 5_990)
	l.Set(nil)
	if got := l.Peek(&q).Requests; got.Set {
		t.Errorf("without limits: Peek() = %+v, want nothing set", got)
	}
}
