package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/schema"
	"github.com/pointsman/pointsman/host/store/storetest"
)

func mustOpen(t testing.TB, url string, cfg Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), url, cfg)
	if err != nil {
		t.Fatalf("Open() = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
	return s
}

// with returns the URL with one more parameter.
func with(t *testing.T, address, name, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func connect(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func wantRefused(t *testing.T, address string, cfg Config, want ...string) {
	t.Helper()
	s, err := Open(t.Context(), address, cfg)
	if err == nil {
		_ = s.Close()
		t.Fatal("Open() = nil, want an error")
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("Open() = %q, want it to say %q", err, part)
		}
	}
}

func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	var group sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		group.Go(func() {
			s, err := Open(t.Context(), address, Config{})
			if err == nil {
				err = s.PutSetting(t.Context(), "a", "b")
				err = errors.Join(err, s.Close())
			}
			errs[i] = err
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("Open() of an empty schema by %d at once = %v, want nil", len(errs), err)
	}
	rows, err := connect(t, address).Query(t.Context(), "select version_id from schema_versions where version_id > 0 order by id")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	want, versionsErr := schema.Postgres().Versions()
	if err != nil || versionsErr != nil || !slices.Equal(got, want) {
		t.Errorf("schema_versions = %v (%v), want each of %v once", got, err, want)
	}
}

func TestOpenNoMigrate(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	versions, err := schema.Postgres().Versions()
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, address, Config{NoMigrate: true}, fmt.Sprintf("lacks %d migrations", len(versions)), "pointsman migrate")
	var tables int
	err = connect(t, address).QueryRow(t.Context(), "select count(*) from pg_tables where schemaname = current_schema()").Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("Open(NoMigrate) made %d tables (%v), want 0", tables, err)
	}
	mustOpen(t, address, Config{})
	mustOpen(t, address, Config{NoMigrate: true})
}

func TestOpenNewer(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	mustOpen(t, address, Config{})
	if _, err := connect(t, address).Exec(t.Context(), "insert into schema_versions (version_id, is_applied) values (9999, true)"); err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []Config{{}, {NoMigrate: true}} {
		wantRefused(t, address, cfg, "schema version 9999", "run the newer pointsman")
	}
}

func TestOpenUnfit(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	wantRefused(t, with(t, address, "search_path", "no_such_schema"), Config{}, "search_path", "create it")
	// As the old primary is after a failover.
	wantRefused(t, with(t, address, "default_transaction_read_only", "on"), Config{}, "read only")
}

func TestOpenKeepsThePassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"postgres://someone:hush-hush@127.0.0.1:1/db?connect_timeout=1",
		"postgres://someone:hush-hush@127.0.0.1:port/db",
		"postgres://someone:hush-hush@127.0.0.1:1/db?sslmode=nonsense",
		"postgres://someone:hush-hush@[::1/db",
		"postgres://someone:hush-hush@127.0.0.1:1/db?pool_max_conns=x",
		"postgres://someone:hush-hush%ZZ@127.0.0.1:1/db",
	} {
		_, err := Open(t.Context(), address, Config{})
		if err == nil || strings.Contains(err.Error(), "hush-hush") {
			t.Errorf("Open(%q) = %v, want an error without the password", address, err)
		}
	}
}

func TestSessionSettings(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	said := mustOpen(t, with(t, address, "statement_timeout", "3s"), Config{})
	unsaid := mustOpen(t, address, Config{})
	for _, c := range []struct {
		store         *Store
		setting, want string
	}{
		{unsaid, "statement_timeout", "10s"},
		{unsaid, "lock_timeout", "5s"},
		{unsaid, "idle_in_transaction_session_timeout", "30s"},
		{unsaid, "application_name", "pointsman"},
		{said, "statement_timeout", "3s"},
	} {
		var got string
		if err := c.store.pool.QueryRow(t.Context(), "select current_setting($1)", c.setting).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s = %q (%v), want %q", c.setting, got, err, c.want)
		}
	}
}

// terminate ends every connection of that application name.
func terminate(t *testing.T, address, application string) {
	t.Helper()
	var ended int
	err := connect(t, address).QueryRow(t.Context(),
		"select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where application_name = $1", application).Scan(&ended)
	if err != nil || ended == 0 {
		t.Fatalf("terminated %d connections of %q (%v), want at least 1", ended, application, err)
	}
}

func TestWatchComesBack(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	name := "comes-back-" + address[strings.LastIndex(address, "_")+1:][:8]
	watched := mustOpen(t, with(t, address, "application_name", name), Config{PollEvery: time.Hour})
	writer := mustOpen(t, address, Config{})
	w := storetest.Watch(t, watched)
	for i := range int64(3) {
		terminate(t, address, name+" dedicated")
		// Written while nobody listens, or just after: either way it must be told.
		if err := writer.PutProvider(t.Context(), engine.Provider{ID: "p"}); err != nil {
			t.Fatal(err)
		}
		w.Await(t, 2*i+1, 5*time.Second)
		if err := writer.PutProvider(t.Context(), engine.Provider{ID: "p"}); err != nil {
			t.Fatal(err)
		}
		w.Await(t, 2*i+2, 5*time.Second)
	}
}

// A connection that was cut may come back to a server with another history: whoever watches is told to look,
// though nothing was written.
func TestWatchDoubtsAfterACut(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	name := "doubts-" + address[strings.LastIndex(address, "_")+1:][:8]
	w := storetest.Watch(t, mustOpen(t, with(t, address, "application_name", name), Config{PollEvery: time.Hour}))
	terminate(t, address, name+" dedicated")
	w.AwaitExactly(t, engine.RevisionUnknown, 10*time.Second)
	w.AwaitExactly(t, 0, 10*time.Second)
}

func TestWatchPolls(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	name := "polls-" + address[strings.LastIndex(address, "_")+1:][:8]
	s := mustOpen(t, with(t, address, "application_name", name), Config{PollEvery: 5 * time.Millisecond})
	w := storetest.Watch(t, s)
	conn := connect(t, address)
	listener := func() (pid int) {
		err := conn.QueryRow(t.Context(), "select pid from pg_stat_activity where application_name = $1", name+" dedicated").Scan(&pid)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) { // it may just be connecting again
			t.Fatalf("find the listener: %v", err)
		}
		return pid
	}
	backends := map[int]bool{}
	for revision := int64(41); revision < 51; revision++ {
		if _, err := conn.Exec(t.Context(), "update revisions set value = $1", revision); err != nil { // no notification
			t.Fatal(err)
		}
		w.Await(t, revision, 10*time.Second)
		backends[listener()] = true
	}
	// A wait that ends while a notification of another test is half read costs the
	// connection; polls with a connection each would cost ten.
	if n := len(backends); n > 4 {
		t.Errorf("Watch() used %d backends for 10 polls, want those on the connection that listens", n)
	}
}

// Channels belong to the database, and two installations may share one.
func TestWatchHearsItsOwnSchema(t *testing.T) {
	t.Parallel()
	mine, other := storetest.PostgresURL(t), storetest.PostgresURL(t)
	s, noisy := mustOpen(t, mine, Config{PollEvery: time.Hour}), mustOpen(t, other, Config{})
	w := storetest.Watch(t, s)
	for range 5 {
		if err := noisy.PutProvider(t.Context(), engine.Provider{ID: "p"}); err != nil {
			t.Fatal(err)
		}
	}
	conn := connect(t, mine)
	for _, payload := range []string{"", "nonsense", s.schema, s.schema + " x", s.schema + " 99999999999999999999"} {
		if _, err := conn.Exec(t.Context(), "select pg_notify('pointsman_revision', $1)", payload); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutProvider(t.Context(), engine.Provider{ID: "p"}); err != nil {
		t.Fatal(err)
	}
	w.AwaitExactly(t, 1, 10*time.Second)
}

func TestPoolSurvivesLostConnections(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	name := "survives-" + address[strings.LastIndex(address, "_")+1:][:8]
	s := mustOpen(t, with(t, address, "application_name", name), Config{})
	for range 5 {
		if err := s.PutSetting(t.Context(), "a", "b"); err != nil {
			t.Fatalf("PutSetting() after its connection was terminated = %v, want nil", err)
		}
		if _, err := s.ListRules(t.Context()); err != nil {
			t.Fatalf("ListRules() = %v, want nil", err)
		}
		terminate(t, address, name)
	}
}

func TestExclusive(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	a, b := mustOpen(t, address, Config{}), mustOpen(t, address, Config{})
	var inside, most, runs atomic.Int32
	var group sync.WaitGroup
	for i := range 6 {
		s := []*Store{a, b}[i%2]
		group.Go(func() {
			err := s.Exclusive(t.Context(), "test", func(context.Context) error {
				most.Store(max(most.Load(), inside.Add(1)))
				defer inside.Add(-1)
				runs.Add(1)
				return s.PutSetting(t.Context(), "a", "b")
			})
			if err != nil {
				t.Errorf("Exclusive() = %v, want nil", err)
			}
		})
	}
	group.Wait()
	if most.Load() != 1 || runs.Load() != 6 {
		t.Errorf("Exclusive() ran %d times, %d of them at once, want 6 and 1", runs.Load(), most.Load())
	}

	wrong := errors.New("wrong")
	err := a.Exclusive(t.Context(), "test", func(ctx context.Context) error {
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if err := b.Exclusive(short, "test", func(context.Context) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Exclusive() of a lock that is held = %v, want %v", err, context.DeadlineExceeded)
		}
		if err := b.Exclusive(ctx, "other", func(context.Context) error { return nil }); err != nil {
			t.Errorf("Exclusive() of another lock = %v, want nil", err)
		}
		return wrong
	})
	if !errors.Is(err, wrong) {
		t.Errorf("Exclusive() = %v, want its function's error", err)
	}
	if err := b.Exclusive(t.Context(), "test", func(context.Context) error { return nil }); err != nil {
		t.Errorf("Exclusive() after a failed one = %v, want nil", err)
	}
}

func TestOpenForeignEncoding(t *testing.T) {
	t.Parallel()
	address := storetest.PostgresURL(t)
	conn := connect(t, address)
	database := "latin_" + strings.ToLower(address[strings.LastIndex(address, "_")+1:])
	_, err := conn.Exec(t.Context(), "create database "+database+" encoding 'LATIN1' locale 'C' template template0")
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42501" {
		t.Skip("the user of POINTSMAN_TEST_POSTGRES_URL may not create databases")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := conn.Exec(context.Background(), "drop database "+database+" with (force)"); err != nil {
			t.Error(err)
		}
	}()
	u, err := url.Parse(with(t, address, "search_path", "public"))
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	wantRefused(t, u.String(), Config{}, "LATIN1", "encoding 'UTF8'")
}
