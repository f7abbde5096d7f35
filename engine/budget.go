package engine

import (
	"context"
	"time"
)

// BudgetPeriod is the window over which a budget counts. Calendar windows begin in UTC.
type BudgetPeriod string

// Periods.
const (
	PeriodDay        BudgetPeriod = "day"
	PeriodWeek       BudgetPeriod = "week" // from Monday
	PeriodMonth      BudgetPeriod = "month"
	PeriodRollingDay BudgetPeriod = "rolling_24h" // in steps of an hour
	PeriodRolling30  BudgetPeriod = "rolling_30d" // in steps of a day
)

// Budget bounds what one tenant, key or model may spend in a period.
type Budget struct {
	AccountID string // never empty
	ID        string // a slug, unique in its account
	Name      string
	// Whom it is for: the account when all are empty; else what matches every one that is set.
	TeamID  string
	UserID  string
	KeyID   string
	ModelID string // catalogue id
	Period  BudgetPeriod
	NanoUSD int64 // ≥ 0; tokens, of a TokenBudget
	// Hard: what would go beyond it is refused before it begins, and a stream that does
	// ends with an error. Soft budgets only tell.
	Hard       bool
	Thresholds []Threshold
	Enabled    bool
	// LeastRole is the least role that may change it: that of who wrote it first.
	LeastRole Role
	UpdatedBy string // the user who wrote it last, as "account/user"
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Bounds of a budget.
const (
	// MaxBudgetNanoUSD is a billion dollars.
	MaxBudgetNanoUSD = 1_000_000_000_000_000_000
	// MaxBudgets is how many budgets one account may have.
	MaxBudgets = 1_000
	// MaxThresholds is how many a budget may have.
	MaxThresholds = 16
	// PreferenceBudget is the id of the budget that the bound on an account's cost per day
	// stands for; "preference/team/…" and "preference/user/…" are those of its tenants.
	PreferenceBudget = "preference"
	// TokenBudget is likewise that of the bound on an account's tokens per day. It is counted
	// in tokens, by a guard of its own.
	TokenBudget = "max_tokens_per_day"
)

// BudgetState is what has become of a budget in the window that is now.
type BudgetState struct {
	SpentNanoUSD int64
	HeldNanoUSD  int64 // for what is under way, and by replicas for what may come
	LeftNanoUSD  int64 // of the amount, beside what is spent and held; never negative
	// ProjectedNanoUSD is what the window's spending comes to at its end at this rate.
	ProjectedNanoUSD int64
	From             time.Time // since when spending counts
	ResetsAt         time.Time // of a rolling window: when some of it next ceases to count
	Stopped          bool      // a threshold refuses what would be spent
	PreferCheaper    bool      // a threshold prefers cost
}

// BudgetAlert is a threshold that was reached.
type BudgetAlert struct {
	AccountID   string
	BudgetID    string
	TeamID      string // whom the budget was for
	UserID      string
	KeyID       string
	ModelID     string
	WindowStart time.Time
	Threshold   Threshold
	NanoUSD     int64 // the amount then
	Spent       int64 // what was spent, or projected, of it
	FiredAt     time.Time
}

// Threshold is what happens when a part of a budget is used, once in each window.
type Threshold struct {
	Percent   int      `json:"percent"`             // 1–1,000 of the budget
	Projected bool     `json:"projected,omitempty"` // of what the window's spending comes to at its end at this rate
	Actions   []string `json:"actions"`             // of the Action constants
}

// Actions of a threshold.
const (
	ActionEvent         = "event"          // on /api/v1/events
	ActionWebhook       = "webhook"        // to the account's webhooks that take budget events
	ActionPreferCheaper = "prefer_cheaper" // cost is preferred until the window ends
	ActionStop          = "stop"           // refuse until the window ends
)

// Spent is what an attempt comes to, in what budgets are of.
type Spent struct {
	NanoUSD int64
	Tokens  int64 // of input and output together
}

// Spending is what the pipeline asks of the cost service. Safe for concurrent use; nothing
// in it waits for the database, except where a budget's rest is so small that it must be
// asked exactly.
type Spending interface {
	// Reserve holds the most that an attempt may cost against every budget that applies, and
	// writes it down, before any byte goes out. u has everything that is known of the attempt;
	// u.ID names the reservation and later its settled row; u itself is not kept.
	// Errors: CodeBudgetExceeded naming the budget, with After until its reset; CodeNoTarget
	// with status 503 when the reservation cannot be written down.
	Reserve(ctx context.Context, u *Usage, worst Spent) (Hold, error)
	// Left is what the tightest hard budget of the principal leaves, for rules and plugins.
	Left(p Principal) BudgetLeft
}

// Hold is one reservation. Used by one goroutine; Settle ends it.
type Hold interface {
	// Spent reports what a stream has come to so far. The error, CodeBudgetExceeded, ends it: a
	// hard budget is used up.
	Spent(soFar Spent) error
	// Settle puts the true row in the reservation's place. It must be called exactly once,
	// whatever happened.
	Settle(u Usage)
}

// BudgetLeft is how much may still be spent. The zero value: no budget bounds it.
type BudgetLeft struct {
	Bounded       bool    // a hard budget applies
	NanoUSD       int64   // what the tightest of them leaves
	Fraction      float64 // of that budget, 0–1
	PreferCheaper bool    // a threshold of any budget asks for it
}
