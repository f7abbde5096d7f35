package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/sqlite"
	"github.com/pointsman/pointsman/host/store/storetest"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Driver{Fresh: func(t *testing.T) storetest.Database {
		path := migrated.SQLite(t, filepath.Join(t.TempDir(), "pointsman.db"))
		return storetest.Database{Open: func(t *testing.T, pollEvery time.Duration) engine.Store {
			t.Helper()
			s, err := sqlite.Open(t.Context(), path, sqlite.Config{PollEvery: pollEvery})
			if err != nil {
				t.Fatalf("Open(%q) = %v, want nil", path, err)
			}
			return s
		}, Exec: func(t *testing.T, statement string) {
			t.Helper()
			db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}}
	}})
}
