package sqlite

import (
	"context"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
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

// Watch implements engine.ChangeFeed. Writes of this process, which is the only
// one, wake it at once; the poll finds what an operator changed by hand.
// It notifies once at the beginning.
func (s *Store) Watch(ctx context.Context, notify func(revision int64)) error {
	wake := s.changes.join()
	defer s.changes.leave(wake)
	poll := time.NewTicker(s.pollEvery)
	defer poll.Stop()
	for {
		revision, err := s.Revision(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			s.log.Warn().Err(err).Msg("the revision could not be read, asking again later")
		default:
			notify(revision)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-poll.C:
		}
	}
}

// feed wakes watchers. The zero value has none.
type feed struct {
	mu       sync.Mutex
	watchers map[chan struct{}]struct{} // each holds one wake-up; nobody closes them
}

func (f *feed) join() chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers == nil {
		f.watchers = map[chan struct{}]struct{}{}
	}
	wake := make(chan struct{}, 1)
	f.watchers[wake] = struct{}{}
	return wake
}

func (f *feed) leave(wake chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.watchers, wake)
}

// tell never blocks: a watcher that has not looked yet sees this change too.
func (f *feed) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for wake := range f.watchers {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}
