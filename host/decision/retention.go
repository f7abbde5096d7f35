package decision

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
)

// How often old decisions are looked for, and how soon again after a failure.
const (
	retainEvery = time.Hour
	retainRetry = time.Minute
)

// Retention forgets decisions when their account's time for them is over. Of the processes that
// share a database one does so at a time. The zero values of Now and Log work.
type Retention struct {
	Store engine.DecisionStore
	Lock  engine.JobLock
	Kept  func() (usual int, accounts map[string]int) // days; see Log.Kept
	Now   func() time.Time                            // default time.Now
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
		if _, err := r.Lock.TryJob(ctx, "decision retention", r.drop); err != nil && ctx.Err() == nil {
			r.Log.Error().Err(err).Msg("old decisions not deleted, will try again")
			next = retainRetry
		}
		if !pause(ctx, next) {
			return
		}
	}
}

func (r Retention) drop(ctx context.Context) error {
	now := r.Now()
	before := func(days int) time.Time { return now.Add(-time.Duration(days) * 24 * time.Hour) }
	usual, days := r.Kept()
	accounts := make(map[string]time.Time, len(days))
	for id, n := range days {
		accounts[id] = before(n)
	}
	return r.Store.DeleteDecisionsBefore(ctx, before(usual), accounts)
}
