package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// A file that cannot be written for now refuses in words, is read all the same, and takes
// writes again when it can.
func TestFileFaults(t *testing.T) {
	t.Parallel()
	path := migrated.SQLite(t, filepath.Join(t.TempDir(), "p.db"))
	s := mustOpen(t, path, Config{})
	pragma := func(statement string) func() {
		return func() {
			t.Helper()
			if _, err := s.writer.ExecContext(t.Context(), "pragma "+statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	shell, err := open(path, 1, nil) // an operator's, who forgets it
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Close()
	begin := func(statement string) func() {
		return func() {
			t.Helper()
			if _, err := shell.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	large := make([]byte, 1<<20)
	for i := range large {
		large[i] = 'x'
	}
	pragma("busy_timeout = 1")()
	for _, c := range []struct {
		name       string
		fault, end func()
	}{
		{"held by another program", begin("begin immediate"), begin("rollback")},
		{"read-only", pragma("query_only = on"), pragma("query_only = off")},
		{"disk full", pragma("max_page_count = 1"), pragma("max_page_count = 1000000")},
	} {
		c.fault()
		if err := s.PutSetting(t.Context(), "large", string(large)); engine.CodeOf(err) != engine.CodeDatabaseUnavailable {
			t.Errorf("%s: PutSetting() = %v, want %s", c.name, err, engine.CodeDatabaseUnavailable)
		}
		if _, err := s.ListRules(t.Context()); err != nil {
			t.Errorf("%s: ListRules() = %v, want nil", c.name, err)
		}
		c.end()
		if err := s.PutSetting(t.Context(), "small", c.name); err != nil {
			t.Errorf("%s: PutSetting() when it is over = %v, want nil", c.name, err)
		}
		if got, err := s.GetSetting(t.Context(), "small"); got != c.name || err != nil {
			t.Errorf("%s: GetSetting() = %q, %v, want what was put", c.name, got, err)
		}
	}
}
