package session

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Current is the store for those who look at sessions: what they read has the turns in it
// that this process has answered before. Reading first writes what waits, for at most a second;
// when that does not work, they see what is stored.
func (t *Tracker) Current(store engine.SessionStore) engine.SessionStore {
	return current{store, t}
}

type current struct {
	engine.SessionStore
	tracker *Tracker
}

func (c current) catchUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := c.tracker.Flush(ctx); err != nil {
		c.tracker.cfg.Log.Warn().Err(err).Msg("sessions not written before they are read")
	}
}

func (c current) GetSession(ctx context.Context, k engine.SessionKey, now time.Time) (engine.Session, error) {
	c.catchUp(ctx)
	return c.SessionStore.GetSession(ctx, k, now)
}

func (c current) PageSessions(ctx context.Context, accountID, userID string, now time.Time, before engine.SessionMark, limit int) ([]engine.Session, error) {
	c.catchUp(ctx)
	return c.SessionStore.PageSessions(ctx, accountID, userID, now, before, limit)
}

func (c current) ListNotes(ctx context.Context, k engine.SessionKey, now time.Time, limit int) ([]engine.Note, error) {
	c.catchUp(ctx)
	return c.SessionStore.ListNotes(ctx, k, now, limit)
}

func (c current) DeleteNote(ctx context.Context, k engine.SessionKey, id string) error {
	c.catchUp(ctx)
	return c.SessionStore.DeleteNote(ctx, k, id)
}

func (c current) ListHandoffs(ctx context.Context, k engine.SessionKey, limit int) ([]engine.Handoff, error) {
	c.catchUp(ctx)
	return c.SessionStore.ListHandoffs(ctx, k, limit)
}
