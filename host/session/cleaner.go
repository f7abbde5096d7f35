package session

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// CleanerStore is the part of engine.SessionStore that a Cleaner needs.
type CleanerStore interface {
	DeleteExpired(ctx context.Context, now time.Time, limit int) (deleted int64, err error)
}

// CleanerConfig is how a Cleaner works. The zero value is the default.
type CleanerConfig struct {
	Every time.Duration    // between two runs; default 1 h
	Retry time.Duration    // after a run that failed; default 1 min
	Batch int              // rows of each kind in one transaction, at most 1,000; default 500
	Pause time.Duration    // between batches, for other writers; default 50 ms
	Now   func() time.Time // default time.Now
	Log   zerolog.Logger
}

// Cleaner deletes sessions, notes and handoffs that have expired. Of the processes that
// share a database one does so at a time. Make one with NewCleaner.
type Cleaner struct {
	store CleanerStore
	lock  engine.JobLock
	cfg   CleanerConfig
}

// cleanJob is what the processes that share a database know the job by.
const cleanJob = "session clean-up"

// NewCleaner returns a cleaner of that store, which the lock elects.
func NewCleaner(store CleanerStore, lock engine.JobLock, cfg CleanerConfig) *Cleaner {
	if cfg.Every <= 0 {
		cfg.Every = time.Hour
	}
	if cfg.Retry <= 0 {
		cfg.Retry = time.Minute
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 500
	}
	if cfg.Pause <= 0 {
		cfg.Pause = 50 * time.Millisecond
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Cleaner{store: store, lock: lock, cfg: cfg}
}

// Run deletes at once, then every hour, until ctx ends.
func (c *Cleaner) Run(ctx context.Context) {
	for {
		next := c.cfg.Every
		if !c.runOnce(ctx) {
			next = c.cfg.Retry
		}
		if !pause(ctx, next) {
			return
		}
	}
}

// runOnce deletes everything that has expired, or leaves it to the process that is at it.
// It logs its own failure, and reports whether there was none.
func (c *Cleaner) runOnce(ctx context.Context) bool {
	var deleted int64
	_, err := c.lock.TryJob(ctx, cleanJob, func(ctx context.Context) (err error) {
		deleted, err = c.clean(ctx)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return true
	case err != nil:
		c.cfg.Log.Error().Err(err).Int64("rows", deleted).Msg("expired sessions not deleted, will try again")
		return false
	case deleted > 0:
		c.cfg.Log.Info().Int64("rows", deleted).Msg("expired sessions, notes and handoffs deleted")
	}
	return true
}

// clean deletes batch by batch what has expired by now, and returns how many rows went.
func (c *Cleaner) clean(ctx context.Context) (deleted int64, err error) {
	for now := c.cfg.Now(); ; {
		n, err := c.store.DeleteExpired(ctx, now, c.cfg.Batch)
		deleted += n
		// Fewer than one kind may have in a batch: no kind has more.
		if err != nil || n < int64(c.cfg.Batch) {
			return deleted, err
		}
		if !pause(ctx, c.cfg.Pause) {
			return deleted, ctx.Err()
		}
	}
}
