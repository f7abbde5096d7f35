package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// AddUsage implements engine.UsageStore.
func (s *Store) AddUsage(ctx context.Context, rows []engine.Usage) error {
	if len(rows) == 0 {
		return nil
	}
	batch := make([]query.AddUsageParams, len(rows))
	for i, u := range rows {
		batch[i] = query.AddUsageParams(usageRow(u))
	}
	// Two processes that add the same rows in different orders would wait for each other.
	slices.SortFunc(batch, func(a, b query.AddUsageParams) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.ID, b.ID))
	})
	return s.transact(ctx, "add usage", func(ctx context.Context, q *query.Queries) error {
		var first error
		q.AddUsage(ctx, batch).Exec(func(_ int, err error) { first = cmp.Or(first, err) })
		return first
	})
}

// ListUsage implements engine.UsageStore.
func (s *Store) ListUsage(ctx context.Context, accountID, requestID string, limit int) (usage []engine.Usage, err error) {
	if err := row.CheckListLimit(limit); err != nil || !row.IsKey(accountID) {
		return nil, err
	}
	err = s.readOf(ctx, accountID, "list usage", func(ctx context.Context, q *query.Queries) error {
		var rows []query.Usage
		var err error
		if requestID == "" {
			rows, err = q.ListUsage(ctx, query.ListUsageParams{AccountID: accountID, MaxRows: int64(limit)})
		} else {
			rows, err = q.ListUsageOfRequest(ctx, query.ListUsageOfRequestParams{
				AccountID: accountID, RequestID: row.RequestID(requestID), MaxRows: int64(limit),
			})
		}
		if err == nil {
			usage, err = row.ParseAll(rows, parseUsage)
		}
		return err
	})
	return usage, err
}

func usageRow(u engine.Usage) query.Usage {
	u = row.Usage(u)
	return query.Usage{
		AccountID: u.AccountID, ID: u.ID, RequestID: u.RequestID, Attempt: int64(u.Attempt), TeamID: u.TeamID,
		UserID: u.UserID, KeyID: u.KeyID, SessionID: u.SessionID, ModelID: u.ModelID, ProviderID: u.ProviderID,
		UpstreamID: u.UpstreamID, Substituted: u.Substituted, Source: u.Source, Decision: u.Decision, Stream: u.Stream,
		PromptTokens: u.Tokens.Prompt, CachedTokens: u.Tokens.Cached, CacheWriteTokens: u.Tokens.CacheWrite,
		CacheWrite1hTokens: u.Tokens.CacheWrite1h, CompletionTokens: u.Tokens.Completion,
		ReasoningTokens: u.Tokens.Reasoning, Estimated: u.Estimated, CostNanoUsd: u.CostNanoUSD, Unpriced: u.Unpriced,
		PremiumUse: u.PremiumUse, Outcome: string(u.Outcome), Status: int64(u.Status), Code: string(u.Code),
		Simulated: u.Simulated, StartedAt: u.StartedAt, LatencyMs: u.LatencyMS, FirstByteMs: u.FirstByteMS,
	}
}

func parseUsage(n query.Usage) (engine.Usage, error) {
	return engine.Usage{
		AccountID: n.AccountID, ID: n.ID, RequestID: n.RequestID, Attempt: int(n.Attempt), TeamID: n.TeamID,
		UserID: n.UserID, KeyID: n.KeyID, SessionID: n.SessionID, ModelID: n.ModelID, ProviderID: n.ProviderID,
		UpstreamID: n.UpstreamID, Substituted: n.Substituted, Source: n.Source, Decision: n.Decision, Stream: n.Stream,
		Tokens: engine.Tokens{
			Prompt: n.PromptTokens, Cached: n.CachedTokens, CacheWrite: n.CacheWriteTokens, CacheWrite1h: n.CacheWrite1hTokens,
			Completion: n.CompletionTokens, Reasoning: n.ReasoningTokens,
		},
		Estimated: n.Estimated, CostNanoUSD: n.CostNanoUsd, Unpriced: n.Unpriced, PremiumUse: n.PremiumUse,
		Outcome: engine.Outcome(n.Outcome), Status: int(n.Status), Code: engine.Code(n.Code), Simulated: n.Simulated,
		StartedAt: n.StartedAt.UTC(), LatencyMS: n.LatencyMs, FirstByteMS: n.FirstByteMs,
	}, nil
}
