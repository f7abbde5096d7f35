package postgres

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// retry runs a call up to three times, as long as the server has surely done
// nothing: a connection of the pool may have died unseen, with a restart or a
// failover. untouched says that the call cannot have changed anything.
func (s *Store) retry(ctx context.Context, run func() (untouched bool, err error)) error {
	for tries := 1; ; tries++ {
		untouched, err := run()
		if err == nil || tries == 3 || !s.again(err, untouched) || pause(ctx, 20*time.Millisecond) != nil {
			return err
		}
	}
}

// again says whether a failed call may be run once more.
func (s *Store) again(err error, untouched bool) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return pgconn.SafeToRetry(err) || untouched && cut(err)
	}
	switch refused.Code {
	case "25006": // read_only_sql_transaction: another server is the primary now
		s.pool.Reset()
		return true
	case "25P03", "40001", "40P01": // idle_in_transaction_session_timeout, serialization_failure, deadlock_detected: rolled back
		return true
	case "57P01", "57P02", "57P03": // the server is going or coming
		return untouched
	}
	return false
}

// cut says whether the connection was lost.
func cut(err error) bool {
	var lost *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &lost)
}

// pause waits for half to all of d. It returns the context's error when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
