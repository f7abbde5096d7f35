package postgres

import (
	"context"
	"fmt"
	"time"
)

// Clock is the database's time.
func (s *Store) Clock(ctx context.Context) (now time.Time, err error) {
	if err := s.pool.QueryRow(ctx, "select clock_timestamp()").Scan(&now); err != nil {
		return now, fmt.Errorf("ask for the time: %w", err)
	}
	return now, nil
}
