package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// managing is the context of a request to the admin API.
func managing(ctx context.Context) context.Context {
	return engine.WithActor(ctx, engine.Actor{Principal: engine.Principal{Role: engine.RoleSuperAdmin}})
}

// blocked makes every write of configuration wait, until it is called back.
func blocked(t *testing.T, address string) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "select value from revisions for update"); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback(context.Background()) }
}

// However many manage at once, and whatever they wait for, the gateway's own work finds a
// connection; who does not get one is told soon.
func TestManagementLeavesConnections(t *testing.T) {
	t.Parallel()
	address := migrated.PostgresURL(t)
	s := mustOpen(t, with(t, address, "pool_max_conns", "4"), Config{})
	release := blocked(t, address)
	put := func() error { return s.PutProvider(managing(t.Context()), engine.Provider{ID: "p"}) }
	var writers sync.WaitGroup
	for range 3 {
		writers.Go(func() {
			if err := put(); err != nil {
				t.Errorf("a write that has a connection = %v, want nil", err)
			}
		})
	}
	for s.pool.Stat().AcquiredConns() < 3 {
		if pause(t.Context(), time.Millisecond) != nil {
			t.Fatal("three writes do not hold three connections")
		}
	}
	s.patience = 10 * time.Millisecond
	for range 10 {
		if err := put(); !errors.Is(err, errBusy) || engine.CodeOf(err) != engine.CodeDatabaseUnavailable {
			t.Errorf("a write beyond the connections for management = %v, want %v", err, errBusy)
		}
	}
	for range 10 {
		if _, err := s.Revision(t.Context()); err != nil {
			t.Errorf("Revision() while management waits = %v, want nil", err)
		}
	}
	release()
	writers.Wait()
}

// Clients that leave take no connections with them.
func TestCanceledCallsKeepConnections(t *testing.T) {
	t.Parallel()
	direct := migrated.PostgresURL(t)
	p, address := storetest.NewProxy(t, with(t, direct, "pool_max_conns", "4"))
	s := mustOpen(t, address, Config{})
	release := blocked(t, direct)
	before := len(p.Accepted())
	var clients sync.WaitGroup
	var left atomic.Int64
	for range 50 {
		clients.Go(func() {
			for left.Add(1) <= 1000 {
				ctx, cancel := context.WithTimeout(managing(t.Context()), 10*time.Millisecond)
				if err := s.PutProvider(ctx, engine.Provider{ID: "p"}); err == nil {
					t.Error("PutProvider() that waits for another = nil, want the deadline")
				}
				cancel()
			}
		})
	}
	clients.Wait()
	release()
	if err := s.PutProvider(t.Context(), engine.Provider{ID: "p"}); err != nil {
		t.Errorf("PutProvider() after 1,000 clients have left = %v, want nil", err)
	}
	sessions := len(p.Accepted()) - before
	t.Logf("1,000 clients that left: %d new sessions, %d requests to cancel", sessions, p.Cancels())
	if sessions > 50 {
		t.Errorf("1,000 clients that left cost %d new sessions, want the pool to be kept", sessions)
	}
}

// A server that takes no connection is not asked for one by each call.
func TestAttemptsToConnectAreBounded(t *testing.T) {
	t.Parallel()
	p, address := storetest.NewProxy(t, with(t, migrated.PostgresURL(t), "pool_max_conns", "4"))
	s := mustOpen(t, address, Config{})
	p.Refuse(true)
	before, began := len(p.Accepted()), time.Now()
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			for range 100 {
				if _, err := s.Revision(t.Context()); engine.CodeOf(err) != engine.CodeDatabaseUnavailable {
					t.Errorf("Revision() of a server that refuses = %v, want %s", err, engine.CodeDatabaseUnavailable)
				}
			}
		})
	}
	callers.Wait()
	// So many at once, and so many a second; each may be tried at a second address.
	if n, most := len(p.Accepted())-before, 2*(4+4*(1+int(time.Since(began)/time.Second))); n > most {
		t.Errorf("2,000 calls tried to connect %d times, want at most %d", n, most)
	}
	p.Refuse(false)
	for {
		_, err := s.Revision(t.Context())
		if err == nil {
			break
		}
		if pause(t.Context(), 10*time.Millisecond) != nil {
			t.Fatalf("Revision() of a server that is back = %v", err)
		}
	}
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAttempts(4, time.Now)
		tried := func() (n int) {
			for range 100 {
				if a.before(t.Context(), nil) == nil {
					n++
				}
			}
			return n
		}
		if n := tried(); n != 4 {
			t.Errorf("at once, %d attempts, want 4", n)
		}
		n := 0
		for range 1000 {
			time.Sleep(10 * time.Millisecond)
			n += tried()
		}
		if n < 20 || n > 40 {
			t.Errorf("in ten seconds, %d attempts, want 20 to 40", n)
		}
		_ = a.after(t.Context(), nil)
		if n := tried(); n != 4 {
			t.Errorf("after a connection, %d attempts at once, want 4", n)
		}
	})
}

// What the server takes back is tried again, and not for ever.
func TestRolledBackWritesAreTriedThrice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code       string
		fails      int
		tries      int64
		wantFailed bool
	}{
		{"40001", 2, 3, false}, {"40P01", 1, 2, false}, {"40001", 9, 3, true}, {"53100", 9, 1, true}, {"58030", 9, 1, true},
	} {
		t.Run(fmt.Sprintf("%s %d times", c.code, c.fails), func(t *testing.T) {
			t.Parallel()
			address := migrated.PostgresURL(t)
			s := mustOpen(t, address, Config{})
			conn := connect(t, address)
			for _, statement := range []string{
				"create sequence tries",
				fmt.Sprintf(`create function refuse() returns trigger language plpgsql as $$ begin
					if nextval('tries') <= %d then raise exception 'played' using errcode = '%s'; end if; return new; end $$`, c.fails, c.code),
				"create trigger refuse before insert on providers for each row execute function refuse()",
			} {
				if _, err := conn.Exec(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			err := s.PutProvider(t.Context(), engine.Provider{ID: "p"})
			if (err != nil) != c.wantFailed || err != nil && engine.CodeOf(err) != engine.CodeDatabaseUnavailable {
				t.Errorf("PutProvider() = %v, want a failure: %t", err, c.wantFailed)
			}
			var tries int64
			if err := conn.QueryRow(t.Context(), "select last_value from tries").Scan(&tries); err != nil || tries != c.tries {
				t.Errorf("%d tries, %v, want %d", tries, err, c.tries)
			}
		})
	}
}

// A change is seen by the next poll whatever became of its notice.
func TestWatchPollsWhatItDoesNotHear(t *testing.T) {
	t.Parallel()
	direct := migrated.PostgresURL(t)
	const listening = "listen pointsman_revision"
	for _, c := range []struct {
		name  string
		fault func(*storetest.Proxy)
	}{
		{"notices are dropped", func(p *storetest.Proxy) { p.Silence("A") }},
		{"the connection is cut", func(p *storetest.Proxy) { p.Cut(listening) }},
		{"the connection is half closed", func(p *storetest.Proxy) { p.HalfClose(listening) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, address := storetest.NewProxy(t, direct)
			s, writer := mustOpen(t, address, Config{PollEvery: 200 * time.Millisecond}), mustOpen(t, direct, Config{})
			w := storetest.Watch(t, s)
			c.fault(p)
			if err := writer.PutProvider(t.Context(), engine.Provider{ID: "p"}); err != nil {
				t.Fatal(err)
			}
			now, err := writer.Revision(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.Await(t, now, 20*time.Second)
		})
	}
}
