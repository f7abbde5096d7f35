package store_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

var seedTime = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func catalogue(t *testing.T) store.Catalogue {
	t.Helper()
	c, err := store.LoadCatalogue(seedTime)
	if err != nil {
		t.Fatalf("LoadCatalogue() = %v, want nil", err)
	}
	return c
}

// content is everything that the seed fills, and the revision.
type content struct {
	Models    []engine.Model
	Providers []engine.Provider
	Prices    []engine.Price
	Rules     []engine.Rule
	Revision  int64
}

func read(t *testing.T, s engine.Store) (c content) {
	t.Helper()
	var err [5]error
	c.Models, err[0] = s.ListModels(t.Context())
	c.Providers, err[1] = s.ListProviders(t.Context())
	c.Prices, err[2] = s.ListPrices(t.Context())
	c.Rules, err[3] = s.ListRules(t.Context())
	c.Revision, err[4] = s.Revision(t.Context())
	if err := errors.Join(err[:]...); err != nil {
		t.Fatal(err)
	}
	return c
}

func mustSeed(t *testing.T, s engine.Store, now time.Time) {
	t.Helper()
	if err := store.Seed(t.Context(), s, now); err != nil {
		t.Fatalf("Seed() = %v, want nil", err)
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := mustOpen(t, d.url(t))
			mustSeed(t, s, seedTime)
			got, want := read(t, s), catalogue(t)
			if len(got.Models) != len(want.Models) || len(got.Providers) != len(want.Providers) ||
				len(got.Prices) != len(want.Prices) || len(got.Rules) != len(want.Rules) {
				t.Errorf("Seed() made %d models, %d providers, %d prices, %d rules, want %d, %d, %d, %d",
					len(got.Models), len(got.Providers), len(got.Prices), len(got.Rules),
					len(want.Models), len(want.Providers), len(want.Prices), len(want.Rules))
			}
			for _, m := range want.Models {
				i := slices.IndexFunc(got.Models, func(n engine.Model) bool { return n.ID == m.ID })
				if i < 0 || !reflect.DeepEqual(got.Models[i], m) {
					t.Errorf("Seed() did not store model %s as it is", m.ID)
				}
			}
			for i, r := range want.Rules { // both by falling priority
				if !reflect.DeepEqual(got.Rules[i], r) {
					t.Errorf("Seed() stored rule %+v, want %+v", got.Rules[i], r)
				}
			}
			if _, err := s.GetAccount(t.Context(), engine.DefaultAccount); err != nil {
				t.Errorf("GetAccount(default) = %v, want nil", err)
			}
			mustSeed(t, s, seedTime.Add(time.Hour))
			if again := read(t, s); !reflect.DeepEqual(again, got) {
				t.Errorf("Seed() again changed something: revision %d, was %d", again.Revision, got.Revision)
			}
		})
	}
}

// An interrupted or older seed: what is missing is inserted, what nobody edited is
// renewed, what somebody edited stays.
func TestSeedKeepsEdits(t *testing.T) {
	t.Parallel()
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := mustOpen(t, d.url(t))
			ctx, c := t.Context(), catalogue(t)
			before, edit := seedTime.Add(-time.Hour), seedTime.Add(-time.Minute)
			edited, stale := c.Models[0], c.Models[1]
			edited.DisplayName, edited.CreatedAt, edited.UpdatedAt = "mine", before, edit
			stale.DisplayName, stale.CreatedAt, stale.UpdatedAt = "outdated", before, before
			provider := c.Providers[0]
			provider.BaseURL, provider.CreatedAt, provider.UpdatedAt = "https://mine", before, edit
			price := c.Prices[0]
			price.Input = 7
			rule, own := c.Rules[0], c.Rules[1]
			rule.Enabled, rule.CreatedAt, rule.UpdatedAt = false, before, edit
			own.System, own.When, own.CreatedAt, own.UpdatedAt = false, "true", before, before
			tenant := c.Models[2]
			tenant.AccountID, tenant.DisplayName = "acme", "theirs"
			for _, err := range []error{
				s.PutModel(ctx, edited), s.PutModel(ctx, stale), s.PutModel(ctx, tenant), s.PutProvider(ctx, provider),
				s.PutPrice(ctx, price), s.CreateRule(ctx, rule), s.CreateRule(ctx, own),
				s.CreateAccount(ctx, engine.Account{ID: engine.DefaultAccount, Name: "renamed"}),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			mustSeed(t, s, seedTime)

			got := read(t, s)
			renewed := c.Models[1]
			renewed.CreatedAt, renewed.UpdatedAt = before, before
			for _, want := range []engine.Model{edited, renewed, tenant, c.Models[2]} {
				i := slices.IndexFunc(got.Models, func(m engine.Model) bool { return m.ID == want.ID && m.AccountID == want.AccountID })
				if i < 0 || !reflect.DeepEqual(got.Models[i], want) {
					t.Errorf("after Seed() model %q/%s = %+v, want %+v", want.AccountID, want.ID, got.Models[i], want)
				}
			}
			if i := slices.IndexFunc(got.Providers, func(p engine.Provider) bool { return p.ID == provider.ID }); !reflect.DeepEqual(got.Providers[i], provider) {
				t.Errorf("after Seed() an edited provider = %+v, want %+v", got.Providers[i], provider)
			}
			if len(got.Prices) != len(c.Prices) || got.Prices[0].Input != 7 {
				t.Errorf("after Seed() the first of %d prices has input %d, want 7 of %d", len(got.Prices), got.Prices[0].Input, len(c.Prices))
			}
			for _, want := range []engine.Rule{rule, own} {
				if r, err := s.GetRule(ctx, "", want.ID); err != nil || !reflect.DeepEqual(r, want) {
					t.Errorf("after Seed() rule %s = %+v (%v), want %+v", want.ID, r, err, want)
				}
			}
			if len(got.Rules) != len(c.Rules) || len(got.Models) != len(c.Models)+1 {
				t.Errorf("after Seed() there are %d rules and %d models, want %d and %d", len(got.Rules), len(got.Models), len(c.Rules), len(c.Models)+1)
			}
			if a, err := s.GetAccount(ctx, engine.DefaultAccount); err != nil || a.Name != "renamed" {
				t.Errorf("after Seed() the default account = %+v (%v), want it as it was", a, err)
			}
		})
	}
}

// What an operator deleted stays away until the catalogue itself changes.
func TestSeedLeavesDeletedAway(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, databases[0].url(t))
	mustSeed(t, s, seedTime)
	before := read(t, s)
	for _, m := range before.Models {
		if m.ProviderID == "raptor" {
			if err := s.DeleteModel(t.Context(), "", m.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.DeleteProvider(t.Context(), "", "raptor"); err != nil {
		t.Fatal(err)
	}
	mustSeed(t, s, seedTime.Add(time.Hour))
	after := read(t, s)
	if len(after.Models) != len(before.Models)-1 || len(after.Providers) != len(before.Providers)-1 {
		t.Errorf("after Seed() again there are %d models and %d providers, want one less than %d and %d",
			len(after.Models), len(after.Providers), len(before.Models), len(before.Providers))
	}
}

func TestSeedLeavesNewerAlone(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, databases[0].url(t))
	if err := s.PutSetting(t.Context(), "seed.version", "999"); err != nil {
		t.Fatal(err)
	}
	mustSeed(t, s, seedTime)
	if got := read(t, s); len(got.Models) != 0 {
		t.Errorf("Seed() of a database that a newer version seeded made %d models, want 0", len(got.Models))
	}
	if err := s.PutSetting(t.Context(), "seed.version", "x"); err != nil {
		t.Fatal(err)
	}
	if err := store.Seed(t.Context(), s, seedTime); err == nil || !strings.Contains(err.Error(), "seed.version") {
		t.Errorf("Seed() with a broken version = %v, want an error that names the setting", err)
	}
}

func TestSeedAtOnce(t *testing.T) {
	t.Parallel()
	url := migrated.PostgresURL(t)
	stores := []engine.Store{mustOpen(t, url), mustOpen(t, url), mustOpen(t, url)}
	errs := make([]error, len(stores))
	var group sync.WaitGroup
	for i, s := range stores {
		group.Go(func() { errs[i] = store.Seed(context.WithoutCancel(t.Context()), s, seedTime.Add(time.Duration(i))) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("Seed() by %d at once = %v, want nil", len(stores), err)
	}
	c := catalogue(t)
	writes := int64(1 + len(c.Models) + len(c.Providers) + len(c.Prices) + 1) // the rules are published whole
	if got := read(t, stores[0]); got.Revision != writes {
		t.Errorf("Revision() after Seed() by %d at once = %d, want %d: one of them seeds", len(stores), got.Revision, writes)
	}
}
