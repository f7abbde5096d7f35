package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// UsageService reads settled attempts. An empty AccountID of a filter is the caller's own.
// Errors of its methods: *engine.Error; what the principal may not see is CodeNotFound.
type UsageService interface {
	// ListUsage returns the newest rows of a request, at most limit.
	ListUsage(ctx context.Context, p engine.Principal, f engine.CostFilter, requestID string, limit int) ([]engine.Usage, error)
	// PageUsage returns rows, newest first, after the id next of the page before, and where to
	// go on, "" at the end. Of q the filter, SessionID, From and To count; zero times are open.
	PageUsage(ctx context.Context, p engine.Principal, q engine.CostQuery, after string, limit int) (rows []engine.Usage, next string, err error)
}

// usage is the settled row of one attempt.
type usage struct {
	ID          string         `json:"id"`
	Kind        string         `json:"kind" enum:"attempt,correction,external" doc:"A correction is a difference in cost of the row that 'corrects' names; external was spent elsewhere."`
	Corrects    string         `json:"corrects,omitempty"`
	RequestID   string         `json:"request_id"`
	Attempt     int            `json:"attempt" doc:"From 1."`
	AccountID   string         `json:"account_id"`
	TeamID      string         `json:"team_id,omitempty"`
	UserID      string         `json:"user_id"`
	KeyID       string         `json:"key_id"`
	SessionID   string         `json:"session_id,omitempty"`
	TaskType    string         `json:"task_type,omitempty"`
	Model       string         `json:"model"`
	Provider    string         `json:"provider"`
	UpstreamID  string         `json:"upstream_id"`
	Substituted bool           `json:"substituted" doc:"The vendor's replacement served a retired model."`
	Rule        string         `json:"rule" doc:"Rule id, or default, pinned, assignment, override, external."`
	Stream      bool           `json:"stream"`
	Tokens      tokens         `json:"tokens"`
	Estimated   bool           `json:"estimated" doc:"The provider gave no usage; the tokens are an estimate."`
	CostNanoUSD *int64         `json:"cost_nano_usd" doc:"Billionths of a US dollar; null when no price is known, which is not free."`
	CostUSD     *string        `json:"cost_usd" doc:"The same in dollars."`
	Premium     float64        `json:"premium_requests"`
	Outcome     engine.Outcome `json:"outcome" enum:"ok,failed,truncated,canceled,interrupted"`
	Status      int            `json:"status" doc:"Of the provider; 0 when it gave none."`
	Code        engine.Code    `json:"code,omitempty"`
	Simulated   bool           `json:"simulated"`
	StartedAt   time.Time      `json:"started_at"`
	LatencyMS   int64          `json:"latency_ms"`
	FirstByteMS int64          `json:"first_byte_ms,omitempty"`
	Images      int64          `json:"images,omitempty" doc:"Of the input."`
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

// UsageFilter narrows a list of rows.
type UsageFilter struct {
	CostFilter
	SessionID string    `query:"session_id" maxLength:"256" doc:"Rows alone: sums do not know sessions."`
	RequestID string    `query:"request_id" maxLength:"128" doc:"Only the rows of that request, whenever it was."`
	From      time.Time `query:"from" doc:"Rows that began not before."`
	To        time.Time `query:"to" doc:"Rows that began before."`
}

type (
	usageQuery struct {
		UsageFilter
		Limit   int          `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Rows, or groups, at most; a page of rows may have fewer and still not be the last."`
		After   string       `query:"after" maxLength:"2048" doc:"What 'next' of the page before said, for the same filters."`
		GroupBy []string     `query:"group_by" maxItems:"4" enum:"model,family,provider,account,team,user,key,rule,task" doc:"Sums in place of rows, as of costs/summary."`
		Grain   engine.Grain `query:"grain" enum:"minute,hour,day,month" doc:"Sums of each step in place of rows."`
	}
	usageList struct {
		Body struct {
			Data  []usage       `json:"data" doc:"Rows, newest first."`
			Next  string        `json:"next,omitempty" doc:"The next page's 'after'; left out on the last one."`
			Total *UsageSums    `json:"total,omitempty" doc:"With group_by or grain."`
			Sums  []usageGroup  `json:"groups,omitzero" required:"false" doc:"With group_by or grain: dearest first, of a series by time."`
			More  bool          `json:"more,omitempty" doc:"There are more groups than 'limit'."`
			From  *time.Time    `json:"from,omitempty" doc:"Of sums: in effect."`
			To    *time.Time    `json:"to,omitempty" doc:"Of sums: in effect."`
			Grain *engine.Grain `json:"grain,omitempty"`
		}
	}
	// UsageSums are the sums of one group, with what tells how well it went.
	UsageSums struct {
		CostSums
		ErrorRate float64 `json:"error_rate" doc:"errors / attempts, 0 without any."`
		Latency   latency `json:"latency_ms" doc:"Of attempts that were answered in full."`
		FirstByte latency `json:"first_byte_ms"`
	}
	usageGroup struct {
		Group map[string]string `json:"group,omitempty"`
		At    *time.Time        `json:"at,omitempty"`
		UsageSums
	}
	latency struct {
		Count int64   `json:"count"`
		P50   float64 `json:"p50" doc:"Within a bucket that ends half as high again."`
		P95   float64 `json:"p95"`
		P99   float64 `json:"p99"`
	}
)

func shownUsage(u engine.Usage) usage {
	out := usage{
		ID: u.ID, Kind: kindOf(u), Corrects: u.Corrects, RequestID: u.RequestID, Attempt: u.Attempt, AccountID: u.AccountID, TeamID: u.TeamID,
		UserID: u.UserID, KeyID: u.KeyID, SessionID: u.SessionID, TaskType: u.TaskType, Model: u.ModelID, Provider: u.ProviderID,
		UpstreamID: u.UpstreamID, Substituted: u.Substituted, Rule: u.Source,
		Stream: u.Stream, Tokens: tokens(u.Tokens), Estimated: u.Estimated,
		Premium: float64(u.PremiumUse) / 100, Outcome: u.Outcome, Status: u.Status, Code: u.Code,
		Simulated: u.Simulated, StartedAt: u.StartedAt.UTC(), LatencyMS: u.LatencyMS, FirstByteMS: u.FirstByteMS, Images: u.Images,
	}
	if !u.Unpriced {
		text := engine.FormatUSD(u.CostNanoUSD)
		out.CostNanoUSD, out.CostUSD = &u.CostNanoUSD, &text
	}
	return out
}

func kindOf(u engine.Usage) string {
	if u.Kind == engine.UsageAttempt {
		return "attempt"
	}
	return string(u.Kind)
}

func shownLatency(b *engine.LatencyBuckets) latency {
	return latency{b.Count(), b.Quantile(0.5), b.Quantile(0.95), b.Quantile(0.99)}
}

func shownUsageSums(r *engine.ReportRow) UsageSums {
	out := UsageSums{CostSums: shownSums(r), Latency: shownLatency(&r.LatencyMS), FirstByte: shownLatency(&r.FirstByteMS)}
	if r.Attempts > 0 {
		out.ErrorRate = float64(r.Errors) / float64(r.Attempts)
	}
	return out
}

func (s *Server) registerUsage() {
	operation(s, huma.Operation{OperationID: "list-usage", Method: http.MethodGet, Path: "/api/v1/usage", Summary: "List settled attempts, or sum them up", Tags: []string{"usage"},
		Description: "Rows of one account, newest first, page by page; with `group_by` or `grain` sums in their place, with percentiles and rates, of all accounts for a super admin who names none. A user sees its own, a team lead its team's, an account's admins their account's. " +
			"Paging shows each row once that was there when it began; rows that come meanwhile are newer."}, s.listUsage)
	s.registerExport()
}

func (s *Server) listUsage(ctx context.Context, in *usageQuery) (*usageList, error) {
	if len(in.GroupBy) > 0 || in.Grain != "" {
		return s.sumUsage(ctx, in)
	}
	p := principalOf(ctx)
	rows, next := []engine.Usage(nil), ""
	var err error
	if in.RequestID != "" {
		rows, err = s.cfg.Usage.ListUsage(ctx, p, in.CostFilter.engine(), in.RequestID, in.Limit)
	} else {
		scope := scopeOfList("usage", p, in.UsageFilter)
		if in.After, err = s.cursors.place(scope, in.After); err != nil {
			return nil, err
		}
		rows, next, err = s.cfg.Usage.PageUsage(ctx, p, in.query(), in.After, in.Limit)
		next = s.cursors.next(scope, next)
	}
	if err != nil {
		return nil, err
	}
	out := &usageList{}
	out.Body.Data, out.Body.Next = shownAll(rows, shownUsage), next
	return out, nil
}

func (f UsageFilter) query() engine.CostQuery {
	return engine.CostQuery{CostFilter: f.CostFilter.engine(), SessionID: f.SessionID, From: f.From, To: f.To}
}

func (s *Server) sumUsage(ctx context.Context, in *usageQuery) (*usageList, error) {
	switch {
	case in.RequestID != "":
		return nil, invalid("request_id", "'request_id' is for rows: leave out 'group_by' and 'grain'.")
	case in.After != "":
		return nil, invalid("after", "Sums have one page: leave out 'after'.")
	}
	q := in.query()
	q.Grain, q.GroupBy, q.Limit, q.Series = in.Grain, in.GroupBy, in.Limit, in.Grain != ""
	r, err := s.cfg.Costs.Report(ctx, principalOf(ctx), q)
	if err != nil {
		return nil, err
	}
	out := &usageList{}
	b, total := &out.Body, shownUsageSums(&r.Total)
	b.Data, b.Sums = []usage{}, make([]usageGroup, 0, len(r.Rows))
	b.Total, b.From, b.To, b.Grain, b.More = &total, &r.From, &r.To, &r.Grain, r.More
	for i := range r.Rows {
		row := &r.Rows[i]
		b.Sums = append(b.Sums, usageGroup{row.Group, optional(row.At), shownUsageSums(row)})
	}
	return out, nil
}
