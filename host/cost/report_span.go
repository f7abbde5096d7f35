package cost

import (
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// maxSteps is how many steps a report reads at most.
const maxSteps = 1_500

// usualSpan is how far back a report reaches that does not say.
const usualSpan = 30 * 24 * time.Hour

const day = 24 * time.Hour

// span is a range at whole steps of a grain.
type span struct {
	from, to time.Time
	grain    engine.Grain
}

// stored is the grain of the rollups that are read.
func (s span) stored() engine.Grain {
	if s.grain == engine.GrainMonth {
		return engine.GrainDay
	}
	return s.grain
}

// spanOf is the range that is read for a query: as asked, taken outwards to whole steps.
// Without a grain it is the coarsest one at which the range is whole, where an end that is not
// said is whole at any; else the finest that is kept for so long and does not have too many
// steps; of a series the coarsest one with at least 24 steps. Errors: CodeInvalid.
func spanOf(q engine.CostQuery, now time.Time) (span, error) {
	now = now.UTC()
	from, to := q.From.UTC(), q.To.UTC()
	if q.To.IsZero() {
		to = now
	}
	if q.From.IsZero() {
		from = to.Add(-usualSpan)
	}
	switch {
	case !from.Before(to):
		return span{}, invalid("from", "'from' must be before 'to'.")
	case from.Year() < 2000 || to.Year() > 9000:
		return span{}, invalid("from", "'from' and 'to' must be within the years 2000 to 9000.")
	}
	switch q.Grain {
	case "":
	case engine.GrainMonth, engine.GrainDay, engine.GrainHour, engine.GrainMinute:
		s := outwards(from, to, q.Grain)
		return s, s.check(now)
	default:
		return span{}, invalid("grain", "'grain' must be minute, hour, day or month.")
	}
	grains := [...]engine.Grain{engine.GrainDay, engine.GrainHour, engine.GrainMinute}
	for _, g := range grains {
		s := outwards(from, to, g)
		whole := (q.From.IsZero() || s.from.Equal(from)) && (q.To.IsZero() || s.to.Equal(to))
		if q.Series {
			whole = s.steps() >= 24
		}
		if whole && s.check(now) == nil {
			return s, nil
		}
	}
	for i := len(grains) - 1; i > 0; i-- {
		if s := outwards(from, to, grains[i]); s.check(now) == nil {
			return s, nil
		}
	}
	s := outwards(from, to, engine.GrainDay)
	return s, s.check(now)
}

// check refuses what would be too many rows, or is no longer there.
func (s span) check(now time.Time) error {
	if s.steps() > maxSteps {
		return invalid("from", fmt.Sprintf("A report by %s may have %d steps. Ask for a shorter time, or a coarser 'grain'.", s.stored(), maxSteps))
	}
	if kept := s.stored().Kept(); kept > 0 && s.from.Before(now.Add(-kept)) {
		return invalid("grain", fmt.Sprintf("Sums by %s are kept for %d days. Ask for a later 'from', or a coarser 'grain'.", s.grain, kept/day))
	}
	return nil
}

func (s span) steps() int64 { return int64(s.to.Sub(s.from) / step(s.stored())) }

func step(g engine.Grain) time.Duration {
	switch g {
	case engine.GrainMinute:
		return time.Minute
	case engine.GrainHour:
		return time.Hour
	}
	return day
}

func outwards(from, to time.Time, g engine.Grain) span {
	if g == engine.GrainMonth {
		end := monthOf(to)
		if end.Before(to) {
			end = end.AddDate(0, 1, 0)
		}
		return span{monthOf(from), end, g}
	}
	d := step(g)
	end := to.Truncate(d)
	if end.Before(to) {
		end = end.Add(d)
	}
	return span{from.Truncate(d), end, g}
}

// monthOf is the begin of the month, in UTC.
func monthOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}
