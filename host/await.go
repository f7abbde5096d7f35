package host

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
)

// How long a start waits for a database that takes no connections, and how long it waits between
// two tries, at first and at most.
const (
	databaseWait     = time.Minute
	firstDatabaseTry = 250 * time.Millisecond
	lastDatabaseTry  = 5 * time.Second
)

// awaitStore opens the store, and waits for a database that is not there yet: after a power cut
// both start at once. open is store.Open, but for tests.
//
// See RATIONALE.md, "What does a start do without its database?".
func awaitStore(ctx context.Context, log zerolog.Logger, open func(context.Context) (engine.Store, error)) (engine.Store, error) {
	began := time.Now()
	for wait := firstDatabaseTry; ; wait = min(2*wait, lastDatabaseTry) {
		s, err := open(ctx)
		switch {
		case err == nil:
			return s, nil
		case !store.Unreachable(err) || ctx.Err() != nil:
			return nil, fmt.Errorf("open store: %w", err)
		case time.Since(began) >= databaseWait:
			return nil, fmt.Errorf("open store: the database took no connection for %v: %w; start it, or correct POINTSMAN_DATABASE_URL", databaseWait, err)
		}
		// By chance, so that replicas do not ask in step.
		pause := wait/2 + rand.N(wait/2)
		log.Warn().Err(err).Dur("retry_in", pause).Msg("the database takes no connection yet, will try again")
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("open store: %w", context.Cause(ctx))
		case <-timer.C:
		}
	}
}
