package idempotency

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// How often keys whose day is over are looked for, how soon again after a failure, and how many
// are deleted at a time: few, since each may have a MiB, and on SQLite claims wait meanwhile.
const (
	retainEvery = time.Hour
	retainRetry = time.Minute
	retainBatch = 50
)

// Retention forgets keys when their day is over. Of the processes that share a database one does
// so at a time. The zero values of Now and Log work.
type Retention struct {
	Store engine.IdempotencyStore
	Lock  engine.JobLock
	Now   func() time.Time // default time.Now
	Log   zerolog.Logger
}

// Run forgets at once, then every hour, until ctx ends. A failure is logged and tried again
// after a minute.
func (r Retention) Run(ctx context.Context) {
	if r.Now == nil {
		r.Now = time.Now
	}
	for {
		next := retainEvery
		if _, err := r.Lock.TryJob(ctx, "idempotency retention", r.drop); err != nil && ctx.Err() == nil {
			r.Log.Error().Err(err).Msg("old idempotency keys not deleted, will try again")
			next = retainRetry
		}
		wait := time.NewTimer(next)
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
	}
}

func (r Retention) drop(ctx context.Context) error {
	before := r.Now().Add(-engine.IdempotencyKept)
	for {
		dropped, err := r.Store.DropIdempotencyKeys(ctx, before, retainBatch)
		if err != nil || dropped < retainBatch {
			return err
		}
	}
}
