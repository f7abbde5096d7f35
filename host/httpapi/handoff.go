package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// handoff is a change of model or agent in a session as the API shows it.
type handoff struct {
	ID        string               `json:"id" example:"0193f5c2-6f0e-7c3b-9d5a-2b1f4f7f0a12"`
	SessionID string               `json:"session_id" example:"chat-42"`
	AccountID string               `json:"account_id" example:"acme"`
	UserID    string               `json:"user_id" example:"ben"`
	RequestID string               `json:"request_id" doc:"The request that it happened in."`
	FromAgent string               `json:"from_agent" example:"planner"`
	ToAgent   string               `json:"to_agent" example:"coder"`
	FromModel string               `json:"from_model" example:"gpt-4o" doc:"Catalogue id."`
	ToModel   string               `json:"to_model" example:"claude-sonnet-4" doc:"Catalogue id."`
	Reason    engine.HandoffReason `json:"reason" enum:"routing,failover,agent" example:"failover" doc:"routing: the rules, an assignment or the caller chose another model; failover: the chosen one could not serve; agent: another agent goes on."`
	Detail    string               `json:"detail,omitempty" example:"upstream_timeout" doc:"The rule, or the failure."`
	Summary   string               `json:"summary,omitempty" doc:"Of the conversation: the newest summary note, else its last exchange, cut. Show it as text, never as markup."`
	Notes     int                  `json:"notes" example:"3" doc:"How many notes the next model was given."`
	CreatedAt time.Time            `json:"created_at"`
}

type handoffList struct {
	Body struct {
		Data []handoff `json:"data" doc:"Newest first."`
	}
}

func shownHandoff(h engine.Handoff) handoff {
	return handoff{
		ID: h.ID, SessionID: h.SessionKey.ID, AccountID: h.AccountID, UserID: h.UserID, RequestID: h.RequestID,
		FromAgent: h.FromAgent, ToAgent: h.ToAgent, FromModel: h.FromModel, ToModel: h.ToModel, Reason: h.Reason,
		Detail: h.Detail, Summary: h.Summary, Notes: h.Notes, CreatedAt: h.CreatedAt.UTC(),
	}
}

func (s *Server) registerHandoffs(tag []string) {
	operation(s, huma.Operation{OperationID: "list-handoffs", Method: http.MethodGet, Path: "/api/v1/sessions/{id}/handoffs", Summary: "List when a session went to another model or agent, and why", Description: "Empty for a session that has none, or that there is not. Handoffs are kept for 7 days.", Tags: tag}, s.listHandoffs)
}

func (s *Server) listHandoffs(ctx context.Context, in *struct {
	SessionPath
	Newest
}) (*handoffList, error) {
	rows, err := s.cfg.Sessions.ListHandoffs(ctx, principalOf(ctx), in.key(), in.Limit)
	if err != nil {
		return nil, err
	}
	out := &handoffList{}
	out.Body.Data = shownAll(rows, shownHandoff)
	return out, nil
}
