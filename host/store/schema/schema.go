// Package schema brings the tables of a database up to date: the goose migrations
// of one dialect, and the question whether this binary may touch the database at all.
// It takes no locks; the drivers do.
package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/migrations"
)

// Table is where goose keeps which migrations a database has: one row for each,
// its number in version_id.
const Table = "schema_versions"

// Dialect is the schema in one SQL dialect. Immutable.
type Dialect struct {
	goose  goose.Dialect
	files  fs.FS
	folder string
}

// Postgres is the schema for host/store/postgres.
func Postgres() Dialect {
	return Dialect{goose.DialectPostgres, later("postgres", migrations.Postgres), "postgres"}
}

// SQLite is the schema for host/store/sqlite.
func SQLite() Dialect {
	return Dialect{goose.DialectSQLite3, later("sqlite", migrations.SQLite), "sqlite"}
}

// Versions returns the numbers of the migrations in this binary, rising.
func (d Dialect) Versions() ([]int64, error) {
	entries, err := fs.ReadDir(d.files, d.folder) // by name, so by number
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	versions := make([]int64, len(entries))
	for i, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		if versions[i], err = strconv.ParseInt(number, 10, 64); err != nil {
			return nil, fmt.Errorf("read the number of migration %s: %w", e.Name(), err)
		}
	}
	return versions, nil
}

// ErrBehind is the error of a database that lacks migrations and must not be migrated.
var ErrBehind = errors.New("the database lacks migrations")

// Behind is ErrBehind with how many it lacks.
type Behind int

// Error implements error.
func (b Behind) Error() string {
	return fmt.Sprintf("the database lacks %d migrations: run `pointsman migrate`", int(b))
}

// Is makes it ErrBehind.
func (Behind) Is(target error) bool { return target == ErrBehind }

// Missing returns how many migrations a database lacks that is at version has
// (0: empty). A database beyond this binary is an error: an older binary could
// destroy what it does not know.
func (d Dialect) Missing(has int64) (int, error) {
	versions, err := d.Versions()
	if err != nil {
		return 0, err
	}
	missing, last := 0, int64(0)
	for _, v := range versions {
		if v > has {
			missing++
		}
		last = v
	}
	if has > last {
		return 0, fmt.Errorf("the database is at schema version %d and this pointsman knows only %d: "+
			"run the newer pointsman, or restore the backup from before its upgrade", has, last)
	}
	return missing, nil
}

// Up applies what is missing, each migration in its own transaction. Whoever calls
// it holds a lock against others that would.
func (d Dialect) Up(ctx context.Context, db *sql.DB, log zerolog.Logger) error {
	files, err := fs.Sub(d.files, d.folder)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	p, err := goose.NewProvider(d.goose, db, files, goose.WithTableName(Table), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	applied, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	for _, r := range applied {
		log.Info().Str("migration", r.Source.Path).Int64("duration_ms", r.Duration.Milliseconds()).Msg("migration applied")
	}
	return nil
}
