package ratelimit

import "github.com/pointsman/pointsman/engine"

// Gauges returns what became of buckets in this process alone, those that refused most first, at
// most so many. It reaches no database.
func (l *Limiter) Gauges(most int) []engine.LimitStat {
	return l.ownStats(engine.LimitStatQuery{Most: most})
}
