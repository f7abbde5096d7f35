package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

type (
	projection struct {
		Body struct {
			AccountID        string    `json:"account_id" doc:"Empty: all accounts."`
			From             time.Time `json:"from" doc:"The month's begin, UTC."`
			To               time.Time `json:"to" doc:"Its end."`
			SpentNanoUSD     int64     `json:"spent_nano_usd" doc:"From until now."`
			SpentUSD         string    `json:"spent_usd"`
			DailyNanoUSD     int64     `json:"daily_nano_usd" doc:"The mean of the last full days."`
			DailyUSD         string    `json:"daily_usd"`
			Days             int       `json:"days" doc:"How many full days that is the mean of, at most 7."`
			DaysLeft         float64   `json:"days_left"`
			ProjectedNanoUSD int64     `json:"projected_nano_usd" doc:"spent + daily × days_left"`
			ProjectedUSD     string    `json:"projected_usd"`
			Enough           bool      `json:"enough_data" doc:"false: there are fewer than 7 full days since the first row, see note."`
			Note             string    `json:"note,omitempty"`
		}
	}
	savingsQuery struct {
		CostFilter
		TimeRange
		Baseline string `query:"baseline" maxLength:"128" doc:"Catalogue id to compare with. Left out: the default model of those whose rows they are."`
	}
	saving struct {
		Model        string `json:"model,omitempty"`
		Requests     int64  `json:"requests"`
		Tokens       tokens `json:"tokens"`
		SpentNanoUSD int64  `json:"spent_nano_usd"`
		SpentUSD     string `json:"spent_usd"`
		WouldNanoUSD int64  `json:"would_nano_usd" doc:"What the same tokens would have cost at the baseline."`
		WouldUSD     string `json:"would_usd"`
		SavedNanoUSD int64  `json:"saved_nano_usd" doc:"Below 0: it was dearer."`
		SavedUSD     string `json:"saved_usd"`
		Unpriced     int64  `json:"unpriced" doc:"Rows whose cost is not known, and counts as 0 in what was spent."`
		Compared     bool   `json:"compared" doc:"false: it does something else, as embeddings, and is not in the total."`
	}
	savings struct {
		Body struct {
			AccountID string       `json:"account_id"`
			From      time.Time    `json:"from" doc:"In effect."`
			To        time.Time    `json:"to" doc:"In effect."`
			Grain     engine.Grain `json:"grain"`
			Baseline  string       `json:"baseline"`
			Total     saving       `json:"total"`
			Data      []saving     `json:"data" doc:"By what was spent, dearest first."`
			Assumed   []string     `json:"assumed" doc:"What the comparison takes for granted."`
		}
	}
)

// assumed is what Save takes for granted.
var assumed = []string{
	"The baseline would have read and written as many tokens, and the provider would have cached the same part of them.",
	"Each step's tokens cost what the baseline cost when the step began, in the tier of their mean prompt.",
	"Attempts that failed count as they were billed.",
	"What was spent elsewhere is left out.",
}

func (s *Server) registerProjection() {
	tag := []string{"costs"}
	operation(s, huma.Operation{OperationID: "cost-projection", Method: http.MethodGet, Path: "/api/v1/costs/projection", Summary: "Project what this month will have cost", Tags: tag,
		Description: "What was spent since the month began, in UTC, plus the mean of the last 7 full days for each day that is left, today's rest included. Days before the first row count for nothing; with fewer than 7 the answer says so."}, s.costProjection)
	operation(s, huma.Operation{OperationID: "cost-savings", Method: http.MethodGet, Path: "/api/v1/costs/savings", Summary: "Compare with sending everything to the default model", Tags: tag}, s.costSavings)
}

func (s *Server) costProjection(ctx context.Context, in *struct{ CostFilter }) (*projection, error) {
	p, err := s.cfg.Costs.Project(ctx, principalOf(ctx), in.CostFilter.engine())
	if err != nil {
		return nil, err
	}
	out := &projection{}
	b := &out.Body
	b.AccountID, b.From, b.To, b.Days, b.DaysLeft = p.AccountID, p.From, p.To, p.Days, float64(p.Left.Milliseconds())/float64((24*time.Hour).Milliseconds())
	b.SpentNanoUSD, b.SpentUSD = p.SpentNanoUSD, engine.FormatUSD(p.SpentNanoUSD)
	b.DailyNanoUSD, b.DailyUSD = p.MeanNanoUSD, engine.FormatUSD(p.MeanNanoUSD)
	b.ProjectedNanoUSD, b.ProjectedUSD = p.ProjectedNanoUSD, engine.FormatUSD(p.ProjectedNanoUSD)
	switch b.Enough = p.Days >= engine.ProjectionDays; {
	case p.Days == 0:
		b.Note = "There is no full day to go by: this is what was spent so far."
	case !b.Enough:
		b.Note = fmt.Sprintf("There are %d full days to go by, too few for a week's ups and downs.", p.Days)
	}
	return out, nil
}

func shownSaving(m engine.CostSaving) saving {
	saved := m.SavedNanoUSD()
	return saving{
		Model: m.ModelID, Requests: m.Requests, Tokens: tokens(m.Tokens), SpentNanoUSD: m.SpentNanoUSD, SpentUSD: engine.FormatUSD(m.SpentNanoUSD),
		WouldNanoUSD: m.WouldNanoUSD, WouldUSD: engine.FormatUSD(m.WouldNanoUSD), SavedNanoUSD: saved, SavedUSD: engine.FormatUSD(saved),
		Unpriced: m.Unpriced, Compared: !m.Unlike,
	}
}

func (s *Server) costSavings(ctx context.Context, in *savingsQuery) (*savings, error) {
	r, err := s.cfg.Costs.Save(ctx, principalOf(ctx), engine.CostQuery{CostFilter: in.CostFilter.engine(), From: in.From, To: in.To}, in.Baseline)
	if err != nil {
		return nil, err
	}
	out := &savings{}
	b := &out.Body
	b.AccountID, b.From, b.To, b.Grain, b.Baseline, b.Assumed = r.AccountID, r.From, r.To, r.Grain, r.ModelID, assumed
	b.Total, b.Data = shownSaving(r.Total), shownAll(r.Models, shownSaving)
	return out, nil
}
