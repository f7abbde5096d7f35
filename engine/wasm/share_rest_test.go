package wasm

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// TestBrokenCallsRest: after a call that broke its account's turn is free again only later, by
// what it spent; after one that ended well at once. Global plugins have no turns.
func TestBrokenCallsRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, Config{})
		var s shelf
		for name, code := range map[string][]byte{"good": i32c(0), "endless": seq(forever, i32c(0)), "broken": unreachable} {
			a := rule(code)
			a.name = name
			s.add(t, "acme", a.build(t))
			s.add(t, "", a.build(t))
		}
		s.sync(t, l)
		turns := l.current.Load().shares["acme"].free
		all := len(turns)
		for _, tt := range []struct {
			name string
			rest time.Duration
		}{{"good", 0}, {"endless", abi.RuleFuel * restPerUnit}, {"broken", leastRest}} {
			var answer engine.RuleAnswer
			err := ruleGuestOf(t, l, "acme", tt.name).Decide(t.Context(), &engine.RuleCall{AccountID: "acme"}, &answer)
			if (err != nil) != (tt.rest > 0) {
				t.Fatalf("%s: Decide() = %v", tt.name, err)
			}
			if tt.rest > 0 {
				time.Sleep(tt.rest - 1)
				if got := len(turns); got != all-1 {
					t.Errorf("%s: %d of %d turns are free before its rest is over", tt.name, got, all)
				}
				time.Sleep(tt.rest/8 + 1) // it spends a little more than it has
				synctest.Wait()
			}
			if got := len(turns); got != all {
				t.Errorf("%s: %d of %d turns are free in the end", tt.name, got, all)
			}
			_ = ruleGuestOf(t, l, "", tt.name).Decide(t.Context(), &engine.RuleCall{AccountID: "acme"}, &answer)
			if got := len(turns); got != all {
				t.Errorf("%s, a global one: %d of %d turns are free", tt.name, got, all)
			}
		}
	})
}

func TestRestAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind  trapKind
		spent int64
		want  time.Duration
	}{
		{trapUnreachable, 64, leastRest},
		{trapFuel, 200_000, 4 * time.Millisecond},
		{trapFuel, abi.MaxRuleFuel, 40 * time.Millisecond},
		{trapOutput, abi.MaxProviderFuel, mostRest},
		{trapDeadline, 10, mostRest},
	} {
		if got := restAfter(tt.kind, tt.spent); got != tt.want {
			t.Errorf("restAfter(%s, %d) = %v, want %v", trapNames[tt.kind], tt.spent, got, tt.want)
		}
	}
}
