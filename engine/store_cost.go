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
	// (1–1,000), after the id of the last row seen; for exports.
	PageUsage(ctx context.Context, accountID string, from, to time.Time, after string, limit int) ([]Usage, error)
	// DropUsage forgets rows that began before that time, and rollups of a grain that are
	// older than it keeps; whole partitions where the database has them.
	DropUsage(ctx context.Context, rows time.Time, rollups map[Grain]time.Time) error
}

// WebhookStore keeps webhooks and their deliveries.
type WebhookStore interface {
	// ListWebhooks returns all of them, by account, then id.
	ListWebhooks(ctx context.Context) ([]Webhook, error)
	CreateWebhook(ctx context.Context, w Webhook) error
	UpdateWebhook(ctx context.Context, w Webhook, was time.Time) error
	DeleteWebhook(ctx context.Context, accountID, id string) error
	// AddDeliveries stores new ones; one whose id exists is left as it is.
	AddDeliveries(ctx context.Context, deliveries []Delivery) error
	// DueDeliveries takes at most limit whose NextAt has come and puts that off to until, so
	// that no other process takes them meanwhile.
	DueDeliveries(ctx context.Context, now, until time.Time, limit int) ([]Delivery, error)
	// SaveDelivery writes what became of a try.
	SaveDelivery(ctx context.Context, d Delivery) error
	// ListDeliveries returns a webhook's newest deliveries; an empty id means all of the account's.
	ListDeliveries(ctx context.Context, accountID, webhookID string, limit int) ([]Delivery, error)
	// DropDeliveries forgets those made before that time.
	DropDeliveries(ctx context.Context, before time.Time) error
}
