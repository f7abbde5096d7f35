package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/pointsman/pointsman/host/store/sqlite"
)

// errNotEmbedded: backup and restore are the database's own business.
var errNotEmbedded = errors.New("backup and restore are for the embedded SQLite: a Postgres is saved by pg_dump, or by its own continuous archiving, and restored with pg_restore")

// Backup copies the SQLite database that the URL names into a new file, also while a server has it
// open. Errors: fs.ErrExist, and one for another kind of database.
func Backup(ctx context.Context, url, to string) error {
	path, ok := embedded(url)
	if !ok {
		return errNotEmbedded
	}
	return sqlite.Backup(ctx, path, to)
}

// Restore puts a backup in the place of the SQLite database that the URL names. kept is what the
// old one is called now, "" when there was none. Errors: ErrInUse, as sqlite.Restore.
func Restore(ctx context.Context, url, from string, now time.Time) (kept string, err error) {
	path, ok := embedded(url)
	if !ok {
		return "", errNotEmbedded
	}
	return sqlite.Restore(ctx, path, from, now)
}

func embedded(url string) (path string, ok bool) {
	scheme, path, _ := strings.Cut(url, ":")
	return path, strings.EqualFold(scheme, "sqlite")
}
