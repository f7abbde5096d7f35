package sqlite

import (
	"context"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// ListPlugins implements engine.PluginStore.
func (s *Store) ListPlugins(ctx context.Context) (plugins []engine.PluginVersion, err error) {
	err = s.read(ctx, "list plugins", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListPlugins(ctx)
		if err == nil {
			plugins, err = row.ParseAll(rows, parseListedPlugin)
		}
		return err
	})
	return plugins, err
}

// GetPlugin implements engine.PluginStore.
func (s *Store) GetPlugin(ctx context.Context, accountID, name, version string) (plugin engine.PluginVersion, err error) {
	if !row.IsKey(accountID, name, version) {
		return engine.PluginVersion{}, engine.ErrNotFound
	}
	err = s.read(ctx, "get plugin "+name+"@"+version, func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetPlugin(ctx, query.GetPluginParams{AccountID: accountID, Name: name, Version: version})
		if err == nil {
			plugin, err = parsePlugin(n)
		}
		return err
	})
	return plugin, err
}

// CreatePlugin implements engine.PluginStore.
func (s *Store) CreatePlugin(ctx context.Context, p engine.PluginVersion) error {
	if err := row.CheckPlugin(p); err != nil {
		return err
	}
	return s.write(ctx, row.Changed(engine.AreaPlugins, p.AccountID, ""), "create plugin "+p.Name+"@"+p.Version, func(ctx context.Context, q *query.Queries) error {
		if p.Active {
			if err := q.DeactivatePlugin(ctx, query.DeactivatePluginParams{AccountID: p.AccountID, Name: p.Name}); err != nil {
				return err
			}
		}
		return q.CreatePlugin(ctx, query.CreatePluginParams{
			AccountID: p.AccountID, Name: p.Name, Version: p.Version, Kind: p.Kind, Sha256: p.SHA256[:], Size: p.Size,
			Manifest: string(row.Object(p.Manifest)), Active: p.Active, CreatedAt: millis(p.CreatedAt),
			Module: append([]byte{}, p.Module...), // never null
		})
	})
}

// ActivatePlugin implements engine.PluginStore.
func (s *Store) ActivatePlugin(ctx context.Context, accountID, name, version string) error {
	if !row.IsKey(accountID, name, version) {
		return engine.ErrNotFound
	}
	return s.write(ctx, row.Changed(engine.AreaPlugins, accountID, ""), "activate plugin "+name+"@"+version, func(ctx context.Context, q *query.Queries) error {
		if err := q.DeactivatePlugin(ctx, query.DeactivatePluginParams{AccountID: accountID, Name: name}); err != nil {
			return err
		}
		return found(q.ActivatePlugin(ctx, query.ActivatePluginParams{AccountID: accountID, Name: name, Version: version}))
	})
}

// DeletePlugin implements engine.PluginStore.
func (s *Store) DeletePlugin(ctx context.Context, accountID, name, version string) error {
	if !row.IsKey(accountID, name, version) {
		return engine.ErrNotFound
	}
	return s.write(ctx, row.Changed(engine.AreaPlugins, accountID, ""), "delete plugin "+name+"@"+version, func(ctx context.Context, q *query.Queries) error {
		return found(q.DeletePlugin(ctx, query.DeletePluginParams{AccountID: accountID, Name: name, Version: version}))
	})
}

func parseListedPlugin(n query.ListPluginsRow) (engine.PluginVersion, error) {
	return parsePlugin(query.Plugin{
		AccountID: n.AccountID, Name: n.Name, Version: n.Version, Kind: n.Kind, Sha256: n.Sha256, Size: n.Size,
		Manifest: n.Manifest, Active: n.Active, CreatedAt: n.CreatedAt,
	})
}

func parsePlugin(n query.Plugin) (engine.PluginVersion, error) {
	manifest, err := row.ParseObject[engine.Manifest]([]byte(n.Manifest))
	p := engine.PluginVersion{
		AccountID: n.AccountID, Name: n.Name, Version: n.Version, Kind: n.Kind, Size: n.Size, Module: n.Module,
		Manifest: manifest, Active: n.Active, CreatedAt: instant(n.CreatedAt),
	}
	copy(p.SHA256[:], n.Sha256)
	return p, err
}
