package backtest

import (
	"cmp"
	"slices"

	"github.com/pointsman/pointsman/engine"
)

// tally adds up what would have changed.
type tally struct {
	engine.Backtest
	moves  map[pair]*engine.BacktestMove
	rules  map[string]*engine.BacktestRule
	served map[string]*mean // answered requests by the model that served them
	unmove mean             // answered requests that stay
	moved  map[string]*mean // answered requests by the model that they would go to: their latencies of then
}

type pair struct{ from, to string }

// mean is a sum of milliseconds over so many requests.
type mean struct {
	n   int64
	sum float64
}

func (m *mean) add(ms int64) {
	m.n++
	m.sum += float64(ms)
}

func newTally() *tally {
	return &tally{
		moves: map[pair]*engine.BacktestMove{}, rules: map[string]*engine.BacktestRule{},
		served: map[string]*mean{}, moved: map[string]*mean{},
	}
}

// at is the value of that key, made when there is none.
func at[K comparable, V any](m map[K]*V, k K) *V {
	v := m[k]
	if v == nil {
		v = new(V)
		m[k] = v
	}
	return v
}

// add counts a request on which the draft decided.
func (t *tally) add(c *engine.Catalogue, d *engine.DecisionRecord, now engine.Replanned) {
	t.Decided++
	t.Faults += int64(now.Faults)
	t.LimitHits += count(now.Limited)
	t.BudgetHit += count(now.Broke)
	at(t.rules, d.Decision.Source).Was++
	at(t.rules, now.Source).Now++
	was := first(d)
	answered := d.Code == ""
	if answered {
		at(t.served, d.Served).add(d.LatencyMS)
	}
	t.CostWas += d.CostNanoUSD
	t.PremiumWas += d.PremiumUse
	if now.Model == was {
		t.CostNow += d.CostNanoUSD
		t.PremiumNow += d.PremiumUse
		if answered {
			t.unmove.add(d.LatencyMS)
		}
		return
	}
	t.Moved++
	t.Refused += count(now.Model == "")
	delta := t.cost(c, d, now)
	if d.PremiumUse > 0 || answered {
		t.PremiumNow += now.Premium
	}
	if answered && now.Model != "" {
		at(t.moved, now.Model).add(d.LatencyMS)
	}
	m := t.moves[pair{was, now.Model}]
	if m == nil {
		m = &engine.BacktestMove{From: was, To: now.Model}
		t.moves[pair{was, now.Model}] = m
	}
	m.Requests++
	m.CostDelta += delta
	if len(m.Examples) < engine.BacktestExamples {
		m.Examples = append(m.Examples, d.Inputs.RequestID)
	}
}

// cost adds what a moved request would cost, and returns the difference.
func (t *tally) cost(c *engine.Catalogue, d *engine.DecisionRecord, now engine.Replanned) (delta int64) {
	if now.Model == "" || d.Tokens == (engine.Tokens{}) {
		// Refused requests cost nothing; of what was never answered nothing can be told.
		if now.Model == "" {
			return -d.CostNanoUSD
		}
		t.CostNow += d.CostNanoUSD
		return 0
	}
	in := &d.Inputs
	price, ok := c.Charge(in.Principal.AccountID, now.Provider, now.Upstream, in.At, d.Tokens.Prompt)
	if !ok {
		t.Unpriced++
		t.CostWas -= d.CostNanoUSD
		return 0
	}
	cost := price.Cost(d.Tokens) + price.Images(in.Features.Images)
	t.CostNow += cost
	return cost - d.CostNanoUSD
}

// first is the model that was asked first.
func first(d *engine.DecisionRecord) string {
	down := ""
	for _, id := range d.Targets {
		at := slices.IndexFunc(d.Skips, func(s engine.Skip) bool { return s.What == id && s.Reason != engine.SkipFailed })
		if at < 0 {
			return id
		}
		if down == "" && d.Skips[at].Reason == engine.SkipDown {
			down = id
		}
	}
	return down
}

func count(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// report is the tally as it is told.
func (t *tally) report() engine.Backtest {
	out := t.Backtest
	was, now := t.unmove, t.unmove
	for to, then := range t.moved {
		served := t.served[to]
		if served == nil {
			out.LatencyUnknown += then.n
			continue
		}
		was.n, was.sum = was.n+then.n, was.sum+then.sum
		now.n, now.sum = now.n+then.n, now.sum+float64(then.n)*served.sum/float64(served.n)
	}
	if was.n > 0 {
		out.LatencyWasMS, out.LatencyNowMS = was.sum/float64(was.n), now.sum/float64(now.n)
	}
	for _, m := range t.moves {
		out.Moves = append(out.Moves, *m)
	}
	slices.SortFunc(out.Moves, func(a, b engine.BacktestMove) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	out.Moves = out.Moves[:min(len(out.Moves), engine.BacktestMoves)]
	for source, r := range t.rules {
		r.Source = source
		out.Rules = append(out.Rules, *r)
	}
	slices.SortFunc(out.Rules, func(a, b engine.BacktestRule) int { return cmp.Compare(a.Source, b.Source) })
	return out
}
