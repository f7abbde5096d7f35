package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pointsman/pointsman/host/store/schema"
)

// lockPoll is how often a process that waits for a lock asks for it.
const lockPoll = 100 * time.Millisecond

// inspect checks that the server will do, and learns the schema.
func (s *Store) inspect(ctx context.Context, conn *pgx.Conn) error {
	var name *string
	var encoding string
	err := conn.QueryRow(ctx, `select current_schema(), current_setting('server_encoding'), current_setting('server_version_num')::int`).
		Scan(&name, &encoding, &s.version)
	switch {
	case err != nil:
		return fmt.Errorf("ask postgres for its version: %w", err)
	case s.version < minVersion:
		return fmt.Errorf("postgres %d is too old: use 15 or later", s.version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("the database is encoded in %s: create one with encoding 'UTF8'", encoding)
	case name == nil:
		return errors.New("no schema of the search_path exists: create it, or name another with ?search_path= in the URL")
	}
	s.schema = *name
	return nil
}

// prepare sees to it that the database has every migration and no unknown one.
func (s *Store) prepare(ctx context.Context, noMigrate bool) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return fmt.Errorf("connect to postgres: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := s.inspect(ctx, conn); err != nil {
		return err
	}
	behind, err := missing(ctx, conn)
	switch {
	case err != nil:
		return err
	case behind > 0 && noMigrate:
		return schema.Behind(behind)
	case behind > 0:
		err = s.Exclusive(ctx, "migrate", func(ctx context.Context) error {
			// Another process may have migrated meanwhile, to any version.
			if behind, err := missing(ctx, conn); err != nil || behind == 0 {
				return err
			}
			return s.migrate(ctx)
		})
	}
	if err != nil {
		return err
	}
	if err := s.findInvalid(ctx, conn); err != nil {
		return err
	}
	return s.protect(ctx, conn, noMigrate)
}

// findInvalid warns of indexes that are not used because the statement that built them was cut off.
// No migration leaves one, as each is one transaction; somebody's own `create index concurrently` may.
func (s *Store) findInvalid(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = current_schema()::regnamespace and not i.indisvalid order by 1`)
	if err != nil {
		return fmt.Errorf("look for invalid indexes: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for invalid indexes: %w", err)
	}
	for _, name := range names {
		s.log.Warn().Str("index", name).Msg("the index is invalid: it is being built, or that was cut off; then drop it, or run `reindex index concurrently` for it")
	}
	return nil
}

// protect raises the wall between accounts where it does not stand. A login that may not
// is no reason not to start: what is asked for carries the account all the same.
func (s *Store) protect(ctx context.Context, conn *pgx.Conn, noMigrate bool) error {
	w, err := inspectWall(ctx, conn, s.version)
	if err != nil {
		return err
	}
	if !w.stands() && !noMigrate {
		err = s.Exclusive(ctx, "migrate", func(ctx context.Context) error {
			if w, err = inspectWall(ctx, conn, s.version); err != nil || w.stands() {
				return err
			}
			if err := w.raise(ctx, conn, s.version); err != nil {
				return err
			}
			w, err = inspectWall(ctx, conn, s.version)
			return err
		})
	}
	switch {
	case err != nil && !errors.Is(err, errNoWall):
		return err
	case w.stands():
		s.tenantRole = w.role
	default:
		s.noWall = w.missing(s.version)
		s.log.Warn().AnErr("cause", err).Msg("rows are not protected by account in the database: " + s.noWall)
	}
	return nil
}

// missing asks for the version without goose, which would create its table.
func missing(ctx context.Context, conn *pgx.Conn) (int, error) {
	var known bool
	var version int64
	err := conn.QueryRow(ctx, `select exists (select 1 from pg_tables where schemaname = current_schema() and tablename = '`+schema.Table+`')`).Scan(&known)
	if err == nil && known {
		err = conn.QueryRow(ctx, `select coalesce(max(version_id), 0) from `+schema.Table).Scan(&version)
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the database: %w", err)
	}
	return schema.Postgres().Missing(version)
}

// migrate gives goose a connection without the statement timeout, which a
// migration of a large table would exceed.
func (s *Store) migrate(ctx context.Context) error {
	cfg := s.dedicated.Copy()
	cfg.RuntimeParams["statement_timeout"] = "0"
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	return schema.Postgres().Up(ctx, db, s.log)
}

// Exclusive runs what only one process on this database may do at a time, as the
// first start's seed. Others that ask for the same name wait until ctx ends. The
// lock is the connection's, so a process that dies gives it up.
//
// See RATIONALE.md, "Why are locks polled for?".
func (s *Store) Exclusive(ctx context.Context, name string, run func(context.Context) error) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return fmt.Errorf("connect to postgres for the %s lock: %w", name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) // gives the lock up
	for {
		var got bool
		err := conn.QueryRow(ctx, `select pg_try_advisory_lock(hashtext('pointsman ' || $1::text), hashtext($2::text))`, name, s.schema).Scan(&got)
		if err != nil {
			return fmt.Errorf("ask for the %s lock: %w", name, err)
		}
		if got {
			return run(ctx)
		}
		if err := pause(ctx, lockPoll); err != nil {
			return fmt.Errorf("wait for another process to finish its %s: %w", name, err)
		}
	}
}
