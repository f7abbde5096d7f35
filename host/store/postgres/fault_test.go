package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

func TestCallsSurviveACut(t *testing.T) {
	t.Parallel()
	p, address := storetest.NewProxy(t, migrated.PostgresURL(t))
	s := mustOpen(t, address, Config{})
	for i := range 20 {
		var err error
		if i%2 == 0 {
			err = s.PutProvider(t.Context(), engine.Provider{ID: "p"})
		} else {
			_, err = s.ListRules(t.Context())
		}
		if err != nil {
			t.Fatalf("call %d after a cut = %v, want nil", i, err)
		}
		p.Cut("")
	}
	if got, err := s.Revision(t.Context()); err != nil || got != 10 {
		t.Errorf("Revision() after 10 writes and as many cuts = %d, %v, want 10: a retry did a write twice or none", got, err)
	}
}

func TestWatchSurvivesAnOutage(t *testing.T) {
	t.Parallel()
	direct := migrated.PostgresURL(t)
	p, address := storetest.NewProxy(t, direct)
	watched, writer := mustOpen(t, address, Config{PollEvery: time.Hour}), mustOpen(t, direct, Config{})
	w := storetest.Watch(t, watched)
	for i := range int64(3) {
		p.Refuse(true)
		if err := writer.PutProvider(t.Context(), engine.Provider{ID: "p"}); err != nil {
			t.Fatal(err)
		}
		if _, err := watched.ListRules(t.Context()); err == nil {
			t.Error("ListRules() during an outage = nil, want an error")
		}
		p.Refuse(false)
		w.Await(t, i+1, 10*time.Second)
	}
}

// A server that answers nobody, as a stopped one, costs a caller its deadline and
// little more.
func TestCallsEndDuringAFreeze(t *testing.T) {
	t.Parallel()
	p, address := storetest.NewProxy(t, migrated.PostgresURL(t))
	s := mustOpen(t, address, Config{})
	if err := s.PutSetting(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	p.Freeze("")
	began := time.Now()
	for range 2 {
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := s.GetSetting(short, "a"); err == nil {
			t.Error("GetSetting() during a freeze = nil, want the deadline")
		}
		if err := s.PutSetting(short, "a", "c"); err == nil {
			t.Error("PutSetting() during a freeze = nil, want the deadline")
		}
		cancel()
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("four calls with 50 ms each took %v during a freeze", took)
	}
	p.Thaw()
	if _, err := s.GetSetting(t.Context(), "a"); err != nil {
		t.Errorf("GetSetting() after a freeze = %v, want nil", err)
	}
}

// What has begun to change something is never done twice.
func TestWritesAreNotRepeated(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated.PostgresURL(t), Config{})
	for _, c := range []struct {
		name      string
		err       error
		untouched bool
		want      bool
	}{
		{"cut before it began", io.ErrUnexpectedEOF, true, true},
		{"cut within", io.ErrUnexpectedEOF, false, false},
		{"reset before it began", &net.OpError{Op: "read", Err: errors.New("reset")}, true, true},
		{"not found", engine.ErrNotFound, true, false},
		{"no rows", pgx.ErrNoRows, true, false},
		{"taken", &pgconn.PgError{Code: "23505"}, true, false},
		{"ended, since it stood still", &pgconn.PgError{Code: "25P03"}, false, true},
		{"deadlock", &pgconn.PgError{Code: "40P01"}, false, true},
		{"shutdown before it began", &pgconn.PgError{Code: "57P01"}, true, true},
		{"shutdown within", &pgconn.PgError{Code: "57P01"}, false, false},
		{"lock timeout", &pgconn.PgError{Code: "55P03"}, false, false},
	} {
		if got := s.again(c.err, c.untouched); got != c.want {
			t.Errorf("%s: again() = %t, want %t", c.name, got, c.want)
		}
	}
}

// After a failover, pooled connections to the old primary refuse every write.
func TestWritesLeaveAReadOnlyServer(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, with(t, migrated.PostgresURL(t), "pool_max_conns", "1"), Config{})
	if _, err := s.pool.Exec(t.Context(), "set session characteristics as transaction read only"); err != nil {
		t.Fatal(err)
	}
	if err := s.PutSetting(t.Context(), "a", "b"); err != nil {
		t.Errorf("PutSetting() with a connection that became read-only = %v, want it on a new one", err)
	}
}
