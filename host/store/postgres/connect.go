package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// errTooSoon is that a server which took no connection is not asked again yet.
var errTooSoon = errors.New("the database takes no connection; it is asked again in a moment")

// attempts bounds how often the pool tries to connect while nothing comes of it: as many times as
// it has connections at once, then so many a second at most and half of that at least, by
// chance, so that replicas do not come back in step. Safe for concurrent use.
type attempts struct {
	most int
	now  func() time.Time

	mu   sync.Mutex
	left int       // that need not wait
	next time.Time // when another one may, when none is left
}

func newAttempts(most int32, now func() time.Time) *attempts {
	return &attempts{most: int(most), left: int(most), now: now}
}

// before is pgxpool.Config.BeforeConnect.
func (a *attempts) before(context.Context, *pgx.ConnConfig) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if a.left > 0 {
		a.left--
	} else if now.Before(a.next) {
		return errTooSoon
	}
	gap := time.Second / time.Duration(a.most)
	a.next = now.Add(gap + rand.N(gap))
	return nil
}

// after is pgxpool.Config.AfterConnect: the server is there.
func (a *attempts) after(context.Context, *pgx.Conn) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left = a.most
	return nil
}
