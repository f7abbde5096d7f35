package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost/budget"
)

// newBudgets makes what keeps spending within budgets. The ledger, which is made with it,
// must be there before the first reload.
func (h *Host) newBudgets() *budget.Guard {
	cfg := budget.Config{
		Ledger: h.store, Alerts: h.store, Notices: h.notices, Now: h.opts.Now, Log: h.opts.Log,
		Flush: func(ctx context.Context) error { return h.ledger.Flush(ctx) },
	}
	if !h.cfg.embedded() {
		cfg.Leases = h.store
	}
	return budget.New(cfg)
}

// reloadBudgets puts in force the budgets that are stored, and those that preferences imply.
func (h *Host) reloadBudgets(ctx context.Context, revision int64) error {
	budgets, err := h.store.ListBudgets(ctx)
	if err != nil {
		return fmt.Errorf("reload budgets: %w", err)
	}
	preferences, err := h.store.ListPreferences(ctx)
	if err != nil {
		return fmt.Errorf("reload preferences: %w", err)
	}
	if err := h.budgets.Set(ctx, revision, append(budgets, engine.CapBudgets(preferences)...)); err != nil {
		return fmt.Errorf("reload budgets: %w", err)
	}
	return nil
}

// runBudgets first settles what the last holder of the spool held of budgets, should it have
// ended without a word, then looks after them until ctx ends.
func (h *Host) runBudgets(ctx context.Context) {
	if err := h.recoverBudgets(ctx); err != nil {
		h.opts.Log.Warn().Err(err).Msg("what an earlier process held of budgets counts as spent for a while")
	}
	h.budgets.Run(ctx)
}

func (h *Host) recoverBudgets(ctx context.Context) error {
	path := filepath.Join(h.ledger.Dir(), "replica")
	last, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the earlier process's id: %w", err)
	}
	if len(last) > 0 {
		// Its rows first: they say what it spent.
		if err := h.ledger.Flush(ctx); err != nil {
			return fmt.Errorf("write the rows of an earlier process: %w", err)
		}
		if err := h.budgets.Recover(ctx, strings.TrimSpace(string(last))); err != nil {
			return fmt.Errorf("settle the budgets of an earlier process: %w", err)
		}
	}
	if err := os.WriteFile(path, []byte(h.budgets.Replica()+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the process's id: %w", err)
	}
	return nil
}
