package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// CostService says what was spent. Errors of its methods: *engine.Error; what the principal
// may not see is CodeNotFound.
type CostService interface {
	Report(ctx context.Context, p engine.Principal, q engine.CostQuery) (engine.CostReport, error)
	Project(ctx context.Context, p engine.Principal, f engine.CostFilter) (engine.CostProjection, error)
	// Save compares with that model, "": the default one.
	Save(ctx context.Context, p engine.Principal, q engine.CostQuery, modelID string) (engine.CostSavings, error)
	// Record keeps one row for each ID. created is false when it was there.
	Record(ctx context.Context, p engine.Principal, s engine.Spend) (row engine.Usage, created bool, err error)
}

// CostFilter narrows a report. Exported, as the others here, because huma skips embedded
// structs that are not.
type CostFilter struct {
	AccountID string `query:"account_id" maxLength:"128" doc:"Left out: the caller's own, for a super admin's sums all. Another one only for a super admin."`
	TeamID    string `query:"team_id" maxLength:"128"`
	UserID    string `query:"user_id" maxLength:"128"`
	KeyID     string `query:"key_id" maxLength:"128"`
	Model     string `query:"model" maxLength:"128" doc:"Catalogue id."`
}

func (f CostFilter) engine() engine.CostFilter {
	return engine.CostFilter{AccountID: f.AccountID, TeamID: f.TeamID, UserID: f.UserID, KeyID: f.KeyID, ModelID: f.Model}
}

// TimeRange is when rows began.
type TimeRange struct {
	From time.Time `query:"from" doc:"Not before. Sums are of whole steps: the answer says which."`
	To   time.Time `query:"to" doc:"Before. Left out: now."`
}

// CostGroups is how sums are told apart.
type CostGroups struct {
	GroupBy []string `query:"group_by" maxItems:"4" enum:"model,family,provider,account,team,user,key,rule,task" doc:"Up to four, separated by commas. family is the model's, by today's catalogue. rule is a rule's id, or default, pinned, assignment, override, external."`
	Limit   int      `query:"limit" minimum:"1" maximum:"10000" default:"100" doc:"Groups at most, dearest first."`
}

type (
	costQuery struct {
		CostFilter
		TimeRange
		CostGroups
		Grain engine.Grain `query:"grain" enum:"minute,hour,day" doc:"Which sums are read. Left out: the coarsest that has the range, else the finest that is kept for so long."`
	}
	costSteps struct {
		CostFilter
		TimeRange
		CostGroups
	}
	costTop struct {
		CostFilter
		TimeRange
		Limit int `query:"limit" minimum:"1" maximum:"1000" default:"10"`
	}
)

// CostSums are the sums of one group.
type CostSums struct {
	Requests    int64   `json:"requests" doc:"That came as far as an attempt."`
	Attempts    int64   `json:"attempts"`
	Errors      int64   `json:"errors" doc:"Attempts that failed, broke off or were interrupted."`
	Tokens      tokens  `json:"tokens"`
	CostNanoUSD int64   `json:"cost_nano_usd" doc:"Billionths of a US dollar; below 0 by corrections."`
	CostUSD     string  `json:"cost_usd" doc:"The same in dollars."`
	Premium     float64 `json:"premium_requests"`
	Estimated   int64   `json:"estimated" doc:"Rows whose tokens are estimates."`
	Unpriced    int64   `json:"unpriced" doc:"Rows whose cost is not known, and not in it."`
}

type (
	costRow struct {
		Group map[string]string `json:"group,omitempty" doc:"What the sums are of, by the words of group_by."`
		At    *time.Time        `json:"at,omitempty" doc:"Of a series: when the step began."`
		CostSums
	}
	costReport struct {
		Body struct {
			AccountID string       `json:"account_id" doc:"Empty: all accounts."`
			From      time.Time    `json:"from" doc:"In effect."`
			To        time.Time    `json:"to" doc:"In effect."`
			Grain     engine.Grain `json:"grain"`
			Total     CostSums     `json:"total" doc:"Also of groups that are not in data."`
			Data      []costRow    `json:"data" doc:"Dearest first; a series by time, then dearest. What is nothing but zeros is left out."`
			More      bool         `json:"more" doc:"There are more groups than 'limit'."`
		}
	}
	modelCost struct {
		Model string `json:"model"`
		CostSums
		Share          *float64 `json:"share" doc:"Of what all models cost, 0 to 1; null when that is nothing."`
		PerThousand    *int64   `json:"cost_nano_usd_per_1000_requests" doc:"null without requests of ours."`
		PerThousandUSD *string  `json:"cost_usd_per_1000_requests"`
	}
	topModels struct {
		Body struct {
			AccountID string       `json:"account_id" doc:"Empty: all accounts."`
			From      time.Time    `json:"from" doc:"In effect."`
			To        time.Time    `json:"to" doc:"In effect."`
			Grain     engine.Grain `json:"grain"`
			Total     CostSums     `json:"total"`
			Data      []modelCost  `json:"data" doc:"Dearest first."`
			More      bool         `json:"more"`
		}
	}
)

func shownSums(r *engine.ReportRow) CostSums {
	return CostSums{
		Requests: r.Requests, Attempts: r.Attempts, Errors: r.Errors, Tokens: tokens(r.Tokens),
		CostNanoUSD: r.CostNanoUSD, CostUSD: engine.FormatUSD(r.CostNanoUSD), Premium: float64(r.PremiumUse) / 100,
		Estimated: r.Estimated, Unpriced: r.Unpriced,
	}
}

func shownCost(r engine.CostReport) *costReport {
	out := &costReport{}
	b := &out.Body
	b.AccountID, b.From, b.To, b.Grain, b.More = r.AccountID, r.From, r.To, r.Grain, r.More
	b.Total, b.Data = shownSums(&r.Total), make([]costRow, 0, len(r.Rows))
	for i := range r.Rows {
		b.Data = append(b.Data, costRow{r.Rows[i].Group, optional(r.Rows[i].At), shownSums(&r.Rows[i])})
	}
	return out
}

func (s *Server) registerCosts() {
	tag := []string{"costs"}
	operation(s, huma.Operation{OperationID: "cost-summary", Method: http.MethodGet, Path: "/api/v1/costs/summary", Summary: "Sum what was spent", Tags: tag,
		Description: "A user sees what it spent itself, a team lead what its team did, an account's admins their account. Times are UTC; `from` left out is 30 days before `to`."}, s.costSummary)
	operation(s, huma.Operation{OperationID: "daily-costs", Method: http.MethodGet, Path: "/api/v1/costs/daily", Summary: "Sum what was spent each day", Tags: tag,
		Description: "Days are UTC's."}, s.dailyCosts)
	operation(s, huma.Operation{OperationID: "monthly-costs", Method: http.MethodGet, Path: "/api/v1/costs/monthly", Summary: "Sum what was spent each month", Tags: tag,
		Description: "Calendar months, UTC; `from` left out is eleven months before that of `to`."}, s.monthlyCosts)
	operation(s, huma.Operation{OperationID: "top-costs", Method: http.MethodGet, Path: "/api/v1/costs/top", Summary: "List the models that cost most", Tags: tag}, s.topCosts)
	s.registerProjection()
	operation(s, huma.Operation{OperationID: "record-cost", Method: http.MethodPost, Path: "/api/v1/costs/record", Summary: "Write down what was spent elsewhere", Tags: tag,
		Description: "One row for each `id`: the same request again answers 200 with the row of the first, another one under that id 409. It counts in sums and budgets from then on, as cost, tokens and premium requests, but is no request of ours.", DefaultStatus: http.StatusCreated}, s.recordCost)
}

func (q costSteps) query(grain engine.Grain) engine.CostQuery {
	return engine.CostQuery{CostFilter: q.CostFilter.engine(), From: q.From, To: q.To, Grain: grain, GroupBy: q.GroupBy, Series: true, Limit: q.Limit}
}

func (s *Server) costSummary(ctx context.Context, in *costQuery) (*costReport, error) {
	r, err := s.cfg.Costs.Report(ctx, principalOf(ctx), engine.CostQuery{
		CostFilter: in.CostFilter.engine(), From: in.From, To: in.To, Grain: in.Grain, GroupBy: in.GroupBy, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	return shownCost(r), nil
}

func (s *Server) dailyCosts(ctx context.Context, in *costSteps) (*costReport, error) {
	r, err := s.cfg.Costs.Report(ctx, principalOf(ctx), in.query(engine.GrainDay))
	if err != nil {
		return nil, err
	}
	return shownCost(r), nil
}

func (s *Server) monthlyCosts(ctx context.Context, in *costSteps) (*costReport, error) {
	q := in.query(engine.GrainMonth)
	if q.From.IsZero() {
		to := q.To.UTC()
		if to.IsZero() {
			to = s.cfg.Now().UTC()
		}
		q.From = time.Date(to.Year(), to.Month()-11, 1, 0, 0, 0, 0, time.UTC)
	}
	r, err := s.cfg.Costs.Report(ctx, principalOf(ctx), q)
	if err != nil {
		return nil, err
	}
	return shownCost(r), nil
}

func (s *Server) topCosts(ctx context.Context, in *costTop) (*topModels, error) {
	r, err := s.cfg.Costs.Report(ctx, principalOf(ctx), engine.CostQuery{
		CostFilter: in.CostFilter.engine(), From: in.From, To: in.To, GroupBy: []string{engine.DimModel}, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := &topModels{}
	b := &out.Body
	b.AccountID, b.From, b.To, b.Grain, b.More, b.Total = r.AccountID, r.From, r.To, r.Grain, r.More, shownSums(&r.Total)
	b.Data = make([]modelCost, 0, len(r.Rows))
	for i := range r.Rows {
		row := &r.Rows[i]
		m := modelCost{Model: row.Group[engine.DimModel], CostSums: shownSums(row)}
		if r.Total.CostNanoUSD > 0 {
			share := float64(row.CostNanoUSD) / float64(r.Total.CostNanoUSD)
			m.Share = &share
		}
		if nano, ok := row.PerThousandRequests(); ok {
			text := engine.FormatUSD(nano)
			m.PerThousand, m.PerThousandUSD = &nano, &text
		}
		b.Data = append(b.Data, m)
	}
	return out, nil
}
