package engine

import (
	"strconv"
	"time"
)

// FailurePolicy says what becomes of a request whose rule broke.
type FailurePolicy string

// Policies. The zero value counts as FailureSkip.
const (
	FailureSkip   FailurePolicy = "skip"   // go on with the next rule
	FailureRefuse FailurePolicy = "refuse" // answer 503
)

// Bounds of a rule.
const (
	DefaultPriority = 50
	MaxPriority     = 10_000
	MaxRuleSource   = 8 << 10 // bytes of When
)

// Rule sends the requests that it matches to its target. Exactly one of When and
// Plugin is set. AccountID is empty for a global rule.
type Rule struct {
	AccountID        string
	ID               string // a slug, as "screenshot-analysis"; unique in its account
	Name             string
	Description      string
	Priority         int    // 0–10,000, higher first
	When             string // expr source, boolean
	Plugin           string // plugin name, or name@version
	Config           []byte // JSON for the plugin; nil: {}
	Target           string // model id
	Fallbacks        []string
	Only             bool // true: the default handler's models are not appended
	OnFailure        FailurePolicy
	ContinueAfterCut bool
	Enabled          bool
	System           bool // seeded; may be disabled or shadowed, never deleted
	TeamID           string
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

// Band is the priority band that the dashboard colours a rule by.
func (r Rule) Band() string {
	switch {
	case r.Priority >= 95:
		return "critical"
	case r.Priority >= 90:
		return "high"
	case r.Priority >= 85:
		return "medium"
	}
	return "low"
}

// SourceError is a rule text that does not compile: where and why.
// Line and Column count from 1; Column counts code points. Snippet is the line
// with a caret line below it.
type SourceError struct {
	Line    int
	Column  int
	Message string
	Snippet string
}

// Error returns "line:column: message".
func (e *SourceError) Error() string {
	return strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column) + ": " + e.Message
}
