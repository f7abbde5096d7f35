package httpapi

import "sync/atomic"

// budget bounds how many bytes of bodies are being served at once. Safe for concurrent use.
type budget struct {
	limit int64
	used  atomic.Int64
}

// reserve takes n bytes, or reports that they are not there. It never waits.
func (b *budget) reserve(n int64) bool {
	if b.used.Add(n) <= b.limit {
		return true
	}
	b.used.Add(-n)
	return false
}

func (b *budget) release(n int64) { b.used.Add(-n) }
