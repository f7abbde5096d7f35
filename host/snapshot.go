package host

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/rule"
)

// reload puts in force what is stored, unless it is already. Reloads run one after the other, so that one
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
	changes, err := h.store.Changes(ctx, h.mark)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if h.revision.Load() >= 0 && changes.Now == h.mark {
		h.fresh.confirm(asked)
		return nil
	}
	if err := h.load(ctx, changes, asked); err != nil {
		return err
	}
	h.mark = changes.Now
	h.revision.Store(changes.Now.Revision)
	return nil
}

// part is what is loaded when one of some areas has changed.
type part struct {
	areas []engine.Area
	load  func(context.Context, engine.Changes) error
}

// parts are all of the configuration, in the order in which it comes into force: keys, the catalogue,
// plugins, then the rules that may name them.
func (h *Host) parts() []part {
	whole := func(load func(context.Context) error) func(context.Context, engine.Changes) error {
		return func(ctx context.Context, _ engine.Changes) error { return load(ctx) }
	}
	return []part{
		{[]engine.Area{engine.AreaCatalogue}, whole(h.reloadCatalogue)},
		{[]engine.Area{engine.AreaPlugins}, whole(h.reloadPlugins)},
		{[]engine.Area{engine.AreaRules}, h.reloadRules},
		{[]engine.Area{engine.AreaRollouts, engine.AreaRules, engine.AreaPlugins}, whole(h.reloadRollouts)},
		{[]engine.Area{engine.AreaPolicies}, whole(h.reloadPolicies)},
		{[]engine.Area{engine.AreaHealth}, whole(h.reloadHealth)},
		{[]engine.Area{engine.AreaDecisions}, whole(h.reloadDecisions)},
		{[]engine.Area{engine.AreaLimits}, whole(h.reloadLimits)},
		{[]engine.Area{engine.AreaBudgets, engine.AreaPolicies}, func(ctx context.Context, c engine.Changes) error {
			return h.reloadBudgets(ctx, c.Now.Revision)
		}},
	}
}

// load reads what changed, everything when that is not known, and puts it in force. A rule or a
// plugin that does not work is left out and logged: it must not keep the others from being loaded.
// asked is when the changes were asked for.
// See RATIONALE.md, "What may stop a start or a reload?" and "What does a reload read?".
func (h *Host) load(ctx context.Context, changes engine.Changes, asked time.Time) error {
	changed := map[engine.Area]bool{}
	for _, c := range changes.List {
		changed[c.Area] = true
	}
	if !changes.Known || changed[engine.AreaTenants] {
		asked = time.Now()
		if err := h.keys.Load(ctx); err != nil {
			return fmt.Errorf("reload keys: %w", err)
		}
	}
	// Whatever becomes of the rest: it is keys that must not outlive their end.
	h.fresh.confirm(asked)
	for _, p := range h.parts() {
		if changes.Known && !slices.ContainsFunc(p.areas, func(a engine.Area) bool { return changed[a] }) {
			continue
		}
		if err := p.load(ctx, changes); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) reloadPlugins(ctx context.Context) error {
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
	return nil
}

// reloadRules puts in force the rules of the accounts whose rules changed.
func (h *Host) reloadRules(ctx context.Context, changes engine.Changes) error {
	if !changes.Known {
		return h.reloadAllRules(ctx)
	}
	done := map[string]bool{}
	for _, c := range changes.List {
		if c.Area != engine.AreaRules || done[c.AccountID] {
			continue
		}
		done[c.AccountID] = true
		version, err := h.store.RuleSetVersion(ctx, c.AccountID)
		if err != nil {
			return fmt.Errorf("reload the version of rules: %w", err)
		}
		rules, err := h.store.ListAccountRules(ctx, c.AccountID)
		if err != nil {
			return fmt.Errorf("reload rules: %w", err)
		}
		h.leftOut(h.router.LoadAccount(c.AccountID, rules, version))
	}
	return nil
}

func (h *Host) reloadAllRules(ctx context.Context) error {
	versions, err := h.store.RuleSetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reload versions of rules: %w", err)
	}
	rules, err := h.store.ListRules(ctx)
	if err != nil {
		return fmt.Errorf("reload rules: %w", err)
	}
	h.leftOut(h.router.LoadVersions(rules, versions))
	return nil
}

func (h *Host) leftOut(problems []rule.Problem) {
	for _, p := range problems {
		h.opts.Log.Warn().Str("rule_id", p.RuleID).Str("tenant_id", p.AccountID).Err(p.Err).Msg("rule left out")
	}
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

func (h *Host) reloadCatalogue(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("reload catalogue: %w", err)
		}
	}()
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
