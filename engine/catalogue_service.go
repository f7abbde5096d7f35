package engine

import (
	"context"
	"errors"
	"regexp"
	"time"
)

// CatalogueRows is the stores that the management of the catalogue writes to.
type CatalogueRows interface {
	CatalogueStore
	ModelStore
	PriceStore
	ProviderStore
	CredentialStore
}

// AdapterChecker knows the provider adapters and what their configs may be.
type AdapterChecker interface {
	// AdapterManifest returns the manifest of the adapter's active version, the account's own
	// before a global one. Errors: ErrNotFound, also for a plugin that is no adapter.
	AdapterManifest(accountID, plugin string) (Manifest, error)
	// ConfigureAdapter checks a config, nil for none, against the manifest's schema, then
	// with pm_configure_v1 if the guest has it.
	// Errors: ErrNotFound; *Error with CodeInvalid and the member at fault as Param.
	ConfigureAdapter(ctx context.Context, accountID, plugin string, config []byte) error
}

// CredentialSealer encrypts the keys of providers for the store.
type CredentialSealer interface {
	// SealCredential returns c with Sealed and SealKey set, bound to its account, provider,
	// id and version.
	SealCredential(c StoredCredential, secret string) (StoredCredential, error)
	// OpenCredential returns the text. Its error says nothing of it.
	OpenCredential(c StoredCredential) (string, error)
}

// CatalogueConfig is what the management of models and providers is made of. All of it is required.
type CatalogueConfig struct {
	Store     CatalogueRows
	Catalogue func() *Catalogue // the snapshot in force
	Adapters  AdapterChecker
	Seal      CredentialSealer
	// PublicHost reports whether a host (a name, or an address without brackets) may be on
	// the public internet, as far as its text tells.
	PublicHost func(host string) bool
	// Reload puts the stored catalogue in force in this process.
	Reload func(context.Context) error
	Now    func() time.Time
}

// catalogueWriter is what both services share.
type catalogueWriter struct {
	CatalogueConfig
	changing chan struct{} // 1 slot: one change at a time, without a lock held over queries
}

// NewCatalogueServices returns the management of models and of providers. Their changes
// are made one after the other, so that what one of them checked still holds when it writes.
func NewCatalogueServices(cfg CatalogueConfig) (*ModelService, *ProviderService) {
	w := &catalogueWriter{CatalogueConfig: cfg, changing: make(chan struct{}, 1)}
	return &ModelService{w}, &ProviderService{w}
}

// change runs a change alone in this process; what it returns is in force then.
func (w *catalogueWriter) change(ctx context.Context, run func() error) error {
	select {
	case w.changing <- struct{}{}:
		defer func() { <-w.changing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := run(); err != nil {
		return err
	}
	return w.Reload(ctx)
}

// How many rows of its own an account may have, and as many are global: every process
// keeps all of them in memory.
const (
	MaxProviders = 256
	MaxModels    = 2048
)

// maxTries bounds how often a change is made again that another process overtook.
const maxTries = 5

// again runs an attempt until no other process has overtaken it. was is what the caller
// has seen of the row: then being overtaken is a conflict that the caller must see.
func again(was time.Time, attempt func() error) error {
	for n := 1; ; n++ {
		err := attempt()
		if !errors.Is(err, ErrConflict) || !was.IsZero() || n == maxTries {
			return err
		}
	}
}

// stamp is the time of a change: by the millisecond, and later than the one before, so
// that a caller who has seen that one is noticed.
func (w *catalogueWriter) stamp(before time.Time) time.Time {
	now := w.Now().UTC().Truncate(time.Millisecond)
	if !now.After(before) {
		return before.Add(time.Millisecond)
	}
	return now
}

// provider returns the row that the account sees under that id, its own before a global one.
func (w *catalogueWriter) provider(ctx context.Context, accountID, id string) (row Provider, found bool, err error) {
	rows, err := w.Store.ListProviders(ctx)
	for _, r := range rows {
		if r.ID == id && (r.AccountID == accountID || r.AccountID == "" && !found) {
			row, found = r, true
		}
	}
	return row, found, err
}

// Ids of rows that people make: lower-case letters, digits, dots, hyphens and underscores,
// in a model's also colons. A slash would be a provider/model pin.
var (
	providerID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	modelID    = regexp.MustCompile(`^[a-z0-9][a-z0-9._:-]{0,63}$`)
)

func invalidMember(param, format string, args ...any) *Error {
	e := Errorf(CodeInvalid, format, args...)
	e.Param = param
	return e
}

// printable reports whether a text has up to limit bytes and no control characters.
func printable(text string, limit int) bool {
	for _, r := range text {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return len(text) <= limit
}
