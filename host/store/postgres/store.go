// Package postgres keeps everything in Postgres 15 or later, through pgx. Several
// processes may share one database; each sees the others' configuration writes at
// once (change.go).
//
// It is not for the embedded default, which is host/store/sqlite, and its SQL is
// in query/*.sql. Read this file first.
package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// Config is how a database is opened. The zero value works.
type Config struct {
	NoMigrate bool           // true: refuse a database that lacks migrations instead of applying them
	PollEvery time.Duration  // how often Watch asks for the revision unasked; 0: 5 s
	Logger    zerolog.Logger // applied migrations and lost connections; zero: silent
}

// Bounds of one call. A statement ends itself on the server before the caller's
// deadline, so that the connection survives.
const (
	callTimeout      = 15 * time.Second
	statementTimeout = "10s"
	lockTimeout      = "5s"
	idleTimeout      = "30s" // of an open transaction
	pollEvery        = 5 * time.Second
)

// beginLease is the begin of Store.lease, in one round trip.
var beginLease = pgx.TxOptions{BeginQuery: "begin; set local idle_in_transaction_session_timeout = '2s'"}

// minVersion is the oldest server that the suite is run on (server_version_num).
const minVersion = 150000

var _ engine.Store = (*Store)(nil)

// Store is an engine.Store on Postgres. Safe for concurrent use.
type Store struct {
	pool       *pgxpool.Pool
	desk       desk
	patience   time.Duration // of who manages
	silent     atomic.Bool   // the last call got no answer
	queries    *query.Queries
	dedicated  *pgx.ConnConfig // for Watch, Confirm and locks, which keep a connection to themselves
	schema     string          // where the tables are; the payload of a notification names it
	version    int             // of the server, as server_version_num
	tenantRole string          // what calls for an account's rows become; "": there is no such wall
	noWall     string          // why there is none, for a person
	days       usageDays
	decided    decisionDays
	health     feed // of transitions
	confirmer  confirmer
	pollEvery  time.Duration
	log        zerolog.Logger
}

// Open connects to the database at url (postgres://…; the tables go into the first
// schema of its search_path) and brings its schema up to date. Several processes
// may do so at once: one migrates, the others wait.
//
// The errors say what to do next; none of them holds the password.
func Open(ctx context.Context, url string, cfg Config) (*Store, error) {
	pool, err := poolConfig(url)
	if err != nil {
		return nil, err
	}
	s := &Store{
		dedicated: dedicatedConfig(pool.ConnConfig),
		desk:      newDesk(pool.MaxConns),
		patience:  patience,
		confirmer: newConfirmer(),
		pollEvery: cfg.PollEvery,
		log:       cfg.Logger,
	}
	if s.pollEvery <= 0 {
		s.pollEvery = pollEvery
	}
	if err := s.prepare(ctx, cfg.NoMigrate); err != nil {
		return nil, err
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, pool); err != nil {
		return nil, fmt.Errorf("open postgres pool: %w", err)
	}
	s.queries = query.New(s.pool)
	return s, nil
}

// Close waits for running calls and releases every connection. Watch must have
// returned before.
func (s *Store) Close() error {
	s.confirmer.turn <- struct{}{}
	s.confirmer.close(context.Background())
	<-s.confirmer.turn
	s.pool.Close()
	return nil
}

// poolConfig reads the URL and sets what it leaves unsaid.
func poolConfig(url string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the postgres URL: %w", err) // pgx has taken the password out
	}
	setDefault(cfg.ConnConfig, "application_name", "pointsman")
	setDefault(cfg.ConnConfig, "statement_timeout", statementTimeout)
	setDefault(cfg.ConnConfig, "lock_timeout", lockTimeout)
	setDefault(cfg.ConnConfig, "idle_in_transaction_session_timeout", idleTimeout)
	if cfg.ConnConfig.ValidateConnect == nil {
		// After a failover the old primary still answers reads, and refuses every write.
		cfg.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	attempts := newAttempts(cfg.MaxConns, time.Now)
	cfg.BeforeConnect, cfg.AfterConnect = attempts.before, attempts.after
	cfg.MaxConnLifetimeJitter = cfg.MaxConnLifetime / 10
	cfg.PingTimeout = 5 * time.Second
	return cfg, nil
}

// dedicatedConfig is for connections outside the pool. Its name tells them apart
// in pg_stat_activity.
func dedicatedConfig(pooled *pgx.ConnConfig) *pgx.ConnConfig {
	cfg := pooled.Copy()
	cfg.RuntimeParams["application_name"] += " dedicated"
	// Cancelling a call in the pool asks the server to stop the statement and keeps
	// the connection. One that waits for notifications has no statement to stop.
	pooled.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: 500 * time.Millisecond}
	}
	return cfg
}

func setDefault(cfg *pgx.ConnConfig, name, value string) {
	if _, said := cfg.RuntimeParams[name]; !said {
		cfg.RuntimeParams[name] = value
	}
}

// connect opens a connection outside the pool.
func (s *Store) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.ConnectConfig(ctx, s.dedicated.Copy())
}

// read runs a query that needs no transaction.
func (s *Store) read(ctx context.Context, doing string, run func(context.Context, *query.Queries) error) error {
	return s.readIn(ctx, seat{}, doing, run)
}

// readOf is read for an account's rows.
func (s *Store) readOf(ctx context.Context, accountID, doing string, run func(context.Context, *query.Queries) error) error {
	return s.readIn(ctx, s.seatOf(ctx, accountID), doing, run)
}

func (s *Store) readIn(ctx context.Context, who seat, doing string, run func(context.Context, *query.Queries) error) error {
	return s.call(ctx, doing, func(ctx context.Context, conn *pgxpool.Conn) (untouched bool, err error) {
		return true, run(ctx, who.queries(conn))
	})
}

// call runs a call on a connection, again where that is safe.
func (s *Store) call(ctx context.Context, doing string, run func(context.Context, *pgxpool.Conn) (untouched bool, err error)) error {
	whole, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := s.retry(whole, func() (untouched bool, err error) {
		conn, release, err := s.acquire(whole)
		if err != nil {
			return true, err
		}
		defer release()
		return run(whole, conn)
	})
	s.heard(ctx, err)
	return settle(ctx, doing, err)
}

// write runs a change of configuration in a transaction that raises the revision
// and tells every process of it. what is all that it changes.
func (s *Store) write(ctx context.Context, what engine.Change, doing string, change func(context.Context, *query.Queries) error) error {
	return s.writeIn(ctx, seat{}, what, doing, change)
}

// writeOf is write for an account's rows.
func (s *Store) writeOf(ctx context.Context, what engine.Change, doing string, change func(context.Context, *query.Queries) error) error {
	return s.writeIn(ctx, s.seatOf(ctx, what.AccountID), what, doing, change)
}

func (s *Store) writeIn(ctx context.Context, who seat, what engine.Change, doing string, change func(context.Context, *query.Queries) error) error {
	entry, err := row.AuditOf(ctx)
	if err != nil {
		return err
	}
	return s.begin(ctx, doing, func(ctx context.Context, tx pgx.Tx) error {
		q := s.queries.WithTx(tx)
		revision, err := q.RaiseRevision(ctx)
		if err != nil {
			return err
		}
		if err := addChange(ctx, q, revision, what); err != nil {
			return err
		}
		// What is not the account's to write comes before the change: that makes the rest of
		// the transaction the tenant's. A change that is refused takes its entry with it.
		if err := appendAudit(ctx, q, entry); err != nil {
			return err
		}
		if err := change(ctx, who.queries(tx)); err != nil {
			return err
		}
		return q.NotifyRevision(ctx, revision)
	})
}

// transact runs a transaction: all of it, or nothing.
func (s *Store) transact(ctx context.Context, doing string, run func(context.Context, *query.Queries) error) error {
	return s.begin(ctx, doing, func(ctx context.Context, tx pgx.Tx) error { return run(ctx, s.queries.WithTx(tx)) })
}

// lease is transact for what replicas share and take turns at: the server ends it soon when the process
// stands still amid it, so that the others need not.
//
// See ../RATIONALE.md, "What if a process stops amid an exchange?".
func (s *Store) lease(ctx context.Context, doing string, run func(context.Context, *query.Queries) error) error {
	return s.beginBy(ctx, beginLease, doing, func(ctx context.Context, tx pgx.Tx) error { return run(ctx, s.queries.WithTx(tx)) })
}

// transactOf is transact for an account's rows.
func (s *Store) transactOf(ctx context.Context, accountID, doing string, run func(context.Context, *query.Queries) error) error {
	who := s.seatOf(ctx, accountID)
	return s.begin(ctx, doing, func(ctx context.Context, tx pgx.Tx) error { return run(ctx, who.queries(tx)) })
}

func (s *Store) begin(ctx context.Context, doing string, run func(context.Context, pgx.Tx) error) error {
	return s.beginBy(ctx, pgx.TxOptions{}, doing, run)
}

func (s *Store) beginBy(ctx context.Context, how pgx.TxOptions, doing string, run func(context.Context, pgx.Tx) error) error {
	return s.call(ctx, doing, func(ctx context.Context, conn *pgxpool.Conn) (untouched bool, err error) {
		tx, err := conn.BeginTx(ctx, how)
		if err != nil {
			return true, err
		}
		if err := run(ctx, tx); err != nil {
			// The first error says more, and the server rolls back what it has lost sight of.
			_ = tx.Rollback(context.WithoutCancel(ctx))
			return false, err
		}
		return false, tx.Commit(ctx)
	})
}
