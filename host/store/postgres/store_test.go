package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres"
	"github.com/pointsman/pointsman/host/store/storetest"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Driver{Shared: true, Fresh: func(t *testing.T) storetest.Database {
		url := migrated.PostgresURL(t)
		return storetest.Database{Open: func(t *testing.T, pollEvery time.Duration) engine.Store {
			t.Helper()
			s, err := postgres.Open(t.Context(), url, postgres.Config{PollEvery: pollEvery})
			if err != nil {
				t.Fatalf("Open() = %v, want nil", err)
			}
			return s
		}, Exec: func(t *testing.T, statement string) {
			t.Helper()
			conn, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			if _, err := conn.Exec(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}}
	}})
}
