package ratelimit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/ratelimit"
)

func one(id string, change func(*engine.Limit)) engine.Limit {
	l := engine.Limit{ID: id, Kind: engine.LimitRequests, Amount: 10, Window: time.Minute, Enabled: true}
	change(&l)
	return l
}

func stats(t testing.TB, l *ratelimit.Limiter, q engine.LimitStatQuery) []engine.LimitStat {
	t.Helper()
	got, err := l.Stats(t.Context(), q)
	if err != nil {
		t.Fatalf("Stats(%+v) = %v, want nil", q, err)
	}
	return got.Buckets
}

// applied says which limits count a request, by what Stats shows afterwards.
func applied(t testing.TB, l *ratelimit.Limiter) string {
	var ids []string
	for _, s := range stats(t, l, engine.LimitStatQuery{Most: 100}) {
		if s.Admitted > 0 {
			id := s.LimitID
			if s.AccountID != "" {
				id = s.AccountID + "/" + id
			}
			ids = append(ids, id+"["+s.Scope+"]")
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func TestWhichLimitsApply(t *testing.T) {
	t.Parallel()
	bob := engine.LimitRequest{AccountID: "acme", UserID: "bob", KeyID: "k1", ProviderID: "openai", ModelID: "gpt-4o"}
	perUser := one("users", func(l *engine.Limit) { l.Per = engine.LimitByUser })
	forBob := one("bob", func(l *engine.Limit) {
		l.Scope = engine.LimitScope{AccountID: "acme", UserID: "bob"}
		l.Per = engine.LimitByAccount
	})
	accountUser := func(id string, change func(*engine.Limit)) engine.Limit {
		return one(id, func(l *engine.Limit) { l.AccountID = "acme"; change(l) })
	}
	for _, c := range []struct {
		name   string
		limits []engine.Limit
		q      func(*engine.LimitRequest)
		want   string
	}{
		{"everybody shares", []engine.Limit{one("all", func(*engine.Limit) {})}, nil, "all[]"},
		{"each user of each account", []engine.Limit{perUser}, nil, "users[account=acme user=bob]"},
		{"a disabled one does not", []engine.Limit{one("off", func(l *engine.Limit) { l.Enabled = false })}, nil, ""},
		{"a team that there is not", []engine.Limit{one("teams", func(l *engine.Limit) { l.Per = engine.LimitByTeam })}, nil, ""},
		{"another model's does not", []engine.Limit{one("m", func(l *engine.Limit) { l.Scope.ModelID = "gpt-5" })}, nil, ""},
		{"models of one name are told apart by their owners", []engine.Limit{one("m", func(l *engine.Limit) { l.Scope.ModelID = "gpt-4o" })},
			func(q *engine.LimitRequest) { q.ModelOwner = "acme" }, "m[model=gpt-4o model_owner=acme]"},
		{"an account's own, of its requests", []engine.Limit{accountUser("own", func(*engine.Limit) {})}, nil, "acme/own[]"},
		{"not of another account's", []engine.Limit{accountUser("own", func(*engine.Limit) {})},
			func(q *engine.LimitRequest) { q.AccountID = "other" }, ""},
		{"defaults hold together", []engine.Limit{perUser, one("key", func(l *engine.Limit) { l.Per = engine.LimitByKey })}, nil,
			"key[account=acme key=k1] users[account=acme user=bob]"},
		{"another level is not overridden", []engine.Limit{perUser, one("b", func(l *engine.Limit) {
			*l = forBob
			l.Override = true
		})}, nil, "bob[account=acme user=bob] users[account=acme user=bob]"},
		{"an override takes the place of its level", []engine.Limit{
			accountUser("users", func(l *engine.Limit) { l.Per = engine.LimitByUser }),
			accountUser("bob", func(l *engine.Limit) { l.Scope.UserID = "bob"; l.Override = true }),
		}, nil, "acme/bob[account=acme user=bob]"},
		{"not for others", []engine.Limit{
			accountUser("users", func(l *engine.Limit) { l.Per = engine.LimitByUser }),
			accountUser("bob", func(l *engine.Limit) { l.Scope.UserID = "bob"; l.Override = true }),
		}, func(q *engine.LimitRequest) { q.UserID = "eve" }, "acme/users[account=acme user=eve]"},
		{"nor of another kind or window", []engine.Limit{
			accountUser("tokens", func(l *engine.Limit) { l.Per, l.Kind = engine.LimitByUser, engine.LimitTokens }),
			accountUser("hours", func(l *engine.Limit) { l.Per, l.Window = engine.LimitByUser, time.Hour }),
			accountUser("bob", func(l *engine.Limit) { l.Scope.UserID = "bob"; l.Override = true }),
		}, nil, "acme/bob[account=acme user=bob] acme/hours[account=acme user=bob] acme/tokens[account=acme user=bob]"},
		{"nor of the super admin", []engine.Limit{
			one("users", func(l *engine.Limit) { l.Per = engine.LimitByUser }),
			accountUser("bob", func(l *engine.Limit) { l.Scope.UserID = "bob"; l.Override = true }),
		}, nil, "acme/bob[account=acme user=bob] users[account=acme user=bob]"},
		{"of two overrides the one that names more", []engine.Limit{
			accountUser("any", func(l *engine.Limit) { l.Per = engine.LimitByUser | engine.LimitByModel; l.Override = true }),
			accountUser("model", func(l *engine.Limit) {
				l.Scope.ModelID, l.Per, l.Override = "gpt-4o", engine.LimitByUser, true
			}),
		}, nil, "acme/model[account=acme user=bob model=gpt-4o]"},
		{"the caller's part", []engine.Limit{perUser, one("m", func(l *engine.Limit) { l.Per = engine.LimitByModel })},
			func(q *engine.LimitRequest) { q.Part = engine.LimitOfCaller }, "users[account=acme user=bob]"},
		{"the target's part", []engine.Limit{perUser, one("m", func(l *engine.Limit) { l.Per = engine.LimitByModel })},
			func(q *engine.LimitRequest) { q.Part = engine.LimitOfTarget }, "m[model=gpt-4o]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLimiter(t, ratelimit.Config{}, c.limits...)
			q := bob
			if c.q != nil {
				c.q(&q)
			}
			if _, err := l.Reserve(t.Context(), &q); err != nil {
				t.Fatalf("Reserve() = %v, want nil", err)
			}
			if got := applied(t, l); got != c.want {
				t.Errorf("counted by %q, want %q", got, c.want)
			}
		})
	}
}

func TestRefusalTakesNothingAndNamesTheTightest(t *testing.T) {
	t.Parallel()
	now := time.Duration(1)
	l := newLimiter(t, ratelimit.Config{Clock: func() time.Duration { return now }},
		one("wide", func(l *engine.Limit) { l.Amount = 100 }),
		one("minute", func(l *engine.Limit) { l.Amount = 2 }),
		one("hour", func(l *engine.Limit) { l.Amount, l.Window = 2, time.Hour }),
		one("tokens", func(l *engine.Limit) { l.Kind, l.Amount = engine.LimitTokens, 1000 }))
	q := engine.LimitRequest{AccountID: "a", Tokens: 10}
	for range 2 {
		if _, err := l.Reserve(t.Context(), &q); err != nil {
			t.Fatalf("Reserve() = %v, want nil", err)
		}
	}
	before := l.Peek(&q)
	_, err := l.Reserve(t.Context(), &q)
	r := engine.AsLimitRefusal(err)
	if r == nil || r.LimitID != "hour" || r.After != 30*time.Minute || r.Remaining != 0 || r.AsError().Code != engine.CodeRateLimited {
		t.Fatalf("Reserve() = %+v, want a refusal by hour for 30 minutes", r)
	}
	if after := l.Peek(&q); after != before {
		t.Errorf("Peek() after a refusal = %+v, want %+v", after, before)
	}
	now += r.After
	if _, err := l.Reserve(t.Context(), &q); err != nil {
		t.Errorf("Reserve() after the wait = %v, want nil", err)
	}
	q.Tokens = 1001
	_, err = l.Reserve(t.Context(), &q)
	if r := engine.AsLimitRefusal(err); r == nil || !r.TooLarge || r.LimitID != "tokens" || r.After != 0 {
		t.Errorf("Reserve() of more than the limit = %+v, want a refusal that no waiting helps", r)
	}
}

func TestChangesAreInForceAtOnce(t *testing.T) {
	t.Parallel()
	now := time.Duration(1)
	limit := one("l", func(l *engine.Limit) { l.Amount = 100 })
	l := newLimiter(t, ratelimit.Config{Clock: func() time.Duration { return now }}, limit)
	q := engine.LimitRequest{AccountID: "a", Tokens: 1}
	for range 50 {
		if _, err := l.Reserve(t.Context(), &q); err != nil {
			t.Fatalf("Reserve() = %v, want nil", err)
		}
	}
	set := func(change func(*engine.Limit)) {
		change(&limit)
		l.Set([]engine.Limit{limit})
	}
	want := func(what string, remaining int64) {
		t.Helper()
		if got := l.Peek(&q).Requests; got.Remaining != remaining {
			t.Errorf("left %s = %d, want %d", what, got.Remaining, remaining)
		}
	}
	set(func(l *engine.Limit) { l.Amount = 1000 })
	want("of ten times as much", 500)
	set(func(l *engine.Limit) { l.Amount, l.Burst = 60, 10 })
	want("of a tenth", 5)
	now += 2 * time.Second
	want("after 2 s at 60 a minute", 7)
	set(func(l *engine.Limit) { l.Name = "renamed" })
	want("after another name", 7)
	// The two seconds before the change flow at the rate of before.
	now += 2 * time.Second
	set(func(l *engine.Limit) { l.Amount = 6000 })
	now += 10 * time.Millisecond
	want("after a change in between", 10)
	set(func(l *engine.Limit) { l.Amount, l.Burst = 60, 60 })
	want("of a larger burst", 60)
	for range 30 {
		if _, err := l.Reserve(t.Context(), &q); err != nil {
			t.Fatalf("Reserve() = %v, want nil", err)
		}
	}
	set(func(l *engine.Limit) { l.Enabled = false })
	if got := l.Peek(&q).Requests; got.Set {
		t.Errorf("left of a disabled limit = %+v, want none", got)
	}
	set(func(l *engine.Limit) { l.Enabled = true })
	want("after it was off and on", 30)
	set(func(l *engine.Limit) { l.Resets++ })
	want("after a reset", 60)
}

func TestPlacesAreFreedOnce(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, ratelimit.Config{}, one("l", func(l *engine.Limit) { l.Kind, l.Window, l.Amount = engine.LimitConcurrency, 0, 2 }))
	q := engine.LimitRequest{AccountID: "a", Tokens: 1}
	first, err := l.Reserve(t.Context(), &q)
	if err != nil {
		t.Fatalf("Reserve() = %v, want nil", err)
	}
	if _, err := l.Reserve(t.Context(), &q); err != nil {
		t.Fatalf("Reserve() = %v, want nil", err)
	}
	if _, err := l.Reserve(t.Context(), &q); engine.AsLimitRefusal(err) == nil || engine.AsLimitRefusal(err).After != 0 {
		t.Fatalf("Reserve() of a third of two places = %v, want a refusal without a time", err)
	}
	first.Settle(0)
	second, err := l.Reserve(t.Context(), &q)
	if err != nil {
		t.Fatalf("Reserve() = %v, want nil", err)
	}
	first.Cancel() // late, and its record serves another request by now
	first.Settle(5)
	if left := second.Left().Concurrency; left.Remaining != 0 {
		t.Errorf("places left = %d, want 0", left.Remaining)
	}
	if _, err := l.Reserve(t.Context(), &q); err == nil {
		t.Error("Reserve() after a second release = nil, want a refusal")
	}
	second.Cancel()
	if left := l.Peek(&q).Concurrency; left.Remaining != 1 {
		t.Errorf("places left = %d, want 1", left.Remaining)
	}
}
