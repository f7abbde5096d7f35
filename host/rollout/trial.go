package rollout

import (
	"slices"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// slots is in how many steps the window of a canary moves on.
const slots = 30

// trial is a rollout that runs here, and what this process has counted of it.
type trial struct {
	rollout engine.Rollout
	draft   engine.DraftRules
	*counts
}

// counts outlive a change of the rollout's share.
type counts struct {
	mu     sync.Mutex
	window time.Duration
	ring   [slots]slot // of a canary
	sums   engine.RolloutStats
	fresh  bool // something was counted since it was stored
}

// slot is one step of the window.
type slot struct {
	at          int64 // number of the step
	live, draft engine.RolloutSide
}

func newTrial(r engine.Rollout, draft engine.DraftRules) *trial {
	return &trial{rollout: r, draft: draft, counts: &counts{window: r.Guards.Window, fresh: true}}
}

// with is the trial of the rollout as it is now.
func (t *trial) with(r engine.Rollout) *trial {
	return &trial{rollout: r, draft: t.draft, counts: t.counts}
}

// takes reports whether a shadow decides on that request.
func (t *trial) takes(request string) bool {
	return engine.DrawShare(t.rollout.ID, request) < t.rollout.Share
}

// count adds a request to one side of a canary.
func (t *trial) count(d *engine.DecisionRecord, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.slot(at)
	side := &s.live
	if d.Variant == t.rollout.ID {
		side = &s.draft
	}
	side.Requests++
	side.CostNanoUSD += d.CostNanoUSD
	side.PremiumUse += d.PremiumUse
	if failed(d.Code) {
		side.Errors++
	}
	if d.Code == "" {
		side.LatencyMS.Add(d.LatencyMS)
	}
	if slices.ContainsFunc(d.Decision.Skipped, func(s engine.Skip) bool {
		return s.Reason == engine.SkipRuleFailed || s.Reason == engine.SkipRuleSuspended
	}) || d.Code == engine.CodeRuleFailed {
		side.Faults++
	}
	t.fresh = true
}

// failed reports whether the answer was an error that is not the caller's.
func failed(c engine.Code) bool {
	switch c {
	case engine.CodeUpstreamFailed, engine.CodeUpstreamTimeout, engine.CodeUpstreamTruncated, engine.CodeUpstreamOverloaded,
		engine.CodeNoTarget, engine.CodePluginFailed, engine.CodeRuleFailed, engine.CodeInternal:
		return true
	}
	return false
}

// slot is the step of that moment; the mutex is held.
func (t *trial) slot(at time.Time) *slot {
	n := at.UnixNano() / int64(max(t.window/slots, time.Millisecond))
	s := &t.ring[n%slots]
	if s.at != n {
		*s = slot{at: n}
	}
	return s
}

// compare counts what a shadow decided.
func (t *trial) compare(d *engine.DecisionRecord, now engine.Replanned, err error, c *engine.Catalogue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fresh = true
	s := &t.sums
	if err != nil {
		s.Undecided++
		return
	}
	s.Compared++
	s.Faults += int64(now.Faults)
	was := ""
	if len(d.Targets) > 0 {
		was = d.Targets[0]
	}
	cost := d.CostNanoUSD
	if now.Model != was && now.Model != "" && d.Tokens != (engine.Tokens{}) {
		price, ok := c.Charge(d.Inputs.Principal.AccountID, now.Provider, now.Upstream, d.Inputs.At, d.Tokens.Prompt)
		if ok {
			cost = price.Cost(d.Tokens) + price.Images(d.Inputs.Features.Images)
		}
	}
	s.CostWas += d.CostNanoUSD
	s.CostNow += cost
	if now.Model == was && now.Source == d.Decision.Source {
		s.Agreed++
		return
	}
	s.Merge(engine.RolloutStats{Moves: []engine.BacktestMove{{
		From: was, To: now.Model, Requests: 1, CostDelta: cost - d.CostNanoUSD, Examples: []string{d.Inputs.RequestID},
	}}})
}

func (t *trial) dropped() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sums.Dropped++
	t.fresh = true
}

// take returns what was counted, and whether that is more than at the last take.
func (t *trial) take(at time.Time) (engine.RolloutStats, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.sums
	out.Moves = nil
	for _, m := range t.sums.Moves {
		m.Examples = slices.Clone(m.Examples)
		out.Moves = append(out.Moves, m)
	}
	newest := at.UnixNano() / int64(max(t.window/slots, time.Millisecond))
	for i := range t.ring {
		if s := &t.ring[i]; s.at > newest-slots && s.at <= newest {
			out.Live.Merge(s.live)
			out.Draft.Merge(s.draft)
		}
	}
	fresh := t.fresh
	t.fresh = false
	return out, fresh
}

// again marks what was taken as not stored.
func (t *trial) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fresh = true
}
