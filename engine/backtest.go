package engine

import "time"

// BacktestQuery asks what a draft would have made of past requests.
type BacktestQuery struct {
	AccountID string // whose rules the draft is of, and whose requests are looked at; "": global, all accounts
	From, To  time.Time
	Draft     RuleDraft
	Limit     int // of requests, 1–MaxBacktest; 0: MaxBacktest
}

// Bounds of a backtest.
const (
	MaxBacktest      = 1_000_000 // requests
	BacktestMoves    = 500       // pairs of models
	BacktestExamples = 5         // requests of one pair
)

// Backtest is what a draft would have changed. Costs are nano-USD; the new ones are what the
// tokens that were used would cost at the other model.
type Backtest struct {
	Scanned   int64 // records that were looked at
	Decided   int64 // of them, those on which the draft could decide; what follows counts these
	Undecided int64 // the draft asks for a text that was not kept
	Moved     int64 // would go to another model, or be refused, or be answered now
	Refused   int64 // would get no model now; those that had none then are not in it
	Faults    int64 // rules of the draft that failed
	LimitHits int64 // would have met a limit that was reached
	BudgetHit int64 // likewise of budgets

	CostWas, CostNow       int64
	Unpriced               int64 // moved to a model whose price is not known: in neither cost
	PremiumWas, PremiumNow int64 // hundredths
	// LatencyWasMS and LatencyNowMS are means over the requests that were answered; a moved
	// one is taken to last as long as its new model's others did. Those of a model that served none are in neither.
	LatencyWasMS, LatencyNowMS float64
	LatencyUnknown             int64

	Moves []BacktestMove // most requests first
	Rules []BacktestRule // by id
	// Cut: there were more records than Limit.
	Cut bool
}

// BacktestMove is the requests that would go from one model to another.
type BacktestMove struct {
	From, To  string // catalogue ids; "": none
	Requests  int64
	CostDelta int64
	Examples  []string // request ids
}

// BacktestRule is how many requests a rule decided and would decide.
type BacktestRule struct {
	Source   string // as Decision.Source
	Was, Now int64
}
