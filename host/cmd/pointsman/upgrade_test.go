package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/host/store/schema"
)

// laterMigration writes a migration of the version after this one, in both dialects, and returns the
// variable that makes the failpoint program know it, and its number.
func laterMigration(t *testing.T, statements string) (env string, number int64) {
	t.Helper()
	versions, err := schema.Postgres().Versions()
	if err != nil {
		t.Fatal(err)
	}
	dir, number := t.TempDir(), slices.Max(versions)+1
	for _, dialect := range []string{"postgres", "sqlite"} {
		text := "-- +goose Up\n" + statements + "\n"
		err := os.MkdirAll(filepath.Join(dir, dialect), 0o700)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, dialect, fmt.Sprintf("%04d_later.sql", number)), []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return "POINTSMAN_FAILPOINT_MIGRATIONS=" + dir, number
}

// additive is what a migration may do of which older processes must know nothing: new tables, new
// columns with defaults, new indexes.
const additive = `alter table usage add column later_note text not null default '';
alter table keys add column later_note text not null default '';
alter table decisions add column later_note text not null default '';
create table later (account_id text collate "C" not null, id text collate "C" not null, primary key (account_id, id));
create index later_usage on usage (account_id, started_at, model_id);`

// A new version migrates while processes of the one before serve: those go on, a process that is
// killed in mid-migration leaves nothing behind, the older version does not start on the newer schema,
// and says what to do, and no request fails.
func TestRollingUpgrade(t *testing.T) {
	if os.Getenv("POINTSMAN_TEST_POSTGRES_URL") == "" {
		t.Skip("POINTSMAN_TEST_POSTGRES_URL is not set: `make test` provides a server")
	}
	newer, err := failpointBinary()
	if err != nil {
		t.Fatal(err)
	}
	l := &traffic{rate: 20, open: 5, words: 10, every: 100 * time.Millisecond}
	f := newFleet(t, 2, "OPENAI_API_KEY=sk-test", "OPENAI_BASE_URL="+slowProvider(t, l.words, l.every), "POINTSMAN_SHUTDOWN_DELAY=5s")
	l.to, l.key = f.url, f.all[0].key
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var load sync.WaitGroup
	load.Go(func() { l.run(ctx) })
	version := func() int64 { return f.query("select max(version_id) from schema_versions") }
	before := version()

	// One is killed while it migrates.
	slow, number := laterMigration(t, "create table later_half (n bigint);\nselect pg_sleep(600);")
	cut := exec.Command(newer, "migrate")
	cut.Dir, cut.Env = t.TempDir(), environment(append(f.env, slow)...)
	if err := cut.Start(); err != nil {
		t.Fatal(err)
	}
	sleeping := "select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and wait_event = 'PgSleep'"
	for deadline := time.Now().Add(time.Minute); f.query(sleeping) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the migration did not begin within a minute")
		}
	}
	if err := cut.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cut.Wait()
	// The server notices only when it has something to say to the dead; as an administrator would,
	// or the machine's keepalive, end it.
	f.query("select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()")
	if got := version(); got != before || f.query("select count(*) from pg_tables where schemaname = current_schema() and tablename = 'later_half'") != 0 {
		t.Errorf("a migration that was killed leaves version %d, want %d and no table", got, before)
	}

	// The new version comes in, beside the old one, which goes on on the newer schema.
	env, _ := laterMigration(t, additive)
	f.stop(0)
	f.start(0, newer, env)
	if got := version(); got != number {
		t.Errorf("the new version leaves the schema at %d, want %d", got, number)
	}
	for until := l.plain.Load() + 40; l.plain.Load() < until && l.failed.Load() == 0; time.Sleep(10 * time.Millisecond) {
	}
	// The old one writes: a rule that it creates is in force on the new one.
	f.all[1].createRule("of-the-old", `mentions("zebra")`, "gpt-4o")
	for deadline := time.Now().Add(30 * time.Second); f.all[0].ruleOf("a zebra") != "of-the-old"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a rule that the old version wrote is not in force on the new one within 30 s")
		}
		l.plain.Add(1)
	}
	l.plain.Add(1)

	// The old version cannot come back: what it does not know it might destroy.
	old := exec.Command(binary, "serve")
	old.Dir, old.Env = warmDir(t), environment(f.env...)
	out, err := old.CombinedOutput()
	if err == nil || !strings.Contains(string(out), fmt.Sprintf("schema version %d", number)) || !strings.Contains(string(out), "run the newer pointsman") {
		t.Errorf("the old version on the newer schema: %v\n%s\nwant a refusal that says what to run", err, out)
	}

	f.stop(1)
	f.start(1, newer, env)
	for until := l.plain.Load() + 20; l.plain.Load() < until && l.failed.Load() == 0; time.Sleep(10 * time.Millisecond) {
	}
	cancel()
	load.Wait()
	if n := l.failed.Load(); n > 0 {
		t.Errorf("%d of %d requests and %d streams failed during the upgrade, want 0; the first: %s", n, l.plain.Load(), l.streams.Load(), *l.first.Load())
	}
	for place := range f.all {
		f.stop(place)
	}
	f.settled(l)
	t.Logf("%d requests and %d streams over an upgrade from schema %d to %d: %d failed", l.plain.Load(), l.streams.Load(), before, number, l.failed.Load())
}
