package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// As rows of the ledger: see usage_add.go.
const (
	makeDecisionBatch = `create temporary table if not exists decision_batch (like decisions including defaults) on commit delete rows`
	addDecisions      = `
insert into decisions (
    at, cost_nano_usd, account_id, request_id, team_id, user_id, key_id, session_id, source, model_id, provider_id, code,
    variant, data
)
select
    at, cost_nano_usd, account_id, request_id, team_id, user_id, key_id, session_id, source, model_id, provider_id, code,
    variant, data
from decision_batch
order by account_id, at, request_id
on conflict (account_id, at, request_id) do nothing`
)

var decisionColumns = []string{
	"at", "cost_nano_usd", "account_id", "request_id", "team_id", "user_id", "key_id", "session_id", "source", "model_id",
	"provider_id", "code", "variant", "data",
}

// AddDecisions implements engine.DecisionStore.
func (s *Store) AddDecisions(ctx context.Context, rows []engine.DecisionRow) error {
	batch := row.DecisionBatch(rows)
	if len(batch) == 0 {
		return nil
	}
	for again := false; ; again = true {
		if err := s.decided.ensure(ctx, s, batch); err != nil {
			return err
		}
		err := s.begin(ctx, "add decisions", func(ctx context.Context, tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, makeDecisionBatch); err != nil {
				return err
			}
			_, err := tx.CopyFrom(ctx, pgx.Identifier{"pg_temp", "decision_batch"}, decisionColumns, pgx.CopyFromSlice(len(batch), func(i int) ([]any, error) {
				n := decisionRow(&batch[i])
				return []any{
					n.At, n.CostNanoUsd, n.AccountID, n.RequestID, n.TeamID, n.UserID, n.KeyID, n.SessionID, n.Source, n.ModelID,
					n.ProviderID, n.Code, n.Variant, n.Data,
				}, nil
			}))
			if err == nil {
				_, err = tx.Exec(ctx, addDecisions)
			}
			return err
		})
		var refused *pgconn.PgError
		if again || !errors.As(err, &refused) || refused.Code != "23514" { // check_violation: no partition
			return err
		}
		s.decided.forget() // another process has dropped one
	}
}

// decisionDays remembers which days have a partition, as usageDays. The zero value knows none.
type decisionDays struct {
	mu   sync.Mutex
	made map[time.Time]bool
}

// ensure makes the partitions that the rows need, and that of the day after each, so that no
// batch waits for one at midnight. Other processes may do the same.
func (d *decisionDays) ensure(ctx context.Context, s *Store, rows []engine.DecisionRow) error {
	missing := map[time.Time]bool{}
	d.mu.Lock()
	for i := range rows {
		if day := rows[i].At.Truncate(24 * time.Hour); !d.made[day] {
			missing[day] = true
		}
	}
	d.mu.Unlock()
	for day := range missing {
		days := []time.Time{day, day.Add(24 * time.Hour)}
		if days[1].Year() > 9999 {
			days = days[:1]
		}
		for _, day := range days {
			err := s.transact(ctx, "make a partition of decisions", func(ctx context.Context, q *query.Queries) error {
				return q.MakeDecisionDay(ctx, query.MakeDecisionDayParams{Day: pgtype.Date{Time: day, Valid: true}, Tenant: s.tenantRole})
			})
			if err != nil {
				return err
			}
		}
		d.mu.Lock()
		if d.made == nil || len(d.made) > 1000 {
			d.made = make(map[time.Time]bool)
		}
		d.made[day] = true
		d.mu.Unlock()
	}
	return nil
}

func (d *decisionDays) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made = nil
}
