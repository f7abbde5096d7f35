package httpapi

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// alert is a threshold that was reached.
type alert struct {
	AccountID string    `json:"account_id"`
	BudgetID  string    `json:"budget_id"`
	TeamID    string    `json:"team_id,omitempty" doc:"Whom the budget was for."`
	UserID    string    `json:"user_id,omitempty"`
	KeyID     string    `json:"key_id,omitempty"`
	ModelID   string    `json:"model_id,omitempty"`
	Threshold threshold `json:"threshold"`
	Amount    string    `json:"amount" doc:"The budget then, in US dollars."`
	Spent     string    `json:"spent" doc:"What was spent, or projected, of it."`
	Window    time.Time `json:"window" doc:"The begin of the window."`
	FiredAt   time.Time `json:"fired_at"`
}

type (
	alertFilter struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own. Another one only for a super admin."`
		BudgetID  string `query:"budget_id" maxLength:"64"`
		Limit     int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}
	alertList struct {
		Body struct {
			Data []alert `json:"data" doc:"Newest first."`
		}
	}
)

func (s *Server) listAlerts(ctx context.Context, in *alertFilter) (*alertList, error) {
	rows, err := s.cfg.Budgets.ListAlerts(ctx, principalOf(ctx), ownUnless(ctx, in.AccountID), 1000)
	if err != nil {
		return nil, err
	}
	out := &alertList{}
	out.Body.Data = []alert{}
	for _, a := range rows {
		if in.BudgetID != "" && in.BudgetID != a.BudgetID || len(out.Body.Data) == in.Limit {
			continue
		}
		out.Body.Data = append(out.Body.Data, alert{
			AccountID: a.AccountID, BudgetID: a.BudgetID, TeamID: a.TeamID, UserID: a.UserID, KeyID: a.KeyID, ModelID: a.ModelID,
			Threshold: shownThreshold(a.Threshold), Amount: engine.FormatUSD(a.NanoUSD), Spent: engine.FormatUSD(max(a.Spent, 0)),
			Window: a.WindowStart, FiredAt: a.FiredAt,
		})
	}
	return out, nil
}
