package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"
)

// PluginGate decides whether a module may be published.
type PluginGate interface {
	// Inspect runs the cheap steps on the raw bytes and reads the manifest.
	// Errors: *Error with CodeInvalid, for the author.
	Inspect(module []byte) (Manifest, error)
	// Prepare runs the whole gate: compile, instantiate, try.
	// Errors: *Error with CodeInvalid or CodePluginFailed.
	Prepare(ctx context.Context, v PluginVersion) error
}

// PluginService is the management of plugins. Until uploads are metered, only the
// super admin may write. Safe for concurrent use.
type PluginService struct {
	plugins PluginStore
	rules   RuleStore
	gate    PluginGate
	reload  func(context.Context) error
	now     func() time.Time
}

// NewPluginService returns a service over the store. reload puts the stored
// plugins in force in this process.
func NewPluginService(plugins PluginStore, rules RuleStore, gate PluginGate, reload func(context.Context) error, now func() time.Time) *PluginService {
	return &PluginService{plugins: plugins, rules: rules, gate: gate, reload: reload, now: now}
}

// ListPlugins returns the versions that the principal sees, without modules.
func (s *PluginService) ListPlugins(ctx context.Context, p Principal) ([]PluginVersion, error) {
	all, err := s.plugins.ListPlugins(ctx)
	if err != nil {
		return nil, err
	}
	visible := all[:0]
	for _, v := range all {
		if mayRead(p, v.AccountID) {
			visible = append(visible, v)
		}
	}
	return visible, nil
}

func (s *PluginService) authorize(p Principal) error {
	if p.Role != RoleSuperAdmin {
		return Errorf(CodeForbidden, "Only a super admin may manage plugins.")
	}
	return nil
}

// UploadPlugin takes a module through the gate and stores it. The first version of
// a name becomes active, later ones when activate is set. The same bytes again are
// no change (created is false); other bytes under a version that exists are CodeConflict.
func (s *PluginService) UploadPlugin(ctx context.Context, p Principal, accountID string, module []byte, activate bool) (v PluginVersion, created bool, err error) {
	if err := s.authorize(p); err != nil {
		return v, false, err
	}
	manifest, err := s.gate.Inspect(module)
	if err != nil {
		return v, false, err
	}
	v = PluginVersion{
		AccountID: accountID, Name: manifest.Name, Version: manifest.Version, Kind: manifest.Kind,
		SHA256: sha256.Sum256(module), Module: module, Size: int64(len(module)), Manifest: manifest,
		CreatedAt: s.now().UTC().Truncate(time.Millisecond),
	}
	old, err := s.plugins.GetPlugin(ctx, accountID, v.Name, v.Version)
	switch {
	case err == nil && old.SHA256 == v.SHA256:
		if activate && !old.Active {
			if err := s.ActivatePlugin(ctx, p, accountID, v.Name, v.Version); err != nil {
				return v, false, err
			}
			old.Active = true
		}
		old.Module = nil
		return old, false, nil
	case err == nil:
		return v, false, Errorf(CodeConflict, "Version %s of plugin '%s' exists with other bytes. Raise the version in the manifest.", v.Version, v.Name)
	case !errors.Is(err, ErrNotFound):
		return v, false, err
	}
	v.Active = activate
	if !activate {
		first, err := s.isFirst(ctx, accountID, v.Name)
		if err != nil {
			return v, false, err
		}
		v.Active = first
	}
	if err := s.gate.Prepare(ctx, v); err != nil {
		return v, false, err
	}
	if err := s.plugins.CreatePlugin(ctx, v); errors.Is(err, ErrConflict) {
		return v, false, Errorf(CodeConflict, "Version %s of plugin '%s' was uploaded meanwhile.", v.Version, v.Name)
	} else if err != nil {
		return v, false, err
	}
	v.Module = nil
	return v, true, s.reload(ctx)
}

func (s *PluginService) isFirst(ctx context.Context, accountID, name string) (bool, error) {
	all, err := s.plugins.ListPlugins(ctx)
	for _, v := range all {
		if v.AccountID == accountID && v.Name == name {
			return false, err
		}
	}
	return err == nil, err
}

// ActivatePlugin makes a version the active one, if it passes the gate of today too:
// what works must not give way to what does not. Errors: CodeNotFound, those of the gate.
func (s *PluginService) ActivatePlugin(ctx context.Context, p Principal, accountID, name, version string) error {
	if err := s.authorize(p); err != nil {
		return err
	}
	v, err := s.plugins.GetPlugin(ctx, accountID, name, version)
	if errors.Is(err, ErrNotFound) {
		return noSuchPlugin(name, version)
	} else if err != nil {
		return err
	}
	if err := s.gate.Prepare(ctx, v); err != nil {
		return err
	}
	if err := s.plugins.ActivatePlugin(ctx, accountID, name, version); errors.Is(err, ErrNotFound) {
		return noSuchPlugin(name, version)
	} else if err != nil {
		return err
	}
	return s.reload(ctx)
}

func noSuchPlugin(name, version string) *Error {
	return Errorf(CodeNotFound, "There is no plugin '%s@%s'. GET /api/v1/plugins lists them.", clipText(name, 64), clipText(version, 64))
}

// DeletePlugin deletes a version. Errors: CodeConflict while a rule uses it, by its
// number or, when it is the active one, by its name; CodeNotFound.
func (s *PluginService) DeletePlugin(ctx context.Context, p Principal, accountID, name, version string) error {
	if err := s.authorize(p); err != nil {
		return err
	}
	rules, err := s.rules.ListRules(ctx)
	if err != nil {
		return err
	}
	versions, err := s.plugins.ListPlugins(ctx)
	if err != nil {
		return err
	}
	active := slices.ContainsFunc(versions, func(v PluginVersion) bool {
		return v.AccountID == accountID && v.Name == name && v.Version == version && v.Active
	})
	for _, r := range rules {
		sees := r.AccountID == accountID || accountID == ""
		if sees && (active && r.Plugin == name || r.Plugin == name+"@"+version) {
			return Errorf(CodeConflict, "Rule '%s' uses plugin '%s'. Change or delete the rule first.", r.ID, r.Plugin)
		}
	}
	if err := s.plugins.DeletePlugin(ctx, accountID, name, version); errors.Is(err, ErrNotFound) {
		return noSuchPlugin(name, version)
	} else if err != nil {
		return err
	}
	return s.reload(ctx)
}
