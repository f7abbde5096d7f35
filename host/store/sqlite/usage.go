package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// ListUsage implements engine.UsageStore.
func (s *Store) ListUsage(ctx context.Context, accountID, requestID string, limit int) (usage []engine.Usage, err error) {
	if err := row.CheckListLimit(limit); err != nil || !row.IsKey(accountID) {
		return nil, err
	}
	err = s.read(ctx, "list usage", func(ctx context.Context, q *query.Queries) error {
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
		ModelID: ask.ModelID, FromAt: millis(ask.From), ToAt: millis(ask.To), BeforeAt: millis(ask.To), BeforeID: []byte{},
		MaxRows: int64(ask.Limit), MaxLooked: int64(ask.Limit),
	}
	if ask.Narrow() {
		p.MaxLooked = engine.MaxUsageLooked
	}
	err = s.read(ctx, "list usage", func(ctx context.Context, q *query.Queries) error {
		if ask.After != "" {
			p.BeforeID = row.PackID(ask.After)
			var err error
			p.BeforeAt, err = q.FindUsage(ctx, query.FindUsageParams{AccountID: ask.AccountID, ID: p.BeforeID})
			if errors.Is(err, sql.ErrNoRows) {
				return nil // it was forgotten, and so was all that is older
			}
			if err != nil {
				return err
			}
		}
		rows, err := q.PageUsage(ctx, p)
		if err == nil {
			usage, err = row.ParseAll(rows, parseUsage)
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
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		next = row.ParseID(last)
		return err
	})
	return usage, next, err
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
		Estimated: n.Estimated, CostNanoUSD: n.CostNanoUsd, PriceFrom: instantOrZero(n.PriceFrom), PriceOf: n.PriceOf,
		Unpriced: n.Unpriced, PremiumUse: row.NumberOrZero(n.PremiumUse), Outcome: engine.Outcome(n.Outcome), Status: int(n.Status),
		Code: engine.Code(n.Code), Simulated: n.Simulated, StartedAt: instant(n.StartedAt), LatencyMS: n.LatencyMs,
		FirstByteMS: row.NumberOrZero(n.FirstByteMs), Images: row.NumberOrZero(n.Images),
	}, nil
}
