package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// errLocked: another process holds the lock.
var errLocked = errors.New("locked")

// ErrInUse: another process has the database open.
var ErrInUse = errors.New("the database is in use")

// inUse is ErrInUse with a text for the operator.
type inUse string

func (e inUse) Error() string      { return string(e) }
func (inUse) Is(target error) bool { return target == ErrInUse }

// lock is an advisory lock on a file of its own beside the database. The kernel
// releases it when the process dies, however it dies. Locking the database itself
// would clash with SQLite's own locks.
type lock struct{ file *os.File }

// takeLock refuses a second process. The file holds the owner's process id, for the
// message only, and is never removed: a third process could then lock a new file
// while the second still waits on the old one.
func takeLock(database string) (*lock, error) {
	path := database + ".lock"
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the database: %w", err)
	}
	if err := lockFile(file); err != nil {
		owner := "another process"
		if b, readErr := os.ReadFile(path); readErr == nil && len(b) > 0 {
			owner = "process " + strings.TrimSpace(string(b))
		}
		_ = file.Close()
		if errors.Is(err, errLocked) {
			return nil, inUse(fmt.Sprintf("%s is in use by %s: stop it first, or use another database (POINTSMAN_DATABASE_URL, POINTSMAN_DATA_DIR); "+
				"several processes can share a Postgres", database, owner))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	l := &lock{file}
	if err := l.sign(); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// sign writes the process id.
func (l *lock) sign() error {
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("sign the lock: %w", err)
	}
	if _, err := l.file.WriteAt(fmt.Appendln(nil, os.Getpid()), 0); err != nil {
		return fmt.Errorf("sign the lock: %w", err)
	}
	return nil
}

// release gives the lock up.
func (l *lock) release() error { return l.file.Close() }
