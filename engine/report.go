package engine

import "time"

// Grain is the step of a report.
type Grain string

// Grains. Finer ones are kept for a shorter time.
const (
	GrainMinute Grain = "minute"
	GrainHour   Grain = "hour"
	GrainDay    Grain = "day"
)

// Dimensions that a report can be grouped by and filtered on.
const (
	DimModel    = "model"
	DimFamily   = "family" // of the model, by today's catalogue
	DimProvider = "provider"
	DimAccount  = "account" // for the super admin
	DimTeam     = "team"
	DimUser     = "user"
	DimKey      = "key"
	DimRule     = "rule"
	DimTask     = "task"
)

// ReportQuery asks for sums over the ledger. They come from rollups that are kept as rows
// arrive: no report scans rows.
type ReportQuery struct {
	AccountID string // "": all accounts
	TeamID    string // narrows; empty: any
	UserID    string
	KeyID     string
	ModelID   string
	From, To  time.Time // From ≤ t < To, at whole steps of the grain
	Grain     Grain     // the rollup that is read
	GroupBy   []string  // of the Dim constants but DimFamily
	Series    bool      // one row for each step, too
	Limit     int       // of groups, dearest first; 0: all, at most 10,000
}

// ReportRow is one group's sums.
type ReportRow struct {
	Group       map[string]string // dimension → value
	At          time.Time         // of a series
	Requests    int64             // whose last attempt this was, answered or not
	Attempts    int64
	Errors      int64 // attempts that failed
	Tokens      Tokens
	CostNanoUSD int64
	PremiumUse  int64 // hundredths of a premium request
	Estimated   int64 // rows whose tokens are estimates
	Unpriced    int64
	LatencyMS   LatencyBuckets
	FirstByteMS LatencyBuckets
}

// LatencyBuckets counts durations in buckets that grow by a half: bucket 0 is below 1 ms,
// bucket i ends at 1.5^i ms. Sums of them are exact; a quantile is within a bucket.
type LatencyBuckets [32]int64
