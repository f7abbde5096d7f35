package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/migrations"
)

// SeedVersion is the version of the embedded catalogue. Raise it with every
// released change of migrations/catalogue: databases that were seeded with a lower
// one take the change over.
const SeedVersion = 2

// seedSetting is the setting that holds the version a database was seeded with.
const seedSetting = "seed.version"

// Catalogue is the seed, decoded. All rows are global.
type Catalogue struct {
	Models    []engine.Model
	Providers []engine.Provider
	Prices    []engine.Price
	Rules     []engine.Rule
}

// The files' forms. Members not named here are errors.
type (
	modelFile struct {
		Models []struct {
			ID            string              `json:"id"`
			Family        string              `json:"family"`
			DisplayName   string              `json:"display_name"`
			Tier          string              `json:"tier"`
			PremiumCenti  int64               `json:"premium_centi"`
			ProviderID    string              `json:"provider_id"`
			UpstreamID    string              `json:"upstream_id"`
			API           engine.API          `json:"api"`
			ContextWindow int64               `json:"context_window"`
			MaxOutput     int64               `json:"max_output"`
			Modalities    []string            `json:"modalities"`
			Capabilities  []engine.Capability `json:"capabilities"`
			Unsupported   []string            `json:"unsupported"`
			Rename        map[string]string   `json:"rename"`
			Fallbacks     []string            `json:"fallbacks"`
			Source        string              `json:"source"`
			RetiresAt     time.Time           `json:"retires_at"`
			Replacement   *engine.Replacement `json:"replacement"`
		} `json:"models"`
	}
	providerFile struct {
		Providers []struct {
			ID         string `json:"id"`
			Name       string `json:"name"`
			Adapter    string `json:"adapter"`
			BaseURL    string `json:"base_url"`
			Credential string `json:"credential"`
		} `json:"providers"`
	}
	priceFile struct {
		Prices []struct {
			ProviderID   string `json:"provider_id"`
			UpstreamID   string `json:"upstream_id"`
			From         day    `json:"from"`
			AbovePrompt  int64  `json:"above_prompt"`
			Input        usd    `json:"input"` // this to reasoning: USD per million tokens, as a decimal string
			Output       usd    `json:"output"`
			CachedInput  *usd   `json:"cached_input"`
			CacheWrite   *usd   `json:"cache_write"`
			CacheWrite1h *usd   `json:"cache_write_1h"`
			Reasoning    *usd   `json:"reasoning"`
			PerRequest   usd    `json:"per_request"` // this and the next: USD
			PerImage     usd    `json:"per_image"`
			Source       string `json:"source"`
		} `json:"prices"`
	}
	ruleFile struct {
		Rules []struct {
			ID          string   `json:"id"`
			Name        string   `json:"name"`
			Description string   `json:"description"`
			Priority    int      `json:"priority"`
			When        string   `json:"when"`
			Target      string   `json:"target"`
			Fallbacks   []string `json:"fallbacks"`
		} `json:"rules"`
	}
)

// LoadCatalogue decodes migrations.Catalogue; every row was created and updated at now.
func LoadCatalogue(now time.Time) (Catalogue, error) {
	var models modelFile
	var providers providerFile
	var prices priceFile
	var rules ruleFile
	for _, file := range []struct {
		name string
		into any
	}{{"models", &models}, {"providers", &providers}, {"prices", &prices}, {"rules", &rules}} {
		if err := decode("catalogue/"+file.name+".json", file.into); err != nil {
			return Catalogue{}, err
		}
	}
	var c Catalogue
	for _, m := range models.Models {
		c.Models = append(c.Models, engine.Model{
			ID: m.ID, Family: m.Family, DisplayName: m.DisplayName, Tier: m.Tier, PremiumCenti: m.PremiumCenti,
			ProviderID: m.ProviderID, UpstreamID: m.UpstreamID, API: m.API, ContextWindow: m.ContextWindow,
			MaxOutput: m.MaxOutput, Modalities: m.Modalities, Capabilities: m.Capabilities, Unsupported: m.Unsupported,
			Rename: m.Rename, Fallbacks: m.Fallbacks, Source: m.Source, RetiresAt: m.RetiresAt, Replacement: m.Replacement,
			Enabled: true, CreatedAt: now, UpdatedAt: now,
		})
	}
	for _, p := range providers.Providers {
		c.Providers = append(c.Providers, engine.Provider{
			ID: p.ID, Name: p.Name, Adapter: p.Adapter, BaseURL: p.BaseURL, Credential: p.Credential,
			Enabled: true, CreatedAt: now, UpdatedAt: now,
		})
	}
	for _, p := range prices.Prices {
		c.Prices = append(c.Prices, engine.Price{
			ProviderID: p.ProviderID, UpstreamID: p.UpstreamID, From: time.Time(p.From), AbovePrompt: p.AbovePrompt,
			Input: int64(p.Input), Output: int64(p.Output), CachedInput: (*int64)(p.CachedInput),
			CacheWrite: (*int64)(p.CacheWrite), CacheWrite1h: (*int64)(p.CacheWrite1h), Source: p.Source,
			Reasoning: (*int64)(p.Reasoning), PerRequest: int64(p.PerRequest), PerImage: int64(p.PerImage),
		})
	}
	for _, r := range rules.Rules {
		c.Rules = append(c.Rules, engine.Rule{
			ID: r.ID, Name: r.Name, Description: r.Description, Priority: r.Priority, When: r.When, Target: r.Target,
			Fallbacks: r.Fallbacks, OnFailure: engine.FailureSkip, Enabled: true, System: true, CreatedAt: now, UpdatedAt: now,
		})
	}
	return c, nil
}

func decode(name string, into any) error {
	b, err := migrations.Catalogue.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read the seed: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read the seed's %s: %w", name, err)
	}
	return nil
}

// Seed makes the default account and brings the embedded catalogue into the
// database, once per SeedVersion: it inserts the rows that are missing and renews the
// models, providers and rules that nobody has edited (UpdatedAt is still CreatedAt).
// A row that somebody has edited stays as it is. An interrupted seed goes on at the
// next call.
//
// On Postgres several processes may call it at once: one seeds, the others wait.
func Seed(ctx context.Context, s engine.Store, now time.Time) error {
	run := func(ctx context.Context) error {
		if err := seed(ctx, s, now); err != nil {
			return err
		}
		// Rules that are older than the versions of rules.
		return s.StartRuleSets(ctx, now)
	}
	if shared, ok := s.(exclusive); ok {
		return shared.Exclusive(ctx, "seed", run)
	}
	return run(ctx)
}

// exclusive is a store whose database other processes may use at the same time.
type exclusive interface {
	Exclusive(ctx context.Context, name string, run func(context.Context) error) error
}

func seed(ctx context.Context, s engine.Store, now time.Time) error {
	version, err := seeded(ctx, s)
	if err != nil || version >= SeedVersion {
		return err
	}
	c, err := LoadCatalogue(now)
	if err != nil {
		return err
	}
	account := engine.Account{ID: engine.DefaultAccount, Name: "Default", CreatedAt: now, UpdatedAt: now}
	if err := s.CreateAccount(ctx, account); err != nil && !errors.Is(err, engine.ErrConflict) {
		return fmt.Errorf("seed the default account: %w", err)
	}
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"providers", func() error { return seedProviders(ctx, s, c.Providers) }},
		{"prices", func() error { return seedPrices(ctx, s, c.Prices) }},
		{"models", func() error { return seedModels(ctx, s, c.Models) }},
		{"rules", func() error { return seedRules(ctx, s, c.Rules, now) }},
	} {
		if err := part.run(); err != nil {
			return fmt.Errorf("seed the %s: %w", part.name, err)
		}
	}
	// Last, so that an interrupted seed is taken up again.
	return s.PutSetting(ctx, seedSetting, strconv.Itoa(SeedVersion))
}

// seeded returns the version that the database was seeded with, 0 for a new one.
func seeded(ctx context.Context, s engine.SettingStore) (int, error) {
	value, err := s.GetSetting(ctx, seedSetting)
	if errors.Is(err, engine.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	version, err := strconv.Atoi(value)
	if err != nil {
		return 0, fmt.Errorf("read the setting %s: %w", seedSetting, err)
	}
	return version, nil
}
