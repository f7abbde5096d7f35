package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// AddUsage implements engine.UsageStore.
func (s *Store) AddUsage(ctx context.Context, rows []engine.Usage) error {
	_, err := s.PostUsage(ctx, rows)
	return err
}

// PostUsage implements engine.ReportStore.
func (s *Store) PostUsage(ctx context.Context, rows []engine.Usage) (added []engine.Usage, err error) {
	batch := row.UsageBatch(rows)
	if len(batch) == 0 {
		return nil, nil
	}
	err = s.transact(ctx, "add usage", func(ctx context.Context, q *query.Queries) error {
		added = make([]engine.Usage, 0, len(batch))
		for _, u := range batch {
			n, err := q.AddUsage(ctx, query.AddUsageParams(usageRow(u)))
			if err != nil {
				return err
			}
			if n > 0 { // what the database had already was rolled up then
				added = append(added, u)
			}
		}
		return addRollups(ctx, q, row.Rollups(added))
	})
	if err != nil {
		return nil, err
	}
	return added, nil
}

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

func usageRow(u engine.Usage) query.Usage {
	return query.Usage{
		AccountID: u.AccountID, ID: row.PackID(u.ID), Kind: string(u.Kind), Corrects: row.PackID(u.Corrects),
		RequestID: row.PackID(u.RequestID), Attempt: int64(u.Attempt), TeamID: u.TeamID, UserID: u.UserID, KeyID: row.PackID(u.KeyID),
		SessionID: row.PackID(u.SessionID), TaskType: u.TaskType, ModelID: u.ModelID, ProviderID: u.ProviderID,
		UpstreamID: u.UpstreamID, Substituted: u.Substituted, Source: u.Source, Stream: u.Stream,
		PromptTokens: u.Tokens.Prompt, CachedTokens: row.NumberOrNil(u.Tokens.Cached),
		CacheWriteTokens: row.NumberOrNil(u.Tokens.CacheWrite), CacheWrite1hTokens: row.NumberOrNil(u.Tokens.CacheWrite1h),
		CompletionTokens: u.Tokens.Completion, ReasoningTokens: row.NumberOrNil(u.Tokens.Reasoning), Estimated: u.Estimated,
		CostNanoUsd: u.CostNanoUSD, PriceFrom: millisOrNil(u.PriceFrom), PriceOf: u.PriceOf, Unpriced: u.Unpriced,
		PremiumUse: row.NumberOrNil(u.PremiumUse), Outcome: string(u.Outcome), Status: int64(u.Status), Code: string(u.Code),
		Simulated: u.Simulated, StartedAt: millis(u.StartedAt), LatencyMs: u.LatencyMS, FirstByteMs: row.NumberOrNil(u.FirstByteMS),
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
		Estimated: n.Estimated, CostNanoUSD: n.CostNanoUsd, PriceFrom: instantOrZero(n.PriceFrom), PriceOf: n.PriceOf,
		Unpriced: n.Unpriced, PremiumUse: row.NumberOrZero(n.PremiumUse), Outcome: engine.Outcome(n.Outcome), Status: int(n.Status),
		Code: engine.Code(n.Code), Simulated: n.Simulated, StartedAt: instant(n.StartedAt), LatencyMS: n.LatencyMs,
		FirstByteMS: row.NumberOrZero(n.FirstByteMs), Images: row.NumberOrZero(n.Images),
	}, nil
}
