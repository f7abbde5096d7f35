package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Tables whose global rows every tenant sees, and those that a tenant only reads.
var (
	sharedTables   = []string{"assignments", "limits", "models", "plugins", "preferences", "prices", "providers", "rules"}
	readOnlyTables = []string{"audit", "audit_heads", "changes", "revisions", "settings"}
)

// wall is what is known of row-level security in a database.
type wall struct {
	login  string   // who asks, quoted
	role   string   // the tenant role; its name belongs to the database and the schema
	exists bool     // and is neither a login, a superuser nor exempt from row security
	usable bool     // this login may set it
	bare   []string // tables with account_id that are not behind the wall
}

func (w wall) stands() bool { return w.exists && w.usable && len(w.bare) == 0 }

// RowSecurity reports whether calls for an account's rows go through the tenant role, and
// when they do not, what an administrator can do about it.
func (s *Store) RowSecurity() (stands bool, advice string) { return s.tenantRole != "", s.noWall }

// inspectWall asks for the tables of the schema and for the tenant role.
func inspectWall(ctx context.Context, conn *pgx.Conn, version int) (w wall, err error) {
	member := "MEMBER"
	if version >= 160000 {
		member = "SET" // since then a member may lack the right to become the role
	}
	err = conn.QueryRow(ctx, `
select quote_ident(current_user), name, r.oid is not null, coalesce(pg_has_role(current_user, r.oid, $1), false),
       array(
           select c.relname::text
           from pg_class c
           join pg_attribute a on a.attrelid = c.oid and a.attname = 'account_id' and not a.attisdropped
           where c.relnamespace = current_schema()::regnamespace
             and c.relkind in ('r', 'p')
             and not coalesce(c.relrowsecurity and c.relforcerowsecurity
                 and has_schema_privilege(r.oid, c.relnamespace, 'usage')
                 and has_table_privilege(r.oid, c.oid, 'select')
                 and exists (select from pg_policy where polrelid = c.oid and polname = 'owner' and polroles = array[c.relowner])
                 and exists (select from pg_policy where polrelid = c.oid and polname = 'tenant' and polroles = array[r.oid])
                 and exists (select from pg_policy where polrelid = c.oid and polname = 'shared' and polroles = array[r.oid]) = (c.relname = any($2)), false)
           order by c.relname
       )
from (select 'pointsman_tenant_' || left(encode(sha256(convert_to(current_database() || '.' || current_schema(), 'UTF8')), 'hex'), 16)) as n (name)
left join pg_roles r on r.rolname = n.name and not (r.rolsuper or r.rolbypassrls or r.rolcanlogin)`,
		member, sharedTables).Scan(&w.login, &w.role, &w.exists, &w.usable, &w.bare)
	if err != nil {
		return w, fmt.Errorf("look at the row security of the database: %w", err)
	}
	return w, nil
}

// raise makes what is missing of the wall. A login that may not is errNoWall.
func (w wall) raise(ctx context.Context, conn *pgx.Conn, version int) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin to protect rows: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	steps := []string{}
	if !w.exists {
		steps = append(steps, w.create())
	}
	if !w.usable {
		steps = append(steps, w.grant(version))
	}
	schema := "do $$ begin execute format('grant usage on schema %I to %I', current_schema(), '" + w.role + "'); end $$"
	for _, step := range append(steps, schema) {
		if _, err := tx.Exec(ctx, step); err != nil {
			return w.refused(err)
		}
	}
	for _, name := range w.bare {
		_, err := tx.Exec(ctx, `select protect_rows($1::text, $2, $1 = any($3::text[]), $1 <> all($4::text[]))`, name, w.role, sharedTables, readOnlyTables)
		if err != nil {
			return w.refused(fmt.Errorf("table %s: %w", name, err))
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("protect rows: %w", err)
	}
	return nil
}

// create and grant are the statements for what a login may lack the right to do itself.
// The role's name is made of hex digits.
func (w wall) create() string { return "create role " + w.role + " nologin noinherit" }

func (w wall) grant(version int) string {
	if version >= 160000 {
		return "grant " + w.role + " to current_user with inherit false, set true"
	}
	return "grant " + w.role + " to current_user"
}

// missing says what a person can do about a wall that does not stand; "" when it does.
func (w wall) missing(version int) string {
	switch {
	case w.stands():
		return ""
	case !w.exists:
		return "as a database administrator run `" + w.create() + "; " + strings.Replace(w.grant(version), "current_user", w.login, 1) + "`, then start the gateway again"
	case !w.usable:
		return "as a database administrator run `" + strings.Replace(w.grant(version), "current_user", w.login, 1) + "`, then start the gateway again"
	}
	return "run `pointsman migrate` as the owner of the tables " + strings.Join(w.bare, ", ")
}

// errNoWall: the login may not make the tenant role.
var errNoWall = errors.New("the database login may not protect rows by account")

func (w wall) refused(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (refused.Code == "42501" || refused.Code == "42710") { // insufficient_privilege, duplicate_object
		return fmt.Errorf("%w: %w", errNoWall, err)
	}
	return fmt.Errorf("protect rows: %w", err)
}
