package engine

import "time"

// Tokens are the five counters of a call. Prompt is all input: uncached, cached
// and cache writes together (OpenAI's way of counting). Counters are never negative.
type Tokens struct {
	Prompt       int64
	Cached       int64 // of Prompt
	CacheWrite   int64 // of Prompt, 5 minutes or unsaid
	CacheWrite1h int64 // of Prompt
	Completion   int64
	Reasoning    int64 // of Completion
}

// Total is all input and all output.
func (t Tokens) Total() int64 { return saturatingSum(max(t.Prompt, 0), max(t.Completion, 0)) }

// Outcome is how an attempt ended.
type Outcome string

// Outcomes.
const (
	OutcomeOK        Outcome = "ok"
	OutcomeFailed    Outcome = "failed"
	OutcomeTruncated Outcome = "truncated"
	OutcomeCanceled  Outcome = "canceled"
	// OutcomeInterrupted: the process ended while the attempt was under way.
	OutcomeInterrupted Outcome = "interrupted"
)

// UsageKind is what a row of the ledger is.
type UsageKind string

// Kinds. The zero value is an attempt.
const (
	UsageAttempt    UsageKind = ""
	UsageCorrection UsageKind = "correction" // of the row that Corrects names: a difference in cost, which may be negative
	UsageExternal   UsageKind = "external"   // spent elsewhere, and told to us
)

// Usage is the settled row of one attempt. Exactly one is written for each,
// whatever happens to it.
type Usage struct {
	AccountID   string
	ID          string // UUIDv7
	Kind        UsageKind
	Corrects    string // of a correction: the row's ID
	RequestID   string
	Attempt     int
	TeamID      string
	UserID      string
	KeyID       string
	SessionID   string
	TaskType    string // as the caller named it; may be empty
	ModelID     string // catalogue id
	ProviderID  string
	UpstreamID  string // what was called, the replacement's when one stood in
	Substituted bool
	Source      string // rule id, default, pinned, …
	Stream      bool
	Tokens      Tokens
	Estimated   bool // the provider gave no usage
	CostNanoUSD int64
	PriceFrom   time.Time // of the price that was used: which version of it; zero: none was
	PriceOf     string    // whose price it was: an account's own, or "" for the global one
	Unpriced    bool      // no price was known: the cost is not 0 but unknown
	PremiumUse  int64     // hundredths of a premium request
	Outcome     Outcome
	Status      int // of the provider; 0 when it gave none
	Code        Code
	Simulated   bool
	StartedAt   time.Time
	LatencyMS   int64
	FirstByteMS int64 // 0: none came
	Images      int64 // of the input
}

// Ledger takes settled rows.
type Ledger interface {
	// Record keeps the row. It never blocks on the database and never drops a row
	// while the process lives. Safe for concurrent use.
	Record(u Usage)
}
