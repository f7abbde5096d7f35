package storetest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PostgresVariable names the server that tests use: a postgres:// URL of a database
// in which they may make schemas. host/store/storetest/postgres.sh provides one.
const PostgresVariable = "POINTSMAN_TEST_POSTGRES_URL"

// PostgresURL returns the URL of an empty schema that the end of the test drops.
// It skips the test when there is no server.
func PostgresURL(t testing.TB) string {
	t.Helper()
	server := os.Getenv(PostgresVariable)
	if server == "" {
		t.Skipf("no Postgres: %s is not set; run the tests through host/store/storetest/postgres.sh or `make test`", PostgresVariable)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s is not a URL", PostgresVariable) // the error would show its password
	}
	schema := "pointsman_test_" + strings.ToLower(rand.Text())
	execute(t, server, "create schema "+pgx.Identifier{schema}.Sanitize())
	t.Cleanup(func() {
		execute(t, server, "drop schema "+pgx.Identifier{schema}.Sanitize()+" cascade")
		// Roles belong to the whole server. The name is that of host/store/postgres/role.go.
		execute(t, server, `do $$ begin execute 'drop role if exists pointsman_tenant_' ||
			left(encode(sha256(convert_to(current_database() || '.`+schema+`', 'UTF8')), 'hex'), 16); end $$`)
	})
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func execute(t testing.TB, server, statement string) {
	t.Helper()
	ctx := context.Background() // the test's own has ended when it cleans up
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatalf("connect to %s: %v", PostgresVariable, err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
