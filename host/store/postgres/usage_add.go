package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// A connection keeps the temporary table for its next batch: a new one each time would leave
// forty dead rows in the catalogs. sqlc knows no temporary tables.
//
// See ../RATIONALE.md, "How do rows of the ledger get into Postgres?".
const (
	makeUsageBatch = `create temporary table if not exists usage_batch (like usage including defaults) on commit delete rows`
	addUsage       = `
insert into usage (
    started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
    cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms, attempt,
    status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects, request_id,
    team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source, price_of,
    outcome, code, images
)
select
    started_at, price_from, cost_nano_usd, prompt_tokens, cached_tokens, cache_write_tokens,
    cache_write_1h_tokens, completion_tokens, reasoning_tokens, premium_use, latency_ms, first_byte_ms, attempt,
    status, substituted, stream, estimated, unpriced, simulated, account_id, id, kind, corrects, request_id,
    team_id, user_id, key_id, session_id, task_type, model_id, provider_id, upstream_id, source, price_of,
    outcome, code, images
from usage_batch
order by account_id, id
on conflict (account_id, id, started_at) do nothing
returning account_id, id`
)

var usageColumns = []string{
	"started_at", "price_from", "cost_nano_usd", "prompt_tokens", "cached_tokens", "cache_write_tokens",
	"cache_write_1h_tokens", "completion_tokens", "reasoning_tokens", "premium_use", "latency_ms", "first_byte_ms",
	"attempt", "status", "substituted", "stream", "estimated", "unpriced", "simulated", "account_id", "id", "kind",
	"corrects", "request_id", "team_id", "user_id", "key_id", "session_id", "task_type", "model_id", "provider_id",
	"upstream_id", "source", "price_of", "outcome", "code", "images",
}

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
	for again := false; ; again = true {
		if err := s.days.ensure(ctx, s, batch); err != nil {
			return nil, err
		}
		err := s.begin(ctx, "add usage", func(ctx context.Context, tx pgx.Tx) (err error) {
			added, err = addUsageBatch(ctx, tx, s.queries.WithTx(tx), batch)
			return err
		})
		if err == nil {
			return added, nil
		}
		var refused *pgconn.PgError
		if again || !errors.As(err, &refused) || refused.Code != "23514" { // check_violation: no partition
			return nil, err
		}
		s.days.forget() // another process has dropped one
	}
}

func addUsageBatch(ctx context.Context, tx pgx.Tx, q *query.Queries, batch []engine.Usage) ([]engine.Usage, error) {
	if _, err := tx.Exec(ctx, makeUsageBatch); err != nil {
		return nil, err
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"pg_temp", "usage_batch"}, usageColumns, pgx.CopyFromSlice(len(batch), func(i int) ([]any, error) {
		return usageValues(batch[i]), nil
	}))
	if err != nil {
		return nil, err
	}
	added, err := tx.Query(ctx, addUsage)
	if err != nil {
		return nil, err
	}
	keys, err := pgx.CollectRows(added, pgx.RowToStructByPos[usageKey])
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	if len(keys) < len(batch) {
		batch = onlyAdded(batch, keys)
	}
	return batch, q.AddRollups(ctx, rollupRows(row.Rollups(batch)))
}

type usageKey struct {
	AccountID string
	ID        []byte
}

// onlyAdded returns the rows that have these keys. What the database had already was rolled up then.
func onlyAdded(batch []engine.Usage, keys []usageKey) []engine.Usage {
	added := make(map[[2]string]bool, len(keys))
	for _, k := range keys {
		added[[2]string{k.AccountID, row.ParseID(k.ID)}] = true
	}
	return slices.DeleteFunc(slices.Clone(batch), func(u engine.Usage) bool { return !added[[2]string{u.AccountID, u.ID}] })
}

// usageValues are a row's in the order of usageColumns.
func usageValues(u engine.Usage) []any {
	n := usageRow(u)
	return []any{
		n.StartedAt, n.PriceFrom, n.CostNanoUsd, n.PromptTokens, n.CachedTokens, n.CacheWriteTokens,
		n.CacheWrite1hTokens, n.CompletionTokens, n.ReasoningTokens, n.PremiumUse, n.LatencyMs, n.FirstByteMs,
		n.Attempt, n.Status, n.Substituted, n.Stream, n.Estimated, n.Unpriced, n.Simulated, n.AccountID, n.ID,
		n.Kind, n.Corrects, n.RequestID, n.TeamID, n.UserID, n.KeyID, n.SessionID, n.TaskType, n.ModelID,
		n.ProviderID, n.UpstreamID, n.Source, n.PriceOf, n.Outcome, n.Code, n.Images,
	}
}
