package main

import (
	"context"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Of processes that start at once one deletes what has expired; the others leave it to that one.
func TestOneReplicaCleans(t *testing.T) {
	database := postgresSchema(t)
	patient, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	query := patient.Query()
	query.Set("lock_timeout", "120000") // the test holds a lock for as long as it takes
	query.Set("statement_timeout", "120000")
	patient.RawQuery = query.Encode()
	env := []string{"POINTSMAN_DATABASE_URL=" + patient.String(), "POINTSMAN_ENCRYPTION_KEY=" + testEncryptionKey, "POINTSMAN_ADMIN_KEY=" + strings.Repeat("admin-", 5)}
	migrate := exec.Command(binary, "migrate")
	migrate.Dir, migrate.Env = t.TempDir(), environment(env...)
	if out, err := migrate.CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	// The cleaner waits in the database while the test holds the lock, so that every process is there
	// before the first has finished.
	for _, statement := range []string{
		"create table cleaned (pid int not null)",
		`create function cleaning() returns trigger language plpgsql security definer as $$
begin
	insert into cleaned values (pg_backend_pid());
	perform pg_advisory_xact_lock_shared(20260101);
	return null;
end $$`,
		"create trigger cleaning before delete on sessions for each statement execute function cleaning()",
		"select pg_advisory_lock(20260101)",
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	const n = 3
	var starts sync.WaitGroup
	for range n {
		dir := warmDir(t)
		starts.Go(func() { launch(t, binary, dir, env...).becomesReady() })
	}
	starts.Wait()
	// Ready is before the first look: one waits at the lock, and the others must have asked for the job.
	waiting := "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and wait_event = 'advisory' and query ilike '%delete%'"
	count := func(query string) (n int) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for deadline := time.Now().Add(time.Minute); count(waiting) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody cleans within a minute")
		}
	}
	for range 50 {
		if at := count(waiting); at != 1 {
			t.Fatalf("%d processes clean at a time, want 1", at)
		}
		time.Sleep(10 * time.Millisecond) // more chances to be wrong; what is right is right each time
	}
	if _, err := conn.Exec(t.Context(), "select pg_advisory_unlock(20260101)"); err != nil {
		t.Fatal(err)
	}
}
