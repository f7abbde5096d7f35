package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
)

var _ engine.Confirmer = (*Store)(nil)

// confirmer asks for the revision on a connection of its own, one question at a time.
type confirmer struct {
	turn chan struct{}
	conn *pgx.Conn // nil: there is none now
}

func newConfirmer() confirmer { return confirmer{turn: make(chan struct{}, 1)} }

// Confirm implements engine.Confirmer.
func (s *Store) Confirm(ctx context.Context) (revision int64, err error) {
	select {
	case s.confirmer.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-s.confirmer.turn }()
	err = s.retry(ctx, func() (untouched bool, err error) {
		revision, err = s.confirm(ctx)
		return true, err
	})
	return revision, settle(ctx, "confirm the revision", err)
}

// confirm asks once. A connection that fails is not used again.
func (s *Store) confirm(ctx context.Context) (revision int64, err error) {
	c := &s.confirmer
	if c.conn == nil || c.conn.IsClosed() {
		cfg := s.dedicated.Copy()
		cfg.ConnectTimeout = 0 // ctx bounds it: of a server that is late, each of its words is
		if c.conn, err = pgx.ConnectConfig(ctx, cfg); err != nil {
			c.conn = nil
			return 0, err
		}
	}
	revision, err = query.New(c.conn).GetRevision(ctx)
	if err == nil {
		// A primary of before would show the same revision for ever.
		err = writable(ctx, c.conn)
	}
	if err != nil {
		c.close(ctx)
	}
	return revision, err
}

// close ends the connection; nobody may be asking.
func (c *confirmer) close(ctx context.Context) {
	if c.conn != nil {
		_ = c.conn.Close(context.WithoutCancel(ctx)) // pgx bounds it
		c.conn = nil
	}
}
