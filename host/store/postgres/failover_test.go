package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// eventually tries until the call works: what a caller does who was told to come again.
func eventually(t *testing.T, what string, call func() error) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		err := call()
		if err == nil {
			return
		}
		if engine.CodeOf(err) != engine.CodeDatabaseUnavailable {
			t.Fatalf("%s = %v, want it or %s", what, err, engine.CodeDatabaseUnavailable)
		}
		if time.Now().After(deadline) || pause(t.Context(), 20*time.Millisecond) != nil {
			t.Fatalf("%s = %v for a minute", what, err)
		}
	}
}

// A server of its own goes through what servers go through; each time the store refuses in
// words and recovers by itself.
func TestServerFaults(t *testing.T) {
	t.Parallel()
	c := storetest.NewCluster(t, "max_connections = 12", "superuser_reserved_connections = 0")
	s := mustOpen(t, c.URL+"&pool_max_conns=4", Config{PollEvery: 50 * time.Millisecond})
	w := storetest.Watch(t, s)
	put := func() error { return s.PutProvider(t.Context(), engine.Provider{ID: "p"}) }
	read := func() error { _, err := s.ListRules(t.Context()); return err }
	refused := func(t *testing.T, what string, call func() error) {
		t.Helper()
		if err := call(); engine.CodeOf(err) != engine.CodeDatabaseUnavailable {
			t.Errorf("%s = %v, want %s", what, err, engine.CodeDatabaseUnavailable)
		}
	}
	recovers := func(t *testing.T) {
		t.Helper()
		eventually(t, "PutProvider()", put)
		eventually(t, "ListRules()", read)
		revision := int64(0)
		eventually(t, "Revision()", func() (err error) { revision, err = s.Revision(t.Context()); return err })
		w.Await(t, revision, 30*time.Second)
	}
	recovers(t)

	t.Run("killed", func(t *testing.T) {
		c.Kill(t)
		refused(t, "PutProvider() to a server that was killed", put)
		refused(t, "ListRules()", read)
		c.Start(t)
		recovers(t)
	})
	t.Run("demoted", func(t *testing.T) {
		// Its old connections go on to answer reads.
		writable, err := pgx.Connect(t.Context(), c.URL+"&default_transaction_read_only=off")
		if err != nil {
			t.Fatal(err)
		}
		defer writable.Close(context.Background())
		for _, statement := range []string{"alter system set default_transaction_read_only = on", "select pg_reload_conf()"} {
			if _, err := writable.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		// The server's processes hear of it one by one; from then on nobody may rely on it.
		for put() == nil {
			if pause(t.Context(), 10*time.Millisecond) != nil {
				t.Fatal("writes never ended")
			}
		}
		refused(t, "PutProvider() to a server that is no primary", put)
		for deadline := time.Now().Add(30 * time.Second); read() == nil; {
			if time.Now().After(deadline) || pause(t.Context(), 20*time.Millisecond) != nil {
				t.Fatal("a server that is no primary is read from for ever")
			}
		}
		for _, statement := range []string{"alter system reset default_transaction_read_only", "select pg_reload_conf()"} {
			if _, err := writable.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		recovers(t)
	})
	t.Run("terminated", func(t *testing.T) {
		for range 3 {
			c.Exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'pointsman%'")
			if err := put(); err != nil {
				t.Errorf("PutProvider() after its connections were terminated = %v, want nil", err)
			}
		}
		recovers(t)
	})
	t.Run("out of connections", func(t *testing.T) {
		c.Exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'pointsman%'")
		var taken []*pgx.Conn
		for {
			conn, err := pgx.Connect(t.Context(), c.URL)
			if err != nil {
				break
			}
			taken = append(taken, conn)
		}
		s.pool.Reset()
		refused(t, "PutProvider() to a server without a connection", put)
		for _, conn := range taken {
			_ = conn.Close(t.Context())
		}
		recovers(t)
	})
	t.Run("stopped", func(t *testing.T) {
		c.Freeze(t)
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if _, err := s.Revision(short); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("Revision() of a server that is stopped = %v, want the deadline", err)
		}
		cancel()
		c.Thaw(t)
		recovers(t)
	})
}
