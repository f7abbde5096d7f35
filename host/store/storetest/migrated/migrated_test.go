package migrated_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/host/store/schema"
	"github.com/pointsman/pointsman/host/store/storetest"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// What is copied is what migrating makes: all that the server says of either is the same.
func TestIsWhatMigratingMakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, driver string
		dialect      schema.Dialect
		empty, copy  func(t *testing.T) string
		say          string
	}{
		{
			"sqlite", "sqlite", schema.SQLite(),
			func(t *testing.T) string { return filepath.Join(t.TempDir(), "p.db") },
			func(t *testing.T) string { return migrated.SQLite(t, filepath.Join(t.TempDir(), "new", "p.db")) },
			"select type || ' ' || name || ' ' || coalesce(sql, '') from sqlite_master union all select 'version ' || version_id || ' ' || is_applied from " + schema.Table,
		},
		{
			"postgres", "pgx", schema.Postgres(),
			func(t *testing.T) string { return storetest.PostgresURL(t) },
			func(t *testing.T) string { return migrated.PostgresURL(t) },
			postgresSays,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			made, copied := open(t, c.driver, c.empty(t)), open(t, c.driver, c.copy(t))
			if err := c.dialect.Up(t.Context(), made, zerolog.Nop()); err != nil {
				t.Fatalf("Up() = %v, want nil", err)
			}
			got, want := said(t, copied, c.say), said(t, made, c.say)
			for _, line := range want {
				if !slices.Contains(got, line) {
					t.Errorf("the copy lacks %s", line)
				}
			}
			for _, line := range got {
				if !slices.Contains(want, line) {
					t.Errorf("the copy has also %s", line)
				}
			}
			versions, err := c.dialect.Versions()
			if least := len(versions) * 3; err != nil || len(want) != len(got) || len(want) < least {
				t.Errorf("the copy has %d parts, what migrating makes %d, want as many and at least %d (%v)", len(got), len(want), least, err)
			}
		})
	}
}

// postgresSays is every relation, column, index, constraint, default, trigger, function and
// version of the schema, without its name.
const postgresSays = `
with here as (select current_schema()::regnamespace::oid as oid, current_schema() || '.' as name),
facts (fact) as (
	select 'relation ' || c.relkind::text || ' ' || c.relname || ' ' || c.relrowsecurity || c.relforcerowsecurity || coalesce(array_to_string(c.reloptions, ','), '')
		|| coalesce(pg_get_partkeydef(c.oid), '') from pg_class c, here where relnamespace = here.oid
	union all
	select 'column ' || c.relname || ' ' || a.attnum || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || a.attidentity::text || a.attgenerated::text
		|| coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
	from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum, here
	where c.relnamespace = here.oid and a.attnum > 0
	union all
	select pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid, here where c.relnamespace = here.oid
	union all
	select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(c.oid) from pg_constraint c, here where connamespace = here.oid
	union all
	select pg_get_functiondef(p.oid) from pg_proc p, here where pronamespace = here.oid
	union all
	select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid, here where c.relnamespace = here.oid and not tgisinternal
	union all
	select 'policy ' || polname || ' ' || polrelid::regclass from pg_policy p join pg_class c on c.oid = p.polrelid, here where c.relnamespace = here.oid
	union all
	select 'version ' || id || ' ' || version_id || ' ' || is_applied from ` + schema.Table + `
)
select replace(fact, here.name, '') from facts, here`

func open(t *testing.T, driver, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// said is what a query says, sorted.
func said(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Join(strings.Fields(line), " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
