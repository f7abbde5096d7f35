package postgres

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

var _ engine.ReportStore = (*Store)(nil)

// dropRows is how many rows one transaction deletes.
const dropRows = 5_000

// Report implements engine.ReportStore.
func (s *Store) Report(ctx context.Context, q engine.ReportQuery) (report []engine.ReportRow, err error) {
	ask, err := row.ReportOf(q)
	if err != nil {
		return nil, err
	}
	p := query.ReportParams{
		FirstAccount: ask.FirstAccount, LastAccount: ask.LastAccount, Grain: ask.Grain, FromAt: row.Time(ask.From), ToAt: row.Time(ask.To),
		TeamID: ask.TeamID, UserID: ask.UserID, KeyID: ask.KeyID, ModelID: ask.ModelID, Series: ask.Series,
		ByAccount: ask.By[engine.DimAccount], ByTeam: ask.By[engine.DimTeam], ByUser: ask.By[engine.DimUser],
		ByKey: ask.By[engine.DimKey], ByModel: ask.By[engine.DimModel], ByProvider: ask.By[engine.DimProvider],
		ByRule: ask.By[engine.DimRule], ByTask: ask.By[engine.DimTask],
		MaxGroups: ask.MaxGroups, MaxRows: engine.MaxReportRows + 1,
	}
	err = s.readOf(ctx, ask.FirstAccount, "report usage", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.Report(ctx, p)
		if err == nil {
			err = row.CheckReportRows(len(rows))
		}
		if err == nil {
			report, err = row.ParseAll(rows, func(n query.ReportRow) (engine.ReportRow, error) { return parseReport(ask, n) })
		}
		return err
	})
	return report, err
}

// DropUsage implements engine.ReportStore.
func (s *Store) DropUsage(ctx context.Context, rows time.Time, rollups map[engine.Grain]time.Time) error {
	if err := row.CheckRange(rows, rows); err != nil {
		return err
	}
	// What is dropped, others may still remember as made: see AddUsage.
	err := s.transact(ctx, "forget usage", func(ctx context.Context, q *query.Queries) error {
		return q.DropUsageDays(ctx, row.Time(rows))
	})
	if err != nil {
		return err
	}
	s.days.forget()
	for _, grain := range slices.Sorted(maps.Keys(rollups)) {
		before := rollups[grain]
		if err := cmp.Or(row.CheckGrain(grain), row.CheckRange(before, before)); err != nil {
			return err
		}
		for deleted := int64(dropRows); deleted == dropRows; {
			err := s.transact(ctx, "forget sums over usage", func(ctx context.Context, q *query.Queries) (err error) {
				deleted, err = q.DropRollups(ctx, query.DropRollupsParams{Grain: string(grain), Before: row.Time(before), MaxRows: dropRows})
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// rollupRows turns rows into columns.
func rollupRows(rollups []row.Rollup) (p query.AddRollupsParams) {
	for i := range rollups {
		r := &rollups[i]
		s := &r.Sums
		p.AccountID, p.Grain = append(p.AccountID, r.AccountID), append(p.Grain, string(r.Grain))
		p.StartsAt, p.Digest = append(p.StartsAt, r.At), append(p.Digest, r.Digest[:])
		p.TeamID, p.UserID, p.KeyID = append(p.TeamID, r.TeamID), append(p.UserID, r.UserID), append(p.KeyID, r.KeyID)
		p.ModelID, p.ProviderID = append(p.ModelID, r.ModelID), append(p.ProviderID, r.ProviderID)
		p.Source, p.TaskType = append(p.Source, r.Source), append(p.TaskType, r.TaskType)
		p.Requests = append(p.Requests, s.Requests)
		p.Attempts = append(p.Attempts, s.Attempts)
		p.Errors = append(p.Errors, s.Errors)
		p.PromptTokens = append(p.PromptTokens, s.Tokens.Prompt)
		p.CachedTokens = append(p.CachedTokens, s.Tokens.Cached)
		p.CacheWriteTokens = append(p.CacheWriteTokens, s.Tokens.CacheWrite)
		p.CacheWrite1hTokens = append(p.CacheWrite1hTokens, s.Tokens.CacheWrite1h)
		p.CompletionTokens = append(p.CompletionTokens, s.Tokens.Completion)
		p.ReasoningTokens = append(p.ReasoningTokens, s.Tokens.Reasoning)
		p.CostNanoUsd = append(p.CostNanoUsd, s.CostNanoUSD)
		p.PremiumUse = append(p.PremiumUse, s.PremiumUse)
		p.Estimated = append(p.Estimated, s.Estimated)
		p.Unpriced = append(p.Unpriced, s.Unpriced)
		p.Latency = append(p.Latency, row.LatencyNumber(&s.LatencyMS))
		p.FirstByte = append(p.FirstByte, row.LatencyNumber(&s.FirstByteMS))
	}
	return p
}

func parseReport(ask row.Report, n query.ReportRow) (r engine.ReportRow, err error) {
	r = engine.ReportRow{
		Group:    ask.Group(n.AccountID, n.TeamID, n.UserID, n.KeyID, n.ModelID, n.ProviderID, n.Source, n.TaskType),
		Requests: n.Requests, Attempts: n.Attempts, Errors: n.Errors,
		Tokens: engine.Tokens{
			Prompt: n.PromptTokens, Cached: n.CachedTokens, CacheWrite: n.CacheWriteTokens, CacheWrite1h: n.CacheWrite1hTokens,
			Completion: n.CompletionTokens, Reasoning: n.ReasoningTokens,
		},
		CostNanoUSD: n.CostNanoUsd, PremiumUse: n.PremiumUse, Estimated: n.Estimated, Unpriced: n.Unpriced,
	}
	if ask.Series {
		r.At = n.Step.UTC()
	}
	if r.LatencyMS, err = row.ParseLatencyNumber(n.Latency); err != nil {
		return r, err
	}
	r.FirstByteMS, err = row.ParseLatencyNumber(n.FirstByte)
	return r, err
}
