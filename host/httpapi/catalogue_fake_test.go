package httpapi

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// fakeRows has the rows of a catalogue and changes none. Tests that change some use an office.
type fakeRows struct{ *engine.Catalogue }

var errFake = engine.Errorf(engine.CodeForbidden, "This is a fake.")

func (f fakeRows) GetModel(_ context.Context, _ engine.Principal, account, id string) (engine.Model, error) {
	if m, ok := f.Model(account, id); ok && m.AccountID == account {
		return m, nil
	}
	return engine.Model{}, engine.Errorf(engine.CodeNotFound, "There is no model '%s'.", id)
}

func (fakeRows) CreateModel(context.Context, engine.Principal, engine.Model, *engine.Price) (engine.Model, error) {
	return engine.Model{}, errFake
}

func (fakeRows) ChangeModel(context.Context, engine.Principal, string, string, time.Time, *engine.Price, func(*engine.Model)) (engine.Model, error) {
	return engine.Model{}, errFake
}

func (fakeRows) DeleteModel(context.Context, engine.Principal, string, string) error { return errFake }

func (f fakeRows) ListProviders(_ context.Context, p engine.Principal) ([]engine.Provider, error) {
	return f.Providers(p.AccountID), nil
}

func (f fakeRows) GetProvider(_ context.Context, _ engine.Principal, account, id string) (engine.Provider, error) {
	if p, ok := f.Provider(account, id); ok && p.AccountID == account {
		return *p, nil
	}
	return engine.Provider{}, engine.Errorf(engine.CodeNotFound, "There is no provider '%s'.", id)
}

func (fakeRows) CreateProvider(context.Context, engine.Principal, engine.Provider) (engine.Provider, error) {
	return engine.Provider{}, errFake
}

func (fakeRows) ChangeProvider(context.Context, engine.Principal, string, string, time.Time, func(*engine.Provider)) (engine.Provider, error) {
	return engine.Provider{}, errFake
}

func (fakeRows) DeleteProvider(context.Context, engine.Principal, string, string) error {
	return errFake
}

func (fakeRows) ListCredentials(context.Context, engine.Principal, string, string) ([]engine.StoredCredential, error) {
	return nil, nil
}

func (fakeRows) GetCredential(context.Context, engine.Principal, string, string, string) (engine.StoredCredential, error) {
	return engine.StoredCredential{}, errFake
}

func (fakeRows) CreateCredential(context.Context, engine.Principal, engine.StoredCredential, string) (engine.StoredCredential, error) {
	return engine.StoredCredential{}, errFake
}

func (fakeRows) ChangeCredential(context.Context, engine.Principal, string, string, string, time.Time, *string, func(*engine.StoredCredential)) (engine.StoredCredential, error) {
	return engine.StoredCredential{}, errFake
}

func (fakeRows) DeleteCredential(context.Context, engine.Principal, string, string, string) error {
	return errFake
}

func (f *fake) TryProvider(_ context.Context, r engine.TrialRequest) (engine.Trial, error) {
	f.trials = append(f.trials, r)
	return engine.Trial{
		Models: []string{"a", "b"}, ListedMS: 3,
		Call:    &engine.TrialCall{Model: "m", LatencyMS: 9, Failure: &engine.TrialFailure{Class: "auth", Status: 401, Message: "no", Hint: "do"}},
		Failure: &engine.TrialFailure{Class: "auth", Status: 401, Message: "no", Hint: "do"},
	}, nil
}

func (f *fake) TryModel(_ context.Context, r engine.TrialRequest) (engine.Trial, error) {
	f.trials = append(f.trials, r)
	return engine.Trial{OK: true, Simulated: true, Call: &engine.TrialCall{Model: r.ID, OK: true, LatencyMS: 2}}, nil
}

// office is the real management of the catalogue, over a store of its own.
type office struct {
	engine.Store
	snapshot atomic.Pointer[engine.Catalogue]
}

// withOffice makes a server manage the rows of testCatalogue for real.
func withOffice(t *testing.T) (*office, func(*Config)) {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+migrated.SQLite(t, filepath.Join(t.TempDir(), "test.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	o := &office{Store: s}
	for _, m := range testCatalogue().Models("") {
		m.UpdatedAt = m.CreatedAt
		if err := s.PutModel(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range testCatalogue().Providers("") {
		p.CreatedAt, p.UpdatedAt = testNow, testNow
		if err := s.PutProvider(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	return o, func(c *Config) {
		c.Catalogue = func() CatalogueService { return o.snapshot.Load() }
		models, providers := engine.NewCatalogueServices(engine.CatalogueConfig{
			Store: o, Catalogue: o.snapshot.Load, Adapters: o, Seal: o, Reload: o.reload,
			PublicHost: func(host string) bool { return strings.Contains(host, ".") && !strings.HasPrefix(host, "127.") },
			Now:        func() time.Time { return testNow },
		})
		c.Models, c.Providers, c.Prices = models, providers, models.Prices(o.Store)
	}
}

func (o *office) reload(ctx context.Context) error {
	models, err1 := o.ListModels(ctx)
	providers, err2 := o.ListProviders(ctx)
	prices, err3 := o.ListPrices(ctx)
	credentials, err4 := o.ListCredentials(ctx)
	for i := range providers {
		p := &providers[i]
		if p.ID == "openai" && p.AccountID == "" {
			p.Credentials = []engine.Credential{{ID: engine.EnvironmentCredential, Weight: 1, Enabled: true}}
		}
		for _, c := range credentials {
			if c.AccountID == p.AccountID && c.ProviderID == p.ID && c.ID != "lost" {
				p.Credentials = append(p.Credentials, engine.Credential{ID: c.ID, Weight: c.Weight, Enabled: c.Enabled})
			}
		}
	}
	o.snapshot.Store(engine.NewCatalogue(models, providers, prices))
	return errors.Join(err1, err2, err3, err4)
}

func (o *office) AdapterManifest(_, name string) (engine.Manifest, error) {
	if name != "openai" {
		return engine.Manifest{}, engine.ErrNotFound
	}
	return engine.Manifest{Name: name, Provider: &engine.ManifestProvider{BaseURL: "https://api.openai.com/v1", Native: []string{"chat"}}}, nil
}

func (o *office) ConfigureAdapter(_ context.Context, account, name string, config []byte) error {
	if strings.Contains(string(config), "wrong") {
		return &engine.Error{Code: engine.CodeInvalid, Param: "config.wrong", Message: "config.wrong: no such member"}
	}
	_, err := o.AdapterManifest(account, name)
	return err
}

// SealCredential reverses the text: enough to see that it is not what is shown.
func (o *office) SealCredential(c engine.StoredCredential, secret string) (engine.StoredCredential, error) {
	b := []byte(secret)
	for i := range len(b) / 2 {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
	c.Sealed, c.SealKey = b, "k"
	return c, nil
}

func (o *office) OpenCredential(c engine.StoredCredential) (string, error) {
	c, err := o.SealCredential(c, string(c.Sealed))
	return string(c.Sealed), err
}
