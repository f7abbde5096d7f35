package store_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/postgres"
	"github.com/pointsman/pointsman/host/store/sqlite"
	"github.com/pointsman/pointsman/host/store/storetest"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// databases are the URLs of a database without rows of each kind.
var databases = []struct {
	name string
	url  func(t *testing.T) string
}{
	{"sqlite", func(t *testing.T) string { return "sqlite:" + migrated.SQLite(t, filepath.Join(t.TempDir(), "p.db")) }},
	{"postgres", func(t *testing.T) string { return migrated.PostgresURL(t) }},
}

func mustOpen(t *testing.T, url string) engine.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatalf("Open() = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
	return s
}

func TestOpenPicksTheDriver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p.db")
	if got, want := fmt.Sprintf("%T", mustOpen(t, "SQLite:"+path)), fmt.Sprintf("%T", &sqlite.Store{}); got != want {
		t.Errorf("Open(SQLite:…) = %s, want %s", got, want)
	}
	url := storetest.PostgresURL(t)
	for _, u := range []string{url, strings.Replace(url, "postgres:", "postgresql:", 1)} {
		if got, want := fmt.Sprintf("%T", mustOpen(t, u)), fmt.Sprintf("%T", &postgres.Store{}); got != want {
			t.Errorf("Open(%s…) = %s, want %s", u[:10], got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, want string }{
		{"", "no database URL"},
		{"mysql://u:hush@h/db", `"mysql"`},
		{"a-secret-without-any-colon-in-it-at-all", `"a-secret-without…"`},
		{"sqlite:", "is not a file"},
		{"postgres://u@127.0.0.1:1/db?connect_timeout=1", "connect to postgres"},
	} {
		s, err := store.Open(t.Context(), c.url, store.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open(%q) = %v, want an error that says %q", c.url, err, c.want)
		}
		if s != nil {
			t.Errorf("Open(%q) returned a store with its error", c.url)
		}
	}
}

// The same query names in both dialects, and no column left to chance.
func TestQueriesAreTwins(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`(?m)^-- name: (\w+) `)
	all := regexp.MustCompile(`(?i)(\bselect|\breturning|,|\.)\s*\*`) // and not a product
	read := func(driver string) (names []string) {
		files, err := fs.Glob(os.DirFS("."), driver+"/query/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("Glob(%s) = %v, %v, want files", driver, files, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range name.FindAllSubmatch(b, -1) {
				names = append(names, string(m[1]))
			}
			if all.Match(b) {
				t.Errorf("%s selects *", file)
			}
		}
		slices.Sort(names)
		return names
	}
	// Where one database does in a statement, or has to do, what the other does not.
	alone := map[string][]string{
		"postgres": {"NotifyRevision", "NotifyHealth", "LockRevision", "AddRollups", "MakeUsageDay", "DropUsageDays", "MakeDecisionDay", "DropDecisionDays", "DueDeliveries"},
		"sqlite":   {"AddUsage", "AddRollup", "GetRollupLists", "SetRollupLists", "DropUsage", "AddDecision", "ListDueDeliveries", "TakeDelivery"},
	}
	twins := func(driver string) []string {
		return slices.DeleteFunc(read(driver), func(n string) bool { return slices.Contains(alone[driver], n) })
	}
	want := twins("postgres")
	if got := twins("sqlite"); !slices.Equal(got, want) {
		t.Errorf("sqlite has the queries %v, postgres %v", got, want)
	}
}
