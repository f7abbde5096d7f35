package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// A row's size stands behind its answer: without an index that has it, every page of every
// answer of an account would be read to count them.
func TestCountOfIdempotencyKeysReadsNoAnswer(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("query/idempotency.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(string(text), "-- name: CountIdempotencyKeys :one\n")
	query, _, found := strings.Cut(query, ";")
	if !found {
		t.Fatal("no query CountIdempotencyKeys")
	}
	db, err := sql.Open("sqlite", migrated.SQLite(t, filepath.Join(t.TempDir(), "pointsman.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var id, parent, unused int
	var plan string
	if err := db.QueryRowContext(t.Context(), "explain query plan "+query, sql.Named("account_id", "acme")).Scan(&id, &parent, &unused, &plan); err != nil {
		t.Fatal(err)
	}
	if want := "COVERING INDEX idempotency_keys_size (account_id=?)"; !strings.Contains(plan, want) {
		t.Errorf("the plan = %q, want %s", plan, want)
	}
}
