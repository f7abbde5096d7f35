package engine

import (
	"strings"
	"testing"
	"time"
)

// A canary ends when it is worse than its guards allow, and for nothing else.
func TestGuards(t *testing.T) {
	t.Parallel()
	side := func(requests, errors, faults, cost, ms int64) RolloutSide {
		s := RolloutSide{Requests: requests, Errors: errors, Faults: faults, CostNanoUSD: cost}
		for range requests - errors {
			s.LatencyMS.Add(ms)
		}
		return s
	}
	good := side(100, 1, 0, 100_000, 100)
	tests := []struct {
		name  string
		guard func(g *RolloutGuards)
		live  RolloutSide
		draft RolloutSide
		want  string // in the reason; "": no breach
	}{
		{name: "the same", live: good, draft: good},
		{name: "nothing happened"},
		{name: "too few to tell", live: good, draft: side(49, 49, 49, 0, 1)},
		{name: "errors", live: good, draft: side(100, 7, 0, 100_000, 100), want: "error rate 7 %, live 1 %"},
		{name: "as many errors as are allowed", live: good, draft: side(100, 6, 0, 100_000, 100)},
		{name: "errors on both sides", live: side(100, 50, 0, 100_000, 100), draft: side(100, 54, 0, 100_000, 100)},
		{name: "faults", live: good, draft: side(100, 0, 2, 100_000, 100), want: "fault rate"},
		{name: "faults on both sides", live: side(100, 0, 30, 100_000, 100), draft: side(100, 0, 30, 100_000, 100)},
		{name: "dearer", live: good, draft: side(100, 0, 0, 151_000, 100), want: "cost of a request"},
		{name: "dearer, and may be", guard: func(g *RolloutGuards) { g.CostRatio = 0 }, live: good, draft: side(100, 0, 0, 999_000, 100)},
		{name: "not dearer than free", live: side(100, 0, 0, 0, 100), draft: side(100, 0, 0, 100_000, 100)},
		{name: "slower", live: good, draft: side(100, 0, 0, 100_000, 400), want: "p95 latency"},
		{name: "slower, and may be", guard: func(g *RolloutGuards) { g.LatencyRatio = 0 }, live: good, draft: side(100, 0, 0, 100_000, 4000)},
		{name: "no live requests, many errors", draft: side(100, 50, 0, 0, 1), want: "error rate"},
		{name: "no live requests, dear and slow", draft: side(100, 0, 0, 999_000_000, 9_000)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := DefaultGuards
			if tt.guard != nil {
				tt.guard(&g)
			}
			got := g.Breach(&RolloutStats{Live: tt.live, Draft: tt.draft})
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("Breach() = %q, want %q", got, tt.want)
			}
		})
	}
	if DefaultGuards.Window != 10*time.Minute {
		t.Errorf("the window is %v, documented as 10 minutes", DefaultGuards.Window)
	}
}

// Counts of several processes add up.
func TestRolloutStatsMerge(t *testing.T) {
	t.Parallel()
	one := RolloutStats{Compared: 2, Agreed: 1, Moves: []BacktestMove{{From: "a", To: "b", Requests: 1, CostDelta: 5, Examples: []string{"1", "2", "3"}}}}
	sum := RolloutStats{}
	sum.Merge(one)
	sum.Merge(one)
	sum.Merge(RolloutStats{Moves: []BacktestMove{{From: "b", To: "a", Requests: 1}}})
	if sum.Compared != 4 || sum.Agreed != 2 || len(sum.Moves) != 2 || sum.Moves[0].Requests != 2 || sum.Moves[0].CostDelta != 10 || len(sum.Moves[0].Examples) != BacktestExamples {
		t.Errorf("Merge() = %+v, want 4 compared, 2 agreed, and two pairs of models", sum)
	}
}
