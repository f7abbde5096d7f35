package sqlite

import (
	"context"
	"sync"
	"time"

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
