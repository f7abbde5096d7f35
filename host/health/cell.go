package health

import (
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const cellSeconds = int64(engine.HealthCellLength / time.Second)

// cell is an engine.HealthCell that is small.
type cell struct {
	number                        int64 // of five minutes since 1970
	attempts, failures, fallbacks uint32
	p95                           uint32
	worst                         rank
}

// rank orders statuses.
type rank uint8

const (
	unknown rank = iota
	healthy
	degraded
	down
)

var statuses = [...]engine.HealthStatus{unknown: "", healthy: engine.HealthHealthy, degraded: engine.HealthDegraded, down: engine.HealthDown}

func rankOf(s engine.HealthStatus) rank {
	return rank(max(slices.Index(statuses[:], s), int(unknown)))
}

// cells are those of a day in which anything happened, oldest first.
type cells []cell

// of returns the cell of a second, which is made when there is none; nil when it is older
// than a day before the newest.
func (c *cells) of(second int64) *cell {
	number := second / cellSeconds
	at := len(*c)
	for at > 0 && (*c)[at-1].number > number {
		at--
	}
	if at > 0 && (*c)[at-1].number == number {
		return &(*c)[at-1]
	}
	if at == 0 && len(*c) > 0 && (*c)[len(*c)-1].number-number >= engine.HealthCells {
		return nil
	}
	*c = slices.Insert(*c, at, cell{number: number})
	if newest := (*c)[len(*c)-1].number; newest-(*c)[0].number >= engine.HealthCells {
		old := 0
		for newest-(*c)[old].number >= engine.HealthCells {
			old++
		}
		*c = slices.Delete(*c, 0, old)
		at -= old
	}
	return &(*c)[at]
}

func (c *cell) add(t tally, fallbacks int64) {
	c.attempts = saturated(c.attempts, t.attempts)
	c.failures = saturated(c.failures, t.failures)
	c.fallbacks = saturated(c.fallbacks, fallbacks)
}

func saturated(n uint32, more int64) uint32 {
	return uint32(min(int64(n)+max(more, 0), 1<<32-1))
}

// told is the cell for others to see.
func (c *cell) told() engine.HealthCell {
	return engine.HealthCell{
		At: time.Unix(c.number*cellSeconds, 0).UTC(), Attempts: int64(c.attempts), Failures: int64(c.failures),
		Fallbacks: int64(c.fallbacks), P95MS: int64(c.p95), Worst: statuses[c.worst],
	}
}
