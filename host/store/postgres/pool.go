package postgres

import "github.com/pointsman/pointsman/engine"

var _ engine.Pooled = (*Store)(nil)

// Pools implements engine.Pooled.
func (s *Store) Pools() []engine.PoolStats {
	st := s.pool.Stat()
	return []engine.PoolStats{{
		Name: "main", Most: int64(st.MaxConns()), Open: int64(st.TotalConns()), Busy: int64(st.AcquiredConns()),
		Waited: st.EmptyAcquireCount(), Wait: st.EmptyAcquireWaitTime(),
	}}
}
