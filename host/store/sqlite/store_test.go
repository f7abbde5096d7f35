package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/sqlite"
	"github.com/pointsman/pointsman/host/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Driver{Fresh: func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "pointsman.db")
		return storetest.Database{Open: func(t *testing.T, pollEvery time.Duration) engine.Store {
			t.Helper()
			s, err := sqlite.Open(t.Context(), path, sqlite.Config{PollEvery: pollEvery})
			if err != nil {
				t.Fatalf("Open(%q) = %v, want nil", path, err)
			}
			return s
		}}
	}})
}
