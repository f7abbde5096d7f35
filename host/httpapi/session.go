package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// conversation is a session as the API shows it.
type conversation struct {
	ID        string    `json:"id" example:"chat-42" doc:"As the caller sent it."`
	AccountID string    `json:"account_id" example:"acme"`
	UserID    string    `json:"user_id" example:"ben"`
	Turns     int64     `json:"turns" example:"7" doc:"Answered so far."`
	Model     string    `json:"model" example:"gpt-4o" doc:"Catalogue id of the model that served the last turn."`
	Agent     string    `json:"agent" example:"planner" doc:"Who asked for the last turn."`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at" doc:"The last turn."`
	ExpiresAt time.Time `json:"expires_at" doc:"It is forgotten then; each turn puts that off."`
}

type (
	// SessionFilter narrows a list of sessions. Exported because huma skips embedded structs
	// that are not; so are the next.
	SessionFilter struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		UserID    string `query:"user_id" maxLength:"128" doc:"Whose sessions: a user that the caller manages, or * for every user of the account, for its admins. Left out: the caller's own."`
	}
	// SessionPath is the session that a path means.
	SessionPath struct {
		ID        string `path:"id" maxLength:"768" example:"chat-42" doc:"As callers send it, percent-encoded."`
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		UserID    string `query:"user_id" maxLength:"128" doc:"Whose session: a user that the caller manages. Left out: the caller's own. Users may send the same id; each has a session of its own then."`
	}
	// Newest is how many rows of a list that is not paged are wanted.
	Newest struct {
		Limit int `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"The newest so many."`
	}
	sessionOutput struct{ Body conversation }
	sessionList   struct {
		Body struct {
			Data []conversation `json:"data" doc:"Newest first."`
			Next string         `json:"next,omitempty" doc:"The next page's 'after'; left out on the last one."`
		}
	}
)

func shownSession(s engine.Session) conversation {
	return conversation{
		ID: s.ID, AccountID: s.AccountID, UserID: s.UserID, Turns: s.Turns, Model: s.Model, Agent: s.Agent,
		CreatedAt: s.CreatedAt.UTC(), UpdatedAt: s.UpdatedAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(),
	}
}

// key is the session of that path. Its id may hold anything, slashes too.
func (p SessionPath) key() engine.SessionKey {
	return engine.SessionKey{AccountID: p.AccountID, UserID: p.UserID, ID: p.ID}
}

func (s *Server) registerSessions() {
	tag := []string{"sessions"}
	operation(s, huma.Operation{OperationID: "list-sessions", Method: http.MethodGet, Path: "/api/v1/sessions", Summary: "List live sessions", Description: "A session is a conversation that callers name by the header x-pointsman-session or metadata.session_id. Its user sees it, and whoever manages that user.", Tags: tag}, s.listSessions)
	operation(s, huma.Operation{OperationID: "get-session", Method: http.MethodGet, Path: "/api/v1/sessions/{id}", Summary: "Get a session", Tags: tag}, s.getSession)
	s.registerNotes(tag)
	s.registerHandoffs(tag)
}

func (s *Server) listSessions(ctx context.Context, in *struct {
	PageQuery
	SessionFilter
}) (*sessionList, error) {
	p := principalOf(ctx)
	// Without user_id the list is the user's, not the account's: so is its cursor.
	scope := scopeOfList("sessions of "+p.UserID, p, in.SessionFilter)
	page, err := s.page(scope, in.PageQuery)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.cfg.Sessions.ListSessions(ctx, p, engine.SessionKey{AccountID: in.AccountID, UserID: in.UserID}, page)
	if err != nil {
		return nil, err
	}
	out := &sessionList{}
	out.Body.Data, out.Body.Next = shownAll(rows, shownSession), s.cursors.next(scope, next)
	return out, nil
}

func (s *Server) getSession(ctx context.Context, in *SessionPath) (*sessionOutput, error) {
	row, err := s.cfg.Sessions.GetSession(ctx, principalOf(ctx), in.key())
	if err != nil {
		return nil, err
	}
	return &sessionOutput{shownSession(row)}, nil
}
