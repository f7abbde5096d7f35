package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/schema"
	"github.com/pointsman/pointsman/host/store/storetest"
)

func mustOpen(t *testing.T, path string, cfg Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, cfg)
	if err != nil {
		t.Fatalf("Open(%q) = %v, want nil", path, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
	return s
}

func wantRefused(t *testing.T, path string, cfg Config, want ...string) {
	t.Helper()
	s, err := Open(t.Context(), path, cfg)
	if err == nil {
		_ = s.Close()
		t.Fatalf("Open(%q) = nil, want an error", path)
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("Open(%q) = %q, want it to say %q", path, err, part)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "p.db"), filepath.Join(dir, "link.db")
	first, err := Open(t.Context(), path, Config{})
	if err != nil {
		t.Fatalf("Open() = %v, want nil", err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		wantRefused(t, name, Config{}, path, fmt.Sprintf("in use by process %d:", os.Getpid()), "stop it first")
	}
	if err := first.Close(); err != nil {
		t.Fatalf("Close() = %v, want nil", err)
	}
	mustOpen(t, link, Config{})
}

func TestOpenAnyName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"new/deep/folder with blank", "q?mark=1&_pragma=x", "hash#tag per%41cent% ünï🚉 semi;'quote\""} {
		path := filepath.Join(t.TempDir(), name)
		s := mustOpen(t, path, Config{})
		if err := s.PutSetting(t.Context(), "a", name); err != nil {
			t.Errorf("PutSetting() in %q = %v, want nil", name, err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Errorf("Open(%q) made no such file: %v", name, err)
		} else if info.Mode().Perm() != 0o600 || info.Size() == 0 && !exists(path+"-wal") {
			t.Errorf("Open(%q) made a file of %d bytes with mode %v, want mode 0600", name, info.Size(), info.Mode())
		}
	}
	for _, name := range []string{"", ":memory:"} {
		wantRefused(t, name, Config{}, "is not a file")
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestPragmas(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "p.db"), Config{})
	for _, c := range []struct {
		name         string
		db           *sql.DB
		pragma, want string
	}{
		{"writer", s.writer, "journal_mode", "wal"},
		{"writer", s.writer, "synchronous", "2"},
		{"writer", s.writer, "foreign_keys", "1"},
		{"writer", s.writer, "busy_timeout", "5000"},
		{"reader", s.reader, "journal_mode", "wal"},
		{"reader", s.reader, "query_only", "1"},
		{"reader", s.reader, "busy_timeout", "5000"},
	} {
		var got string
		if err := c.db.QueryRowContext(t.Context(), "pragma "+c.pragma).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s has %s = %q (%v), want %q", c.name, c.pragma, got, err, c.want)
		}
	}
	if _, err := s.reader.ExecContext(t.Context(), "delete from settings"); err == nil {
		t.Error("the reader could write")
	}
}

func TestOpenNoMigrate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing, empty := filepath.Join(dir, "missing.db"), filepath.Join(dir, "empty.db")
	wantRefused(t, missing, Config{NoMigrate: true}, "no database", "pointsman migrate")
	if exists(missing) {
		t.Errorf("Open(NoMigrate) made %s", missing)
	}
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	versions, err := schema.SQLite().Versions()
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, empty, Config{NoMigrate: true}, fmt.Sprintf("lacks %d migrations", len(versions)), "pointsman migrate")
	s, err := Open(t.Context(), empty, Config{})
	if err != nil {
		t.Fatalf("Open() = %v, want nil", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, empty, Config{NoMigrate: true})
}

func TestOpenNewer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	s, err := Open(t.Context(), path, Config{})
	if err != nil {
		t.Fatalf("Open() = %v, want nil", err)
	}
	if _, err := s.writer.ExecContext(t.Context(), "insert into schema_versions (version_id, is_applied) values (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []Config{{}, {NoMigrate: true}} {
		wantRefused(t, path, cfg, "schema version 9999", "run the newer pointsman")
	}
}

func TestOpenForeignFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notes.txt")
	text := []byte(strings.Repeat("not a database at all\n", 500))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, path, Config{}, path, "not a SQLite database")
	if b, err := os.ReadFile(path); err != nil || string(b) != string(text) {
		t.Errorf("Open() changed a file that is not a database (%v)", err)
	}
}

func TestWatchPolls(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	s := mustOpen(t, path, Config{PollEvery: 5 * time.Millisecond})
	w := storetest.Watch(t, s)
	shell, err := open(path, 1, []string{"busy_timeout(5000)"}) // an operator's
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Close()
	if _, err := shell.ExecContext(t.Context(), "update revisions set value = 41"); err != nil {
		t.Fatal(err)
	}
	w.Await(t, 41, 10*time.Second)
}

// A reader must not wait for the writer, nor a caller for ever.
func TestReadDuringWrite(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "p.db"), Config{})
	if err := s.PutSetting(t.Context(), "a", "old"); err != nil {
		t.Fatal(err)
	}
	tx, err := s.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // committed below, or the test has failed
	if _, err := tx.ExecContext(t.Context(), "update settings set value = 'new'"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.GetSetting(t.Context(), "a"); err != nil || got != "old" {
		t.Errorf("GetSetting() during a write = %q, %v, want %q", got, err, "old")
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.AddUsage(short, []engine.Usage{{AccountID: "a", ID: "1"}}); err == nil {
		t.Error("AddUsage() during another write = nil, want the deadline")
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.GetSetting(t.Context(), "a"); err != nil || got != "new" {
		t.Errorf("GetSetting() after a write = %q, %v, want %q", got, err, "new")
	}
}
