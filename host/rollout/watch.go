package rollout

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// Watch counts what rollouts do. It is the pipeline's engine.DecisionLog, and passes on to the
// one that keeps decisions. Requests of accounts without a rollout cost it a map lookup. Make one
// with NewWatch, give it what runs with Load, and let Run work. Safe for concurrent use.
type Watch struct {
	cfg     Config
	process string // what this process's counts are stored under
	running atomic.Pointer[running]
	loading sync.Mutex
	compare chan comparison
}

// running is the rollouts of a moment, by account.
type running struct {
	canaries map[string]*trial
	shadows  map[string]*trial
}

// comparisons is how many requests may wait for a shadow; it bounds their memory with
// engine.MaxRecordedBody.
const comparisons = 256

// NewWatch returns a watch of nothing.
func NewWatch(cfg Config) *Watch {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	w := &Watch{cfg: cfg, process: uuid.NewString(), compare: make(chan comparison, comparisons)}
	w.running.Store(&running{})
	return w
}

// Load puts the rollouts in force that run. One that does not compile is passed over and
// reported; one that ran before keeps its counts.
func (w *Watch) Load(list []engine.Rollout) (problems []error) {
	w.loading.Lock()
	defer w.loading.Unlock()
	was, now := w.running.Load(), &running{canaries: map[string]*trial{}, shadows: map[string]*trial{}}
	for _, r := range list {
		trials := now.canaries
		before := was.canaries[r.AccountID]
		if r.Kind == engine.RolloutShadow {
			trials, before = now.shadows, was.shadows[r.AccountID]
		}
		if before == nil || before.rollout.ID != r.ID {
			draft, err := w.cfg.Drafter.Draft(r.AccountID, r.Draft)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			before = newTrial(r, draft)
		}
		trials[r.AccountID] = before.with(r)
	}
	w.running.Store(now)
	return problems
}

// Detail implements engine.DecisionLog.
func (w *Watch) Detail(p *engine.Principal, requestID string) engine.DecisionDetail {
	detail := w.kept(p, requestID)
	now := w.running.Load()
	if detail == engine.DecisionUnrecorded && (now.canaries[p.AccountID] != nil || now.canaries[""] != nil) {
		detail = engine.DecisionRecorded
	}
	if now.shadowed(p.AccountID, requestID) {
		detail = engine.DecisionWithText
	}
	return detail
}

// kept is what is kept of the decision.
func (w *Watch) kept(p *engine.Principal, requestID string) engine.DecisionDetail {
	if w.cfg.Decisions == nil {
		return engine.DecisionUnrecorded
	}
	return w.cfg.Decisions.Detail(p, requestID)
}

// Record implements engine.DecisionLog.
func (w *Watch) Record(d *engine.DecisionRecord) {
	now := w.running.Load()
	account := d.Inputs.Principal.AccountID
	for _, t := range [...]*trial{now.canaries[account], now.canaries[""]} {
		if t != nil {
			t.count(d, w.cfg.Now())
		}
	}
	for _, t := range [...]*trial{now.shadows[account], now.shadows[""]} {
		if t != nil && t.takes(d.Inputs.RequestID) {
			select {
			case w.compare <- compared(t, d):
			default:
				t.dropped()
			}
		}
	}
	kept := w.kept(&d.Inputs.Principal, d.Inputs.RequestID)
	if kept == engine.DecisionUnrecorded {
		return
	}
	if kept < d.Detail {
		d.Detail, d.Inputs.Text, d.Inputs.Metadata, d.Inputs.Body = kept, "", nil, nil
	}
	w.cfg.Decisions.Record(d)
}

func (r *running) shadowed(account, request string) bool {
	for _, t := range [...]*trial{r.shadows[account], r.shadows[""]} {
		if t != nil && t.takes(request) {
			return true
		}
	}
	return false
}

// comparison is a request that waits for a shadow.
type comparison struct {
	trial  *trial
	record engine.DecisionRecord
}

// compared copies what outlives the request.
func compared(t *trial, d *engine.DecisionRecord) comparison {
	c := comparison{t, *d}
	r := &c.record
	r.Targets, r.Skips, r.Inputs.States = slices.Clone(d.Targets), slices.Clone(d.Skips), slices.Clone(d.Inputs.States)
	r.Inputs.Found, r.Inputs.Body, r.Inputs.Metadata = slices.Clone(d.Inputs.Found), slices.Clone(d.Inputs.Body), slices.Clone(d.Inputs.Metadata)
	r.Inputs.Text = strings.Clone(d.Inputs.Text)
	f := &r.Inputs.Features
	f.Model, f.Command, f.TaskType = strings.Clone(f.Model), strings.Clone(f.Command), strings.Clone(f.TaskType)
	h := &r.Inputs.Hints
	h.SessionID, h.TaskType, h.AgentID = strings.Clone(h.SessionID), strings.Clone(h.TaskType), strings.Clone(h.AgentID)
	r.Considered = nil // no shadow looks at them, and the request's memory is used again
	r.Inputs.Model, r.Inputs.RequestID = strings.Clone(d.Inputs.Model), strings.Clone(d.Inputs.RequestID)
	return c
}

// shadow lets a draft decide on a request that was decided.
func (w *Watch) shadow(ctx context.Context, c comparison) {
	d := &c.record
	r, err := d.Inputs.Replay(w.cfg.Catalogue().Models(d.Inputs.Principal.AccountID), nil)
	if err != nil {
		c.trial.compare(d, engine.Replanned{}, engine.ErrUndecided, w.cfg.Catalogue())
		return
	}
	defer d.Inputs.Forget(r)
	r.Recorded.Whole = utf8.RuneCountInString(d.Inputs.Text) == d.Inputs.Features.Chars
	now, err := w.cfg.Planner().Replan(ctx, r, c.trial.draft, d.Skips)
	if ctx.Err() != nil {
		return
	}
	c.trial.compare(d, now, err, w.cfg.Catalogue())
}

// Run compares, stores what was counted and looks at the guards, until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case c := <-w.compare:
				_ = engine.Contain(w.cfg.Log, "shadow of a rollout", func() { w.shadow(ctx, c) })
			}
		}
	}()
	tick := time.NewTicker(w.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			<-done
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			w.store(last)
			cancel()
			return
		case <-tick.C:
			w.store(ctx)
			w.judge(ctx)
		}
	}
}

// each calls f with every trial that runs.
func (w *Watch) each(f func(t *trial)) {
	now := w.running.Load()
	for _, m := range [...]map[string]*trial{now.canaries, now.shadows} {
		for _, t := range m {
			f(t)
		}
	}
}

func (w *Watch) store(ctx context.Context) {
	w.each(func(t *trial) {
		stats, fresh := t.take(w.cfg.Now())
		if !fresh {
			return
		}
		if err := w.cfg.Store.PutRolloutStats(ctx, t.rollout.AccountID, t.rollout.ID, w.process, w.cfg.Now(), stats); err != nil && ctx.Err() == nil {
			t.again()
			w.cfg.Log.Warn().Err(err).Str("rollout", t.rollout.ID).Msg("counts of a rollout not stored, will try again")
		}
	})
}

// judge ends the canaries that are beyond a guard, here at once and everywhere with the write.
func (w *Watch) judge(ctx context.Context) {
	for _, t := range w.running.Load().canaries {
		r := t.rollout
		stats, err := w.Stats(ctx, r)
		if err != nil {
			stats, _ = t.take(w.cfg.Now()) // then what this process has seen has to do
		}
		why := r.Guards.Breach(&stats)
		if why == "" {
			continue
		}
		if w.cfg.Drop != nil {
			w.cfg.Drop(r.AccountID, r.ID)
		}
		was := r.UpdatedAt
		r.Status, r.Reason, r.EndedAt = engine.RolloutRolledBack, why, w.cfg.Now().UTC().Truncate(time.Millisecond)
		r.UpdatedAt = later(r.EndedAt, was)
		as := audited(engine.WithActor(ctx, engine.Actor{}), w.cfg.Now(), "rollout.roll_back", r)
		switch err := w.cfg.Store.UpdateRollout(as, r, was); {
		case errors.Is(err, engine.ErrConflict), errors.Is(err, engine.ErrNotFound): // somebody else changed or ended it
			if err := w.cfg.Restore(ctx); err != nil && ctx.Err() == nil {
				w.cfg.Log.Error().Err(err).Str("rollout", r.ID).Msg("a canary that somebody changed is off here until rules change again")
			}
		case err != nil:
			w.cfg.Log.Error().Err(err).Str("rollout", r.ID).Msg("a canary that went wrong is off here, but not stored as ended; will try again")
			continue
		default:
			notice(w.cfg.Notices, engine.NoticeRolloutRolledBack, r, "Canary "+r.ID+" was rolled back: "+why+".")
		}
		if err := w.cfg.Reload(ctx); err != nil && ctx.Err() == nil {
			w.cfg.Log.Error().Err(err).Msg("rollouts not reloaded")
		}
	}
}

// staleCounts is after how long what a process has counted is no longer of the window.
const staleCounts = time.Minute

// Stats is what all processes have counted of a rollout. Errors: the store's.
func (w *Watch) Stats(ctx context.Context, r engine.Rollout) (engine.RolloutStats, error) {
	since := time.Time{}
	if r.Kind == engine.RolloutCanary && r.Status == engine.RolloutRunning {
		since = w.cfg.Now().Add(-max(staleCounts, r.Guards.Window))
	}
	list, err := w.cfg.Store.RolloutStats(ctx, r.AccountID, r.ID, since)
	var sum engine.RolloutStats
	for _, s := range list {
		sum.Merge(s)
	}
	slices.SortFunc(sum.Moves, func(a, b engine.BacktestMove) int { return int(b.Requests - a.Requests) })
	return sum, err
}

// later is t, or just after was.
func later(t, was time.Time) time.Time {
	if t.After(was) {
		return t
	}
	return was.Add(time.Millisecond)
}
