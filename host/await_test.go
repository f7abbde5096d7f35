package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

func TestAwaitStore(t *testing.T) {
	t.Parallel()
	away := fmt.Errorf("connect to postgres: %w", &pgconn.ConnectError{})
	refused := fmt.Errorf("connect to postgres: password authentication failed for user x: %w", &pgconn.PgError{Code: "28P01"})
	for name, c := range map[string]struct {
		fails   int   // times before it opens
		err     error // of them
		want    string
		atLeast time.Duration
		atMost  time.Duration
	}{
		"it is there":             {want: ""},
		"it comes":                {fails: 6, err: away, atLeast: 5 * time.Second, atMost: 15 * time.Second},
		"it never comes":          {fails: 1 << 30, err: away, want: "POINTSMAN_DATABASE_URL", atLeast: databaseWait, atMost: databaseWait + lastDatabaseTry},
		"it will not have us":     {fails: 1 << 30, err: refused, want: "password"},
		"it is a file that fails": {fails: 1 << 30, err: errors.New("in use by process 1"), want: "in use by process 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, tries := time.Now(), 0
				var log bytes.Buffer
				_, err := awaitStore(t.Context(), zerolog.New(&log), func(context.Context) (engine.Store, error) {
					if tries++; tries <= c.fails {
						return nil, c.err
					}
					return nil, nil
				})
				if took := time.Since(began); took < c.atLeast || took > c.atMost {
					t.Errorf("awaitStore() took %v, want %v to %v", took, c.atLeast, c.atMost)
				}
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("awaitStore() = %v, want %q", err, c.want)
				}
				if told := strings.Contains(log.String(), "takes no connection yet"); told != (c.atLeast > 0) {
					t.Errorf("awaitStore() logs %s, told of the wait: %t", &log, told)
				}
			})
		})
	}
}

func TestAwaitStoreEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := awaitStore(ctx, zerolog.Nop(), func(context.Context) (engine.Store, error) { return nil, &pgconn.ConnectError{} })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("awaitStore() after its context = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}
