package store

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/schema"
	"github.com/pointsman/pointsman/host/store/sqlite"
)

// Errors of Open, to be tested for with errors.Is.
var (
	ErrInUse  = sqlite.ErrInUse  // a SQLite file of another process
	ErrBehind = schema.ErrBehind // NoMigrate, and migrations are missing
)

// RowSecurity reports whether the database itself keeps the rows of accounts apart, and what
// an administrator can do when it could and does not. SQLite cannot.
func RowSecurity(s engine.Store) (stands bool, advice string) {
	if walled, ok := s.(interface{ RowSecurity() (bool, string) }); ok {
		return walled.RowSecurity()
	}
	return false, ""
}

// Clock asks the database for its time; ok is false for one that lives by this machine's clock.
func Clock(ctx context.Context, s engine.Store) (now time.Time, ok bool, err error) {
	clocked, ok := s.(interface {
		Clock(context.Context) (time.Time, error)
	})
	if !ok {
		return now, false, nil
	}
	now, err = clocked.Clock(ctx)
	return now, true, err
}
