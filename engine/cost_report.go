package engine

import (
	"math"
	"math/big"
	"time"
)

// GrainMonth is a step of cost reports alone: calendar months in UTC, put together from days.
const GrainMonth Grain = "month"

// SourceExternal is the Source of what was spent elsewhere: no rule has this id.
const SourceExternal = "external"

// Kept is how long rollups of that grain are kept; 0: for ever.
func (g Grain) Kept() time.Duration {
	switch g {
	case GrainMinute:
		return 8 * 24 * time.Hour
	case GrainHour:
		return 100 * 24 * time.Hour
	}
	return 0
}

// CostFilter says which rows of the ledger are meant. Empty members do not narrow, but for
// what the caller may see: AccountID "" is its own account, for a super admin's sums all of them.
type CostFilter struct {
	AccountID string
	TeamID    string
	UserID    string
	KeyID     string
	ModelID   string
}

// CostQuery asks for sums.
type CostQuery struct {
	CostFilter
	From, To time.Time // zero To: now; zero From: 30 days before To; taken outwards to whole steps
	Grain    Grain     // "": chosen by the range
	GroupBy  []string  // of the Dim constants, none twice
	Series   bool      // sums of each step, too
	Limit    int       // of groups, dearest first; 0: all, at most MaxReportGroups
	// SessionID narrows lists of rows. Sums do not know sessions.
	SessionID string
}

// CostReport is what was asked for.
type CostReport struct {
	AccountID string    // "": all accounts
	From, To  time.Time // in effect
	Grain     Grain     // in effect
	Total     ReportRow // also of groups that are not among Rows
	Rows      []ReportRow
	More      bool // there are groups that are not among Rows
}

// ProjectionDays is how many full days a projection is made from.
const ProjectionDays = 7

// CostProjection is what a calendar month, in UTC, will have cost at its end.
type CostProjection struct {
	AccountID        string // "": all accounts
	From, To         time.Time
	SpentNanoUSD     int64 // From until now
	Days             int   // full days that the mean is of, at most ProjectionDays
	MeanNanoUSD      int64 // of a day
	Left             time.Duration
	ProjectedNanoUSD int64 // SpentNanoUSD + MeanNanoUSD × Left
}

// CostSavings compares what was spent with what the same tokens would have cost at one model.
type CostSavings struct {
	AccountID string
	From, To  time.Time
	Grain     Grain
	ModelID   string // compared with
	Total     CostSaving
	Models    []CostSaving // by what they spent, dearest first
}

// CostSaving is the comparison for one model, or for all of them.
type CostSaving struct {
	ModelID      string
	Requests     int64
	Tokens       Tokens
	SpentNanoUSD int64
	WouldNanoUSD int64
	Unpriced     int64 // rows whose cost is not known and counts as 0 in SpentNanoUSD
	// Unlike: the tokens cannot be compared, as of embeddings and of a chat. Then WouldNanoUSD is SpentNanoUSD.
	Unlike bool
}

// Add counts a row of a report, and what its tokens would have cost.
func (s *CostSaving) Add(row *ReportRow, wouldNanoUSD int64) {
	s.Requests = saturatingSum(s.Requests, row.Requests)
	s.Tokens.add(row.Tokens)
	s.SpentNanoUSD = saturatingSum(s.SpentNanoUSD, row.CostNanoUSD)
	s.WouldNanoUSD = saturatingSum(s.WouldNanoUSD, wouldNanoUSD)
	s.Unpriced = saturatingSum(s.Unpriced, row.Unpriced)
}

// SavedNanoUSD is negative for what was dearer.
func (s *CostSaving) SavedNanoUSD() int64 {
	return saturatingSum(s.WouldNanoUSD, -max(s.SpentNanoUSD, -math.MaxInt64))
}

// Spend is what was spent elsewhere, to be written down beside our own.
type Spend struct {
	CostFilter         // whose it is, and of which model, which the catalogue need not know
	ID          string // the client's name for it, unique in its account
	ProviderID  string
	TaskType    string
	Tokens      Tokens
	CostNanoUSD int64
	PremiumUse  int64 // hundredths of a premium request
	At          time.Time
}

// MaxSpendNanoUSD is the most that one Spend may be: a million dollars.
const MaxSpendNanoUSD = 1_000_000 * 1_000_000_000

// UsageTotals are the sums of a day, in UTC, as they are now.
type UsageTotals struct {
	Day    time.Time
	Total  UsageSums
	Models map[string]UsageSums // by catalogue id; "" also stands for models beyond the first few hundred
}

// UsageSums are what is counted live. See ReportRow for what counts as what.
type UsageSums struct {
	Requests    int64
	Attempts    int64
	Errors      int64
	Prompt      int64 // tokens
	Completion  int64 // tokens
	CostNanoUSD int64
	PremiumUse  int64 // hundredths of a premium request
}

// Add adds other to s.
func (s *UsageSums) Add(other UsageSums) {
	for _, sum := range [...][2]*int64{
		{&s.Requests, &other.Requests}, {&s.Attempts, &other.Attempts}, {&s.Errors, &other.Errors}, {&s.Prompt, &other.Prompt},
		{&s.Completion, &other.Completion}, {&s.CostNanoUSD, &other.CostNanoUSD}, {&s.PremiumUse, &other.PremiumUse},
	} {
		*sum[0] = saturatingSum(*sum[0], *sum[1])
	}
}

// Live returns the sums that are counted live.
func (r *ReportRow) Live() UsageSums {
	return UsageSums{r.Requests, r.Attempts, r.Errors, r.Tokens.Prompt, r.Tokens.Completion, r.CostNanoUSD, r.PremiumUse}
}

// PerThousandRequests is what a thousand requests cost on the average, in nano-USD, cut to a
// whole number; ok is false without requests.
func (r *ReportRow) PerThousandRequests() (nanoUSD int64, ok bool) {
	if r.Requests <= 0 {
		return 0, false
	}
	v := new(big.Int).Mul(big.NewInt(r.CostNanoUSD), big.NewInt(1000))
	if v.Quo(v, big.NewInt(r.Requests)); !v.IsInt64() {
		return 0, false
	}
	return v.Int64(), true
}
