package spool

// Stats is how much is in the spool.
type Stats struct {
	Pending  int64 // settled rows that the database does not have
	Open     int64 // attempts under way
	Bytes    int64 // on the disk
	Segments int
	Full     bool // Reserve refuses
}

// Stats returns how much is in the spool now.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Pending: s.pending.Load(), Bytes: s.bytes.Load(), Segments: len(s.segments)}
	for _, seg := range s.segments {
		st.Open += seg.open.Load()
	}
	st.Full = s.failed.Load() || st.Bytes > s.cfg.MaxBytes
	return st
}
