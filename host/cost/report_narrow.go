package cost

import (
	"context"

	"github.com/pointsman/pointsman/engine"
)

// Narrow returns what the principal may see of what it asks for, of one account: its own when
// AccountID is empty. It is for whoever shows what goes with rows of the ledger. Errors:
// CodeNotFound for what is not within it.
func (r *Reports) Narrow(ctx context.Context, p engine.Principal, f engine.CostFilter) (engine.CostFilter, error) {
	return r.narrow(ctx, p, f, false)
}
