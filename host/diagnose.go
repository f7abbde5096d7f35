package host

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/plugins"
)

// Migrate brings the configured database to this version's schema and seed.
func Migrate(ctx context.Context, cfg Config) error {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	s, err := store.Open(ctx, cfg.databaseURL(), store.Options{})
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	defer s.Close()
	return store.Seed(ctx, s, time.Now())
}

// Diagnose says what a process with this configuration would use, a line each.
// The error is what would keep it from serving; other findings are for a person to judge.
func Diagnose(_ context.Context, cfg Config) ([]string, error) {
	findings := []string{"listen     " + cfg.Listen}
	kind := "Postgres"
	if cfg.embedded() {
		kind = "embedded SQLite in " + cfg.DataDir
	}
	findings = append(findings, "store      "+kind)
	simulated := cfg.Simulate || !cfg.Upstreams.configured()
	for _, s := range cfg.Upstreams.settings() {
		state := "skipped: no key"
		switch {
		case s.key != "" && s.base != "":
			state = "key set, base URL " + s.base
		case s.key != "":
			state = "key set"
		case s.base != "":
			state = "no key, base URL " + s.base
		case simulated:
			state = "simulated"
		}
		findings = append(findings, fmt.Sprintf("provider   %-10s %s", s.id, state))
	}
	if _, err := plugins.Modules(); err != nil {
		return findings, err
	}
	return findings, cfg.validate()
}
