package migrations_test

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/migrations"
)

func names(t *testing.T, files embed.FS, pattern string) []string {
	t.Helper()
	paths, err := fs.Glob(files, pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("Glob(%q) = %v, %v, want files", pattern, paths, err)
	}
	for i, p := range paths {
		_, paths[i], _ = strings.Cut(p, "/")
	}
	return paths
}

func TestMigrationsArePaired(t *testing.T) {
	t.Parallel()
	postgres, sqlite := names(t, migrations.Postgres, "postgres/*.sql"), names(t, migrations.SQLite, "sqlite/*.sql")
	if !slices.Equal(postgres, sqlite) {
		t.Errorf("postgres has %v, sqlite has %v: every migration needs its pair of the same name", postgres, sqlite)
	}
	form := regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)
	for i, name := range postgres {
		m := form.FindStringSubmatch(name)
		if m == nil || m[1] != fmt.Sprintf("%04d", i+1) {
			t.Errorf("migration %d is named %q, want %04d_name.sql", i+1, name, i+1)
		}
	}
}

// A down step would be untested code that deletes data.
func TestMigrationsGoForward(t *testing.T) {
	t.Parallel()
	for _, dialect := range []struct {
		files  embed.FS
		folder string
	}{{migrations.Postgres, "postgres"}, {migrations.SQLite, "sqlite"}} {
		for _, name := range names(t, dialect.files, dialect.folder+"/*.sql") {
			b, err := dialect.files.ReadFile(dialect.folder + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			if text := string(b); !strings.HasPrefix(text, "-- +goose Up\n") || strings.Contains(strings.ToLower(text), "+goose down") {
				t.Errorf("%s/%s must begin with `-- +goose Up` and have no down step", dialect.folder, name)
			}
		}
	}
}

// tables maps each table to its column names, in order.
func tables(t *testing.T, files embed.FS, folder string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	table := regexp.MustCompile(`(?s)create table (\w+) \((.*?)\n\)`)
	column := regexp.MustCompile(`(?m)^    (\w+) +(?:text|bigint|integer|boolean|timestamptz|bytea|blob|json|jsonb|numeric|smallint)\b`)
	for _, name := range names(t, files, folder+"/*.sql") {
		b, err := files.ReadFile(folder + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range table.FindAllStringSubmatch(string(b), -1) {
			for _, c := range column.FindAllStringSubmatch(m[2], -1) {
				found[m[1]] = append(found[m[1]], c[1])
			}
			if !regexp.MustCompile(`primary key \(account_id\b`).MatchString(m[2]) {
				t.Errorf("%s/%s: the key of table %s does not start with account_id", folder, name, m[1])
			}
		}
	}
	return found
}

func TestDialectsHaveTheSameTables(t *testing.T) {
	t.Parallel()
	postgres, sqlite := tables(t, migrations.Postgres, "postgres"), tables(t, migrations.SQLite, "sqlite")
	if len(postgres) < 11 {
		t.Fatalf("found the tables %v, want at least 11: does the test still read the migrations?", postgres)
	}
	for name, columns := range postgres {
		if !slices.Equal(columns, sqlite[name]) {
			t.Errorf("table %s has %v in postgres and %v in sqlite", name, columns, sqlite[name])
		}
	}
	if len(postgres) != len(sqlite) {
		t.Errorf("postgres has %d tables, sqlite %d", len(postgres), len(sqlite))
	}
}

func TestCatalogueNamesNoForeignFamily(t *testing.T) {
	t.Parallel()
	unwanted := regexp.MustCompile(`(?i)gr` + `ok|\bx` + `\.?ai\b`)
	for _, name := range names(t, migrations.Catalogue, "catalogue/*.json") {
		b, err := migrations.Catalogue.ReadFile("catalogue/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if m := unwanted.FindAll(b, -1); m != nil {
			t.Errorf("catalogue/%s names %q", name, m)
		}
	}
}
