package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// RecountUsage implements engine.ReportStore. What differs is added to the sums in a
// transaction of its own, as a batch of rows would be: who adds rows meanwhile adds to both
// sides of the comparison, or to neither.
func (s *Store) RecountUsage(ctx context.Context, day time.Time, grains []engine.Grain) (engine.UsageRecount, error) {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return engine.UsageRecount{}, fmt.Errorf("recount usage: %w", err)
	}
	counted, err := row.RecountOf(ctx, ledger{s.queries.WithTx(tx)}, day, grains)
	if ended := ignoreDone(tx.Rollback()); err == nil {
		err = ended
	}
	if err != nil {
		return engine.UsageRecount{}, settle("recount usage", err)
	}
	if len(counted.Differences) == 0 {
		return counted.UsageRecount, nil
	}
	return counted.UsageRecount, s.load(ctx, "repair sums over usage", func(ctx context.Context, l *loader) error {
		if err := l.addRollups(ctx, counted.Differences); err != nil {
			return err
		}
		for i := range counted.Differences {
			p, err := l.parameters(query.DropEmptyRollup)
			if err != nil {
				return err
			}
			bindRollupKey(&p, &counted.Differences[i])
			if err := p.run(nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// ledger is a row.Ledger.
type ledger struct{ q *query.Queries }

func (l ledger) Next(ctx context.Context, after string, from, to time.Time) (string, error) {
	rows, err := l.q.NextUsageAccount(ctx, query.NextUsageAccountParams{FromAt: millis(from), ToAt: millis(to), AfterAccount: after})
	if err != nil {
		return "", err
	}
	sums, err := l.q.NextRollupAccount(ctx, query.NextRollupAccountParams{FromAt: millis(from), ToAt: millis(to), AfterAccount: after})
	if rows == "" || sums != "" && sums < rows {
		return sums, err
	}
	return rows, err
}

func (l ledger) Rows(ctx context.Context, account string, from, to, afterAt time.Time, afterID []byte, limit int) ([]engine.Usage, error) {
	rows, err := l.q.ScanUsage(ctx, query.ScanUsageParams{
		AccountID: account, FromAt: millis(from), ToAt: millis(to), AfterAt: millis(afterAt), AfterID: afterID, MaxRows: int64(limit),
	})
	if err != nil {
		return nil, err
	}
	return row.ParseAll(rows, parseUsage)
}

func (l ledger) Sums(ctx context.Context, account string, grain engine.Grain, from, to time.Time) ([]row.Rollup, error) {
	rows, err := l.q.ListRollups(ctx, query.ListRollupsParams{AccountID: account, Grain: string(grain), FromAt: millis(from), ToAt: millis(to)})
	if err != nil {
		return nil, err
	}
	return row.ParseAll(rows, parseRollup)
}
