package engine

import (
	"context"
	"time"
)

// DecisionRow is a decision as it is stored: what lists are narrowed by, and everything else in
// Data. EncodeDecision makes one, Decode reads it.
type DecisionRow struct {
	AccountID   string
	RequestID   string // callers may choose it, so that an account may have several of one
	At          time.Time
	TeamID      string
	UserID      string
	KeyID       string
	SessionID   string
	Source      string // rule id, or a Source constant
	Model       string // catalogue id that served; "": none
	Provider    string
	Code        Code   // "": answered
	Variant     string // id of the rollout whose draft decided
	CostNanoUSD int64
	Data        []byte
}

// DecisionFilter narrows decisions of one account. Empty members are any.
type DecisionFilter struct {
	AccountID string
	TeamID    string
	UserID    string
	KeyID     string
	SessionID string
	Source    string
	Model     string
	Code      Code
	Answered  bool // only those without a Code
	Variant   string
	From, To  time.Time // From ≤ At < To
}

// DecisionMark is a place in a list of decisions. The zero value is before the newest.
type DecisionMark struct {
	At        time.Time
	RequestID string
}

// MaxDecisionsLooked is how many decisions are looked at for one page of those that are meant.
const MaxDecisionsLooked = 20_000

// DecisionStore keeps decisions. It does not raise the revision.
type DecisionStore interface {
	// AddDecisions stores rows in one transaction; one that is stored already (same account,
	// request and At) or comes twice is left as it is. Text that no database keeps is cleaned.
	AddDecisions(ctx context.Context, rows []DecisionRow) error
	// GetDecision returns the newest decision of a request that the filter means; its times do
	// not count. ErrNotFound when there is none.
	GetDecision(ctx context.Context, f DecisionFilter, requestID string) (DecisionRow, error)
	// PageDecisions returns at most limit rows (1–1,000) after that place, newest first (At, then
	// request), and where to go on, zero at the end. At most MaxDecisionsLooked rows are looked
	// at, so that a page may be short, even empty, and not be the last.
	PageDecisions(ctx context.Context, f DecisionFilter, after DecisionMark, limit int) (rows []DecisionRow, next DecisionMark, err error)
	// ScanDecisions calls each with the decisions in [from, to) of an account, or of every one
	// (""), account by account, oldest first, some at a time; each may keep them. It ends at the
	// first error, which it returns. No transaction is open meanwhile.
	ScanDecisions(ctx context.Context, accountID string, from, to time.Time, each func([]DecisionRow) error) error
	// DeleteDecisionsBefore forgets the decisions that were made before that time, of the
	// accounts that are named before their own. Postgres may keep what is older than all of
	// them until its day, UTC, has ended.
	DeleteDecisionsBefore(ctx context.Context, before time.Time, accounts map[string]time.Time) error
}

// Bounds of DecisionSettings.
const (
	WholeShare           = 10_000 // of DecisionSettings.Share
	DefaultDecisionDays  = 14
	MaxDecisionDays      = 90
	DefaultDecisionShare = WholeShare
)

// DecisionSettings say what is recorded of an account's decisions, and for how long. They hold
// for an account, or (AccountID "") for those that have none of their own.
type DecisionSettings struct {
	AccountID string
	Share     int  // hundredths of a percent of all requests: 0–WholeShare
	Text      bool // keep what people wrote as well, where their policy lets it be kept
	Days      int  // 1–MaxDecisionDays
	UpdatedBy string
	UpdatedAt time.Time
}

// DecisionSettingStore keeps settings of decisions. Writes raise the revision and are audited.
type DecisionSettingStore interface {
	// ListDecisionSettings returns all of them, by account.
	ListDecisionSettings(ctx context.Context) ([]DecisionSettings, error)
	// PutDecisionSettings inserts or replaces an account's.
	PutDecisionSettings(ctx context.Context, s DecisionSettings) error
	// DeleteDecisionSettings deletes an account's; it is no error when there are none.
	DeleteDecisionSettings(ctx context.Context, accountID string) error
}

// RecordedDecision is one decision with what belongs to it.
type RecordedDecision struct {
	DecisionRecord
	Usage []Usage // rows of its attempts, the first one first
	// Retold is the rules' part, as far as they could be asked again; RetoldErr says why not.
	Retold    RetoldDecision
	RetoldErr error
}

// RetoldDecision is what the rules of then made of a recorded request.
type RetoldDecision struct {
	Rules   []RuleStep // in order
	Digests RuleSetDigests
	Rollout *Rollout // whose draft decided; nil: the rules that were in force did
}

// RuleSetDigests are those of the versions in RuleSetRef: RuleSet.Digest; "" where the version is 0.
type RuleSetDigests struct{ Global, Account string }

// DecisionStats are what became of records in this process.
type DecisionStats struct {
	Written int64
	Dropped int64 // there was no room for them, or the store does not take them
	Waiting int64 // bytes
}
