package postgres

import (
	"testing"

	"github.com/pointsman/pointsman/host/store/storetest"
)

// What a decision takes on the disk, its indexes included.
func TestDecisionsAreSmall(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, storetest.PostgresURL(t), Config{})
	const rows = 3_000
	if err := s.AddDecisions(t.Context(), storetest.UsualDecisions(rows)); err != nil {
		t.Fatal(err)
	}
	var size int64
	err := s.pool.QueryRow(t.Context(), `
select sum(pg_total_relation_size(inhrelid))::bigint
from pg_inherits
where inhparent = format('%I.decisions', current_schema())::regclass`).Scan(&size)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes a decision", size/rows)
	if size/rows > 600 {
		t.Errorf("a decision takes %d bytes, want at most 600", size/rows)
	}
}
