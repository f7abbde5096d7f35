package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func accountsOf(t *testing.T, path string) string {
	t.Helper()
	s, err := Open(t.Context(), path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var ids []string
	for _, id := range []string{"one", "two"} {
		if _, err := s.GetAccount(t.Context(), id); err == nil {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, " ")
}

func TestBackupOfAnOpenDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, to := filepath.Join(dir, "pointsman.db"), filepath.Join(dir, "monday.db")
	s, err := Open(t.Context(), path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 4, 5, 6, 0, time.UTC)
	add := func(id string) {
		t.Helper()
		ctx := engine.Audited(t.Context(), now, id, "account.create", "account/"+id, nil)
		if err := s.CreateAccount(ctx, engine.Account{ID: id, Name: id, CreatedAt: now, UpdatedAt: now}); err != nil {
			t.Fatal(err)
		}
	}
	add("one")
	if err := Backup(t.Context(), path, to); err != nil {
		t.Fatalf("Backup() of an open database = %v, want nil", err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v, %v, want it to be its owner's alone", info, err)
	}
	add("two")
	if err := Backup(t.Context(), path, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Backup() onto a file = %v, want %v", err, fs.ErrExist)
	}
	if _, err := Restore(t.Context(), path, to, now); !errors.Is(err, ErrInUse) {
		t.Errorf("Restore() of an open database = %v, want %v", err, ErrInUse)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	kept, err := Restore(t.Context(), path, to, now)
	if want := path + ".before-20261123T040506Z"; err != nil || kept != want {
		t.Fatalf("Restore() = %q, %v, want %q", kept, err, want)
	}
	if got := accountsOf(t, path); got != "one" {
		t.Errorf("after Restore() there are %q, want one alone", got)
	}
	if got := accountsOf(t, kept); got != "one two" {
		t.Errorf("in what Restore() kept there are %q, want one and two", got)
	}
	fresh := filepath.Join(dir, "new", "pointsman.db")
	if kept, err := Restore(t.Context(), fresh, to, now); err != nil || kept != "" || accountsOf(t, fresh) != "one" {
		t.Errorf("Restore() where nothing was = %q, %v, want one", kept, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*restore*"))
	hidden, err2 := filepath.Glob(filepath.Join(dir, ".backup*"))
	if err != nil || err2 != nil || len(left)+len(hidden) > 0 {
		t.Errorf("left behind: %v %v", left, hidden)
	}
}

// What is no sound database of ours is refused, and what was there stays.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "pointsman.db")
	s, err := Open(t.Context(), path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := open(filepath.Join(dir, "foreign.db"), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := foreign.Exec("create table t (n integer)"); err != nil {
		t.Fatal(err)
	}
	_ = foreign.Close()
	newer, err := open(filepath.Join(dir, "newer.db"), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newer.Exec("create table schema_versions (version_id integer); insert into schema_versions values (99999)"); err != nil {
		t.Fatal(err)
	}
	_ = newer.Close()
	torn := append([]byte(nil), whole...)
	clear(torn[len(torn)/2 : len(torn)/2+4096*8])
	for name, text := range map[string][]byte{"none.db": []byte(strings.Repeat("no database ", 1000)), "empty.db": nil, "cut.db": whole[:len(whole)/2], "torn.db": torn} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"none.db": "not a SQLite database", "empty.db": "no database of Pointsman", "cut.db": "damaged", "torn.db": "damaged",
		"foreign.db": "no database of Pointsman", "newer.db": "99999", "missing.db": "no such file",
	} {
		if _, err := Restore(t.Context(), path, filepath.Join(dir, name), time.Now()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Restore(%s) = %v, want %q", name, err, want)
		}
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(whole) {
		t.Errorf("a refused Restore() changed the database (%v)", err)
	}
	if left, _ := filepath.Glob(path + ".*-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
