package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"sync"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// loader writes the rows that each request makes: those of the ledger with their sums, and
// decisions. It has a connection of its own and talks to SQLite without database/sql, many rows
// a statement. Whoever uses it has the writer's turn (Store.load), so that there is one writer
// all the same.
//
// See ../RATIONALE.md, "Why do rows go past database/sql?".
type loader struct {
	path string

	mu         sync.Mutex // guards what follows; held for a transaction
	closed     bool
	tls        *libc.TLS // nil: there is no connection
	db         uintptr   // *sqlite3
	statements map[string]uintptr
	lists      map[listedKey]listed
	texts      arena // what the parameters of the statement at work point to
}

// fault is what SQLite said, as sqlite.Error is of the driver.
type fault struct {
	code int
	text string
}

func (f *fault) Error() string { return fmt.Sprintf("%s (%d)", f.text, f.code) }

// Code returns SQLite's extended result code.
func (f *fault) Code() int { return f.code }

var errLoaderClosed = errors.New("the database is closed")

// load runs a transaction of the loader: all of it, or nothing.
func (s *Store) load(ctx context.Context, doing string, run func(context.Context, *loader) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	turn, err := s.writer.Conn(ctx) // nobody else writes while it is held
	if err != nil {
		return settle(doing, err)
	}
	defer turn.Close()
	return settle(doing, s.loader.transact(ctx, run))
}

func (l *loader) transact(ctx context.Context, run func(context.Context, *loader) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := false
	defer func() {
		if !done { // after an error or a panic
			l.drop() // which takes back what was done, whatever state the connection is in
		}
	}()
	if err := l.open(); err != nil {
		return err
	}
	if err := l.run("begin immediate"); err != nil {
		return err
	}
	if err := run(ctx, l); err != nil {
		return err
	}
	if err := l.run("commit"); err != nil {
		return err
	}
	done = true
	return nil
}

// again takes back what the transaction did, and begins another.
func (l *loader) again() error {
	if err := l.run("rollback"); err != nil {
		return err
	}
	return l.run("begin immediate")
}

// open makes the connection, unless there is one. After an error, drop it. Under mu.
func (l *loader) open() error {
	if l.closed {
		return errLoaderClosed
	}
	if l.tls != nil {
		return nil
	}
	name, err := libc.CString(l.path)
	if err != nil {
		return err
	}
	l.tls, l.statements = libc.NewTLS(), map[string]uintptr{}
	l.texts.tls = l.tls
	place, _ := l.texts.take(bits.UintSize / 8)
	if place == 0 {
		err = &fault{sqlite3.SQLITE_NOMEM, "out of memory"}
	} else {
		// Its calls are one after the other, so that it needs no lock of SQLite's.
		result := sqlite3.Xsqlite3_open_v2(l.tls, name, place, sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_NOMUTEX, 0)
		l.db = pointerAt(place)
		err = l.refused(result)
	}
	libc.Xfree(l.tls, name)
	if err == nil {
		err = l.refused(sqlite3.Xsqlite3_extended_result_codes(l.tls, l.db, 1))
	}
	for _, pragma := range []string{"pragma busy_timeout = 5000", "pragma synchronous = full", "pragma foreign_keys = on"} {
		if err == nil {
			err = l.run(pragma)
		}
	}
	return err
}

// drop ends the connection, and with it a transaction that is open. Under mu.
func (l *loader) drop() {
	if l.tls == nil {
		return
	}
	for _, statement := range l.statements {
		sqlite3.Xsqlite3_finalize(l.tls, statement)
	}
	sqlite3.Xsqlite3_close_v2(l.tls, l.db) // of which 0 is none
	l.texts.free()
	l.tls.Close()
	l.tls, l.db, l.statements = nil, 0, nil
}

// close waits for the transaction at work and lets no other begin.
func (l *loader) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.drop()
}

// statement compiles a text, once.
func (l *loader) statement(text string) (uintptr, error) {
	if known, ok := l.statements[text]; ok {
		return known, nil
	}
	l.texts.reset()
	place, _ := l.texts.take(bits.UintSize / 8)
	sql, err := libc.CString(text)
	if err != nil || place == 0 {
		return 0, &fault{sqlite3.SQLITE_NOMEM, "out of memory"}
	}
	defer libc.Xfree(l.tls, sql)
	err = l.refused(sqlite3.Xsqlite3_prepare_v3(l.tls, l.db, sql, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, place, 0))
	if err != nil {
		return 0, err
	}
	l.statements[text] = pointerAt(place)
	return l.statements[text], nil
}

// run runs a statement without parameters and without an answer.
func (l *loader) run(text string) error {
	statement, err := l.statement(text)
	if err != nil {
		return err
	}
	return l.step(statement, nil)
}

// step runs a statement and makes it ready for the next time. answer is called for each row of
// its answer; nil: whatever it is.
func (l *loader) step(statement uintptr, answer func()) error {
	for {
		switch result := sqlite3.Xsqlite3_step(l.tls, statement); result {
		case sqlite3.SQLITE_ROW:
			if answer != nil {
				answer()
			}
		case sqlite3.SQLITE_DONE:
			return l.refused(sqlite3.Xsqlite3_reset(l.tls, statement))
		default:
			err := l.refused(result)
			sqlite3.Xsqlite3_reset(l.tls, statement) // says the same again
			return err
		}
	}
}

// changes is how many rows the last insert, update or delete changed.
func (l *loader) changes() int64 { return int64(sqlite3.Xsqlite3_changes64(l.tls, l.db)) }

func (l *loader) refused(result int32) error {
	if result == sqlite3.SQLITE_OK {
		return nil
	}
	text := libc.GoString(sqlite3.Xsqlite3_errstr(l.tls, result))
	if l.db != 0 {
		if said := libc.GoString(sqlite3.Xsqlite3_errmsg(l.tls, l.db)); said != text {
			text += ": " + said
		}
	}
	return &fault{int(result), text}
}

// pointerAt reads a pointer that SQLite wrote.
func pointerAt(place uintptr) uintptr {
	b := libc.GoBytes(place, bits.UintSize/8)
	if bits.UintSize == 32 {
		return uintptr(binary.NativeEndian.Uint32(b))
	}
	return uintptr(binary.NativeEndian.Uint64(b))
}

// text reads a column of the row that step has come to.
func (l *loader) text(statement uintptr, column int32) string {
	place := sqlite3.Xsqlite3_column_text(l.tls, statement, column)
	return string(libc.GoBytes(place, int(sqlite3.Xsqlite3_column_bytes(l.tls, statement, column))))
}
