package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// RecountUsage implements engine.ReportStore. What differs is added to the sums in a
// transaction of its own, as a batch of rows would be: who adds rows meanwhile adds to both
// sides of the comparison, or to neither.
func (s *Store) RecountUsage(ctx context.Context, day time.Time, grains []engine.Grain) (engine.UsageRecount, error) {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return engine.UsageRecount{}, fmt.Errorf("recount usage: %w", err)
	}
	counted, err := row.RecountOf(ctx, ledger{s.queries.WithTx(tx)}, day, grains)
	if ended := tx.Rollback(context.WithoutCancel(ctx)); err == nil {
		err = ended
	}
	if err != nil {
		return engine.UsageRecount{}, settle(ctx, "recount usage", err)
	}
	if len(counted.Differences) == 0 {
		return counted.UsageRecount, nil
	}
	return counted.UsageRecount, s.transact(ctx, "repair sums over usage", func(ctx context.Context, q *query.Queries) error {
		p := rollupRows(counted.Differences)
		for i := range counted.Differences {
			d := &counted.Differences[i]
			p.Latency[i], p.FirstByte[i] = row.LatencyDifference(&d.Sums.LatencyMS), row.LatencyDifference(&d.Sums.FirstByteMS)
		}
		if err := q.AddRollups(ctx, p); err != nil {
			return err
		}
		for i := range counted.Differences {
			d := &counted.Differences[i]
			err := q.DropEmptyRollup(ctx, query.DropEmptyRollupParams{AccountID: d.AccountID, Grain: string(d.Grain), StartsAt: d.At, Digest: d.Digest[:]})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ledger is a row.Ledger.
type ledger struct{ q *query.Queries }

func (l ledger) Next(ctx context.Context, after string, from, to time.Time) (string, error) {
	rows, err := l.q.NextUsageAccount(ctx, query.NextUsageAccountParams{FromAt: from, ToAt: to, AfterAccount: after})
	if err != nil {
		return "", err
	}
	sums, err := l.q.NextRollupAccount(ctx, query.NextRollupAccountParams{FromAt: from, ToAt: to, AfterAccount: after})
	if rows == "" || sums != "" && sums < rows {
		return sums, err
	}
	return rows, err
}

func (l ledger) Rows(ctx context.Context, account string, from, to, afterAt time.Time, afterID []byte, limit int) ([]engine.Usage, error) {
	rows, err := l.q.ScanUsage(ctx, query.ScanUsageParams{
		AccountID: account, FromAt: from, ToAt: to, AfterAt: afterAt, AfterID: afterID, MaxRows: int64(limit),
	})
	if err != nil {
		return nil, err
	}
	return row.ParseAll(rows, parseUsage)
}

func (l ledger) Sums(ctx context.Context, account string, grain engine.Grain, from, to time.Time) ([]row.Rollup, error) {
	rows, err := l.q.ListRollups(ctx, query.ListRollupsParams{AccountID: account, Grain: string(grain), FromAt: from, ToAt: to})
	if err != nil {
		return nil, err
	}
	return row.ParseAll(rows, parseRollup)
}

func parseRollup(n query.ListRollupsRow) (r row.Rollup, err error) {
	r = row.Rollup{
		AccountID: n.AccountID, Grain: engine.Grain(n.Grain), At: n.StartsAt.UTC(), Digest: [16]byte(n.Digest), TeamID: n.TeamID,
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
	if r.Sums.LatencyMS, err = row.ParseLatencyNumber(n.Latency); err != nil {
		return r, err
	}
	r.Sums.FirstByteMS, err = row.ParseLatencyNumber(n.FirstByte)
	return r, err
}
