package host

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/wasm"
	"github.com/pointsman/pointsman/plugins"
)

// firstPartyPlugins are the provider adapters that the binary carries, without their modules: see
// module.
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
		if manifest.Name != name {
			return nil, fmt.Errorf("embedded plugin %s says that it is %s", name, manifest.Name)
		}
		versions = append(versions, engine.PluginVersion{
			Name: manifest.Name, Version: manifest.Version, Kind: manifest.Kind, Manifest: manifest,
			SHA256: sha256.Sum256(module), Size: int64(len(module)), Active: true,
		})
	}
	return versions, nil
}

// offered are the versions that can be used: the binary's own and the stored ones. A
// stored global version that is active stands in for the binary's of its name. Of two
// modules under one name and version one is offered: the active stored one, else the
// binary's.
func offered(own, stored []engine.PluginVersion) []engine.PluginVersion {
	all := slices.Clone(own)
	for _, v := range stored {
		same := -1
		for i, o := range own {
			if v.AccountID != "" || v.Name != o.Name {
				continue
			}
			if v.Active {
				all[i].Active = false
			}
			if v.Version == o.Version {
				same = i
			}
		}
		switch {
		case same < 0:
			all = append(all, v)
		case v.Active:
			all[same] = v
		}
	}
	return all
}

// module fetches a plugin's bytes: the binary's own, which are not kept on the heap beside the
// binary, or the store's.
func (h *Host) module(ctx context.Context, v engine.PluginVersion) ([]byte, error) {
	for _, own := range h.firstParty {
		if own.SHA256 == v.SHA256 {
			return plugins.Module(own.Name)
		}
	}
	full, err := h.store.GetPlugin(ctx, v.AccountID, v.Name, v.Version)
	return full.Module, err
}

// gate is the library's, for names that the binary's own plugins leave free.
type gate struct {
	*wasm.Library
	own []engine.PluginVersion
}

// Inspect implements engine.PluginGate.
func (g gate) Inspect(module []byte) (engine.Manifest, error) {
	m, err := g.Library.Inspect(module)
	if err != nil {
		return m, err
	}
	for _, o := range g.own {
		if o.Name == m.Name && o.Kind != m.Kind {
			return m, engine.Errorf(engine.CodeInvalid, "'%s' is the name of a built-in %s plugin. Choose another for a %s.", m.Name, o.Kind, m.Kind)
		}
	}
	return m, nil
}

// BuiltIn implements engine.PluginGate.
func (g gate) BuiltIn(name string) bool {
	return slices.ContainsFunc(g.own, func(o engine.PluginVersion) bool { return o.Name == name })
}
