package ratelimit

import (
	"sync"

	"github.com/pointsman/pointsman/engine"
)

// hold is one open reservation. Holds are used again: the ticket tells a late second call
// of a former use from one of this.
type hold struct {
	limiter *Limiter

	mu        sync.Mutex
	ticket    uint64
	takes     []take
	tokens    int64
	announced [2]*announced
	lacking   []want // while it is being reserved
}

var _ engine.LimitHolder = (*hold)(nil)

// SettleLimits implements engine.LimitHolder.
func (h *hold) SettleLimits(ticket uint64, tokens int64) {
	h.end(ticket, false, max(0, min(tokens, engine.MaxLimitAmount)))
}

// CancelLimits implements engine.LimitHolder.
func (h *hold) CancelLimits(ticket uint64) { h.end(ticket, true, 0) }

func (h *hold) end(ticket uint64, cancelled bool, used int64) {
	h.mu.Lock()
	if h.ticket != ticket {
		h.mu.Unlock()
		return
	}
	h.ticket++
	h.limiter.giveBack(h.takes, cancelled, h.tokens-used)
	for _, a := range h.announced {
		if a != nil {
			a.end(cancelled, h.tokens, used)
		}
	}
	h.clear()
	h.mu.Unlock()
	h.limiter.holds.Put(h)
}

// clear lets go of what the takes point to.
func (h *hold) clear() {
	clear(h.takes)
	h.takes = h.takes[:0]
	clear(h.lacking)
	h.lacking = h.lacking[:0]
	h.announced = [2]*announced{}
}

// LimitsLeft implements engine.LimitHolder.
func (h *hold) LimitsLeft(ticket uint64) (left engine.LimitState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ticket != ticket {
		return left
	}
	now := int64(h.limiter.cfg.Clock())
	for i := range h.takes {
		tk := &h.takes[i]
		b := tk.bucket
		b.mu.Lock()
		b.refresh(tk.spec, now)
		tighten(&left, b, now)
		b.mu.Unlock()
	}
	return left
}
