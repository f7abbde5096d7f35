package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// Bounds of notes that come through the API.
const (
	// MaxNotes is how many live notes a user may have when one is added. Those that come at
	// the same moment may exceed it by a few.
	MaxNotes     = 2_000
	maxNoteAgent = 128 // bytes, as those of any agent's name
	maxNoteModel = 256 // bytes
)

// ListNotes returns a session's live notes, newest first, at most limit (1–1,000). None
// when there is no such session. Errors: CodeNotFound for a user that the caller does not
// manage.
func (s *Service) ListNotes(ctx context.Context, p engine.Principal, k engine.SessionKey, limit int) ([]engine.Note, error) {
	k, err := s.owner(ctx, p, k)
	if err != nil {
		return nil, err
	}
	return s.store.ListNotes(ctx, k, s.now(), limit)
}

// AddNote stores a note and returns it as it is kept. The session need not have begun.
// Of n count SessionKey, Type (empty: context), Text, Agent (empty: the key's name), Model
// and ExpiresAt (zero: after NoteLifetime, which is also the most). Control characters but
// newline and tab are left out of the text: see RATIONALE.md, "What becomes of a note's text?".
//
// Errors: CodeInvalid with the member at fault, CodeTooLarge for a text over MaxNoteText,
// CodeConflict when the user has MaxNotes, CodeNotFound.
func (s *Service) AddNote(ctx context.Context, p engine.Principal, n engine.Note) (engine.Note, error) {
	k, err := s.owner(ctx, p, n.SessionKey)
	if err != nil {
		return n, err
	}
	now := s.now()
	n = engine.Note{SessionKey: k, Type: n.Type, Text: n.Text, Agent: n.Agent, Model: n.Model, CreatedAt: now, ExpiresAt: n.ExpiresAt}
	if n.Type == "" {
		n.Type = engine.NoteContext
	}
	if n.ExpiresAt.IsZero() {
		n.ExpiresAt = now.Add(engine.NoteLifetime)
	}
	if err := checkNote(n); err != nil {
		return n, err
	}
	if n.Text = strings.TrimSpace(plain(n.Text, true)); n.Text == "" {
		return n, refused("text", "'text' must not be empty.")
	}
	n.Model = plain(n.Model, false)
	// Only the gateway's own notes have no agent: what is left of a name must be one.
	for _, name := range []string{n.Agent, clip(p.KeyName, maxNoteAgent), p.UserID} {
		if n.Agent = strings.TrimSpace(plain(name, false)); n.Agent != "" {
			break
		}
	}
	count, err := s.store.CountNotes(ctx, k.AccountID, k.UserID, now)
	if err != nil {
		return n, err
	}
	if count >= MaxNotes {
		return n, engine.Errorf(engine.CodeConflict, "The user has %d notes, which is the most: delete some, or wait until they expire.", count)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return n, fmt.Errorf("make note id: %w", err)
	}
	n.ID = id.String()
	return n, s.store.AddNotes(ctx, []engine.Note{n})
}

// DeleteNote deletes one note. Errors: CodeNotFound.
func (s *Service) DeleteNote(ctx context.Context, p engine.Principal, k engine.SessionKey, id string) error {
	k, err := s.owner(ctx, p, k)
	if err != nil {
		return err
	}
	err = s.store.DeleteNote(ctx, k, id)
	if errors.Is(err, engine.ErrNotFound) {
		err = engine.Errorf(engine.CodeNotFound, "There is no such note in that session.")
	}
	return err
}

// checkNote refuses what nobody may add.
func checkNote(n engine.Note) error {
	switch n.Type {
	case engine.NoteContext, engine.NoteHandoff, engine.NoteSummary, engine.NotePreference, engine.NoteError:
	default:
		return refused("type", "'type' must be context, handoff, summary, preference or error.")
	}
	for _, part := range []struct{ member, text string }{{"text", n.Text}, {"agent", n.Agent}, {"model", n.Model}} {
		if !utf8.ValidString(part.text) {
			return refused(part.member, "'"+part.member+"' must be valid UTF-8.")
		}
	}
	life := n.ExpiresAt.Sub(n.CreatedAt)
	switch {
	case len(n.Text) > engine.MaxNoteText:
		return &engine.Error{Code: engine.CodeTooLarge, Param: "text", Message: "'text' must have at most 16 KiB."}
	case len(n.Agent) > maxNoteAgent:
		return refused("agent", "'agent' must have at most 128 bytes.")
	case len(n.Model) > maxNoteModel:
		return refused("model", "'model' must have at most 256 bytes.")
	case life <= 0 || life > engine.NoteLifetime:
		return refused("expires_at", "A note must expire in the next 7 days.")
	case n.SessionKey.ID == "" || len(n.SessionKey.ID) > engine.MaxSessionID ||
		!utf8.ValidString(n.SessionKey.ID) || strings.ContainsRune(n.SessionKey.ID, 0):
		return refused("id", "A session's id must have 1 to 256 bytes.")
	}
	return nil
}

func refused(param, message string) *engine.Error {
	return &engine.Error{Code: engine.CodeInvalid, Param: param, Message: message}
}

// plain leaves out what a terminal or a reader's eye could be misled by: control
// characters, but newline and tab where lines says so, and marks that reverse the order of
// what is shown.
func plain(text string, lines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case lines && (r == '\n' || r == '\t'):
			return r
		case r < ' ', r >= 0x7f && r <= 0x9f:
			return -1
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, text)
}

// clip cuts a text to so many bytes, between two characters.
func clip(text string, most int) string {
	if len(text) > most {
		text = text[:most]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	return text
}
