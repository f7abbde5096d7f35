package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// A lost listener comes back after firstRetry, then after twice as long each time
// up to lastRetry.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// Revision implements engine.ChangeFeed.
func (s *Store) Revision(ctx context.Context) (revision int64, err error) {
	err = s.read(ctx, "read revision", func(ctx context.Context, q *query.Queries) error {
		revision, err = q.GetRevision(ctx)
		return err
	})
	return revision, err
}

// Changes implements engine.ChangeFeed.
func (s *Store) Changes(ctx context.Context, since engine.Mark) (changes engine.Changes, err error) {
	err = s.read(ctx, "read changes", func(ctx context.Context, q *query.Queries) error {
		revision, err := q.GetRevision(ctx)
		if err != nil {
			return err
		}
		rows, err := q.ListChanges(ctx, query.ListChangesParams{Since: row.ChangesFrom(since, revision), Upto: revision, Size: row.MaxChanges})
		list := make([]engine.Change, len(rows))
		for i, r := range rows {
			list[i] = engine.Change{
				Mark: engine.Mark{Revision: r.Revision, Write: r.Write}, Area: engine.Area(r.Area), AccountID: r.AccountID, ID: r.Subject,
			}
		}
		changes = row.ChangesSince(since, revision, list)
		return err
	})
	return changes, err
}

// addChange notes what the write that made the revision changes, and forgets old ones.
func addChange(ctx context.Context, q *query.Queries, revision int64, c engine.Change) error {
	err := q.AddChange(ctx, query.AddChangeParams{
		AccountID: c.AccountID, Revision: revision, Area: string(c.Area), Subject: c.ID, Write: row.NewWrite(),
	})
	if err != nil || revision%row.DropChangesEvery != 0 {
		return err
	}
	return q.DropChanges(ctx, revision-row.KeptChanges)
}

// Watch implements engine.ChangeFeed: it listens on a connection of its own, and
// notifies once when it has begun to.
func (s *Store) Watch(ctx context.Context, notify func(revision int64)) error {
	l := listener{store: s, notify: notify}
	retryIn := firstRetry
	for {
		err := l.listen(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if l.heard {
			l.heard, retryIn = false, firstRetry
		}
		s.log.Warn().Err(err).Dur("retry_in", retryIn).Msg("watching the database for changes was cut, connecting again")
		if err := pause(ctx, retryIn); err != nil {
			return err
		}
		retryIn = min(2*retryIn, lastRetry)
	}
}

// listener is the state of one Watch.
type listener struct {
	store  *Store
	notify func(int64)
	last   int64
	heard  bool // the present connection has worked
	before bool // one before it has
}

// listen notifies until the connection or the context fails. It never returns nil.
func (l *listener) listen(ctx context.Context) error {
	conn, err := l.store.connect(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "listen pointsman_revision; listen pointsman_health"); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	// Only now, so that no write can fall between the two.
	l.store.health.tell()
	// Another server may have answered, one that lacks writes which the one before had confirmed.
	if l.before {
		l.notify(engine.RevisionUnknown)
	}
	for {
		if err := l.poll(ctx, conn); err != nil {
			return fmt.Errorf("poll: %w", err)
		}
		l.heard, l.before = true, true
		if err := l.wait(ctx, conn); err != nil {
			return fmt.Errorf("wait: %w", err)
		}
	}
}

// poll asks for the revision. It also finds a connection that died without a word, and one to
// a server that is no primary any more: that one would show the same revision for ever.
func (l *listener) poll(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := writable(ctx, conn); err != nil {
		if errors.Is(err, errReadOnly) {
			l.store.pool.Reset()
		}
		return err
	}
	revision, err := query.New(conn).GetRevision(ctx)
	if err == nil {
		l.last = revision
		l.notify(revision)
	}
	return err
}

// writable is errReadOnly where the server is no primary.
func writable(ctx context.Context, conn *pgx.Conn) error {
	var readOnly bool
	err := conn.QueryRow(ctx, "select current_setting('transaction_read_only') = 'on'").Scan(&readOnly)
	if err == nil && readOnly {
		return errReadOnly
	}
	return err
}

var errReadOnly = errors.New("the server has become read-only: another one is the primary now")

// wait handles notifications until it is time to poll.
func (l *listener) wait(ctx context.Context, conn *pgx.Conn) error {
	quiet, cancel := context.WithTimeout(ctx, l.store.pollEvery)
	defer cancel()
	for {
		n, err := conn.WaitForNotification(quiet)
		if err != nil {
			if ctx.Err() == nil && quiet.Err() != nil && pgconn.Timeout(err) && !conn.IsClosed() {
				return nil
			}
			return errors.Join(ctx.Err(), err)
		}
		if n.Channel == healthChannel {
			if n.Payload == l.store.schema {
				l.store.health.tell()
			}
			continue
		}
		// A poll may have seen later commits than this one's.
		if revision, ok := l.parse(n.Payload); ok && revision > l.last {
			l.tell(revision)
		}
	}
}

// tell notifies unless the revision is the last one told. It may fall, when a
// backup was restored.
func (l *listener) tell(revision int64) {
	if revision != l.last {
		l.last = revision
		l.notify(revision)
	}
}

// parse reads "schema revision", as NotifyRevision writes it.
func (l *listener) parse(payload string) (revision int64, ok bool) {
	number, ours := strings.CutPrefix(payload, l.store.schema+" ")
	if !ours {
		return 0, false
	}
	revision, err := strconv.ParseInt(number, 10, 64)
	return revision, err == nil
}
