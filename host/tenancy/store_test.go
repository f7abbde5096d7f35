package tenancy

import (
	"path/filepath"
	"testing"

	"github.com/pointsman/pointsman/host/store"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// knownDigest is an-admin-key-of-24-chars under testPepper.
const knownDigest = "6b9a30b05a7505896d4b3cf2ee6d8380d8757136fc34267a44c4f02cbaf32a06"

// newStore opens an empty database of its own.
func newStore(t testing.TB) Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+migrated.SQLite(t, filepath.Join(t.TempDir(), "keys.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}
