package engine

import (
	"context"
	"time"
)

// BudgetStore keeps budgets. Writes raise the revision and are audited, as every
// configuration write is.
type BudgetStore interface {
	// ListBudgets returns all of them, by account, then id.
	ListBudgets(ctx context.Context) ([]Budget, error)
	GetBudget(ctx context.Context, accountID, id string) (Budget, error)
	CreateBudget(ctx context.Context, b Budget) error
	// UpdateBudget replaces every column but the key and CreatedAt.
	// ErrConflict when the stored UpdatedAt is no longer was (zero: do not check). What was
	// counted is forgotten, to be taken from the ledger anew, when it counts something else
	// from now on: another tenant or period, or again after it was disabled.
	UpdateBudget(ctx context.Context, b Budget, was time.Time) error
	// DeleteBudget deletes it with what was counted; alerts stay.
	DeleteBudget(ctx context.Context, accountID, id string) error
}

// MaxUsageLooked is how many rows are looked at for one page of those that are meant.
const MaxUsageLooked = 20_000

// UsageQuery asks for rows of one account.
type UsageQuery struct {
	AccountID string
	TeamID    string // narrows; empty: any
	UserID    string
	KeyID     string
	SessionID string
	ModelID   string
	From, To  time.Time // From ≤ t < To, by when the attempt began
	After     string    // what the page before named; "": from the newest on
	Limit     int       // 1–1,000
}

// Narrow reports whether not every row of the account is meant.
func (q *UsageQuery) Narrow() bool {
	return q.TeamID != "" || q.UserID != "" || q.KeyID != "" || q.SessionID != "" || q.ModelID != ""
}

// UsageRecount is what came of comparing sums with their rows.
type UsageRecount struct {
	Rows     int64 // that were summed again
	Sums     int64 // that there should be
	Repaired int64 // sums that were kept otherwise
}

// ReportStore reads the rollups of the ledger, which AddUsage keeps up to date in the
// transaction that adds the rows.
type ReportStore interface {
	// Report returns groups, dearest first, or with Series by time, then dearest.
	Report(ctx context.Context, q ReportQuery) ([]ReportRow, error)
	// PageUsage returns rows, newest first, and where to go on, "" at the end. An After that
	// is not there is of a row that was forgotten: nothing is older. Where members narrow, at
	// most MaxUsageLooked rows are looked at, so that a page may be short, even empty, and not
	// be the last.
	PageUsage(ctx context.Context, q UsageQuery) (rows []Usage, next string, err error)
	// PostUsage is AddUsage, and returns the rows that were not there before, as they are
	// stored.
	PostUsage(ctx context.Context, rows []Usage) (added []Usage, err error)
	// RecountUsage sums the rows of a day, in UTC, again, compares that with the sums that are
	// kept of the grains, all as of one moment, and writes what differs. Other writers need
	// not wait. It is for days of which no row was forgotten.
	RecountUsage(ctx context.Context, day time.Time, grains []Grain) (UsageRecount, error)
	// DropUsage forgets rows that began before that time, and rollups of a grain that are
	// older than it keeps. Postgres forgets rows by whole days, UTC: the last one goes when it
	// has ended before that time. Rollups are as new as the time of their step's begin.
	DropUsage(ctx context.Context, rows time.Time, rollups map[Grain]time.Time) error
}

// WebhookStore keeps webhooks and their deliveries. Writes of webhooks raise the revision and
// are audited, as every configuration write is; those of deliveries do neither.
type WebhookStore interface {
	// ListWebhooks returns all of them, by account, then id.
	ListWebhooks(ctx context.Context) ([]Webhook, error)
	CreateWebhook(ctx context.Context, w Webhook) error
	// UpdateWebhook replaces every column but the key and CreatedAt.
	// ErrConflict when the stored UpdatedAt is no longer was (zero: do not check).
	UpdateWebhook(ctx context.Context, w Webhook, was time.Time) error
	// DeleteWebhook deletes it with its deliveries.
	DeleteWebhook(ctx context.Context, accountID, id string) error
	// AddDeliveries stores new ones, in one transaction, and returns how many; one whose id
	// exists is left as it is. Those of a webhook that is gone, or that has MaxPending already,
	// are left out.
	AddDeliveries(ctx context.Context, deliveries []Delivery) (added int64, err error)
	// DueDeliveries takes at most limit of enabled webhooks whose NextAt has come, oldest
	// first, and counts a try of each: nobody else gets them before until. Of one webhook at
	// most DeliveriesAtOnce are taken at once, and every webhook has its first before any has
	// its second.
	DueDeliveries(ctx context.Context, now, until time.Time, limit int) ([]Delivery, error)
	// SaveDelivery writes what became of a try. ErrConflict when somebody has taken it since.
	SaveDelivery(ctx context.Context, d Delivery) error
	// RetryDelivery has it sent again at that time, also one that is done or given up.
	RetryDelivery(ctx context.Context, accountID, webhookID, id string, at time.Time) error
	// ListDeliveries returns a webhook's newest deliveries, newest first, at most limit
	// (1–1,000); an empty id means all of the account's.
	ListDeliveries(ctx context.Context, accountID, webhookID string, limit int) ([]Delivery, error)
	// DropDeliveries forgets those made before that time.
	DropDeliveries(ctx context.Context, before time.Time) error
}
