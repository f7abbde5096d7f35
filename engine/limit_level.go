package engine

import (
	"math"
	"math/bits"
)

// LimitRate is how a bucket fills: Amount each Window, up to Size. The unit of Window is
// the caller's: nanoseconds in a process, microseconds in a store. Window is at least 1
// where Amount is not 0.
type LimitRate struct {
	Amount int64
	Window int64
	Size   int64
}

// LimitLevel is what a bucket holds: Whole + Part/Window at the time At. Whole is
// negative while more was used than there was. The arithmetic is exact: whatever the
// steps in which time passes, the sum is the same.
type LimitLevel struct {
	Whole int64
	Part  int64 // 0 ≤ Part < Window
	At    int64
}

// Refill adds what has flowed in since At, up to full (which is Size, less what others
// hold of it), and makes now the time. A clock that went back adds nothing.
func (l *LimitLevel) Refill(r LimitRate, full, now int64) {
	passed := now - l.At
	l.At = now
	if l.Whole >= full {
		l.Whole, l.Part = full, 0
		return
	}
	if passed <= 0 || r.Amount == 0 {
		return
	}
	high, low := bits.Mul64(uint64(r.Amount), uint64(passed))
	low, carry := bits.Add64(low, uint64(l.Part), 0)
	high += carry
	window := uint64(r.Window)
	if high == 0 && low < window {
		l.Part = int64(low)
		return
	}
	if high >= window {
		l.Whole, l.Part = full, 0
		return
	}
	gained, part := bits.Div64(high, low, window)
	if gained > math.MaxInt64 || int64(gained) >= full-l.Whole {
		l.Whole, l.Part = full, 0
		return
	}
	l.Whole += int64(gained)
	l.Part = int64(part)
}

// Wait is how long after At the level reaches n when nothing is used meanwhile; 0 when
// it has. It is math.MaxInt64 when it never does.
func (l LimitLevel) Wait(r LimitRate, n int64) int64 {
	if l.Whole >= n {
		return 0
	}
	if r.Amount == 0 || n > r.Size {
		return math.MaxInt64
	}
	high, low := bits.Mul64(uint64(n-l.Whole), uint64(r.Window))
	low, borrow := bits.Sub64(low, uint64(l.Part), 0)
	high -= borrow
	low, carry := bits.Add64(low, uint64(r.Amount-1), 0)
	high += carry
	if high >= uint64(r.Amount) {
		return math.MaxInt64
	}
	wait, _ := bits.Div64(high, low, uint64(r.Amount))
	return int64(min(wait, math.MaxInt64))
}

// Scale carries the level over to another rate: as full as it was, in proportion. What
// is owed stays owed. It must have been refilled at the former rate until now.
func (l *LimitLevel) Scale(from, to LimitRate) {
	if from.Size != to.Size && l.Whole > 0 {
		if from.Size <= 0 {
			l.Whole = 0
		} else {
			high, low := bits.Mul64(uint64(l.Whole), uint64(to.Size))
			if high >= uint64(from.Size) {
				l.Whole = to.Size
			} else {
				scaled, _ := bits.Div64(high, low, uint64(from.Size))
				l.Whole = int64(min(scaled, uint64(to.Size)))
			}
		}
	}
	if from.Window != to.Window || l.Whole >= to.Size {
		l.Part = 0
	}
}
