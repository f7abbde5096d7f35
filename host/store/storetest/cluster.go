package storetest

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// Cluster is a Postgres server of one test, for faults that would hurt others on a shared one:
// it can be killed, stopped, started again and changed as a superuser. A write that was
// answered survives a kill of the process, and not one of the machine.
type Cluster struct {
	// URL leads to the server, as a superuser; the database is empty.
	URL string
	server
}

// Exec runs statements on the server, each by itself.
func (c *Cluster) Exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		execute(t, c.URL, statement)
	}
}

// Count returns the number that a query answers.
func (c *Cluster) Count(t testing.TB, query string, args ...any) (n int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
