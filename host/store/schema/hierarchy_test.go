package schema

import (
	"database/sql"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/host/store/storetest"
)

// Keys of before there were scopes go on as they did, and users' teams are there.
func TestHierarchyTakesOldRowsAlong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, first, digest string
		dialect             Dialect
		open                func(t *testing.T) *sql.DB
	}{
		{"sqlite", "1000", "zeroblob(32)", SQLite(), database},
		{"postgres", "timestamptz '1970-01-01 00:00:01Z'", `decode(repeat('00', 32), 'hex')`, Postgres(), postgresDatabase},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := c.open(t)
			older := c.dialect
			older.files = filesOf(t, c.dialect, 7)
			if err := older.Up(t.Context(), db, zerolog.Nop()); err != nil {
				t.Fatalf("Up() = %v, want nil", err)
			}
			for _, statement := range []string{
				"insert into accounts values ('a', 'Acme', TIME)",
				"insert into users values ('a', 'u', 'Ops', 'Ann', 'user', TIME), ('a', 'v', 'Ops', '', 'user', TIME), ('a', 'w', '', '', 'user', TIME)",
				"insert into keys values ('a', 'k', 'u', 'CI', '', DIGEST, TIME, null, null)",
			} {
				statement = strings.NewReplacer("TIME", c.first, "DIGEST", c.digest).Replace(statement)
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			if err := c.dialect.Up(t.Context(), db, zerolog.Nop()); err != nil {
				t.Fatalf("Up() with rows = %v, want nil", err)
			}
			for _, q := range []struct{ query, want string }{
				{"select count(*) from accounts where updated_at = created_at and search_text = 'a\nacme'", "1"},
				{"select count(*) from users where updated_at = created_at and search_text = 'u\nann'", "1"},
				{"select count(*) from keys where updated_at = created_at and search_text = 'k\nci' and rotated_to = ''", "1"},
				{"select replace(cast(scopes as text), ' ', '') from keys", `["inference","read","manage"]`},
				{"select count(*) from teams", "1"},
				{"select id || name || search_text from teams where created_at = " + c.first, "OpsOpsops\nops"},
			} {
				var got string
				if err := db.QueryRowContext(t.Context(), q.query).Scan(&got); err != nil || got != q.want {
					t.Errorf("%s = %q (%v), want %q", q.query, got, err, q.want)
				}
			}
		})
	}
}

func postgresDatabase(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", storetest.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
