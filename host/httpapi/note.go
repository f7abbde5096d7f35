package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// note is a session note as the API shows it.
type note struct {
	ID        string          `json:"id" example:"0193f5c2-6f0e-7c3b-9d5a-2b1f4f7f0a11"`
	SessionID string          `json:"session_id" example:"chat-42"`
	AccountID string          `json:"account_id" example:"acme"`
	UserID    string          `json:"user_id" example:"ben"`
	Type      engine.NoteType `json:"type" enum:"context,handoff,summary,preference,error" example:"context"`
	Text      string          `json:"text" example:"The customer wants answers in French." doc:"Data as it was sent: show it as text, never as markup."`
	Agent     string          `json:"agent" example:"planner" doc:"Who wrote it; empty: the gateway itself."`
	Model     string          `json:"model,omitempty" example:"gpt-4o" doc:"Catalogue id that it is about."`
	CreatedAt time.Time       `json:"created_at"`
	ExpiresAt time.Time       `json:"expires_at"`
}

type (
	newNote struct {
		Type      engine.NoteType `json:"type,omitempty" enum:"context,handoff,summary,preference,error" example:"context" doc:"Default context."`
		Text      string          `json:"text" minLength:"1" example:"The customer wants answers in French." doc:"At most 16 KiB. Control characters but newline and tab are left out."`
		Agent     string          `json:"agent,omitempty" maxLength:"128" example:"planner" doc:"Who writes it. Left out: the key's name."`
		Model     string          `json:"model,omitempty" maxLength:"256" example:"gpt-4o" doc:"Catalogue id that it is about."`
		ExpiresIn *int64          `json:"expires_in_seconds,omitempty" minimum:"1" maximum:"604800" example:"86400" doc:"Default and most: 604800, 7 days."`
	}
	noteList struct {
		Body struct {
			Data []note `json:"data" doc:"Live notes, newest first."`
		}
	}
	createdNote struct {
		Location string `header:"Location"`
		Body     note
	}
)

func shownNote(n engine.Note) note {
	return note{
		ID: n.ID, SessionID: n.SessionKey.ID, AccountID: n.AccountID, UserID: n.UserID, Type: n.Type, Text: n.Text,
		Agent: n.Agent, Model: n.Model, CreatedAt: n.CreatedAt.UTC(), ExpiresAt: n.ExpiresAt.UTC(),
	}
}

func (s *Server) registerNotes(tag []string) {
	operation(s, huma.Operation{OperationID: "list-notes", Method: http.MethodGet, Path: "/api/v1/sessions/{id}/notes", Summary: "List a session's live notes", Description: "Empty for a session that has none, or that there is not.", Tags: tag}, s.listNotes)
	operation(s, huma.Operation{OperationID: "add-note", Method: http.MethodPost, Path: "/api/v1/sessions/{id}/notes", Summary: "Leave a note for the session's next model or agent", Description: "The session need not have begun. When another model or agent takes over, it is given the live notes as background, newest first, 4,000 tokens of them at most.", Tags: tag, DefaultStatus: http.StatusCreated}, s.addNote)
	operation(s, huma.Operation{OperationID: "delete-note", Method: http.MethodDelete, Path: "/api/v1/sessions/{id}/notes/{note_id}", Summary: "Delete a note", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteNote)
}

func (s *Server) listNotes(ctx context.Context, in *struct {
	SessionPath
	Newest
}) (*noteList, error) {
	rows, err := s.cfg.Sessions.ListNotes(ctx, principalOf(ctx), in.key(), in.Limit)
	if err != nil {
		return nil, err
	}
	out := &noteList{}
	out.Body.Data = shownAll(rows, shownNote)
	return out, nil
}

func (s *Server) addNote(ctx context.Context, in *struct {
	SessionPath
	Body newNote
}) (*createdNote, error) {
	k := in.key()
	n := engine.Note{SessionKey: k, Type: in.Body.Type, Text: in.Body.Text, Agent: in.Body.Agent, Model: in.Body.Model}
	if in.Body.ExpiresIn != nil {
		n.ExpiresAt = s.cfg.Now().Add(time.Duration(*in.Body.ExpiresIn) * time.Second)
	}
	n, err := s.cfg.Sessions.AddNote(ctx, principalOf(ctx), n)
	if err != nil {
		return nil, err
	}
	return &createdNote{"/api/v1/sessions/" + url.PathEscape(k.ID) + "/notes/" + n.ID, shownNote(n)}, nil
}

func (s *Server) deleteNote(ctx context.Context, in *struct {
	SessionPath
	NoteID string `path:"note_id" maxLength:"64"`
}) (*nothing, error) {
	return nil, s.cfg.Sessions.DeleteNote(ctx, principalOf(ctx), in.key(), in.NoteID)
}
