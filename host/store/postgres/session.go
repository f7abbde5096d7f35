package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// GetSession implements engine.SessionStore.
func (s *Store) GetSession(ctx context.Context, k engine.SessionKey, now time.Time) (session engine.Session, err error) {
	if !row.IsSession(k) {
		return engine.Session{}, engine.ErrNotFound
	}
	err = s.readOf(ctx, k.AccountID, "get session", func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetSession(ctx, query.GetSessionParams{AccountID: k.AccountID, UserID: k.UserID, ID: k.ID, Now: row.Time(now)})
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
	// Two processes that write the same rows in different orders would wait for each other.
	slices.SortStableFunc(batch, func(a, b query.SaveSessionParams) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.ID, b.ID))
	})
	return s.transact(ctx, "save sessions", func(ctx context.Context, q *query.Queries) error {
		var first error
		q.SaveSession(ctx, batch).Exec(func(_ int, err error) { first = cmp.Or(first, err) })
		return first
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
	err = s.readOf(ctx, accountID, "list sessions", func(ctx context.Context, q *query.Queries) error {
		var rows []query.Session
		var err error
		if userID == "" {
			rows, err = q.PageSessions(ctx, query.PageSessionsParams{
				AccountID: accountID, Now: row.Time(now), BeforeAt: row.Time(before.UpdatedAt), BeforeUserID: before.UserID,
				BeforeID: before.ID, MaxRows: int64(limit),
			})
		} else {
			rows, err = q.PageSessionsOfUser(ctx, query.PageSessionsOfUserParams{
				AccountID: accountID, UserID: userID, Now: row.Time(now), BeforeAt: row.Time(before.UpdatedAt),
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
	at, age, rows := row.Time(now), row.Time(now.Add(-engine.NoteLifetime)), int64(limit)
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
		CreatedAt: row.Time(s.CreatedAt), UpdatedAt: row.Time(s.UpdatedAt), ExpiresAt: row.Time(s.ExpiresAt),
	}, err
}

func parseSession(n query.Session) (engine.Session, error) {
	return engine.Session{
		SessionKey: engine.SessionKey{AccountID: n.AccountID, UserID: n.UserID, ID: n.ID}, Turns: n.Turns, Model: n.Model,
		Agent: n.Agent, CreatedAt: n.CreatedAt.UTC(), UpdatedAt: n.UpdatedAt.UTC(), ExpiresAt: n.ExpiresAt.UTC(),
	}, nil
}
