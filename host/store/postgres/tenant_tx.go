package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
)

// sitDown makes the transaction that it runs in the tenant's, to its end. The search path is
// part of it, since "$user" in it is another one then.
const sitDown = `select set_config('role', $1, true), set_config('search_path', $2, true), set_config('pointsman.account', $3, true)`

// seat is for whom a call is made: an account, which sees its own rows and the shared ones,
// or the gateway itself, which sees all.
type seat struct {
	tenant     bool
	role, path string
	accountID  string // "" sees nothing
}

// seatOf returns the seat of a call for an account's rows. On behalf of a tenant's user it
// is that tenant's, whatever the call asks for.
//
// See ../RATIONALE.md, "What is behind row-level security, and for whom?".
func (s *Store) seatOf(ctx context.Context, accountID string) seat {
	if s.tenantRole == "" {
		return seat{}
	}
	walled := seat{tenant: true, role: s.tenantRole, path: pgx.Identifier{s.schema}.Sanitize(), accountID: accountID}
	if p := engine.ActorOf(ctx).Principal; p.Role != "" && p.Role != engine.RoleSuperAdmin {
		walled.accountID = p.AccountID
	} else if accountID == "" {
		return seat{} // global rows: system work, or a super admin's
	}
	return walled
}

// queries runs statements on db in this seat.
func (w seat) queries(db query.DBTX) *query.Queries {
	if !w.tenant {
		return query.New(db)
	}
	return query.New(seated{db, w})
}

// seated sends each statement in one batch with sitDown: a round trip as without it. Outside
// a transaction the batch is one itself, so that nothing of it stays on the connection.
type seated struct {
	db query.DBTX
	seat
}

// SendBatch implements query.DBTX.
func (d seated) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	b := &pgx.Batch{}
	b.Queue(sitDown, d.role, d.path, d.accountID)
	b.QueuedQueries = append(b.QueuedQueries, batch.QueuedQueries...)
	results := d.db.SendBatch(ctx, b)
	if _, err := results.Exec(); err != nil {
		return failedBatch{results, outside(err)}
	}
	return results
}

// send sends one statement.
func (d seated) send(ctx context.Context, sql string, args []any) pgx.BatchResults {
	b := &pgx.Batch{}
	b.Queue(sql, args...)
	return d.SendBatch(ctx, b)
}

// Exec implements query.DBTX.
func (d seated) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	results := d.send(ctx, sql, args)
	tag, err := results.Exec()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return tag, err
}

// Query implements query.DBTX.
func (d seated) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	results := d.send(ctx, sql, args)
	rows, err := results.Query()
	if err != nil {
		_ = results.Close()
		return nil, err
	}
	return &seatedRows{Rows: rows, batch: results}, nil
}

// QueryRow implements query.DBTX.
func (d seated) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	results := d.send(ctx, sql, args)
	return seatedRow{results.QueryRow(), results}
}

// seatedRows gives the connection back with its last row.
type seatedRows struct {
	pgx.Rows
	batch pgx.BatchResults
	err   error
}

// Close implements pgx.Rows.
func (r *seatedRows) Close() {
	r.Rows.Close()
	if err := r.batch.Close(); r.err == nil {
		r.err = err
	}
}

// Next implements pgx.Rows.
func (r *seatedRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Err implements pgx.Rows.
func (r *seatedRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

type seatedRow struct {
	row   pgx.Row
	batch pgx.BatchResults
}

// Scan implements pgx.Row.
func (r seatedRow) Scan(dest ...any) error {
	err := r.row.Scan(dest...)
	if closed := r.batch.Close(); err == nil {
		err = closed
	}
	return err
}

// failedBatch is a batch that did not get as far as its statements.
type failedBatch struct {
	pgx.BatchResults
	err error
}

func (b failedBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, b.err }
func (b failedBatch) Query() (pgx.Rows, error)         { return nil, b.err }
func (b failedBatch) QueryRow() pgx.Row                { return failedRow{b.err} }

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// outside says why the tenant role could not be taken: it must not look like a value that
// the caller can mend.
func outside(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (refused.Code == "42501" || refused.Code == "22023") {
		return fmt.Errorf("become the tenant role: %s (run `pointsman doctor`)", refused.Message)
	}
	return err
}
