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

// MaxReportGroups is the most groups of one report, MaxReportRows the most rows of a series.
const (
	MaxReportGroups = 10_000
	MaxReportRows   = 100_000
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
	Limit     int       // of groups, dearest first; 0: all, at most MaxReportGroups
}

// ReportRow is one group's sums over rows of the ledger. Groups without rows are not reported.
//
// A request counts once, with its first attempt, under the model that was tried first: each
// request that came as far as an attempt has exactly one of those, and which attempt will
// be the last is not known when a row is written. What it cost is counted where it was spent.
// A correction changes the cost alone, and counts as nothing else. What was spent elsewhere
// has cost, tokens and premium requests, but is no request or attempt of ours.
type ReportRow struct {
	Group       map[string]string // dimension → value; nil when GroupBy is empty
	At          time.Time         // of a series: the begin of the step
	Requests    int64             // whose first attempt this was, answered or not
	Attempts    int64
	Errors      int64 // attempts that failed, broke off or were interrupted; a caller who hung up is none
	Tokens      Tokens
	CostNanoUSD int64          // may be negative, by corrections
	PremiumUse  int64          // hundredths of a premium request
	Estimated   int64          // rows whose tokens are estimates
	Unpriced    int64          // rows whose cost is not known, and not in CostNanoUSD
	LatencyMS   LatencyBuckets // of attempts that were answered in full
	FirstByteMS LatencyBuckets // of attempts of which some content came
}
