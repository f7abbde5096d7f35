package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/pointsman/pointsman/host/store/schema"
)

// Backup copies the database at path into the new file to, as it is at one moment. A process that
// has the database open goes on meanwhile. The copy is complete, checked and durable when to
// appears; it is one file, and only its owner may read it.
//
// Errors: fs.ErrExist when to is there already.
func Backup(ctx context.Context, path, to string) (err error) {
	if path, err = place(path, true); err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	}
	// In a folder of its own: SQLite makes the file with the rights of everybody.
	dir, err := os.MkdirTemp(filepath.Dir(to), ".backup-")
	if err != nil {
		return fmt.Errorf("make the backup: %w", err)
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "pointsman.db")
	db, err := open(path, 1, []string{"busy_timeout(5000)"})
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "vacuum into ?", copied); err != nil {
		return explain(path, err)
	}
	if err := errors.Join(os.Chmod(copied, 0o600), checkFile(ctx, copied), syncFile(copied)); err != nil {
		return fmt.Errorf("check the backup: %w", err)
	}
	if err := rename(copied, to); err != nil {
		return fmt.Errorf("name the backup: %w", err)
	}
	return syncFolder(filepath.Dir(to))
}

// Restore puts the backup from in the place of the database at path, which no process may have
// open. The database that was there is kept under the name that is returned, "" for none.
//
// Errors: ErrInUse. Nothing is changed when there is one.
func Restore(ctx context.Context, path, from string, now time.Time) (kept string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make the folder of the database: %w", err)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // as place does, so that the lock is the same
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", fmt.Errorf("find the database: %w", err)
	}
	l, err := takeLock(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, l.release()) }()
	fresh, err := copyBeside(path, from)
	if err != nil {
		return "", fmt.Errorf("read the backup: %w", err)
	}
	defer os.Remove(fresh)
	if err := checkFile(ctx, fresh); err != nil {
		return "", fmt.Errorf("%s cannot be restored: %w", from, err)
	}
	if kept, err = keep(ctx, path, now); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, path); err != nil {
		return "", fmt.Errorf("put the backup in place: %w", err)
	}
	return kept, syncFolder(filepath.Dir(path))
}

// keep gives the database a second name. It stays where it is until it is replaced, so that
// there is one at every moment.
func keep(ctx context.Context, path string, now time.Time) (string, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	kept := path + ".before-" + now.UTC().Format("20060102T150405Z")
	// The log belongs to this database: the next one must not find it.
	fold(ctx, path)
	for _, part := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+part, kept+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("keep the database: %w", err)
		}
	}
	if err := rename(path, kept); err != nil {
		return "", fmt.Errorf("keep the database: %w", err)
	}
	return kept, nil
}

// rename gives a file a name that nothing has. Where files may have two, it keeps the old one: a
// link refuses a name that came into use meanwhile.
func rename(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	}
	return os.Rename(from, to)
}

// fold moves the write-ahead log into the database, if the database is sound enough: the last
// connection's end does it.
func fold(ctx context.Context, path string) {
	db, err := open(path, 1, writerPragmas)
	if err != nil {
		return
	}
	_ = db.PingContext(ctx)
	_ = db.Close()
}

// copyBeside copies a file into the folder of the database, under a name of its own.
func copyBeside(path, from string) (name string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".restore-*")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return "", errors.Join(err, os.Remove(out.Name()))
	}
	return out.Name(), nil
}

// checkFile reports whether a file is a sound database of a version that this program knows. It
// must not be written to meanwhile, and nothing is left beside it.
func checkFile(ctx context.Context, path string) error {
	db, err := open(path, 1, []string{"query_only(on)"})
	if err != nil {
		return err
	}
	defer db.Close()
	var said string
	var version sql.NullInt64
	if err := db.QueryRowContext(ctx, "pragma integrity_check(1)").Scan(&said); err != nil {
		return explain(path, err)
	}
	if said != "ok" {
		return fmt.Errorf("it is damaged: %s", said)
	}
	if err := db.QueryRowContext(ctx, `select max(version_id) from `+schema.Table).Scan(&version); err != nil || !version.Valid {
		return errors.New("it is no database of Pointsman")
	}
	_, err = schema.SQLite().Missing(version.Int64)
	return err
}

// syncFile makes a file's content durable.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncFolder makes a new name in the folder durable. Windows knows no such thing.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
