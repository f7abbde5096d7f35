package schema

import (
	"database/sql"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rs/zerolog"
	_ "modernc.org/sqlite"
)

func TestMissing(t *testing.T) {
	t.Parallel()
	for _, dialect := range []Dialect{Postgres(), SQLite()} {
		versions, err := dialect.Versions()
		if err != nil || !slices.IsSorted(versions) || len(versions) == 0 {
			t.Fatalf("Versions() = %v, %v, want them rising", versions, err)
		}
		last := versions[len(versions)-1]
		for _, c := range []struct {
			has  int64
			want int
		}{{0, len(versions)}, {1, len(versions) - 1}, {last, 0}} {
			if got, err := dialect.Missing(c.has); err != nil || got != c.want {
				t.Errorf("Missing(%d) = %d, %v, want %d", c.has, got, err, c.want)
			}
		}
		if _, err := dialect.Missing(last + 1); err == nil || !strings.Contains(err.Error(), "newer pointsman") {
			t.Errorf("Missing(%d) = %v, want a refusal", last+1, err)
		}
	}
}

// newest is the last version of the SQLite migrations.
func newest(t *testing.T) int64 {
	t.Helper()
	versions, err := SQLite().Versions()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Max(versions)
}

// files copies the SQLite migrations up to a number.
func files(t *testing.T, upTo int) fstest.MapFS { return filesOf(t, SQLite(), upTo) }

func filesOf(t *testing.T, d Dialect, upTo int) fstest.MapFS {
	t.Helper()
	all, err := fs.Glob(d.files, d.folder+"/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	copied := fstest.MapFS{}
	for _, name := range all[:upTo] {
		b, err := fs.ReadFile(d.files, name)
		if err != nil {
			t.Fatal(err)
		}
		copied[name] = &fstest.MapFile{Data: b}
	}
	return copied
}

func database(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "p.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func versionOf(t *testing.T, db *sql.DB) (version int64) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "select max(version_id) from "+Table).Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

func TestUpGoesOn(t *testing.T) {
	t.Parallel()
	db := database(t)
	older := SQLite()
	older.files = files(t, 3)
	last := newest(t)
	for _, c := range []struct {
		dialect Dialect
		want    int64
	}{{older, 3}, {SQLite(), last}, {SQLite(), last}} {
		if err := c.dialect.Up(t.Context(), db, zerolog.Nop()); err != nil {
			t.Fatalf("Up() = %v, want nil", err)
		}
		if got := versionOf(t, db); got != c.want {
			t.Errorf("Up() to version %d, want %d", got, c.want)
		}
	}
}

// A migration that fails half-way, as when the process is killed in it, leaves
// nothing, and the next start does it whole.
func TestUpIsAllOrNothing(t *testing.T) {
	t.Parallel()
	db := database(t)
	broken := SQLite()
	broken.files = files(t, 2)
	name := path.Join("sqlite", "0003_catalogue.sql")
	good := files(t, 3)[name].Data
	broken.files.(fstest.MapFS)[name] = &fstest.MapFile{Data: fmt.Appendf(nil, "%s\ninsert into nowhere values (1);\n", good)}
	if err := broken.Up(t.Context(), db, zerolog.Nop()); err == nil {
		t.Fatal("Up() of a broken migration = nil, want an error")
	}
	if got := versionOf(t, db); got != 2 {
		t.Errorf("Up() of a broken migration left version %d, want 2", got)
	}
	if err := SQLite().Up(t.Context(), db, zerolog.Nop()); err != nil {
		t.Fatalf("Up() after a broken migration = %v, want nil", err)
	}
	if got, want := versionOf(t, db), newest(t); got != want {
		t.Errorf("Up() after a broken migration reached version %d, want %d", got, want)
	}
}

// A migration that is no transaction can be cut off in the middle, and its rerun then fails.
func TestMigrationsAreTransactions(t *testing.T) {
	t.Parallel()
	for _, dialect := range []Dialect{Postgres(), SQLite()} {
		names, err := fs.Glob(dialect.files, dialect.folder+"/*.sql")
		if err != nil || len(names) == 0 {
			t.Fatalf("Glob() = %v, %v, want the migrations", names, err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(dialect.files, name)
			if err != nil {
				t.Fatal(err)
			}
			if lower := strings.ToLower(string(text)); strings.Contains(lower, "no transaction") || strings.Contains(lower, "concurrently") {
				t.Errorf("%s is not one transaction", name)
			}
		}
	}
}
