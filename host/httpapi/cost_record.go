package httpapi

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/pointsman/pointsman/engine"
)

type (
	newSpend struct {
		ID          string     `json:"id" minLength:"1" maxLength:"128" doc:"The client's own name for it, as an invoice's number: unique in the account."`
		AccountID   string     `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		TeamID      string     `json:"team_id,omitempty" maxLength:"128" doc:"Left out: the user's, if one is named."`
		UserID      string     `json:"user_id,omitempty" maxLength:"128"`
		KeyID       string     `json:"key_id,omitempty" maxLength:"128"`
		Provider    string     `json:"provider" minLength:"1" maxLength:"128" doc:"Who was paid; the catalogue need not know it."`
		Model       string     `json:"model,omitempty" maxLength:"128"`
		TaskType    string     `json:"task_type,omitempty" maxLength:"128"`
		CostNanoUSD *int64     `json:"cost_nano_usd,omitempty" minimum:"0" maximum:"1000000000000000" doc:"Either this or cost_usd."`
		CostUSD     *string    `json:"cost_usd,omitempty" maxLength:"32" example:"12.50"`
		Tokens      *newTokens `json:"tokens,omitempty"`
		Premium     float64    `json:"premium_requests,omitempty" minimum:"0" maximum:"10000000"`
		At          time.Time  `json:"at" doc:"When it was spent, within the last 400 days."`
	}
	newTokens struct {
		Prompt     int64 `json:"prompt,omitempty" minimum:"0"`
		Cached     int64 `json:"cached,omitempty" minimum:"0" doc:"Of prompt."`
		Completion int64 `json:"completion,omitempty" minimum:"0"`
		Reasoning  int64 `json:"reasoning,omitempty" minimum:"0" doc:"Of completion."`
	}
	recordedSpend struct {
		Status int
		Body   usage
	}
)

func (n newSpend) cost() (int64, error) {
	switch {
	case (n.CostNanoUSD == nil) == (n.CostUSD == nil):
		return 0, invalid("cost_usd", "One of 'cost_usd' and 'cost_nano_usd' must be given.")
	case n.CostNanoUSD != nil:
		return *n.CostNanoUSD, nil
	}
	cost, err := engine.ParseUSD(*n.CostUSD)
	if err != nil {
		return 0, invalid("cost_usd", "'cost_usd': "+err.Error()+".")
	}
	return cost, nil
}

func (s *Server) recordCost(ctx context.Context, in *struct{ Body newSpend }) (*recordedSpend, error) {
	n := in.Body
	cost, err := n.cost()
	if err != nil {
		return nil, err
	}
	spend := engine.Spend{
		CostFilter: engine.CostFilter{AccountID: n.AccountID, TeamID: n.TeamID, UserID: n.UserID, KeyID: n.KeyID, ModelID: n.Model},
		ID:         n.ID, ProviderID: n.Provider, TaskType: n.TaskType, CostNanoUSD: cost,
		PremiumUse: int64(math.Round(n.Premium * 100)), At: n.At,
	}
	if t := n.Tokens; t != nil {
		spend.Tokens = engine.Tokens{Prompt: t.Prompt, Cached: t.Cached, Completion: t.Completion, Reasoning: t.Reasoning}
	}
	row, created, err := s.cfg.Costs.Record(ctx, principalOf(ctx), spend)
	if err != nil {
		return nil, err
	}
	out := &recordedSpend{http.StatusCreated, shownUsage(row)}
	if !created {
		out.Status = http.StatusOK
	}
	return out, nil
}
