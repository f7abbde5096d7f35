package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
)

// usageDays remembers which days have a partition. The zero value knows none.
type usageDays struct {
	mu   sync.Mutex
	made map[time.Time]bool
}

// ensure makes the partitions that the rows need, and that of the day after each, so that no
// batch waits for one at midnight. Other processes may do the same.
func (d *usageDays) ensure(ctx context.Context, s *Store, rows []engine.Usage) error {
	var missing []time.Time
	d.mu.Lock()
	var last time.Time
	for i := range rows {
		day := rows[i].StartedAt.Truncate(24 * time.Hour)
		if (i == 0 || !day.Equal(last)) && !d.made[day] {
			missing = append(missing, day)
		}
		last = day
	}
	d.mu.Unlock()
	for _, day := range missing {
		days := []time.Time{day, day.Add(24 * time.Hour)}
		if days[1].Year() > 9999 {
			days = days[:1]
		}
		for _, day := range days {
			err := s.transact(ctx, "make a partition of usage", func(ctx context.Context, q *query.Queries) error {
				return q.MakeUsageDay(ctx, query.MakeUsageDayParams{Day: pgtype.Date{Time: day, Valid: true}, Tenant: s.tenantRole})
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

func (d *usageDays) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made = nil
}
