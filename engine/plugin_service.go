package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Most plugins of one account. Uploads that run at the same time may exceed them by as many.
const (
	MaxPluginNames    = 50
	MaxPluginVersions = 200
)

// maxUploading bounds the uploads of one account that are in the gate at once, so that it
// leaves compilers to the others.
const maxUploading = 2

// PluginRuntime is what runs plugins: the gate before them, and what is known of those
// that run in this process.
type PluginRuntime interface {
	PluginGate
	PluginMonitor
}

// PluginGate decides whether a module may be published.
type PluginGate interface {
	// Inspect runs the cheap steps on the raw bytes and reads the manifest.
	// Errors: *Error with CodeInvalid, for the author.
	Inspect(module []byte) (Manifest, error)
	// Prepare runs the whole gate: compile, instantiate, try, with v.Fixtures.
	// Errors: *Error with CodeInvalid or CodePluginFailed; CodeRateLimited, with After,
	// when too many modules wait for the compiler.
	Prepare(ctx context.Context, v PluginVersion) error
	// BuiltIn reports whether the binary has a plugin of that name, which serves where no
	// stored one is active.
	BuiltIn(name string) bool
}

// PluginMonitor knows how the versions do that this process offers.
type PluginMonitor interface {
	// Stats and Logs report false for a version that is not offered. Lines come oldest
	// first; dropped is how many a flood cost.
	Stats(accountID, name, version string) (PluginStats, bool)
	Logs(accountID, name, version string) (lines []PluginLog, dropped int64, ok bool)
	// Resume ends a suspension.
	Resume(accountID, name, version string)
}

// PluginService is the management of plugins. An account's admins manage its rule
// plugins; global plugins and provider plugins are the super admin's. Safe for concurrent use.
type PluginService struct {
	store   Store
	runtime PluginRuntime
	reload  func(context.Context) error
	now     func() time.Time

	mu        sync.Mutex // guards what follows
	uploading map[string]int
}

// NewPluginService returns a service over the store. reload puts the stored
// plugins in force in this process.
func NewPluginService(store Store, runtime PluginRuntime, reload func(context.Context) error, now func() time.Time) *PluginService {
	return &PluginService{store: store, runtime: runtime, reload: reload, now: now, uploading: map[string]int{}}
}

// PluginUpload is a module on its way in.
type PluginUpload struct {
	AccountID string // empty: a global plugin
	Module    []byte
	Fixtures  []byte // cases that the module must pass, a JSON array; nil: none
	Activate  bool   // also when it is not the first version of its name
}

// ListPlugins returns the versions that the principal sees, without modules: its
// account's and the global ones; for a super admin every account's.
func (s *PluginService) ListPlugins(ctx context.Context, p Principal) ([]PluginVersion, error) {
	all, err := s.store.ListPlugins(ctx)
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

// authorize says whether the principal manages that account's plugins. Another account's are
// as if they were not there.
func (s *PluginService) authorize(p Principal, accountID, name, version string) error {
	switch {
	case mayWrite(p, accountID):
		return nil
	case accountID == "":
		return Errorf(CodeForbidden, "Only a super admin may manage global plugins.")
	case p.Role != RoleAccountAdmin || accountID == p.AccountID:
		return Errorf(CodeForbidden, "This key may not manage plugins.")
	}
	return noSuchPlugin(name, version)
}

// authorizeKind keeps provider plugins, which see what is sent to providers, for the super admin.
func authorizeKind(p Principal, kind string) error {
	if kind == abi.KindProvider && p.Role != RoleSuperAdmin {
		return Errorf(CodeForbidden, "Only a super admin may manage provider plugins.")
	}
	return nil
}

// UploadPlugin takes a module through the gate and stores it. The first version of
// a name becomes active, later ones when Activate is set. The same bytes again are
// no change (created is false), and are not tried again; other bytes under a version that
// exists are CodeConflict, as is more than an account may have; an account that is not there
// is CodeNotFound.
func (s *PluginService) UploadPlugin(ctx context.Context, p Principal, u PluginUpload) (v PluginVersion, created bool, err error) {
	if !mayWrite(p, u.AccountID) {
		if u.AccountID == "" {
			return v, false, Errorf(CodeForbidden, "Only a super admin may upload global plugins.")
		}
		return v, false, Errorf(CodeForbidden, "This key may not upload plugins of that account.")
	}
	if u.AccountID != "" && u.AccountID != p.AccountID {
		if _, err := s.store.GetAccount(ctx, u.AccountID); errors.Is(err, ErrNotFound) {
			return v, false, Errorf(CodeNotFound, "There is no account '%s'.", clipText(u.AccountID, 64))
		} else if err != nil {
			return v, false, err
		}
	}
	manifest, err := s.runtime.Inspect(u.Module)
	if err != nil {
		return v, false, err
	}
	if err := authorizeKind(p, manifest.Kind); err != nil {
		return v, false, err
	}
	v = PluginVersion{
		AccountID: u.AccountID, Name: manifest.Name, Version: manifest.Version, Kind: manifest.Kind,
		SHA256: sha256.Sum256(u.Module), Module: u.Module, Fixtures: u.Fixtures, Size: int64(len(u.Module)), Manifest: manifest,
		CreatedAt: s.now().UTC().Truncate(time.Millisecond),
	}
	old, err := s.store.GetPlugin(ctx, u.AccountID, v.Name, v.Version)
	switch {
	case err == nil && old.SHA256 == v.SHA256:
		if u.Activate && !old.Active {
			if err := s.ActivatePlugin(ctx, p, u.AccountID, v.Name, v.Version); err != nil {
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
	first, err := s.room(ctx, &v)
	if err != nil {
		return v, false, err
	}
	v.Active = u.Activate || first
	if err := s.prepare(ctx, v); err != nil {
		return v, false, err
	}
	v.Fixtures = nil
	if err := s.store.CreatePlugin(s.audited(ctx, "plugin.upload", v), v); errors.Is(err, ErrConflict) {
		return v, false, Errorf(CodeConflict, "Version %s of plugin '%s' was uploaded meanwhile.", v.Version, v.Name)
	} else if err != nil {
		return v, false, err
	}
	v.Module = nil
	return v, true, s.reload(ctx)
}

// room says whether the account may have one more version, and whether it is the first of
// its name. A later version is made to be newer than those before it, as a rollback goes by that.
func (s *PluginService) room(ctx context.Context, v *PluginVersion) (first bool, err error) {
	all, err := s.store.ListPlugins(ctx)
	if err != nil {
		return false, err
	}
	names, versions := map[string]bool{}, 0
	for _, other := range all {
		if other.AccountID != v.AccountID {
			continue
		}
		names[other.Name] = true
		versions++
		if other.Name == v.Name && !other.CreatedAt.Before(v.CreatedAt) {
			v.CreatedAt = other.CreatedAt.Add(time.Millisecond)
		}
	}
	first = !names[v.Name]
	switch {
	case v.AccountID == "":
	case first && len(names) >= MaxPluginNames:
		return false, Errorf(CodeConflict, "The account has %d plugins, which is the most. Delete one that no rule uses.", len(names))
	case versions >= MaxPluginVersions:
		return false, Errorf(CodeConflict, "The account has %d plugin versions, which is the most. Delete old ones: DELETE /api/v1/plugins/{name}/{version}.", versions)
	}
	return first, nil
}

// prepare sends an upload through the gate, unless its account is doing so too often already.
func (s *PluginService) prepare(ctx context.Context, v PluginVersion) error {
	if v.AccountID != "" {
		s.mu.Lock()
		busy := s.uploading[v.AccountID] >= maxUploading
		if !busy {
			s.uploading[v.AccountID]++
		}
		s.mu.Unlock()
		if busy {
			return &Error{
				Code: CodeRateLimited, After: 5 * time.Second,
				Message: "Other uploads of this account are still being checked. Try again in a few seconds.",
			}
		}
		defer s.uploaded(v.AccountID)
	}
	return s.runtime.Prepare(ctx, v)
}

func (s *PluginService) uploaded(accountID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uploading[accountID]--; s.uploading[accountID] == 0 {
		delete(s.uploading, accountID)
	}
}
