package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// usage is the settled row of one attempt.
type usage struct {
	ID          string         `json:"id"`
	RequestID   string         `json:"request_id"`
	Attempt     int            `json:"attempt" doc:"From 1."`
	AccountID   string         `json:"account_id"`
	TeamID      string         `json:"team_id,omitempty"`
	UserID      string         `json:"user_id"`
	KeyID       string         `json:"key_id"`
	SessionID   string         `json:"session_id,omitempty"`
	Model       string         `json:"model"`
	Provider    string         `json:"provider"`
	UpstreamID  string         `json:"upstream_id"`
	Substituted bool           `json:"substituted" doc:"The vendor's replacement served a retired model."`
	Rule        string         `json:"rule" doc:"Rule id, or default, pinned, assignment, override."`
	Stream      bool           `json:"stream"`
	Tokens      tokens         `json:"tokens"`
	Estimated   bool           `json:"estimated" doc:"The provider gave no usage; the tokens are an estimate."`
	CostNanoUSD *int64         `json:"cost_nano_usd" doc:"Billionths of a US dollar; null when no price is known, which is not free."`
	Premium     float64        `json:"premium_requests"`
	Outcome     engine.Outcome `json:"outcome" enum:"ok,failed,truncated,canceled,interrupted"`
	Status      int            `json:"status" doc:"Of the provider; 0 when it gave none."`
	Code        engine.Code    `json:"code,omitempty"`
	Simulated   bool           `json:"simulated"`
	StartedAt   time.Time      `json:"started_at"`
	LatencyMS   int64          `json:"latency_ms"`
	FirstByteMS int64          `json:"first_byte_ms,omitempty"`
}

// tokens counts as OpenAI does: prompt is all input, completion all output.
type tokens struct {
	Prompt       int64 `json:"prompt"`
	Cached       int64 `json:"cached" doc:"Of prompt."`
	CacheWrite   int64 `json:"cache_write" doc:"Of prompt."`
	CacheWrite1h int64 `json:"cache_write_1h" doc:"Of prompt."`
	Completion   int64 `json:"completion"`
	Reasoning    int64 `json:"reasoning" doc:"Of completion."`
}

type (
	usageQuery struct {
		RequestID string `query:"request_id" maxLength:"128" doc:"Only the attempts of that request."`
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		Limit     int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}
	usageList struct {
		Body struct {
			Data []usage `json:"data" doc:"Newest first."`
		}
	}
)

func shownUsage(u engine.Usage) usage {
	out := usage{
		ID: u.ID, RequestID: u.RequestID, Attempt: u.Attempt, AccountID: u.AccountID, TeamID: u.TeamID,
		UserID: u.UserID, KeyID: u.KeyID, SessionID: u.SessionID, Model: u.ModelID, Provider: u.ProviderID,
		UpstreamID: u.UpstreamID, Substituted: u.Substituted, Rule: u.Source,
		Stream: u.Stream, Tokens: tokens(u.Tokens), Estimated: u.Estimated,
		Premium: float64(u.PremiumUse) / 100, Outcome: u.Outcome, Status: u.Status, Code: u.Code,
		Simulated: u.Simulated, StartedAt: u.StartedAt.UTC(), LatencyMS: u.LatencyMS, FirstByteMS: u.FirstByteMS,
	}
	if !u.Unpriced {
		out.CostNanoUSD = &u.CostNanoUSD
	}
	return out
}

func (s *Server) registerUsage() {
	operation(s, huma.Operation{OperationID: "list-usage", Method: http.MethodGet, Path: "/api/v1/usage", Summary: "List the newest settled attempts", Tags: []string{"usage"}}, s.listUsage)
}

func (s *Server) listUsage(ctx context.Context, in *usageQuery) (*usageList, error) {
	p := principalOf(ctx)
	account := p.AccountID
	if in.AccountID != "" && in.AccountID != account {
		if p.Role != engine.RoleSuperAdmin {
			return nil, engine.Errorf(engine.CodeNotFound, "There is no such account.")
		}
		account = in.AccountID
	}
	rows, err := s.cfg.Usage.ListUsage(ctx, account, in.RequestID, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &usageList{}
	out.Body.Data = make([]usage, 0, len(rows))
	for _, u := range rows {
		out.Body.Data = append(out.Body.Data, shownUsage(u))
	}
	return out, nil
}
