package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/sdk/abi"
)

// defaultRetryAfter is what a caller is told to wait when every provider was busy and
// none said for how long. It is how long a busy credential is left alone.
const defaultRetryAfter = defaultCooldown

// try calls one for one target after the other until it answers, and returns that
// target. Between two attempts nothing is waited for. one makes a single attempt and
// returns its *attemptError; any other error ends it.
// Errors: the failure that says most to the caller, or why no target could be asked.
func (x *execution) try(ctx context.Context, one func(t Target) error) (Target, error) {
	w := route{x: x, budget: &x.p.budget, desperate: x.plan.desperate}
	var resting []Target // that they cannot be asked is our own guess: they come last, but they come
	for _, t := range x.plan.targets {
		if rests := w.target(ctx, t, one); rests {
			resting = append(resting, t)
		}
		if w.over {
			break
		}
	}
	for _, t := range resting {
		if w.over {
			break
		}
		w.desperate = true
		w.target(ctx, t, one)
	}
	if w.served.Provider != nil {
		return w.served, nil
	}
	return Target{}, w.shown()
}

// route is one request's way over its targets.
type route struct {
	x         *execution
	budget    *retryBudget
	desperate bool // also use what rests by our own guess

	served  Target        // zero: none has
	failure error         // to be shown
	after   time.Duration // the shortest wait that a busy provider asked for; 0: none
	wider   int64         // the next target's window must be larger, tokens; 0: any will do
	from    *retryWindow  // of the provider that failed last; nil: this is the first attempt
	over    bool          // no further target may be tried

	unadmitted error // why a target was passed over that limits or budgets refused, the one that is free first
}

// target makes attempts on one target, one for each credential that may help. It reports
// whether the target was passed over for a reason that is our own guess.
func (w *route) target(ctx context.Context, t Target, one func(t Target) error) (rests bool) {
	x := w.x
	if w.wider > 0 && t.Model.ContextWindow > 0 && t.Model.ContextWindow <= w.wider {
		x.skip(t, SkipContext, itoa(t.Model.ContextWindow)+" tokens are no more than were too few")
		return false
	}
	t.simulated = x.p.cfg.Upstream.Simulated(t.Provider)
	for used := []string(nil); ; {
		c, why, ok := x.p.credentials.choose(wanted{
			provider: t.Provider, upstream: t.Model.UpstreamID,
			request: x.r.ID, attempt: x.attempts + 1, used: used, desperate: w.desperate,
		})
		if !ok {
			return w.pass(t, why, used) || rests
		}
		if w.from != nil && !w.from.allow(w.least()) {
			x.skip(t, SkipRetryBudget, "")
			w.over = true
			return false
		}
		t.Credential, used = c.ID, append(used, c.ID)
		if x.pass, ok = x.enter(&t, w.desperate); !ok {
			if w.from != nil {
				w.from.cancel()
			}
			if len(used) == 1 {
				x.skip(t, SkipDown, "no trial is free")
			}
			rests = !w.desperate
			continue // another key may be well
		}
		admitted, skipped, err := x.admit(ctx, t)
		if err != nil {
			x.pass.Cancel()
			if w.from != nil {
				w.from.done(err) // it was allowed, and is not made
			}
			w.refused(t, err)
			if refusal := AsLimitRefusal(err); refusal != nil && refusal.Provider != "" {
				continue // it is the key's limit, and there may be another key
			}
			if !skipped {
				w.failure, w.over = err, true
			}
			return false
		}
		x.admitted = admitted
		retried := w.from != nil
		if !retried {
			w.budget.of(t.Provider).request()
		}
		err = one(t)
		if retried {
			w.from.done(err)
		}
		if err == nil {
			x.p.credentials.succeeded(t.Provider, c)
			w.served, w.over = t, true
			return false
		}
		rests = false // it was asked
		again := w.note(ctx, t, c, err)
		if w.over || !again {
			return false
		}
	}
}

// least is how many retries may fail within the window however few requests there are. Where
// health finds every target down, others than the first are tried now and then only.
func (w *route) least() int64 {
	if w.x.plan.desperate {
		return 1
	}
	return minRetries
}

// pass notes why a target has no credential for the request, and reports whether a pause
// that nobody announced is why.
func (w *route) pass(t Target, why unavailable, used []string) (rests bool) {
	if len(used) > 0 || why.reason == "" {
		return false // it was tried, and its failure is recorded
	}
	w.x.skip(t, why.reason, why.detail)
	if why.reason != SkipCooldown {
		return false
	}
	if why.cooldown.announced {
		w.wait(time.Until(why.cooldown.until))
	}
	return !why.cooldown.announced
}

// note takes a failed attempt into account and reports whether another credential of
// the same target may do better.
func (w *route) note(ctx context.Context, t Target, c Credential, err error) bool {
	x := w.x
	w.failure = telling(w.failure, err)
	var f *attemptError
	if errors.As(err, &f) {
		x.p.credentials.failed(t.Provider, c, t.Model.UpstreamID, f.class, f.status, f.After)
		if f.Code == CodeRateLimited || f.Code == CodeUpstreamOverloaded {
			w.wait(f.After)
		}
		if f.class == abi.ClassContextLength && f.status != 429 { // a 429 is a limit of the key, not the window
			w.wider = max(w.wider, t.Model.ContextWindow)
		}
	}
	w.over = !x.failed(ctx, t, err) || x.attempts >= x.p.cfg.MaxAttempts
	w.from = w.budget.of(t.Provider)
	return f != nil && (f.class == abi.ClassAuth || f.class == abi.ClassRateLimited || f.class == abi.ClassQuota || errors.Is(err, ErrNoCredential))
}

func (w *route) wait(d time.Duration) {
	if d > 0 && (w.after == 0 || d < w.after) {
		w.after = d
	}
}

// shown is the error for the caller.
func (w *route) shown() error {
	if w.failure == nil && w.unadmitted != nil {
		return w.unadmitted
	}
	if w.failure == nil {
		e := noTarget(w.x.plan.skips)
		e.After = w.after
		return e
	}
	var f *attemptError
	if !errors.As(w.failure, &f) || f.Code != CodeRateLimited && f.Code != CodeUpstreamOverloaded {
		return w.failure
	}
	// The caller may come back when the first of them can take it.
	after := w.after
	if after == 0 {
		after = defaultRetryAfter
	}
	told, e := *f, *f.baseError
	e.After, told.baseError = after, &e
	return &told
}

// skip notes that a target is passed over.
func (x *execution) skip(t Target, reason SkipReason, detail string) {
	x.plan.skips = append(x.plan.skips, Skip{What: t.Model.ID, Reason: reason, Detail: detail})
}

// failed notes a failed attempt and reports whether the next target may be tried.
func (x *execution) failed(ctx context.Context, t Target, err error) bool {
	var f *attemptError
	if !errors.As(err, &f) {
		return false
	}
	x.failures = append(x.failures, Skip{What: t.Model.ID, Reason: SkipFailed, Detail: f.summary})
	zerolog.Ctx(ctx).Debug().Str("request_id", x.r.ID).Str("model", t.Model.ID).
		Str("provider", t.Provider.ID).Str("outcome", f.summary).Bool("retryable", f.retryable).Err(f.Err).Msg("attempt failed")
	return f.retryable && ctx.Err() == nil && x.left() > 0
}

// telling returns which of two failures the caller is shown: the later one, unless
// only the earlier provider was asked. That a fallback has no such thing as the request
// needs says nothing to somebody whose first choice is overloaded.
func telling(before, now error) error {
	var a, b *attemptError
	if errors.As(before, &a) && errors.As(now, &b) && a.asked && !b.asked {
		return before
	}
	return now
}

// Retry budget: of the retries that one provider's failures cause within the window,
// as many may fail as are a tenth of its requests in that time, and always minRetries, or one
// when every target is down.
// See RATIONALE.md, "Which retries count against the budget?".
const (
	budgetWindow = 10 // seconds
	budgetShare  = 10 // one retry in so many requests
	minRetries   = 10
)

// maxWindows is from how many windows on those that nobody uses are looked for: tenants
// name the providers.
const maxWindows = 4096

// retryBudget has a window for each provider that was asked of late. The zero value is
// ready. Safe for concurrent use; it takes no lock.
type retryBudget struct {
	windows sync.Map     // accountKey → *retryWindow
	n       atomic.Int64 // of windows
	sweepAt atomic.Int64 // the number at which to look for unused ones; below maxWindows: there
}

func (b *retryBudget) of(p *Provider) *retryWindow {
	k := accountKey{p.AccountID, p.ID}
	if v, ok := b.windows.Load(k); ok {
		return v.(*retryWindow)
	}
	v, loaded := b.windows.LoadOrStore(k, &retryWindow{})
	if !loaded && b.n.Add(1) > max(b.sweepAt.Load(), maxWindows) {
		b.sweep(k)
	}
	return v.(*retryWindow)
}

// sweep forgets the windows that nothing is in, but for the new one.
func (b *retryBudget) sweep(fresh accountKey) {
	b.windows.Range(func(k, v any) bool {
		if k != fresh && v.(*retryWindow).unused() && b.windows.CompareAndDelete(k, v) {
			b.n.Add(-1)
		}
		return true
	})
	b.sweepAt.Store(2 * b.n.Load())
}

// retryWindow counts, by the second, the requests whose first attempt is a provider's, and
// what became of the retries that its failures caused.
type retryWindow struct {
	pending atomic.Int64 // retries under way
	seconds [budgetWindow]retrySecond
}

type retrySecond struct {
	unix                     atomic.Int64 // which second it is
	requests, helped, failed atomic.Int64
}

// now is the current second. What is counted in the instant in which a second begins
// may be lost: nothing depends on one more or less.
func (w *retryWindow) now() *retrySecond {
	unix := time.Now().Unix()
	s := &w.seconds[unix%budgetWindow]
	if was := s.unix.Load(); was != unix && s.unix.CompareAndSwap(was, unix) {
		s.requests.Store(0)
		s.helped.Store(0)
		s.failed.Store(0)
	}
	return s
}

// unused reports whether it would not matter if the window began anew.
func (w *retryWindow) unused() bool {
	if w.pending.Load() > 0 {
		return false
	}
	oldest := time.Now().Unix() - budgetWindow
	for i := range w.seconds {
		if w.seconds[i].unix.Load() > oldest {
			return false
		}
	}
	return true
}

// request counts a request.
func (w *retryWindow) request() { w.now().requests.Add(1) }

// allow reports whether a retry may be made, and counts it when it may: done must follow.
// Those under way are taken to fail as often as those before them did. So many as least may fail.
func (w *retryWindow) allow(least int64) bool {
	oldest := time.Now().Unix() - budgetWindow
	var requests, helped, failed int64
	for i := range w.seconds {
		s := &w.seconds[i]
		if s.unix.Load() > oldest {
			requests += s.requests.Load()
			helped += s.helped.Load()
			failed += s.failed.Load()
		}
	}
	expected := failed
	if failed > 0 {
		expected += w.pending.Load() * failed / (failed + helped)
	}
	if expected >= max(requests/budgetShare, least) {
		return false
	}
	w.pending.Add(1)
	return true
}

// cancel says that a retry which was allowed is not made.
func (w *retryWindow) cancel() { w.pending.Add(-1) }

// done counts what became of a retry. One that was the caller's fault, or that the caller
// did not wait for, is neither help nor failure.
func (w *retryWindow) done(err error) {
	w.pending.Add(-1)
	var f *attemptError
	switch {
	case err == nil:
		w.now().helped.Add(1)
	case errors.As(err, &f) && f.retryable:
		w.now().failed.Add(1)
	}
}
