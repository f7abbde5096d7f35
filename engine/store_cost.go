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

// ReportStore reads the rollups of the ledger, which AddUsage keeps up to date in the
// transaction that adds the rows.
type ReportStore interface {
	// Report returns groups, dearest first, or with Series by time, then dearest.
	Report(ctx context.Context, q ReportQuery) ([]ReportRow, error)
	// PageUsage returns an account's rows in [from, to), newest first, at most limit
	// (1–1,000), after the id of the last row seen; for exports. An id that is not there is of
	// a row that was forgotten: nothing is older.
	PageUsage(ctx context.Context, accountID string, from, to time.Time, after string, limit int) ([]Usage, error)
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
