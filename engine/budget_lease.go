package engine

import (
	"context"
	"time"
)

// BudgetLeaseStore is where replicas that share a database share budgets: what is spent of
// one, and what each replica holds of it to spend without asking. Spent and held together
// are never more than the amount, except by what attempts cost beyond what was held for
// them. It does not raise the revision.
type BudgetLeaseStore interface {
	// ExchangeBudgets adds what a replica has spent and gives it what it asks for as far as
	// there is any, of all claims in one transaction. The grants are in the order of the claims.
	ExchangeBudgets(ctx context.Context, x BudgetExchange) ([]BudgetGrant, error)
	// ExpireBudgetLeases ends the leases of a replica that is known to be gone, and whose
	// rows are in the ledger.
	ExpireBudgetLeases(ctx context.Context, replica string) error
	// DeadBudgetLeases returns at most limit leases that have expired. What they hold counts
	// until SettleBudgetLease.
	DeadBudgetLeases(ctx context.Context, now time.Time, limit int) ([]BudgetLease, error)
	// SettleBudgetLease ends a lease that has expired: instead of what it held, what the
	// ledger has in its step beyond what is counted there is spent. One that is gone or alive
	// again is left as it is.
	SettleBudgetLease(ctx context.Context, l BudgetLease, ledger int64, now time.Time) error
	// DropBudgetWindows forgets steps that began before a time, and alerts before another.
	DropBudgetWindows(ctx context.Context, windows, alerts time.Time) error
}

// BudgetAlertStore keeps which thresholds were reached. It does not raise the revision.
type BudgetAlertStore interface {
	// AddBudgetAlert stores one. fired is false when that threshold of that budget and window
	// was stored already, by whomever.
	AddBudgetAlert(ctx context.Context, a BudgetAlert) (fired bool, err error)
	// ListBudgetAlerts returns the account's newest, newest first, at most limit (1–1,000).
	ListBudgetAlerts(ctx context.Context, accountID string, limit int) ([]BudgetAlert, error)
}

// BudgetExchange is one replica's claims.
type BudgetExchange struct {
	Replica   string    // an id that no other process has or ever had
	ExpiresAt time.Time // of the leases
	Claims    []BudgetClaim
}

// BudgetClaim is about one step of one budget.
type BudgetClaim struct {
	AccountID string
	BudgetID  string
	Version   int64     // of the budget: the newest that the store saw says the amount
	NanoUSD   int64     // the amount
	From      time.Time // the oldest step that counts together with this one
	Step      time.Time // its begin
	// Spent counts what the replica has ever spent of the step; Settled is the Spent that the
	// last answer confirmed. A lost answer is thereby not counted twice.
	Spent   int64
	Settled int64
	// Hold is how much it wants to have in hand after this. Keep is the part that it has out
	// and is given whatever is left: holds of attempts under way.
	Hold int64
	Keep int64
	// Opening is what the ledger has of the steps since From, for a budget that the store
	// does not know yet; nil: it was not looked up.
	Opening []BudgetStep
}

// BudgetStep is what was spent in one step.
type BudgetStep struct {
	Start   time.Time
	NanoUSD int64
}

// BudgetGrant is the answer to a claim.
type BudgetGrant struct {
	// Known is false when the store knows nothing of the budget and the claim had no
	// Opening: nothing was done.
	Known   bool
	Opened  bool      // it knew nothing of the budget before, and took the claim's Opening
	Held    int64     // in hand, as of BudgetClaim.Spent
	Spent   int64     // by everybody since BudgetClaim.From
	HeldAll int64     // by everybody, this replica included
	NanoUSD int64     // the amount that counts
	Oldest  time.Time // the oldest step in which something was spent; zero: none
}

// BudgetLease is what a replica holds of a step.
type BudgetLease struct {
	AccountID string
	BudgetID  string
	Step      time.Time
	Replica   string
	Held      int64
}
