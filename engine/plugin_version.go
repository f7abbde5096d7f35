package engine

import (
	"context"
	"errors"

	"github.com/pointsman/pointsman/sdk/abi"
)

// ActivatePlugin makes a version the active one, if it passes the gate of today too:
// what works must not give way to what does not. In this process it ends the version's suspension.
// Errors: CodeNotFound, those of the gate.
func (s *PluginService) ActivatePlugin(ctx context.Context, p Principal, accountID, name, version string) error {
	return s.activate(ctx, p, "plugin.activate", accountID, name, version)
}

func (s *PluginService) activate(ctx context.Context, p Principal, action, accountID, name, version string) error {
	if err := s.authorize(p, accountID, name, version); err != nil {
		return err
	}
	v, err := s.store.GetPlugin(ctx, accountID, name, version)
	if errors.Is(err, ErrNotFound) {
		return noSuchPlugin(name, version)
	} else if err != nil {
		return err
	}
	if err := authorizeKind(p, v.Kind); err != nil {
		return err
	}
	if err := s.runtime.Prepare(ctx, v); err != nil {
		return err
	}
	v.Active = true
	if err := s.store.ActivatePlugin(s.audited(ctx, action, v), accountID, name, version); errors.Is(err, ErrNotFound) {
		return noSuchPlugin(name, version)
	} else if err != nil {
		return err
	}
	err = s.reload(ctx)
	s.runtime.Resume(accountID, name, version)
	return err
}

// RollbackPlugin activates the newest version that is older than the active one, and returns it.
// Errors: those of ActivatePlugin; CodeConflict when there is no active version or none older.
func (s *PluginService) RollbackPlugin(ctx context.Context, p Principal, accountID, name string) (PluginVersion, error) {
	if err := s.authorize(p, accountID, name, ""); err != nil {
		return PluginVersion{}, err
	}
	versions, err := s.versions(ctx, accountID, name)
	if err != nil {
		return PluginVersion{}, err
	}
	for i, v := range versions {
		if !v.Active {
			continue
		}
		if i == 0 {
			return PluginVersion{}, Errorf(CodeConflict, "Version %s of plugin '%s' is the oldest: there is none to go back to.", v.Version, v.Name)
		}
		before := versions[i-1]
		before.Active = true
		return before, s.activate(ctx, p, "plugin.rollback", accountID, name, before.Version)
	}
	return PluginVersion{}, Errorf(CodeConflict, "No version of plugin '%s' is active. Activate one.", clipText(name, 64))
}

// versions are those of one name, oldest first. Errors: CodeNotFound when there are none.
func (s *PluginService) versions(ctx context.Context, accountID, name string) ([]PluginVersion, error) {
	all, err := s.store.ListPlugins(ctx)
	if err != nil {
		return nil, err
	}
	var versions []PluginVersion
	for _, v := range all {
		if v.AccountID == accountID && v.Name == name {
			versions = append(versions, v)
		}
	}
	if len(versions) == 0 {
		return nil, noSuchPlugin(name, "")
	}
	return versions, nil
}

func noSuchPlugin(name, version string) *Error {
	ref := clipText(name, 64)
	if version != "" {
		ref += "@" + clipText(version, 64)
	}
	return Errorf(CodeNotFound, "There is no plugin '%s'. GET /api/v1/plugins lists them.", ref)
}

// DeletePlugin deletes a version. Errors: CodeConflict while a rule or a provider uses it, by its
// number or, when it is the active one, by its name; CodeNotFound.
func (s *PluginService) DeletePlugin(ctx context.Context, p Principal, accountID, name, version string) error {
	if err := s.authorize(p, accountID, name, version); err != nil {
		return err
	}
	versions, err := s.store.ListPlugins(ctx)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if v.AccountID != accountID || v.Name != name || v.Version != version {
			continue
		}
		if err := authorizeKind(p, v.Kind); err != nil {
			return err
		}
		if err := s.checkUnused(ctx, v); err != nil {
			return err
		}
	}
	audited := Audited(ctx, s.now(), accountID, "plugin.delete", "plugin/"+name+"@"+version, nil)
	if err := s.store.DeletePlugin(audited, accountID, name, version); errors.Is(err, ErrNotFound) {
		return noSuchPlugin(name, version)
	} else if err != nil {
		return err
	}
	return s.reload(ctx)
}

func (s *PluginService) audited(ctx context.Context, action string, v PluginVersion) context.Context {
	return Audited(ctx, s.now(), v.AccountID, action, "plugin/"+v.Name+"@"+v.Version, recordPlugin(v))
}

// checkUnused refuses with CodeConflict while a rule or a provider uses the version. To a name of
// the binary's own a provider may be left: the binary's plugin serves it then.
func (s *PluginService) checkUnused(ctx context.Context, v PluginVersion) error {
	uses := func(account, ref string) bool {
		sees := account == v.AccountID || v.AccountID == ""
		return sees && (v.Active && ref == v.Name || ref == v.Name+"@"+v.Version)
	}
	rules, err := s.store.ListRules(ctx)
	if err != nil {
		return err
	}
	for _, r := range rules {
		if uses(r.AccountID, r.Plugin) {
			return Errorf(CodeConflict, "Rule '%s' uses plugin '%s'. Change or delete the rule first.", r.ID, r.Plugin)
		}
	}
	if v.Kind != abi.KindProvider {
		return nil
	}
	providers, err := s.store.ListProviders(ctx)
	if err != nil {
		return err
	}
	for _, r := range providers {
		if uses(r.AccountID, r.Adapter) && (r.Adapter != v.Name || !s.runtime.BuiltIn(v.Name)) {
			return Errorf(CodeConflict, "Provider '%s' uses plugin '%s'. Change or delete the provider first.", r.ID, r.Adapter)
		}
	}
	return nil
}

// PluginStats returns what this process counted of a version since it offers it. Those of a
// global plugin are the super admin's: they are of every account's requests. Errors: CodeNotFound.
func (s *PluginService) PluginStats(_ context.Context, p Principal, accountID, name, version string) (PluginStats, error) {
	if err := s.authorize(p, accountID, name, version); err != nil {
		return PluginStats{}, err
	}
	stats, ok := s.runtime.Stats(accountID, name, version)
	if !ok {
		return stats, noSuchPlugin(name, version)
	}
	return stats, nil
}

// PluginLogs returns the newest lines that a version logged in this process, oldest first, and
// how many a flood cost. Errors: as of PluginStats.
func (s *PluginService) PluginLogs(_ context.Context, p Principal, accountID, name, version string) (lines []PluginLog, dropped int64, err error) {
	if err := s.authorize(p, accountID, name, version); err != nil {
		return nil, 0, err
	}
	lines, dropped, ok := s.runtime.Logs(accountID, name, version)
	if !ok {
		return nil, 0, noSuchPlugin(name, version)
	}
	return lines, dropped, nil
}
