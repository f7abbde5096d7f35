package postgres

import (
	"testing"

	"github.com/pointsman/pointsman/host/store/storetest"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
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

// A newer version's column, beside which this one goes on writing.
func TestDecisionsBesideALaterColumn(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated.PostgresURL(t), Config{})
	if _, err := s.pool.Exec(t.Context(), "alter table decisions add column later_note text not null default ''"); err != nil {
		t.Fatal(err)
	}
	if err := s.AddDecisions(t.Context(), storetest.UsualDecisions(2)); err != nil {
		t.Errorf("AddDecisions() beside a column of a later version = %v, want nil", err)
	}
}
