package host

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/plugins"
)

// reload reads the whole configuration and puts it in force: keys, catalogue,
// plugins, then the rules that may name them. Reloads run one after the other,
// so that one that starts after a write always sees it.
func (h *Host) reload(ctx context.Context) error {
	select {
	case h.reloading <- struct{}{}:
		defer func() { <-h.reloading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	// Read before the rows: a write in between is then seen again, not missed.
	revision, err := h.store.Revision(ctx)
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if err := h.keys.Load(ctx); err != nil {
		return fmt.Errorf("reload keys: %w", err)
	}
	if err := h.reloadCatalogue(ctx); err != nil {
		return fmt.Errorf("reload catalogue: %w", err)
	}
	stored, err := h.store.ListPlugins(ctx)
	if err != nil {
		return fmt.Errorf("reload plugins: %w", err)
	}
	versions := append(append([]engine.PluginVersion(nil), h.firstParty...), stored...)
	if err := h.library.Sync(ctx, versions, h.module); err != nil {
		return fmt.Errorf("reload plugins: %w", err)
	}
	rules, err := h.store.ListRules(ctx)
	if err != nil {
		return fmt.Errorf("reload rules: %w", err)
	}
	for _, problem := range h.router.Load(rules) {
		h.opts.Log.Warn().Str("rule_id", problem.RuleID).Str("tenant_id", problem.AccountID).Err(problem.Err).Msg("rule left out")
	}
	h.revision.Store(revision)
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
	h.catalogue.Store(engine.NewCatalogue(models, h.providers.apply(rows), prices))
	return nil
}

// module fetches a plugin's bytes: the binary's own, or the store's.
func (h *Host) module(ctx context.Context, v engine.PluginVersion) ([]byte, error) {
	for _, own := range h.firstParty {
		if own.SHA256 == v.SHA256 {
			return own.Module, nil
		}
	}
	full, err := h.store.GetPlugin(ctx, v.AccountID, v.Name, v.Version)
	return full.Module, err
}

// reloadTimeout bounds a reload that another process's write caused.
const reloadTimeout = 30 * time.Second

// changed follows the change feed.
func (h *Host) changed(revision int64) {
	if revision == h.revision.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), reloadTimeout)
	defer cancel()
	if err := h.reload(ctx); err != nil {
		h.opts.Log.Error().Err(err).Msg("configuration not reloaded, the last one stays in force")
	}
}

// firstPartyPlugins are the provider adapters that the binary carries.
func firstPartyPlugins() ([]engine.PluginVersion, error) {
	modules, err := plugins.Modules()
	if err != nil {
		return nil, err
	}
	var versions []engine.PluginVersion
	for name, module := range modules {
		manifest, err := wasm.ReadManifest(module)
		if err != nil {
			return nil, fmt.Errorf("embedded plugin %s: %w", name, err)
		}
		versions = append(versions, engine.PluginVersion{
			Name: manifest.Name, Version: manifest.Version, Kind: manifest.Kind, Manifest: manifest,
			SHA256: sha256.Sum256(module), Module: module, Size: int64(len(module)), Active: true,
		})
	}
	return versions, nil
}
