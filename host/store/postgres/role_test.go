package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/schema"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// ask returns the one column of a query's rows.
func ask[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) []T {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return found
}

// Tables that belong to no account.
var accountless = []string{schema.Table}

func TestEveryTableIsProtected(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	s, conn := mustOpen(t, address, Config{}), connect(t, address)
	all := ask[string](t, conn, "select tablename::text from pg_tables where schemaname = current_schema() order by 1")
	having := ask[string](t, conn, "select table_name::text from information_schema.columns where table_schema = current_schema() and column_name = 'account_id' order by 1")
	if len(having) < 12 {
		t.Fatalf("tables with account_id: %v, want at least 12", having)
	}
	for _, name := range all {
		if !slices.Contains(having, name) && !slices.Contains(accountless, name) {
			t.Errorf("table %s has no account_id: begin its key with one, or name it in accountless if it is no tenant's", name)
		}
	}
	for _, name := range having {
		forced := ask[bool](t, conn, "select relrowsecurity and relforcerowsecurity from pg_class where oid = $1::text::regclass", name)
		if !slices.Equal(forced, []bool{true}) {
			t.Errorf("table %s is without forced row security: Open must protect every table that has account_id (role.go)", name)
		}
		want := []string{"owner ALL " + ask[string](t, conn, "select current_user::text")[0]}
		if slices.Contains(sharedTables, name) {
			want = append(want, "shared SELECT "+s.tenantRole)
		}
		want = append(want, "tenant ALL "+s.tenantRole)
		got := ask[string](t, conn, "select policyname || ' ' || cmd || ' ' || array_to_string(roles, ',') from pg_policies where schemaname = current_schema() and tablename = $1 order by 1", name)
		if !slices.Equal(got, want) {
			t.Errorf("policies of %s are %q, want %q", name, got, want)
		}
	}
	for _, name := range slices.Concat(sharedTables, readOnlyTables) {
		if !slices.Contains(having, name) {
			t.Errorf("role.go names the table %s, which is not there", name)
		}
	}
	if got := ask[bool](t, conn, "select rolsuper or rolbypassrls or rolcanlogin or rolcreaterole from pg_roles where rolname = $1", s.tenantRole); !slices.Equal(got, []bool{false}) {
		t.Errorf("the tenant role may log in, create roles or pass row security: %v", got)
	}
}

// values is what a test row holds, as SQL, by the column's type. $1 is the account.
var values = map[string]string{
	"text": "'x'", "bigint": "1", "numeric": "1", "smallint": "1", "integer": "1", "boolean": "false", "timestamp with time zone": "now()", "jsonb": "'[]'",
	"bytea": "sha256(convert_to($1::text, 'UTF8'))",
}

// fill gives each table a row of each account, whatever the table asks of its rows: the
// schema is the test's own, and who sees a row is no matter of what is in it.
func fill(t *testing.T, conn *pgx.Conn, tables []string, accounts ...string) {
	t.Helper()
	for _, alter := range ask[string](t, conn, `
select format('alter table %s drop constraint %I', conrelid::regclass, conname)
from pg_constraint
where connamespace = current_schema()::regnamespace and contype in ('c', 'f')`) {
		if _, err := conn.Exec(t.Context(), alter); err != nil {
			t.Fatalf("%s: %v", alter, err)
		}
	}
	for _, name := range tables {
		if _, err := conn.Exec(t.Context(), "delete from "+name); err != nil {
			t.Fatal(err)
		}
		var columns, row []string
		for _, c := range ask[string](t, conn, "select column_name || ' ' || data_type from information_schema.columns where table_schema = current_schema() and table_name = $1", name) {
			column, kind, _ := strings.Cut(c, " ")
			value := values[kind]
			if column == "account_id" {
				value = "$1::text"
			}
			if value == "" {
				t.Fatalf("%s.%s is a %s: say in values what such a column may hold", name, column, kind)
			}
			columns, row = append(columns, column), append(row, value)
		}
		for _, accountID := range accounts {
			insert := fmt.Sprintf("insert into %s (%s) values (%s)", name, strings.Join(columns, ", "), strings.Join(row, ", "))
			if _, err := conn.Exec(t.Context(), insert, accountID); err != nil {
				t.Fatalf("%s: %v", insert, err)
			}
		}
	}
}

// The wall itself, whatever a query's where says: none of these has one.
func TestTenantRoleSeesItsOwnRows(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	s, conn := mustOpen(t, address, Config{}), connect(t, address)
	tables := ask[string](t, conn, "select table_name::text from information_schema.columns where table_schema = current_schema() and column_name = 'account_id' order by 1")
	// Days of decisions are made when the first of them comes.
	if _, err := conn.Exec(t.Context(), "create table decisions_of_this_test partition of decisions default"); err != nil {
		t.Fatal(err)
	}
	fill(t, conn, tables, "", "a", "b")
	as := func(accountID *string, run func(tx pgx.Tx)) {
		t.Helper()
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.Background()) }()
		if _, err := tx.Exec(t.Context(), "select set_config('role', $1, true)", s.tenantRole); err != nil {
			t.Fatal(err)
		}
		if accountID != nil {
			if _, err := tx.Exec(t.Context(), "select set_config('pointsman.account', $1, true)", *accountID); err != nil {
				t.Fatal(err)
			}
		}
		run(tx)
	}
	text := func(s string) *string { return &s }
	for _, name := range tables {
		for _, c := range []struct {
			as         string
			account    *string
			own, other []string
		}{
			{"unset", nil, nil, nil},
			{"empty", text(""), nil, nil},
			{"a", text("a"), []string{"a"}, []string{""}},
			{"one without rows", text("none"), nil, []string{""}},
			{"a pattern", text("%"), nil, []string{""}},
		} {
			want := c.own
			if slices.Contains(sharedTables, name) {
				want = slices.Concat(c.other, c.own)
			}
			as(c.account, func(tx pgx.Tx) {
				if got := ask[string](t, tx.Conn(), "select distinct account_id from "+name+" order by 1"); !slices.Equal(got, want) {
					t.Errorf("account %s sees rows of %q in %s, want %q", c.as, got, name, want)
				}
			})
			for _, change := range []string{"update %s set account_id = account_id", "update %s set account_id = 'b'", "delete from %s", "insert into %[1]s select * from %[1]s"} {
				as(c.account, func(tx pgx.Tx) {
					_, _ = tx.Exec(t.Context(), "set constraints all deferred")
					tag, err := tx.Exec(t.Context(), fmt.Sprintf(change, name))
					var refused *pgconn.PgError
					if errors.As(err, &refused) && (refused.Code == "42501" || strings.HasPrefix(refused.Code, "23")) {
						return
					}
					if slices.Contains(readOnlyTables, name) || err != nil || tag.RowsAffected() > int64(len(c.own)) || strings.HasSuffix(change, "= 'b'") && tag.RowsAffected() > 0 {
						t.Errorf("account %s: "+change+" = %v, %v", c.as, name, tag, err)
					}
				})
			}
		}
	}
	for _, name := range tables { // and nothing of it was kept
		if got := ask[string](t, conn, "select distinct account_id from "+name+" order by 1"); !slices.Equal(got, []string{"", "a", "b"}) {
			t.Errorf("accounts in %s = %q, want all three as before", name, got)
		}
	}
}

// login makes a role that may log in and owns the schema, and returns the URL for it.
func login(t *testing.T, address, options string) string {
	t.Helper()
	conn := connect(t, address)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	place := u.Query().Get("search_path")
	name := "login_" + place[len(place)-12:]
	do := func(conn *pgx.Conn, statement string) error {
		_, err := conn.Exec(context.Background(), statement)
		return err
	}
	err = do(conn, "create role "+name+" login password 'x' "+options)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42501" {
		t.Skipf("the user of %s may not create roles", storetest.PostgresVariable)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		last, err := pgx.Connect(context.Background(), address)
		if err != nil {
			t.Fatal(err)
		}
		defer last.Close(context.Background())
		if err := errors.Join(do(last, "reassign owned by "+name+" to current_user"), do(last, "drop owned by "+name), do(last, "drop role "+name)); err != nil {
			t.Error(err)
		}
	})
	if err := do(conn, "grant create, usage on schema "+place+" to "+name+"; alter schema "+place+" owner to "+name); err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, "x")
	return u.String()
}

// wantWall asks whether an account's rows are behind the wall, with a login that is no
// superuser and so sees nothing that no policy lets it see.
func wantWall(t *testing.T, s *Store, want bool) {
	t.Helper()
	if got := s.tenantRole != ""; got != want {
		t.Errorf("the wall stands: %t (%s), want %t", got, s.noWall, want)
	}
	for _, accountID := range []string{"", "a", "b"} {
		if err := s.CreateRule(t.Context(), testRule(accountID, fmt.Sprintf("r%t", want))); err != nil {
			t.Errorf("CreateRule(%q) = %v, want nil", accountID, err)
		}
	}
	if got := tenantRules(t, s, "a"); want && !slices.Equal(got, []string{"", "a"}) {
		t.Errorf("account a sees the rules of %q, want its own and the global ones", got)
	}
	rules, err := s.ListRules(t.Context())
	if err != nil || len(rules) < 3 {
		t.Errorf("ListRules() = %d rules, %v, want those of every account", len(rules), err)
	}
}

func TestWallOfALoginThatMayCreateRoles(t *testing.T) {
	t.Parallel()
	address := login(t, storetest.PostgresURL(t), "createrole")
	wantWall(t, mustOpen(t, address, Config{}), true)
	again := mustOpen(t, address, Config{})
	if again.tenantRole == "" {
		t.Errorf("the wall does not stand at the second start: %s", again.noWall)
	}
}

func TestWallOfALoginThatMayNot(t *testing.T) {
	t.Parallel()
	admin := storetest.PostgresURL(t)
	address := login(t, admin, "nocreaterole")
	s := mustOpen(t, address, Config{})
	wantWall(t, s, false)
	for _, want := range []string{"create role pointsman_tenant_", " to login_"} {
		if !strings.Contains(s.noWall, want) {
			t.Errorf("noWall = %q, want it to say %q", s.noWall, want)
		}
	}
	_, statements, _ := strings.Cut(s.noWall, "`")
	statements, _, _ = strings.Cut(statements, "`")
	if _, err := connect(t, admin).Exec(t.Context(), statements); err != nil {
		t.Fatalf("the statements of the advice: %s: %v", statements, err)
	}
	wantWall(t, mustOpen(t, address, Config{}), true)
}

// What an operator or a restored backup has opened is closed at the next start.
func TestWallIsMended(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	first, conn := mustOpen(t, address, Config{}), connect(t, address)
	for _, damage := range []string{
		"alter table rules disable row level security",
		"alter table rules no force row level security",
		"drop policy tenant on rules",
		"drop policy shared on rules",
		"drop policy owner on rules",
		"create policy shared on usage for select to " + first.tenantRole + " using (true)",
		"revoke select on rules from " + first.tenantRole,
		"create table later (account_id text not null, id text not null, primary key (account_id, id))",
	} {
		if _, err := conn.Exec(t.Context(), damage); err != nil {
			t.Fatalf("%s: %v", damage, err)
		}
		if unmended := mustOpen(t, address, Config{NoMigrate: true}); unmended.tenantRole != "" || unmended.noWall == "" {
			t.Errorf("after %s: Open(NoMigrate) holds that the wall stands", damage)
		}
		if mended := mustOpen(t, address, Config{}); mended.tenantRole == "" {
			t.Errorf("after %s: the wall does not stand: %s", damage, mended.noWall)
		}
	}
	if got := ask[bool](t, conn, "select relforcerowsecurity from pg_class where oid = 'later'::regclass"); !slices.Equal(got, []bool{true}) {
		t.Error("a table of a later migration is not protected")
	}
}

func testRule(accountID, id string) engine.Rule {
	return engine.Rule{AccountID: accountID, ID: id, Name: id, When: "true", Target: "m", Enabled: true, OnFailure: engine.FailureSkip}
}
