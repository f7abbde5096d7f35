package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// closeTimeout bounds the goodbye to a server that may be gone.
const closeTimeout = 5 * time.Second

var errJobLost = errors.New("the connection that held its lock was lost, so another process may run it now")

// TryJob implements engine.JobLock. The lock is that of a connection of its own, which is
// watched: when it is lost, the job's context ends.
//
// See RATIONALE.md, "Why is a job's connection watched?".
func (s *Store) TryJob(ctx context.Context, name string, job func(context.Context) error) (ran bool, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return false, fmt.Errorf("connect to postgres for the job %s: %w", name, err)
	}
	defer goodbye(ctx, conn) // gives the lock up
	err = conn.QueryRow(ctx, `select pg_try_advisory_lock(hashtext('pointsman job ' || $1::text), hashtext($2::text))`, name, s.schema).Scan(&ran)
	if err != nil {
		return false, fmt.Errorf("ask for the lock of the job %s: %w", name, err)
	}
	if !ran {
		return false, nil
	}
	running, end := context.WithCancelCause(ctx)
	watching, stop := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		if s.lost(watching, conn) {
			end(errJobLost)
		}
	})
	defer watcher.Wait()
	defer stop()
	defer end(nil)
	if err = job(running); err != nil && errors.Is(context.Cause(running), errJobLost) {
		err = fmt.Errorf("run job %s: %w: %w", name, errJobLost, err)
	}
	return true, err
}

// lost waits for the end of the connection, true, or of the context, false. It asks as
// often as Watch does whether the server is there, for one that dies without a word.
func (s *Store) lost(ctx context.Context, conn *pgx.Conn) bool {
	for {
		quiet, cancel := context.WithTimeout(ctx, s.pollEvery)
		_, err := conn.WaitForNotification(quiet)
		cancel()
		if ctx.Err() != nil {
			return false
		}
		if err != nil && (!pgconn.Timeout(err) || conn.IsClosed()) {
			return true
		}
		asking, cancel := context.WithTimeout(ctx, callTimeout)
		err = conn.Ping(asking)
		cancel()
		if err != nil {
			return ctx.Err() == nil
		}
	}
}

// goodbye closes a connection and waits for the server to have let go of its locks.
func goodbye(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}
