package cost

import (
	"context"

	"github.com/pointsman/pointsman/engine"
)

// PostingBudgets are budgets that count rows which are no attempt of this process.
type PostingBudgets interface {
	// Post counts rows, and returns when the other replicas can know.
	Post(ctx context.Context, rows []engine.Usage) error
}

// Posting writes rows that are no attempts, as corrections and what was spent elsewhere, and
// counts those that are new against the budgets in force. Safe for concurrent use.
type Posting struct {
	Store   engine.ReportStore
	Budgets []PostingBudgets // of each unit
}

// AddUsage stores rows, one of each id however often it is given. Errors: the store's. That
// the budgets' database could not be told is none: the rows are stored, this process counts
// them, and the next exchange tells.
func (p Posting) AddUsage(ctx context.Context, rows []engine.Usage) error {
	added, err := p.Store.PostUsage(ctx, rows)
	if err != nil || len(added) == 0 {
		return err
	}
	for _, b := range p.Budgets {
		_ = b.Post(ctx, added) // it has logged that
	}
	return nil
}
