package health

import "sync/atomic"

// window counts attempts and failures by the second, for the last minute. A slot's low 24
// bits are the second, the next 20 the attempts, the last 20 the failures. Counting is one
// atomic step; only under its subject's lock does a slot become another second's.
type window [windowSlots]atomic.Uint64

const (
	windowSlots = 64
	longWindow  = 60 // seconds that can be asked for

	tagBits   = 24
	countBits = 20
	tagMask   = 1<<tagBits - 1
	countMask = 1<<countBits - 1

	oneAttempt = 1 << tagBits
	oneFailure = 1 << (tagBits + countBits)
)

// tally is how many attempts there were, and failures.
type tally struct{ attempts, failures int64 }

func (t tally) share() float64 {
	if t.attempts <= 0 {
		return 0
	}
	return min(float64(t.failures)/float64(t.attempts), 1)
}

func (t tally) minus(u tally) tally { return tally{t.attempts - u.attempts, t.failures - u.failures} }

func tallyOf(slot uint64) tally {
	return tally{int64(slot >> tagBits & countMask), int64(slot >> (tagBits + countBits) & countMask)}
}

// current reports whether the second has its slot.
func (w *window) current(second int64) bool {
	return w[second%windowSlots].Load()&tagMask == uint64(second)&tagMask
}

// add counts in the second, whose slot it has. A million in a second are all that is counted.
func (w *window) add(second int64, n uint64) {
	slot := &w[second%windowSlots]
	if t := tallyOf(slot.Load()); max(t.attempts, t.failures) < countMask-1024 {
		slot.Add(n)
	}
}

// turn gives the second its slot and returns what was counted in it before, and when.
// Under the subject's lock.
func (w *window) turn(second int64) (was tally, when int64) {
	slot := &w[second%windowSlots]
	old := slot.Swap(uint64(second) & tagMask)
	return tallyOf(old), secondOf(old, second)
}

// secondOf is the second of a slot, which is the last one before now that has its tag.
func secondOf(slot uint64, now int64) int64 {
	return now - int64((uint64(now)-slot)&tagMask)
}

// last sums the seconds after since, of the last n up to now.
func (w *window) last(n, now, since int64) (t tally) {
	for second := max(now-n, since) + 1; second <= now; second++ {
		if slot := w[second%windowSlots].Load(); slot&tagMask == uint64(second)&tagMask {
			u := tallyOf(slot)
			t.attempts += u.attempts
			t.failures += u.failures
		}
	}
	t.attempts = max(t.attempts, t.failures) // streams that broke began before, it may be
	return t
}

// enough sums as few of the last seconds, but at least n, as have so many attempts, if 60
// have; it returns of how many it is.
func (w *window) enough(attempts, n, now, since int64) (t tally, within int64) {
	t = w.last(n, now, since)
	for within = n; t.attempts < attempts && within < longWindow; within++ {
		second := now - within
		if second <= since {
			break
		}
		if slot := w[second%windowSlots].Load(); slot&tagMask == uint64(second)&tagMask {
			u := tallyOf(slot)
			t.attempts += u.attempts
			t.failures += u.failures
		}
	}
	t.attempts = max(t.attempts, t.failures)
	return t, within
}
