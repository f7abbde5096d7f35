package host

import (
	"context"
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// reload puts in force what is stored, unless it is already: keys, catalogue, plugins,
// then the rules that may name them. Reloads run one after the other, so that one
// that starts after a write returns with that write in force.
func (h *Host) reload(ctx context.Context) (err error) {
	// Whoever's change it follows, what is loaded is every account's.
	ctx = engine.WithActor(ctx, engine.Actor{})
	select {
	case h.reloading <- struct{}{}:
		defer func() { <-h.reloading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { h.telling.reloaded(err) }()
	asked := time.Now()
	// Read before the rows: a write in between is then loaded again, not missed.
	revision, err := h.store.Revision(ctx)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if revision == h.revision.Load() {
		h.fresh.confirm(asked)
		return nil
	}
	if err := h.load(ctx); err != nil {
		return err
	}
	if err := h.reloadBudgets(ctx, revision); err != nil {
		return err
	}
	h.revision.Store(revision)
	return nil
}

// load reads the whole configuration and puts it in force. A rule or a plugin that does
// not work is left out and logged: it must not keep the others from being loaded.
// See RATIONALE.md, "What may stop a start or a reload?".
func (h *Host) load(ctx context.Context) error {
	asked := time.Now()
	if err := h.keys.Load(ctx); err != nil {
		return fmt.Errorf("reload keys: %w", err)
	}
	// Whatever becomes of the rest: it is keys that must not outlive their end.
	h.fresh.confirm(asked)
	if err := h.reloadCatalogue(ctx); err != nil {
		return fmt.Errorf("reload catalogue: %w", err)
	}
	stored, err := h.store.ListPlugins(ctx)
	if err != nil {
		return fmt.Errorf("reload plugins: %w", err)
	}
	if err := h.library.Sync(ctx, offered(h.firstParty, stored), h.module); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("reload plugins: %w", err)
		}
		h.opts.Log.Error().Err(err).Msg("plugins left out")
	}
	versions, err := h.store.RuleSetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reload versions of rules: %w", err)
	}
	rules, err := h.store.ListRules(ctx)
	if err != nil {
		return fmt.Errorf("reload rules: %w", err)
	}
	h.rules.Store(&rules)
	for _, problem := range h.router.LoadVersions(rules, versions) {
		h.opts.Log.Warn().Str("rule_id", problem.RuleID).Str("tenant_id", problem.AccountID).Err(problem.Err).Msg("rule left out")
	}
	if err := h.reloadRollouts(ctx); err != nil {
		return err
	}
	if err := h.reloadPolicies(ctx); err != nil {
		return err
	}
	if err := h.reloadHealth(ctx); err != nil {
		return err
	}
	if err := h.reloadDecisions(ctx); err != nil {
		return err
	}
	return h.reloadLimits(ctx)
}

func (h *Host) reloadPolicies(ctx context.Context) error {
	preferences, err := h.store.ListPreferences(ctx)
	if err != nil {
		return fmt.Errorf("reload preferences: %w", err)
	}
	assignments, err := h.store.ListAssignments(ctx)
	if err != nil {
		return fmt.Errorf("reload assignments: %w", err)
	}
	policies := engine.NewPolicies(preferences, assignments, h.router)
	h.policies.Store(policies)
	for _, problem := range policies.Problems() {
		h.opts.Log.Warn().Str("assignment_id", problem.ID).Str("tenant_id", problem.AccountID).Err(problem.Err).Msg("assignment never matches")
	}
	return nil
}

func (h *Host) reloadCatalogue(ctx context.Context) error {
	models, err := h.store.ListModels(ctx)
	if err != nil {
		return err
	}
	rows, err := h.store.ListProviders(ctx)
	if err != nil {
		return err
	}
	prices, err := h.store.ListPrices(ctx)
	if err != nil {
		return err
	}
	stored, err := h.store.ListCredentials(ctx)
	if err != nil {
		return err
	}
	rows = h.providers.apply(rows, stored)
	// First the keys, then the catalogue that names them.
	h.vault.Store(h.open(rows, stored))
	catalogue := engine.NewCatalogue(models, rows, prices)
	if h.cfg.Unpriced == engine.UnpricedCeiling {
		catalogue.ChargeCeiling()
	}
	h.catalogue.Store(catalogue)
	return nil
}

// reloadTimeout bounds a reload that nobody waits for. The first use of a module
// compiles it, which can take seconds.
const reloadTimeout = 2 * time.Minute

// A reload that failed is tried again after firstRetry, then after twice as long each
// time up to lastRetry.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// changed is told of writes, also by other processes, and of polls that found none. It does
// not block. It confirms no keys: how long ago the revision was read is not known here.
func (h *Host) changed(revision int64) {
	if revision == h.revision.Load() {
		return
	}
	select {
	case h.stale <- struct{}{}:
	default: // that reload is still to come, and will see this write too
	}
}

// follow keeps the configuration in force up to date until ctx ends. It does not
// give up: nobody else tries again what a failed reload missed.
func (h *Host) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.stale:
		}
		for retry := firstRetry; ; retry = min(2*retry, lastRetry) {
			err := h.reloadOnce(ctx)
			if err == nil || ctx.Err() != nil {
				break
			}
			h.opts.Log.Error().Err(err).Dur("retry_in", retry).Msg("configuration not reloaded, the last one stays in force")
			select {
			case <-ctx.Done():
			case <-time.After(retry):
			}
		}
	}
}

func (h *Host) reloadOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	return h.reload(ctx)
}
