package cost

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// DefaultRowsKept is how long rows of the ledger are kept when nobody says otherwise: a
// year, and a month to close it. Sums by day are kept for ever.
const DefaultRowsKept = 400 * 24 * time.Hour

// How often old rows are looked for, and how soon again after a failure.
const (
	retainEvery = time.Hour
	retainRetry = time.Minute
)

// RetentionStore is the part of engine.ReportStore that a Retention needs.
type RetentionStore interface {
	DropUsage(ctx context.Context, rows time.Time, rollups map[engine.Grain]time.Time) error
}

// Retention forgets what is older than it is kept. Of the processes that share a database
// one does so at a time. The zero values of Kept, Now and Log work.
type Retention struct {
	Store RetentionStore
	Lock  engine.JobLock
	Kept  time.Duration    // of rows; 0: DefaultRowsKept
	Now   func() time.Time // default time.Now
	Log   zerolog.Logger
}

// Run forgets at once, then every hour, until ctx ends. A failure is logged and tried again
// after a minute.
func (r Retention) Run(ctx context.Context) {
	if r.Kept <= 0 {
		r.Kept = DefaultRowsKept
	}
	if r.Now == nil {
		r.Now = time.Now
	}
	for {
		next := retainEvery
		if _, err := r.Lock.TryJob(ctx, "usage retention", r.drop); err != nil && ctx.Err() == nil {
			r.Log.Error().Err(err).Msg("old usage not deleted, will try again")
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
	now, sums := r.Now(), map[engine.Grain]time.Time{}
	for _, g := range [...]engine.Grain{engine.GrainMinute, engine.GrainHour, engine.GrainDay} {
		if kept := g.Kept(); kept > 0 {
			sums[g] = now.Add(-kept)
		}
	}
	return r.Store.DropUsage(ctx, now.Add(-r.Kept), sums)
}
