package budget

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

const (
	hourMS = int64(time.Hour / time.Millisecond)
	dayMS  = 24 * hourMS
)

// span is where a moment is in a period: milliseconds since 1970.
type span struct {
	from  int64 // the oldest step that counts together with this one
	start int64 // of the step; from, in a calendar period
	end   int64 // of the step
}

// spanAt returns the span of a moment. Calendar periods are those of UTC. A rolling period
// has one step more than it is long: what was spent within it always counts.
func spanAt(p engine.BudgetPeriod, at int64) span {
	day := at - floorMod(at, dayMS)
	switch p {
	case engine.PeriodWeek:
		monday := day - floorMod(day/dayMS+3, 7)*dayMS // 1970 began on a Thursday
		return span{monday, monday, monday + 7*dayMS}
	case engine.PeriodMonth:
		t := time.UnixMilli(at).UTC()
		first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
		return span{first.UnixMilli(), first.UnixMilli(), first.AddDate(0, 1, 0).UnixMilli()}
	case engine.PeriodRollingDay:
		hour := at - floorMod(at, hourMS)
		return span{hour - 24*hourMS, hour, hour + hourMS}
	case engine.PeriodRolling30:
		return span{day - 30*dayMS, day, day + dayMS}
	}
	return span{day, day, day + dayMS}
}

func floorMod(a, b int64) int64 {
	if m := a % b; m < 0 {
		return m + b
	} else {
		return m
	}
}

// rolls reports whether the period has no beginning.
func rolls(p engine.BudgetPeriod) bool {
	return p == engine.PeriodRollingDay || p == engine.PeriodRolling30
}

// length is how long a rolling period is.
func length(p engine.BudgetPeriod) int64 {
	if p == engine.PeriodRollingDay {
		return dayMS
	}
	return 30 * dayMS
}

// alertWindow is the begin of the time in which a threshold is told of once: the window, or
// of a rolling period as much time as it is long.
func alertWindow(p engine.BudgetPeriod, s span) int64 {
	if rolls(p) {
		return s.start - floorMod(s.start, length(p))
	}
	return s.from
}

// alertEnd is the end of that time.
func alertEnd(p engine.BudgetPeriod, s span) int64 {
	if rolls(p) {
		return alertWindow(p, s) + length(p)
	}
	return s.end
}

// resetAt is when what was spent in the oldest step ceases to count.
func resetAt(p engine.BudgetPeriod, s span, oldest int64) int64 {
	if !rolls(p) {
		return s.end
	}
	if oldest < s.from {
		oldest = s.start
	}
	return spanAt(p, oldest).end + length(p)
}
