package sqlite

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
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
		FirstAccount: ask.FirstAccount, LastAccount: ask.LastAccount, Grain: ask.Grain, FromAt: millis(ask.From), ToAt: millis(ask.To),
		TeamID: ask.TeamID, UserID: ask.UserID, KeyID: ask.KeyID, ModelID: ask.ModelID, Series: number(ask.Series),
		ByAccount: number(ask.By[engine.DimAccount]), ByTeam: number(ask.By[engine.DimTeam]), ByUser: number(ask.By[engine.DimUser]),
		ByKey: number(ask.By[engine.DimKey]), ByModel: number(ask.By[engine.DimModel]), ByProvider: number(ask.By[engine.DimProvider]),
		ByRule: number(ask.By[engine.DimRule]), ByTask: number(ask.By[engine.DimTask]),
		MaxGroups: ask.MaxGroups, MaxRows: engine.MaxReportRows + 1,
	}
	err = s.read(ctx, "report usage", func(ctx context.Context, q *query.Queries) error {
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
	for deleted := int64(dropRows); deleted == dropRows; {
		err := s.transact(ctx, "forget usage", func(ctx context.Context, q *query.Queries) (err error) {
			deleted, err = q.DropUsage(ctx, query.DropUsageParams{Before: millis(rows), MaxRows: dropRows})
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, grain := range slices.Sorted(maps.Keys(rollups)) {
		before := rollups[grain]
		if err := cmp.Or(row.CheckGrain(grain), row.CheckRange(before, before)); err != nil {
			return err
		}
		for deleted := int64(dropRows); deleted == dropRows; {
			err := s.transact(ctx, "forget sums over usage", func(ctx context.Context, q *query.Queries) (err error) {
				deleted, err = q.DropRollups(ctx, query.DropRollupsParams{Grain: string(grain), Before: millis(before), MaxRows: dropRows})
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func parseReport(ask row.Report, n query.ReportRow) (r engine.ReportRow, err error) {
	r = engine.ReportRow{
		Group:    ask.Group(n.AccountID, n.TeamID, n.UserID, n.KeyID, n.ModelID, n.ProviderID, n.Source, n.TaskType),
		Requests: n.Requests, Attempts: n.Attempts, Errors: n.Errors,
		Tokens: engine.Tokens{
			Prompt: whole(n.PromptTokensHigh, n.PromptTokensLow), Cached: whole(n.CachedTokensHigh, n.CachedTokensLow),
			CacheWrite: whole(n.CacheWriteTokensHigh, n.CacheWriteTokensLow), CacheWrite1h: whole(n.CacheWrite1hTokensHigh, n.CacheWrite1hTokensLow),
			Completion: whole(n.CompletionTokensHigh, n.CompletionTokensLow), Reasoning: whole(n.ReasoningTokensHigh, n.ReasoningTokensLow),
		},
		CostNanoUSD: whole(n.CostNanoUsdHigh, n.CostNanoUsdLow), PremiumUse: whole(n.PremiumUseHigh, n.PremiumUseLow),
		Estimated: n.Estimated, Unpriced: n.Unpriced,
	}
	if ask.Series {
		r.At = instant(n.Step)
	}
	if r.LatencyMS, err = row.ParseLatencyList(n.Latency); err != nil {
		return r, err
	}
	r.FirstByteMS, err = row.ParseLatencyList(n.FirstByte)
	return r, err
}

// whole puts the halves of a sum together: high·2³² + low, or what there is next to it.
func whole(high, low int64) int64 {
	switch {
	case high > math.MaxInt32:
		return math.MaxInt64
	case high < math.MinInt32:
		return math.MinInt64
	}
	return high<<32 + low
}

// number is a truth value for SQLite.
func number(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
