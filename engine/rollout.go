package engine

import (
	"context"
	"slices"
	"time"
)

// RolloutKind is how a draft is tried on live traffic.
type RolloutKind string

// Kinds.
const (
	RolloutShadow RolloutKind = "shadow" // it decides beside the live rules, and nothing comes of it
	RolloutCanary RolloutKind = "canary" // it decides a share of the requests
)

// RolloutStatus is where a rollout stands.
type RolloutStatus string

// Statuses.
const (
	RolloutRunning    RolloutStatus = "running"
	RolloutPromoted   RolloutStatus = "promoted"    // its draft is live
	RolloutStopped    RolloutStatus = "stopped"     // by somebody
	RolloutRolledBack RolloutStatus = "rolled_back" // by its guards
)

// Bounds of rollouts.
const (
	MaxRolloutNote = 512 // bytes
)

// Rollout tries a draft on an account's traffic. An account has at most one of each kind that runs.
type Rollout struct {
	AccountID string // whose rules the draft is of; "": the global ones, on everybody's traffic
	ID        string // UUIDv7
	Kind      RolloutKind
	Status    RolloutStatus
	Draft     RuleDraft
	Base      int64 // version of the rule set that the draft was made from
	Share     int   // 1–WholeShare basis points: of sessions, and of requests that belong to none
	Guards    RolloutGuards
	Note      string
	Reason    string // why it ended; "" while it runs
	By        string // "account/user" of who began it
	CreatedAt time.Time
	UpdatedAt time.Time
	EndedAt   time.Time // zero while it runs
}

// RolloutGuards are what a canary may do worse than the live rules. What is beyond one of
// them ends it.
type RolloutGuards struct {
	MinRequests  int64         // of each side before they are compared; default 50
	ErrorRate    float64       // above the live one's, 0–1; default 0.05
	FaultRate    float64       // of decisions in which a rule failed, above the live one's, 0–1; default 0.01
	CostRatio    float64       // mean cost of a request to the live one's; default 1.5, 0: any
	LatencyRatio float64       // p95 to the live one's; default 2, 0: any
	Window       time.Duration // of the requests that are compared; default 10 min
}

// DefaultGuards are those of a canary for which nothing else is said.
var DefaultGuards = RolloutGuards{MinRequests: 50, ErrorRate: 0.05, FaultRate: 0.01, CostRatio: 1.5, LatencyRatio: 2, Window: 10 * time.Minute}

// RolloutSide is one side of a canary within the window.
type RolloutSide struct {
	Requests    int64          `json:"requests"`
	Errors      int64          `json:"errors"` // answered with a 5xx
	Faults      int64          `json:"faults"` // a rule failed
	CostNanoUSD int64          `json:"cost_nano_usd"`
	PremiumUse  int64          `json:"premium_centi"`
	LatencyMS   LatencyBuckets `json:"latency_ms"` // of answered requests
}

// RolloutStats are what a rollout has shown: of a canary Live and Draft, of a shadow the rest.
type RolloutStats struct {
	Live      RolloutSide    `json:"live"`
	Draft     RolloutSide    `json:"draft"`
	Compared  int64          `json:"compared"` // requests on which both decided
	Agreed    int64          `json:"agreed"`   // first model and source are the same
	Faults    int64          `json:"faults"`   // rules of the draft that failed
	Undecided int64          `json:"undecided"`
	Dropped   int64          `json:"dropped"` // not compared: there was too much to do
	CostWas   int64          `json:"cost_was"`
	CostNow   int64          `json:"cost_now"`
	Moves     []BacktestMove `json:"moves"`
}

// RolloutStore keeps rollouts. Creating and updating raises the revision; statistics do not.
type RolloutStore interface {
	// ListRollouts returns those that run, of every account, by account, then id.
	ListRollouts(ctx context.Context) ([]Rollout, error)
	// PageRollouts returns rollouts of the account, newest id first, those below before ("": from
	// the newest), at most limit (1–1,000).
	PageRollouts(ctx context.Context, accountID, before string, limit int) ([]Rollout, error)
	GetRollout(ctx context.Context, accountID, id string) (Rollout, error)
	// CreateRollout is ErrConflict while another of that account and kind runs.
	CreateRollout(ctx context.Context, r Rollout) error
	// UpdateRollout replaces Status, Share, Reason, UpdatedAt and EndedAt. ErrConflict when the
	// stored UpdatedAt is no longer was.
	UpdateRollout(ctx context.Context, r Rollout, was time.Time) error
	// PutRolloutStats replaces what that process (a random name) has counted.
	PutRolloutStats(ctx context.Context, accountID, id, process string, at time.Time, s RolloutStats) error
	// RolloutStats returns what every process has counted since that time.
	RolloutStats(ctx context.Context, accountID, id string, since time.Time) ([]RolloutStats, error)
}

// Kinds of notices of rollouts.
const (
	NoticeRolloutStarted    = "rollout.started"
	NoticeRolloutChanged    = "rollout.changed" // its share
	NoticeRolloutPromoted   = "rollout.promoted"
	NoticeRolloutStopped    = "rollout.stopped"
	NoticeRolloutRolledBack = "rollout.rolled_back"
)

// Merge adds what other counts.
func (s *RolloutSide) Merge(other RolloutSide) {
	for _, sum := range [...][2]*int64{
		{&s.Requests, &other.Requests}, {&s.Errors, &other.Errors}, {&s.Faults, &other.Faults},
		{&s.CostNanoUSD, &other.CostNanoUSD}, {&s.PremiumUse, &other.PremiumUse},
	} {
		*sum[0] = saturatingSum(*sum[0], *sum[1])
	}
	s.LatencyMS.Merge(other.LatencyMS)
}

// Merge adds what other counts. Of its moves those between pairs of models that s has are added up.
func (s *RolloutStats) Merge(other RolloutStats) {
	s.Live.Merge(other.Live)
	s.Draft.Merge(other.Draft)
	for _, sum := range [...][2]*int64{
		{&s.Compared, &other.Compared}, {&s.Agreed, &other.Agreed}, {&s.Faults, &other.Faults}, {&s.Undecided, &other.Undecided},
		{&s.Dropped, &other.Dropped}, {&s.CostWas, &other.CostWas}, {&s.CostNow, &other.CostNow},
	} {
		*sum[0] = saturatingSum(*sum[0], *sum[1])
	}
	for _, m := range other.Moves {
		s.move(m)
	}
}

func (s *RolloutStats) move(m BacktestMove) {
	for i := range s.Moves {
		have := &s.Moves[i]
		if have.From == m.From && have.To == m.To {
			have.Requests = saturatingSum(have.Requests, m.Requests)
			have.CostDelta = saturatingSum(have.CostDelta, m.CostDelta)
			have.Examples = append(have.Examples, m.Examples...)
			have.Examples = have.Examples[:min(len(have.Examples), BacktestExamples)]
			return
		}
	}
	if len(s.Moves) < BacktestMoves {
		m.Examples = slices.Clone(m.Examples)
		s.Moves = append(s.Moves, m)
	}
}

// Breach says which guard the statistics are beyond; "" while none is.
func (g RolloutGuards) Breach(s *RolloutStats) string {
	draft, live := &s.Draft, &s.Live
	if draft.Requests < max(g.MinRequests, 1) {
		return ""
	}
	// Without enough live requests to compare with, the draft is measured against none that went wrong.
	compared := live.Requests >= max(g.MinRequests, 1)
	rate := func(n, of int64) float64 {
		if of == 0 {
			return 0
		}
		return float64(n) / float64(of)
	}
	liveRate := func(n int64) float64 {
		if !compared {
			return 0
		}
		return rate(n, live.Requests)
	}
	if r, l := rate(draft.Faults, draft.Requests), liveRate(live.Faults); r > l+g.FaultRate {
		return "fault rate " + percent(r) + ", live " + percent(l)
	}
	if r, l := rate(draft.Errors, draft.Requests), liveRate(live.Errors); r > l+g.ErrorRate {
		return "error rate " + percent(r) + ", live " + percent(l)
	}
	if !compared {
		return ""
	}
	if c, l := rate(draft.CostNanoUSD, draft.Requests), rate(live.CostNanoUSD, live.Requests); g.CostRatio > 0 && l > 0 && c > l*g.CostRatio {
		return "cost of a request " + FormatUSD(int64(c)) + " USD, live " + FormatUSD(int64(l)) + " USD"
	}
	if c, l := draft.LatencyMS.Quantile(0.95), live.LatencyMS.Quantile(0.95); g.LatencyRatio > 0 && l > 0 && c > l*g.LatencyRatio {
		return "p95 latency " + itoa(int64(c)) + " ms, live " + itoa(int64(l)) + " ms"
	}
	return ""
}

func percent(r float64) string { return itoa(int64(r*100+0.5)) + " %" }
