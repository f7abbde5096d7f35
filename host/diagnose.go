package host

import (
	"context"
	"errors"
	"fmt"
	"net/url"
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

// Diagnose says what a process with this configuration would use, a line each, without
// secrets. The error is what would surely keep it from serving; nothing is opened or
// called to find out more. Other findings are for a person to judge.
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
			state = "key set, base URL " + shownURL(s.base)
		case s.key != "":
			state = "key set"
		case s.base != "":
			state = "no key, base URL " + shownURL(s.base)
		case simulated:
			state = "simulated"
		}
		findings = append(findings, fmt.Sprintf("provider   %-10s %s", s.id, state))
	}
	_, err := plugins.Modules()
	return findings, errors.Join(cfg.validate(), err)
}

// shownURL is a URL without what may be secret in it: user, password and query.
func shownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "(not a URL)"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
