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

// AddNotes implements engine.SessionStore.
func (s *Store) AddNotes(ctx context.Context, notes []engine.Note) error {
	if len(notes) == 0 {
		return nil
	}
	batch := make([]query.AddNoteParams, len(notes))
	for i, e := range notes {
		n, err := noteRow(e)
		if err != nil {
			return err
		}
		batch[i] = query.AddNoteParams(n)
	}
	// Two processes that write the same rows in different orders would wait for each other.
	slices.SortStableFunc(batch, func(a, b query.AddNoteParams) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.SessionID, b.SessionID), cmp.Compare(a.ID, b.ID))
	})
	// No account: the gateway's own batches mix them, and who adds one by the API stays in its own.
	return s.transactOf(ctx, "", "add notes", func(ctx context.Context, q *query.Queries) error {
		var first error
		q.AddNote(ctx, batch).Exec(func(_ int, err error) { first = cmp.Or(first, err) })
		return first
	})
}

// ListNotes implements engine.SessionStore.
func (s *Store) ListNotes(ctx context.Context, k engine.SessionKey, now time.Time, limit int) (notes []engine.Note, err error) {
	if err := row.CheckListLimit(limit); err != nil || !row.IsSession(k) {
		return nil, err
	}
	err = s.readOf(ctx, k.AccountID, "list notes", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListNotes(ctx, query.ListNotesParams{
			AccountID: k.AccountID, UserID: k.UserID, SessionID: k.ID, Now: row.Time(now), MaxRows: int64(limit),
		})
		if err == nil {
			notes, err = row.ParseAll(rows, parseNote)
		}
		return err
	})
	return notes, err
}

// CountNotes implements engine.SessionStore.
func (s *Store) CountNotes(ctx context.Context, accountID, userID string, now time.Time) (count int64, err error) {
	if !row.IsKey(accountID, userID) {
		return 0, nil
	}
	err = s.readOf(ctx, accountID, "count notes", func(ctx context.Context, q *query.Queries) error {
		count, err = q.CountNotes(ctx, query.CountNotesParams{AccountID: accountID, UserID: userID, Now: row.Time(now)})
		return err
	})
	return count, err
}

// DeleteNote implements engine.SessionStore.
func (s *Store) DeleteNote(ctx context.Context, k engine.SessionKey, id string) error {
	if !row.IsSession(k) || !row.IsKey("", id) {
		return engine.ErrNotFound
	}
	return s.transactOf(ctx, k.AccountID, "delete note", func(ctx context.Context, q *query.Queries) error {
		return found(q.DeleteNote(ctx, query.DeleteNoteParams{AccountID: k.AccountID, UserID: k.UserID, SessionID: k.ID, ID: id}))
	})
}

func noteRow(e engine.Note) (query.SessionNote, error) {
	e, err := row.Note(e)
	return query.SessionNote{
		AccountID: e.AccountID, UserID: e.UserID, SessionID: e.SessionKey.ID, ID: e.ID, Type: string(e.Type), Text: e.Text,
		Agent: e.Agent, Model: e.Model, CreatedAt: row.Time(e.CreatedAt), ExpiresAt: row.Time(e.ExpiresAt),
	}, err
}

func parseNote(n query.SessionNote) (engine.Note, error) {
	return engine.Note{
		SessionKey: engine.SessionKey{AccountID: n.AccountID, UserID: n.UserID, ID: n.SessionID}, ID: n.ID,
		Type: engine.NoteType(n.Type), Text: n.Text, Agent: n.Agent, Model: n.Model,
		CreatedAt: n.CreatedAt.UTC(), ExpiresAt: n.ExpiresAt.UTC(),
	}, nil
}
