package host

import (
	"context"
	"fmt"

	"github.com/pointsman/pointsman/host/cost"
	"github.com/pointsman/pointsman/host/decision"
)

// newDecisions makes what keeps decisions.
func (h *Host) newDecisions() *decision.Log {
	return decision.NewLog(h.store, decision.Config{Policies: h.policies.Load, Log: h.opts.Log})
}

// decisionService shows them to those who see the ledger's rows.
func (h *Host) decisionService(reports *cost.Reports, rules *replayer) *decision.Service {
	return decision.NewService(decision.ServiceConfig{Store: h.store, Log: h.decisions, Scope: reports, Rules: rules, Reload: h.reload, Now: h.opts.Now})
}

// reloadDecisions puts the stored settings in force.
func (h *Host) reloadDecisions(ctx context.Context) error {
	settings, err := h.store.ListDecisionSettings(ctx)
	if err != nil {
		return fmt.Errorf("reload settings of decisions: %w", err)
	}
	h.decisions.Set(settings)
	return nil
}

// retainDecisions forgets those whose time is over, until ctx ends.
func (h *Host) retainDecisions(ctx context.Context) {
	decision.Retention{Store: h.store, Lock: h.store, Kept: h.decisions.Kept, Now: h.opts.Now, Log: h.opts.Log}.Run(ctx)
}
