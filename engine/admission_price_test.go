package engine

import (
	"context"
	"testing"
	"time"
)

// A price that changes while a request is under way is the next request's: what was held
// and what is settled are of one version. What is free has a row all the same.
func TestPriceOfAnAttemptStays(t *testing.T) {
	t.Parallel()
	version := func(from time.Time, times int64) []Price {
		return []Price{{ProviderID: "a", UpstreamID: "up-a", From: from, Input: times * promptPrice * 1e6, Output: times * completionPrice * 1e6}}
	}
	day := rigTime.Truncate(24 * time.Hour)
	for name, c := range map[string]struct {
		was, is []Price
		times   int64 // of the rig's price, what the row costs
		from    time.Time
	}{
		"a new version in force at once": {version(day, 1), append(version(day, 1), version(rigTime, 10)...), 1, day},
		"the version corrected":          {version(day, 1), version(day, 10), 1, day},
		"the price removed":              {version(day, 1), nil, 1, day},
		"no longer free":                 {version(day, 0), version(day, 10), 0, day},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", streamed"}[stream], func(t *testing.T) {
				t.Parallel()
				a := works("hello")
				g := newRig(t, map[string]*script{"a": a})
				models, providers := g.catalogue.Load().Models(""), g.catalogue.Load().Providers("")
				g.catalogue.Store(NewCatalogue(models, providers, c.was))
				a.onDo = func(context.Context) { g.catalogue.Store(NewCatalogue(models, providers, c.is)) }
				acc := account(g)
				if _, _, err := g.run(t, t.Context(), rigRequest(t, ""), stream); err != nil {
					t.Fatal(err)
				}
				acc.balanced(t)
				if len(acc.rows) != 1 {
					t.Fatalf("%d rows, want one", len(acc.rows))
				}
				u, want := acc.rows[0], c.times*(7*promptPrice+5*completionPrice)
				if u.CostNanoUSD != want || u.Unpriced || !u.PriceFrom.Equal(c.from) || u.Tokens.Prompt != 7 {
					t.Errorf("row costs %d by the price of %s (unpriced %v), want %d by that of %s", u.CostNanoUSD, u.PriceFrom, u.Unpriced, want, c.from)
				}
			})
		}
	}
}
