package ratelimit

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// announcements are the limits that providers told of: one set for each credential, and
// for each of its models.
type announcements struct {
	n   atomic.Int64
	all sync.Map // announcedKey → *announced
}

type announcedKey struct {
	owner, provider, credential, upstream string
}

// maxAnnounced bounds them: catalogue rows times credentials.
const maxAnnounced = 10_000

// announced is what one provider said. What was used comes back evenly until the announced
// moment, when all of it is there (RATIONALE.md, "Why do announced limits flow back instead of
// waiting for the reset?"); one who gives no limit is waited for until then.
type announced struct {
	mu       sync.Mutex
	requests announcedLevel
	tokens   announcedLevel
	retry    time.Duration // nothing before then
}

type announcedLevel struct {
	set   bool
	level engine.LimitLevel
	rate  engine.LimitRate // Amount 0: it comes back at once, at reset
	reset int64
}

// Observe implements engine.Limiter.
func (l *Limiter) Observe(o engine.LimitObservation) {
	if !o.Requests.Set && !o.Tokens.Set && o.RetryAfter <= 0 {
		return
	}
	now := o.Now
	if now == 0 {
		now = l.cfg.Clock()
	}
	k := announcedKey{o.ProviderOwner, o.ProviderID, o.Credential, o.UpstreamID}
	found, ok := l.announced.all.Load(k)
	if !ok {
		if l.announced.n.Load() >= maxAnnounced {
			l.announced.forget(now)
			if l.announced.n.Load() >= maxAnnounced {
				return
			}
		}
		if found, ok = l.announced.all.LoadOrStore(k, &announced{}); !ok {
			l.announced.n.Add(1)
		}
	}
	a := found.(*announced)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests.observe(o.Requests, int64(now))
	a.tokens.observe(o.Tokens, int64(now))
	if o.RetryAfter > 0 {
		a.retry = max(a.retry, now+min(o.RetryAfter, maxAnnouncedWait))
	}
}

// maxAnnouncedWait bounds what a provider may ask for.
const maxAnnouncedWait = time.Hour

func (a *announcedLevel) observe(o engine.AnnouncedLeft, now int64) {
	if !o.Set {
		return
	}
	reset := int64(max(0, min(o.Reset, maxAnnouncedWait)))
	a.set, a.reset = true, now+reset
	left := max(0, min(o.Remaining, engine.MaxLimitAmount))
	size := max(left, min(o.Limit, engine.MaxLimitAmount))
	a.level = engine.LimitLevel{Whole: left, At: now}
	a.rate = engine.LimitRate{Window: max(reset, 1), Size: size}
	if o.Limit > 0 {
		a.rate.Amount = size - left
	}
}

// refill makes now the time. After the reset nothing is known any more.
func (a *announcedLevel) refill(now int64) {
	if a.set && now >= a.reset {
		a.set = false
	}
	if a.set {
		a.level.Refill(a.rate, a.rate.Size, now)
	}
}

// wait is how long until n are there; 0: they are.
func (a *announcedLevel) wait(n, now int64) int64 {
	n = min(n, max(a.rate.Size, 1)) // a provider may take what we think too large
	if !a.set || a.level.Whole >= n {
		return 0
	}
	return min(a.level.Wait(a.rate, n), max(a.reset-now, 1))
}

// take takes from what the credential and its model have left. Only q's target counts.
func (a *announcements) take(q *engine.LimitRequest, h *hold, now time.Duration) *engine.LimitRefusal {
	if a.n.Load() == 0 || q.ProviderID == "" {
		return nil
	}
	for i, upstream := range [...]string{"", q.UpstreamID} {
		if i == 1 && upstream == "" {
			break
		}
		found, ok := a.all.Load(announcedKey{q.ProviderOwner, q.ProviderID, q.Credential, upstream})
		if !ok {
			continue
		}
		if refusal := found.(*announced).take(h.tokens, int64(now)); refusal != nil {
			refusal.Provider = q.ProviderID
			for _, taken := range h.announced {
				if taken != nil {
					taken.end(true, h.tokens, 0)
				}
			}
			return refusal
		}
		h.announced[i] = found.(*announced)
	}
	return nil
}

func (a *announced) take(tokens, now int64) *engine.LimitRefusal {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests.refill(now)
	a.tokens.refill(now)
	r := engine.LimitRefusal{Kind: engine.LimitRequests, Amount: a.requests.rate.Size, Remaining: max(a.requests.level.Whole, 0)}
	wait := max(a.requests.wait(1, now), int64(a.retry)-now, 0)
	if byTokens := a.tokens.wait(tokens, now); byTokens > wait {
		wait = byTokens
		r.Kind, r.Amount, r.Remaining = engine.LimitTokens, a.tokens.rate.Size, max(a.tokens.level.Whole, 0)
	}
	if wait > 0 {
		r.After = time.Duration(min(wait, math.MaxInt64))
		return &r
	}
	if a.requests.set {
		a.requests.level.Whole--
	}
	if a.tokens.set {
		a.tokens.level.Whole -= tokens
	}
	return nil
}

// end returns what was not used. What the provider has announced since then counts the
// request already; the little that is returned twice is overwritten by its next answer.
func (a *announced) end(cancelled bool, tokens, used int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cancelled && a.requests.set {
		a.requests.level.Whole++
	}
	if a.tokens.set {
		a.tokens.level.Whole += tokens - used
	}
}

// forget drops what no longer holds.
func (a *announcements) forget(now time.Duration) {
	a.all.Range(func(k, v any) bool {
		one := v.(*announced)
		one.mu.Lock()
		over := now >= one.retry && (!one.requests.set || int64(now) >= one.requests.reset) && (!one.tokens.set || int64(now) >= one.tokens.reset)
		one.mu.Unlock()
		if over && a.all.CompareAndDelete(k, v) {
			a.n.Add(-1)
		}
		return true
	})
}
