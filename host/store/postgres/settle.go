package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
)

// settle turns what the server said, or did not say, into the errors of engine.Store. ctx is
// the caller's.
func settle(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%s: %w", doing, engine.ErrNotFound)
	case errors.Is(ctx.Err(), context.Canceled) && (silent(err) || canceled(err)):
		return fmt.Errorf("%s: %w: %w", doing, context.Canceled, err)
	case silent(err) || refuses(err):
		return row.Unavailable(fmt.Errorf("%s: %w", doing, err))
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	switch {
	case refused.Code == "23505": // unique_violation
		return fmt.Errorf("%s: %w", doing, engine.ErrConflict)
	case refused.Code == "23503": // foreign_key_violation
		return fmt.Errorf("%s: the account or user it belongs to: %w", doing, engine.ErrNotFound)
	case strings.HasPrefix(refused.Code, "22"), strings.HasPrefix(refused.Code, "23"), refused.Code == "54000":
		return &engine.Error{Code: engine.CodeInvalid, Message: "the database refuses a value: " + refused.Message, Err: fmt.Errorf("%s: %w", doing, err)}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// silent reports whether a call failed because nobody answered: no connection, or none that was
// heard of in time.
func silent(err error) bool {
	var connecting *pgconn.ConnectError
	return errors.As(err, &connecting) || cut(err) || pgconn.Timeout(err) ||
		errors.Is(err, errTooSoon) || errors.Is(err, errBusy) || errors.Is(err, context.DeadlineExceeded)
}

// canceled reports whether the server gave up a statement because it was asked to, or took too long.
func canceled(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "57014"
}

// refuses reports whether the server answers that it cannot do now what another moment may allow.
func refuses(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case "25006", // read_only_sql_transaction: it is no primary
		"25P03",          // idle_in_transaction_session_timeout: this process stood still
		"40001", "40P01", // serialization_failure, deadlock_detected, again and again
		"55P03", "57014", // lock_not_available, query_canceled: it took too long
		"57P01", "57P02", "57P03", "57P05": // it is going or coming
		return true
	}
	// Connections, its resources (disk full, too many connections), and its own files.
	return strings.HasPrefix(refused.Code, "08") || strings.HasPrefix(refused.Code, "53") || strings.HasPrefix(refused.Code, "58")
}

// answered reports whether an error was made of an answer: nobody else knows what rows there are.
func answered(err error) bool {
	return errors.Is(err, pgx.ErrNoRows) || errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrConflict)
}

// heard notes whether the server answered a call of ctx.
func (s *Store) heard(ctx context.Context, err error) {
	var refused *pgconn.PgError
	switch {
	case silent(err):
		if ctx.Err() == nil && !errors.Is(err, errBusy) { // it was not the caller who lost patience
			s.silent.Store(true)
		}
	case err == nil || errors.As(err, &refused) || answered(err):
		s.silent.Store(false)
	}
}
