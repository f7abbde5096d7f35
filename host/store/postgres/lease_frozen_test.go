package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/storetest"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// A process that stands still amid an exchange keeps what it has locked from the others for a moment,
// and they wait that long.
func TestAFrozenExchangeIsEnded(t *testing.T) {
	t.Parallel()
	budget := func(id string) engine.BudgetClaim {
		at := time.UnixMilli(0).UTC()
		return engine.BudgetClaim{AccountID: "a", BudgetID: id, Version: 1, NanoUSD: 100, From: at, Step: at, Hold: 1, Opening: []engine.BudgetStep{{Start: at}}}
	}
	limit := func(id string) engine.LimitClaim {
		return engine.LimitClaim{LimitBucket: engine.LimitBucket{
			LimitBucketKey: engine.LimitBucketKey{AccountID: "a", LimitID: id}, Amount: 60, WindowUS: 60_000_000, Size: 60, Version: 1,
		}, Hold: 1}
	}
	for _, c := range []struct {
		name     string
		exchange func(ctx context.Context, s *Store, ids ...string) error
		lock     string
	}{
		{"budgets", func(ctx context.Context, s *Store, ids ...string) error {
			x := engine.BudgetExchange{Replica: "r", ExpiresAt: time.Now().Add(time.Hour)}
			for _, id := range ids {
				x.Claims = append(x.Claims, budget(id))
			}
			_, err := s.ExchangeBudgets(ctx, x)
			return err
		}, "select 1 from budget_heads where budget_id = 'y' for update"},
		{"limits", func(ctx context.Context, s *Store, ids ...string) error {
			x := engine.LimitExchange{Replica: "r", TTL: 3 * time.Second}
			for _, id := range ids {
				x.Claims = append(x.Claims, limit(id))
			}
			_, err := s.ExchangeLimits(ctx, x, time.Time{})
			return err
		}, "select 1 from limit_buckets where limit_id = 'y' for update"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			direct := migrated.PostgresURL(t)
			wire, address := storetest.NewProxy(t, direct)
			name := "frozen-" + c.name
			frozen, other := mustOpen(t, with(t, address, "application_name", name), Config{}), mustOpen(t, direct, Config{})
			if err := c.exchange(t.Context(), other, "x", "y"); err != nil {
				t.Fatal(err)
			}
			// It has the first row and waits for the second; when it has both, it hears nothing of it.
			holder := connect(t, direct)
			if _, err := holder.Exec(t.Context(), "begin"); err != nil {
				t.Fatal(err)
			}
			if _, err := holder.Exec(t.Context(), c.lock); err != nil {
				t.Fatal(err)
			}
			stuck := make(chan error, 1)
			go func() { stuck <- c.exchange(context.WithoutCancel(t.Context()), frozen, "x", "y") }()
			watch := connect(t, direct)
			awaitSession(t, watch, name, "wait_event_type = 'Lock'")
			wire.Freeze("")
			if _, err := holder.Exec(t.Context(), "rollback"); err != nil {
				t.Fatal(err)
			}
			awaitSession(t, watch, name, "state = 'idle in transaction'")
			began := time.Now()
			if err := c.exchange(t.Context(), other, "x"); err != nil {
				t.Errorf("an exchange of %s that another process has locked and forgotten = %v after %v, want it to be waited for", c.name, err, time.Since(began))
			}
			t.Logf("an exchange of %s took %v", c.name, time.Since(began))
			wire.Thaw()
			<-stuck // it may say anything
		})
	}
}

// awaitSession waits until a connection of that name is in the state.
func awaitSession(t *testing.T, conn *pgx.Conn, name, state string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); sessions(t, conn, name, state) == 0; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no connection of %q has %s in a minute", name, state)
		}
	}
}

// awaitNoSession waits until the server has ended every transaction of that name in which nothing happens.
func awaitNoSession(t *testing.T, conn *pgx.Conn, name string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); sessions(t, conn, name, "state = 'idle in transaction'") > 0; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a connection of %q does nothing in its transaction for a minute", name)
		}
	}
}

func sessions(t *testing.T, conn *pgx.Conn, name, state string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "select count(*) from pg_stat_activity where application_name = $1 and "+state, name).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// One that goes on when the server has ended its transaction begins anew: nothing of it was done.
func TestAnExchangeThatWasEndedIsRepeated(t *testing.T) {
	t.Parallel()
	address := migrated.PostgresURL(t)
	name := "ended-" + address[len(address)-8:]
	s := mustOpen(t, with(t, address, "application_name", name), Config{})
	watch := connect(t, address)
	runs := 0
	err := s.lease(t.Context(), "stand still", func(ctx context.Context, q *query.Queries) error {
		if runs++; runs > 2 {
			return errors.New("a third time")
		}
		if _, err := q.LimitClock(ctx); err != nil {
			return err
		}
		if runs == 1 {
			awaitNoSession(t, watch, name)
		}
		_, err := q.LimitClock(ctx)
		return err
	})
	if err != nil || runs != 2 {
		t.Errorf("a transaction that the server ended = %v after %d runs, want nil after 2", err, runs)
	}
}

// Statistics of a bucket do not wait for those who have it locked for an exchange, nor these for them.
func TestReportsPassExchanges(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated.PostgresURL(t), Config{})
	b := engine.LimitBucket{
		LimitBucketKey: engine.LimitBucketKey{AccountID: "a", LimitID: "x"}, Amount: 60, WindowUS: 60_000_000, Size: 60, Version: 1,
	}
	if _, err := s.TakeLimit(t.Context(), b, 1, time.Time{}); err != nil {
		t.Fatal(err)
	}
	runs := 0
	err := s.lease(t.Context(), "hold a bucket", func(ctx context.Context, q *query.Queries) error {
		runs++
		l := limitTx{q: q}
		if err := l.lock(ctx, 1, func(int) engine.LimitBucket { return b }); err != nil {
			return err
		}
		report := engine.LimitReport{Replica: "r", TTL: time.Second, Number: 1, Counts: []engine.LimitCount{{LimitBucket: b, Kind: engine.LimitRequests, Admitted: 1}}}
		if _, err := s.ReportLimits(ctx, report, time.Time{}); err != nil {
			t.Errorf("ReportLimits() of a bucket that is locked = %v, want nil", err)
		}
		return nil
	})
	if err != nil || runs != 1 {
		t.Errorf("the transaction = %v after %d runs, want nil after 1: the report was waited for until the server ended it", err, runs)
	}
}
