package store

import (
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// Unreachable reports whether Open failed because the server does not take connections now, and may
// soon: it is not there yet, it is starting or stopping, or it has no connection to spare.
func Unreachable(err error) bool {
	var connecting *pgconn.ConnectError
	if !errors.As(err, &connecting) {
		return false
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return true
	}
	// cannot_connect_now, admin_shutdown, crash_shutdown, too_many_connections
	return slices.Contains([]string{"57P03", "57P01", "57P02", "53300"}, refused.Code)
}
