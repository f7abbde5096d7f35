package sqlite

import (
	"database/sql"

	"github.com/pointsman/pointsman/engine"
)

var _ engine.Pooled = (*Store)(nil)

// Pools implements engine.Pooled.
func (s *Store) Pools() []engine.PoolStats {
	of := func(name string, db *sql.DB) engine.PoolStats {
		st := db.Stats()
		return engine.PoolStats{
			Name: name, Most: int64(st.MaxOpenConnections), Open: int64(st.OpenConnections), Busy: int64(st.InUse),
			Waited: st.WaitCount, Wait: st.WaitDuration,
		}
	}
	return []engine.PoolStats{of("reader", s.reader), of("writer", s.writer)}
}
