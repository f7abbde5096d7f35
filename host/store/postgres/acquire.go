package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pointsman/pointsman/engine"
)

// For how long a call waits for a connection of the pool. A server that answers is waited for;
// of one that did not answer the last call, nobody expects much.
//
// See ../RATIONALE.md, "Who waits for a connection, and for how long?".
const (
	patience    = 3 * time.Second        // of who manages; the gateway's own work has its deadline
	impatience  = 250 * time.Millisecond // of everybody, while the server does not answer
	freeOfEvery = 4                      // one of so many connections, or of fewer, is not for management
)

// errBusy is that no connection became free in time.
var errBusy = errors.New("every connection to the database is in use")

// desk bounds how many connections those who manage hold at once, so that what requests to
// models live on (leases, the ledger) finds one.
type desk chan struct{}

func newDesk(conns int32) desk {
	return make(desk, conns-min(conns-1, (conns+freeOfEvery-1)/freeOfEvery))
}

// acquire takes a connection of the pool, which release gives back.
func (s *Store) acquire(ctx context.Context) (conn *pgxpool.Conn, release func(), err error) {
	wait, release := time.Duration(0), func() {}
	manages := engine.ActorOf(ctx).Principal.Role != ""
	switch {
	case s.silent.Load():
		wait = impatience
	case manages:
		wait = s.patience
	}
	waiting := ctx
	if wait > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeoutCause(ctx, wait, errBusy)
		defer cancel()
	}
	if manages {
		select {
		case s.desk <- struct{}{}:
			release = func() { <-s.desk }
		case <-waiting.Done():
			return nil, nil, context.Cause(waiting)
		}
	}
	conn, err = s.pool.Acquire(waiting)
	if err != nil {
		release()
		if ctx.Err() == nil && waiting.Err() != nil {
			err = context.Cause(waiting)
		}
		return nil, nil, err
	}
	leave := release
	return conn, func() { conn.Release(); leave() }, nil
}
