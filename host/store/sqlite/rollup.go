package sqlite

import (
	"context"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// longestLists is how many bytes a group's lists of latencies may have before they are
// written anew: as short as they can be they have at most 700.
const longestLists = 1_500

// addRollups adds to the sums of groups.
func addRollups(ctx context.Context, q *query.Queries, rollups []row.Rollup) error {
	for i := range rollups {
		r := &rollups[i]
		s := &r.Sums
		listed, err := q.AddRollup(ctx, query.AddRollupParams{
			AccountID: r.AccountID, Grain: string(r.Grain), StartsAt: millis(r.At), Digest: r.Digest[:], TeamID: r.TeamID, UserID: r.UserID,
			KeyID: r.KeyID, ModelID: r.ModelID, ProviderID: r.ProviderID, Source: r.Source, TaskType: r.TaskType,
			Requests: s.Requests, Attempts: s.Attempts, Errors: s.Errors,
			PromptTokens: s.Tokens.Prompt, CachedTokens: s.Tokens.Cached,
			CacheWriteTokens: s.Tokens.CacheWrite, CacheWrite1hTokens: s.Tokens.CacheWrite1h,
			CompletionTokens: s.Tokens.Completion, ReasoningTokens: s.Tokens.Reasoning,
			CostNanoUsd: s.CostNanoUSD, PremiumUse: s.PremiumUse,
			Estimated: s.Estimated, Unpriced: s.Unpriced,
			Latency: row.LatencyList(&s.LatencyMS), FirstByte: row.LatencyList(&s.FirstByteMS),
		})
		if err == nil && listed > longestLists {
			err = shortenLists(ctx, q, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shortenLists writes a group's lists of latencies as short as they can be.
func shortenLists(ctx context.Context, q *query.Queries, r *row.Rollup) error {
	lists, err := q.GetRollupLists(ctx, query.GetRollupListsParams{
		AccountID: r.AccountID, Grain: string(r.Grain), StartsAt: millis(r.At), Digest: r.Digest[:],
	})
	if err != nil {
		return err
	}
	latency, err := row.ParseLatencyList(lists.Latency)
	if err != nil {
		return err
	}
	firstByte, err := row.ParseLatencyList(lists.FirstByte)
	if err != nil {
		return err
	}
	return q.SetRollupLists(ctx, query.SetRollupListsParams{
		AccountID: r.AccountID, Grain: string(r.Grain), StartsAt: millis(r.At), Digest: r.Digest[:],
		Latency: row.LatencyList(&latency), FirstByte: row.LatencyList(&firstByte),
	})
}

func parseRollup(n query.UsageRollup) (r row.Rollup, err error) {
	r = row.Rollup{
		AccountID: n.AccountID, Grain: engine.Grain(n.Grain), At: instant(n.StartsAt), Digest: [16]byte(n.Digest), TeamID: n.TeamID,
		UserID: n.UserID, KeyID: n.KeyID, ModelID: n.ModelID, ProviderID: n.ProviderID, Source: n.Source, TaskType: n.TaskType,
		Sums: engine.ReportRow{
			Requests: n.Requests, Attempts: n.Attempts, Errors: n.Errors,
			Tokens: engine.Tokens{
				Prompt: n.PromptTokens, Cached: n.CachedTokens, CacheWrite: n.CacheWriteTokens, CacheWrite1h: n.CacheWrite1hTokens,
				Completion: n.CompletionTokens, Reasoning: n.ReasoningTokens,
			},
			CostNanoUSD: n.CostNanoUsd, PremiumUse: n.PremiumUse, Estimated: n.Estimated, Unpriced: n.Unpriced,
		},
	}
	if r.Sums.LatencyMS, err = row.ParseLatencyList(n.Latency); err != nil {
		return r, err
	}
	r.Sums.FirstByteMS, err = row.ParseLatencyList(n.FirstByte)
	return r, err
}
