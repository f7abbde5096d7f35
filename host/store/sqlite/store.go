// Package sqlite keeps everything in one SQLite file: the default, which needs
// nothing installed. One process owns the file (lock.go).
//
// It is not for several replicas; they share a Postgres through
// host/store/postgres. The SQL is in query/*.sql. Read this file first.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// Config is how a database is opened. The zero value works.
type Config struct {
	NoMigrate bool           // true: refuse a database that lacks migrations instead of applying them
	PollEvery time.Duration  // how often Watch asks for the revision unasked; 0: 5 s
	Logger    zerolog.Logger // applied migrations; zero: silent
}

const (
	callTimeout = 15 * time.Second
	pollEvery   = 5 * time.Second
)

var _ engine.Store = (*Store)(nil)

// Store is an engine.Store in a SQLite file. Safe for concurrent use: readers go
// on while the one writer commits.
type Store struct {
	lock       *lock
	writer     *sql.DB // one connection
	reader     *sql.DB // several, which cannot write
	queries    *query.Queries
	statements *prepared // the writer's
	loader     *loader   // of what each request writes
	changes    feed
	health     feed // of transitions
	jobs       jobs
	pollEvery  time.Duration
	log        zerolog.Logger
}

// Open opens or creates the database file, and its folder, for this process alone,
// and brings its schema up to date.
//
// The errors say what to do next.
func Open(ctx context.Context, path string, cfg Config) (_ *Store, err error) {
	s := &Store{pollEvery: cfg.PollEvery, log: cfg.Logger}
	if s.pollEvery <= 0 {
		s.pollEvery = pollEvery
	}
	defer func() {
		if err != nil {
			_ = s.Close() // the first error says more
		}
	}()
	if path, err = place(path, cfg.NoMigrate); err != nil {
		return nil, err
	}
	if s.lock, err = takeLock(path); err != nil {
		return nil, err
	}
	if s.writer, err = open(path, 1, writerPragmas); err != nil {
		return nil, err
	}
	if err = s.prepare(ctx, cfg.NoMigrate); err != nil {
		return nil, explain(path, err)
	}
	if s.reader, err = open(path, max(4, runtime.NumCPU()), readerPragmas); err != nil {
		return nil, err
	}
	s.queries, s.statements, s.loader = query.New(prepare(s.reader)), prepare(s.writer), &loader{path: path}
	return s, nil
}

// Close releases the file. The last connection folds the write-ahead log into it.
func (s *Store) Close() error {
	var errs []error
	if s.loader != nil {
		s.loader.close()
	}
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	return errors.Join(errs...)
}

// place returns the real path of the file, which it creates unless mustExist:
// only its owner may read it, for it holds the digests of keys. Two names of one
// file give one path, so that they also share one lock.
func place(path string, mustExist bool) (string, error) {
	if path == "" || strings.HasPrefix(path, ":memory:") {
		return "", fmt.Errorf("sqlite:%s is not a file: name one, as sqlite:pointsman-data/pointsman.db", path)
	}
	if !mustExist {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", fmt.Errorf("make the folder of the database: %w", err)
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return "", fmt.Errorf("open the database: %w", err)
		}
		if err := f.Close(); err != nil {
			return "", fmt.Errorf("open the database: %w", err)
		}
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no database at %s: run `pointsman migrate`", path)
	}
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return "", fmt.Errorf("find the database: %w", err)
	}
	return real, nil
}

// Pragmas of every connection. With synchronous=FULL a commit survives a power
// cut, which the ledger must.
var (
	writerPragmas = []string{"busy_timeout(5000)", "journal_mode(wal)", "synchronous(full)", "foreign_keys(on)"}
	readerPragmas = []string{"busy_timeout(5000)", "query_only(on)"}
)

// open makes a pool. Nothing is opened before its first use.
func open(path string, connections int, pragmas []string) (*sql.DB, error) {
	name := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: url.Values{
		"_pragma": pragmas,
		// A transaction that begins as a reader can fail when it comes to write.
		"_txlock": {"immediate"},
	}.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// read runs a query that needs no transaction.
func (s *Store) read(ctx context.Context, doing string, run func(context.Context, *query.Queries) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return settle(doing, run(ctx, s.queries))
}

// write runs a change of configuration in a transaction that raises the revision,
// and tells the watchers of it. what is all that it changes.
func (s *Store) write(ctx context.Context, what engine.Change, doing string, change func(context.Context, *query.Queries) error) error {
	entry, err := row.AuditOf(ctx)
	if err != nil {
		return err
	}
	err = s.transact(ctx, doing, func(ctx context.Context, q *query.Queries) error {
		revision, err := q.RaiseRevision(ctx)
		if err != nil {
			return err
		}
		if err := addChange(ctx, q, revision, what); err != nil {
			return err
		}
		// A change that is refused takes its entry with it.
		if err := appendAudit(ctx, q, entry); err != nil {
			return err
		}
		return change(ctx, q)
	})
	if err == nil {
		s.changes.tell()
	}
	return err
}

// transact runs a transaction: all of it, or nothing.
func (s *Store) transact(ctx context.Context, doing string, run func(context.Context, *query.Queries) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return settle(doing, err)
	}
	t := &transaction{Tx: tx, statements: s.statements}
	if err := run(ctx, query.New(t)); err != nil {
		return settle(doing, errors.Join(err, ignoreDone(tx.Rollback())))
	}
	if err := tx.Commit(); err != nil {
		return settle(doing, err)
	}
	t.learn(ctx)
	return nil
}

// ignoreDone drops the error of a rollback that the context's end did already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// settle turns what SQLite said into the sentinels of engine.Store.
func settle(doing string, err error) error {
	var refused interface{ Code() int } // *sqlite.Error, or *fault
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", doing, engine.ErrNotFound)
	case !errors.As(err, &refused):
		return fmt.Errorf("%s: %w", doing, err)
	}
	switch refused.Code() {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return fmt.Errorf("%s: %w", doing, engine.ErrConflict)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%s: the account or user it belongs to: %w", doing, engine.ErrNotFound)
	}
	if refused.Code()&0xff == sqlite3.SQLITE_CONSTRAINT || refused.Code() == sqlite3.SQLITE_TOOBIG {
		return &engine.Error{Code: engine.CodeInvalid, Message: "the database refuses a value", Err: fmt.Errorf("%s: %w", doing, err)}
	}
	err = fmt.Errorf("%s: %w", doing, err)
	switch refused.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return row.Unavailable(err)
	}
	return err
}

// explain adds the next step to an error of the first statements.
func explain(path string, err error) error {
	var refused *sqlite.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s is not a SQLite database: name another file, or move this one away: %w", path, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%s and its folder must be writable: %w", path, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%s is held by another program, perhaps a sqlite3 shell: close it: %w", path, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%s is damaged: restore it from a backup: %w", path, err)
	}
	return fmt.Errorf("open %s: %w", path, err)
}
