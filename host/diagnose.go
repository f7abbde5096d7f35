package host

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/plugins"
)

// Migrate brings the configured database to this version's schema and seed.
func Migrate(ctx context.Context, cfg Config) error {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	s, err := awaitStore(ctx, zerolog.New(os.Stderr).With().Timestamp().Logger(), func(ctx context.Context) (engine.Store, error) {
		return store.Open(ctx, cfg.databaseURL(), store.Options{})
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return store.Seed(ctx, s, time.Now())
}

// Level is how bad a finding is.
type Level string

// Levels. A warning is for a person to judge; an error keeps the process from serving, or is
// damage.
const (
	LevelOK      Level = "ok"
	LevelWarning Level = "warning"
	LevelError   Level = "error"
)

// Finding is what a check found, without secrets.
type Finding struct {
	Check string `json:"check"` // config, listen, tls, store, key, clock, rows, audit, disk, cache, provider or adapters
	Level Level  `json:"level"`
	Text  string `json:"text"`
	Next  string `json:"next,omitempty"` // what to do about it
}

// DiagnoseOptions are how far Diagnose goes. The zero value works.
type DiagnoseOptions struct {
	Online bool      // whether the providers that are configured are connected to; no request is made
	Now    time.Time // zero: now
}

// Diagnose says what a process with this configuration would use and what stands in its way.
// Nothing is changed, and but for Online nobody but the database is called.
func Diagnose(ctx context.Context, cfg Config, opts DiagnoseOptions) []Finding {
	if opts.Now.IsZero() {
		opts.Now = time.Now()
	}
	var found []Finding
	if err := cfg.validate(); err != nil {
		found = append(found, Finding{"config", LevelError, err.Error(), "`pointsman config show --resolved` says where each setting comes from"})
	} else {
		found = append(found, Finding{Check: "config", Level: LevelOK, Text: "every setting is valid"})
	}
	if _, _, err := net.SplitHostPort(cfg.Listen); err == nil { // else config has said so
		found = append(found, Finding{Check: "listen", Level: LevelOK, Text: cfg.Listen})
	}
	found = append(found, diagnoseTLS(cfg.TLS, opts.Now)...)
	if _, err := plugins.Modules(); err != nil {
		found = append(found, Finding{"adapters", LevelError, err.Error(), "build the program with `make build`"})
	}
	found = append(found, diagnoseStore(ctx, cfg, opts.Now)...)
	found = append(found, diagnoseDisk(cfg.DataDir, freeBytes)...)
	found = append(found, diagnoseCache(cfg.DataDir))
	return append(found, diagnoseProviders(ctx, cfg, opts)...)
}

// Failed reports whether any finding is an error.
func Failed(found []Finding) bool {
	for _, f := range found {
		if f.Level == LevelError {
			return true
		}
	}
	return false
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
