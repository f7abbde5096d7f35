package cost

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// scanRows is how many rows of a request are read in search of those that the principal may see.
const scanRows = 1_000

// ListUsage returns the rows of a request that the principal may see, newest first, at most
// limit (1–1,000). Errors: those of Report.
func (r *Reports) ListUsage(ctx context.Context, p engine.Principal, f engine.CostFilter, requestID string, limit int) ([]engine.Usage, error) {
	f, err := r.narrow(ctx, p, f, false)
	if err != nil {
		return nil, err
	}
	rows, err := r.cfg.Store.ListUsage(ctx, f.AccountID, requestID, scanRows)
	if err != nil {
		return nil, err
	}
	rows = within(rows, f)
	return rows[:min(len(rows), limit)], nil
}

// PageUsage returns rows of one account in [from, to) that the principal may see, newest
// first, after the id of the last one that was looked at, and that id, "" at the end. A page may
// be short, even empty, and not the last. Zero times are open. limit is 1–1,000.
// Errors: those of Report.
func (r *Reports) PageUsage(ctx context.Context, p engine.Principal, q engine.CostQuery, after string, limit int) (page []engine.Usage, next string, err error) {
	f, err := r.narrow(ctx, p, q.CostFilter, false)
	if err != nil {
		return nil, "", err
	}
	from, to := q.From, q.To
	if from.IsZero() {
		from = time.Unix(0, 0)
	}
	if to.IsZero() {
		to = r.cfg.Now().Add(day) // another replica's clock may be ahead
	}
	if !from.Before(to) {
		return nil, "", invalid("from", "'from' must be before 'to'.")
	}
	return r.cfg.Store.PageUsage(ctx, engine.UsageQuery{
		AccountID: f.AccountID, TeamID: f.TeamID, UserID: f.UserID, KeyID: f.KeyID, SessionID: q.SessionID, ModelID: f.ModelID,
		From: from, To: to, After: after, Limit: limit,
	})
}

func within(rows []engine.Usage, f engine.CostFilter) []engine.Usage {
	kept := rows[:0]
	for i := range rows {
		if matches(&rows[i], f) {
			kept = append(kept, rows[i])
		}
	}
	return kept
}

func matches(u *engine.Usage, f engine.CostFilter) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	return u.AccountID == f.AccountID && is(f.TeamID, u.TeamID) && is(f.UserID, u.UserID) && is(f.KeyID, u.KeyID) && is(f.ModelID, u.ModelID)
}
