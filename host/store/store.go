// Package store opens the database that a URL names, and fills a new one with the
// catalogue. The contract is engine.Store; the drivers are in postgres and sqlite,
// and the suite that both pass is in storetest.
//
// It holds no SQL and no rules about the data. Read Open first, then seed.go.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres"
	"github.com/pointsman/pointsman/host/store/sqlite"
)

// Options are how a store is opened. The zero value works.
type Options struct {
	NoMigrate bool           // true: refuse a database that lacks migrations instead of applying them
	PollEvery time.Duration  // how often Watch asks for changes unasked; 0: 5 s
	Logger    zerolog.Logger // migrations and lost connections; zero: silent
}

// Open opens sqlite:PATH (relative to the working folder, made when missing) or
// postgres://… (also postgresql://…), and brings its schema up to date.
// A SQLite file is this process's alone until Close; a Postgres may be shared.
//
// The errors are for the operator: they say what to do next and hold no password.
func Open(ctx context.Context, url string, opts Options) (engine.Store, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	switch strings.ToLower(scheme) {
	case "sqlite":
		s, err := sqlite.Open(ctx, rest, sqlite.Config(opts))
		if err != nil {
			return nil, err // not a typed nil
		}
		return s, nil
	case "postgres", "postgresql":
		s, err := postgres.Open(ctx, url, postgres.Config(opts))
		if err != nil {
			return nil, err
		}
		return s, nil
	case "":
		return nil, errors.New("no database URL: use sqlite:PATH or postgres://user@host/database")
	}
	return nil, fmt.Errorf("unknown kind of database %q: use sqlite:PATH or postgres://user@host/database", kind(scheme))
}

// kind is what may be shown of an unknown scheme: a URL without one could be a secret.
func kind(scheme string) string {
	const longest = 16
	if len(scheme) > longest {
		return scheme[:longest] + "…"
	}
	return scheme
}
