package sqlite

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// GetSession implements engine.SessionStore.
func (s *Store) GetSession(ctx context.Context, k engine.SessionKey, now time.Time) (session engine.Session, err error) {
	if !row.IsSession(k) {
		return engine.Session{}, engine.ErrNotFound
	}
	err = s.read(ctx, "get session", func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetSession(ctx, query.GetSessionParams{AccountID: k.AccountID, UserID: k.UserID, ID: k.ID, Now: millis(now)})
		if err == nil {
			session, err = parseSession(n)
		}
		return err
	})
	return session, err
}

// SaveSessions implements engine.SessionStore.
func (s *Store) SaveSessions(ctx context.Context, sessions []engine.Session) error {
	if len(sessions) == 0 {
		return nil
	}
	batch := make([]query.SaveSessionParams, len(sessions))
	for i, e := range sessions {
		n, err := sessionRow(e)
		if err != nil {
			return err
		}
		batch[i] = query.SaveSessionParams(n)
	}
	return s.transact(ctx, "save sessions", func(ctx context.Context, q *query.Queries) error {
		for _, n := range batch {
			if err := q.SaveSession(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// PageSessions implements engine.SessionStore.
func (s *Store) PageSessions(
	ctx context.Context, accountID, userID string, now time.Time, before engine.SessionMark, limit int,
) (sessions []engine.Session, err error) {
	if err := row.CheckListLimit(limit); err != nil || !row.IsKey(accountID) || userID != "" && !row.IsKey(userID) {
		return nil, err
	}
	if before = row.Mark(before); !row.IsKey(before.UserID) || !row.IsSessionID(before.ID) {
		return nil, nil
	}
	err = s.read(ctx, "list sessions", func(ctx context.Context, q *query.Queries) error {
		var rows []query.Session
		var err error
		if userID == "" {
			rows, err = q.PageSessions(ctx, query.PageSessionsParams{
				AccountID: accountID, Now: millis(now), BeforeAt: millis(before.UpdatedAt), BeforeUserID: before.UserID,
				BeforeID: before.ID, MaxRows: int64(limit),
			})
		} else {
			rows, err = q.PageSessionsOfUser(ctx, query.PageSessionsOfUserParams{
				AccountID: accountID, UserID: userID, Now: millis(now), BeforeAt: millis(before.UpdatedAt),
				BeforeID: before.ID, MaxRows: int64(limit),
			})
		}
		if err == nil {
			sessions, err = row.ParseAll(rows, parseSession)
		}
		return err
	})
	return sessions, err
}

// DeleteExpired implements engine.SessionStore.
func (s *Store) DeleteExpired(ctx context.Context, now time.Time, limit int) (deleted int64, err error) {
	if err := row.CheckListLimit(limit); err != nil {
		return 0, err
	}
	at, age, rows := millis(now), millis(now.Add(-engine.NoteLifetime)), int64(limit)
	err = s.transact(ctx, "delete expired sessions", func(ctx context.Context, q *query.Queries) error {
		notes, err := q.DeleteExpiredNotes(ctx, query.DeleteExpiredNotesParams{Now: at, MaxRows: rows})
		if err != nil {
			return err
		}
		sessions, err := q.DeleteExpiredSessions(ctx, query.DeleteExpiredSessionsParams{Now: at, MaxRows: rows})
		if err != nil {
			return err
		}
		handoffs, err := q.DeleteOldHandoffs(ctx, query.DeleteOldHandoffsParams{Before: age, MaxRows: rows})
		deleted = notes + sessions + handoffs
		return err
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}

func sessionRow(s engine.Session) (query.Session, error) {
	s, err := row.Session(s)
	return query.Session{
		AccountID: s.AccountID, UserID: s.UserID, ID: s.ID, Turns: s.Turns, Model: s.Model, Agent: s.Agent,
		CreatedAt: millis(s.CreatedAt), UpdatedAt: millis(s.UpdatedAt), ExpiresAt: millis(s.ExpiresAt),
	}, err
}

func parseSession(n query.Session) (engine.Session, error) {
	return engine.Session{
		SessionKey: engine.SessionKey{AccountID: n.AccountID, UserID: n.UserID, ID: n.ID}, Turns: n.Turns, Model: n.Model,
		Agent: n.Agent, CreatedAt: instant(n.CreatedAt), UpdatedAt: instant(n.UpdatedAt), ExpiresAt: instant(n.ExpiresAt),
	}, nil
}
