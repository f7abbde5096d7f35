package engine

import "time"

// PoolStats is how the connections of one pool to the database stand.
type PoolStats struct {
	Name   string // "main", or "reader" and "writer" where a store has two
	Most   int64  // connections that there may be; 0: no bound
	Open   int64
	Busy   int64         // of them in use
	Waited int64         // times that somebody waited for one, since the start
	Wait   time.Duration // all of that waiting together
}

// Pooled is implemented by stores that keep connections.
type Pooled interface {
	// Pools is cheap and reaches no database.
	Pools() []PoolStats
}
