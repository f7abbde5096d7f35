package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost"
	"github.com/pointsman/pointsman/host/cost/budget"
)

// newBudgets makes what keeps spending within budgets, of money and of tokens. The ledger,
// which is made with it, must be there before the first reload.
func (h *Host) newBudgets() {
	cfg := budget.Config{
		Ledger: h.store, Alerts: h.store, Notices: h.notices, Now: h.opts.Now, Log: h.opts.Log,
		Flush: func(ctx context.Context) error { return h.ledger.Flush(ctx) },
	}
	if !h.cfg.embedded() {
		cfg.Leases = h.store
	}
	h.budgets = budget.New(cfg)
	// One process: what it leaves behind is found by one id.
	cfg.Unit, cfg.Replica = budget.Tokens, h.budgets.Replica()
	h.tokens = budget.New(cfg)
}

// posting writes rows of the ledger that are no attempts.
func (h *Host) posting() cost.Posting {
	return cost.Posting{Store: h.store, Budgets: []cost.PostingBudgets{h.budgets, h.tokens}}
}

// rating is where past rows are rated again.
type rating struct {
	engine.Store
	posting cost.Posting
}

// AddUsage implements engine.RatingStore.
func (r rating) AddUsage(ctx context.Context, rows []engine.Usage) error {
	return r.posting.AddUsage(ctx, rows)
}

// recounter compares sums and budgets with the rows of the ledger each night.
func (h *Host) recounter() cost.Recounter {
	return cost.Recounter{
		Store: h.store, Lock: h.store, Settings: h.store, Notices: h.notices, Now: h.opts.Now, Log: h.opts.Log,
		Budgets: []cost.BudgetRecounter{h.budgets, h.tokens},
	}
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
	if err := h.tokens.Set(ctx, revision, engine.TokenBudgets(preferences)); err != nil {
		return fmt.Errorf("reload bounds on tokens: %w", err)
	}
	return nil
}

// runBudgets first settles what the last holder of the spool held of budgets, should it have
// ended without a word, then looks after them until ctx ends.
func (h *Host) runBudgets(ctx context.Context) {
	var err error
	if broken := engine.Contain(h.opts.Log, "budgets of an earlier process", func() { err = h.recoverBudgets(ctx) }); broken != nil {
		err = broken
	}
	if err != nil {
		h.opts.Log.Warn().Err(err).Msg("what an earlier process held of budgets counts as spent for a while")
	}
	var both sync.WaitGroup
	both.Go(func() { h.keep(ctx, "budgets of tokens", h.tokens.Run) })
	h.keep(ctx, "budgets", h.budgets.Run)
	both.Wait()
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
		for _, guard := range [...]*budget.Guard{h.budgets, h.tokens} {
			if err := guard.Recover(ctx, strings.TrimSpace(string(last))); err != nil {
				return fmt.Errorf("settle the budgets of an earlier process: %w", err)
			}
		}
	}
	if err := os.WriteFile(path, []byte(h.budgets.Replica()+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the process's id: %w", err)
	}
	return nil
}
