package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

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
				AccountID: accountID, RequestID: row.PackID(row.RequestID(requestID)), MaxRows: int64(limit),
			})
		}
		if err == nil {
			usage, err = row.ParseAll(rows, parseUsage)
		}
		return err
	})
	return usage, err
}

// PageUsage implements engine.ReportStore.
func (s *Store) PageUsage(ctx context.Context, ask engine.UsageQuery) (usage []engine.Usage, next string, err error) {
	err = row.CheckUsageQuery(&ask)
	if err != nil || !row.IsKey(ask.AccountID) || ask.After != "" && !row.IsKey(ask.AccountID, ask.After) {
		return nil, "", err
	}
	p := query.PageUsageParams{
		AccountID: ask.AccountID, TeamID: ask.TeamID, UserID: ask.UserID, KeyID: row.PackID(ask.KeyID), SessionID: row.PackID(ask.SessionID),
		ModelID: ask.ModelID, FromAt: row.Time(ask.From), ToAt: row.Time(ask.To), BeforeAt: row.Time(ask.To), BeforeID: []byte{},
		MaxRows: int64(ask.Limit), MaxLooked: int64(ask.Limit),
	}
	if ask.Narrow() {
		p.MaxLooked = engine.MaxUsageLooked
	}
	err = s.readOf(ctx, ask.AccountID, "list usage", func(ctx context.Context, q *query.Queries) error {
		if ask.After != "" {
			p.BeforeID = row.PackID(ask.After)
			var err error
			p.BeforeAt, err = q.FindUsage(ctx, query.FindUsageParams{AccountID: ask.AccountID, ID: p.BeforeID})
			if errors.Is(err, pgx.ErrNoRows) {
				return nil // it was forgotten, and so was all that is older
			}
			if err != nil {
				return err
			}
		}
		rows, err := q.PageUsage(ctx, p)
		if err == nil {
			usage, err = row.ParseAll(rows, func(n query.PageUsageRow) (engine.Usage, error) { return parseUsage(query.Usage(n)) })
		}
		if err != nil {
			return err
		}
		if len(usage) == ask.Limit {
			next = usage[len(usage)-1].ID
			return nil
		}
		if !ask.Narrow() {
			return nil
		}
		last, err := q.PassUsage(ctx, query.PassUsageParams{
			AccountID: p.AccountID, FromAt: p.FromAt, ToAt: p.ToAt, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Passed: p.MaxLooked - 1,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		next = row.ParseID(last)
		return err
	})
	return usage, next, err
}

func usageRow(u engine.Usage) query.Usage {
	return query.Usage{
		AccountID: u.AccountID, ID: row.PackID(u.ID), Kind: string(u.Kind), Corrects: row.PackID(u.Corrects),
		RequestID: row.PackID(u.RequestID), Attempt: int16(u.Attempt), TeamID: u.TeamID, UserID: u.UserID, KeyID: row.PackID(u.KeyID),
		SessionID: row.PackID(u.SessionID), TaskType: u.TaskType, ModelID: u.ModelID, ProviderID: u.ProviderID,
		UpstreamID: u.UpstreamID, Substituted: u.Substituted, Source: u.Source, Stream: u.Stream,
		PromptTokens: u.Tokens.Prompt, CachedTokens: row.NumberOrNil(u.Tokens.Cached),
		CacheWriteTokens: row.NumberOrNil(u.Tokens.CacheWrite), CacheWrite1hTokens: row.NumberOrNil(u.Tokens.CacheWrite1h),
		CompletionTokens: u.Tokens.Completion, ReasoningTokens: row.NumberOrNil(u.Tokens.Reasoning), Estimated: u.Estimated,
		CostNanoUsd: u.CostNanoUSD, PriceFrom: row.TimeOrNil(u.PriceFrom), PriceOf: u.PriceOf, Unpriced: u.Unpriced,
		PremiumUse: row.NumberOrNil(u.PremiumUse), Outcome: string(u.Outcome), Status: int16(u.Status), Code: string(u.Code),
		Simulated: u.Simulated, StartedAt: u.StartedAt, LatencyMs: u.LatencyMS, FirstByteMs: row.NumberOrNil(u.FirstByteMS),
		Images: row.NumberOrNil(u.Images),
	}
}

func parseUsage(n query.Usage) (engine.Usage, error) {
	return engine.Usage{
		AccountID: n.AccountID, ID: row.ParseID(n.ID), Kind: engine.UsageKind(n.Kind), Corrects: row.ParseID(n.Corrects),
		RequestID: row.ParseID(n.RequestID), Attempt: int(n.Attempt), TeamID: n.TeamID, UserID: n.UserID, KeyID: row.ParseID(n.KeyID),
		SessionID: row.ParseID(n.SessionID), TaskType: n.TaskType, ModelID: n.ModelID, ProviderID: n.ProviderID,
		UpstreamID: n.UpstreamID, Substituted: n.Substituted, Source: n.Source, Stream: n.Stream,
		Tokens: engine.Tokens{
			Prompt: n.PromptTokens, Cached: row.NumberOrZero(n.CachedTokens), CacheWrite: row.NumberOrZero(n.CacheWriteTokens),
			CacheWrite1h: row.NumberOrZero(n.CacheWrite1hTokens), Completion: n.CompletionTokens,
			Reasoning: row.NumberOrZero(n.ReasoningTokens),
		},
		Estimated: n.Estimated, CostNanoUSD: n.CostNanoUsd, PriceFrom: row.TimeOrZero(n.PriceFrom), PriceOf: n.PriceOf,
		Unpriced: n.Unpriced, PremiumUse: row.NumberOrZero(n.PremiumUse), Outcome: engine.Outcome(n.Outcome), Status: int(n.Status),
		Code: engine.Code(n.Code), Simulated: n.Simulated, StartedAt: n.StartedAt.UTC(), LatencyMS: n.LatencyMs,
		FirstByteMS: row.NumberOrZero(n.FirstByteMs), Images: row.NumberOrZero(n.Images),
	}, nil
}
