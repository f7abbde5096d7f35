package host

import (
	"context"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/tenancy"
)

const (
	// confirmEvery is how often the store is asked whether the keys in force are those stored.
	confirmEvery = 5 * time.Second
	// defaultKeysAlone and minKeysAlone are of Config.KeysWithoutDatabase. The least is two
	// questions: one alone may be lost without anything being wrong.
	defaultKeysAlone = time.Minute
	minKeysAlone     = 2 * confirmEvery
)

// freshness says for how long the keys in force may be believed. The zero value believes them
// for ever. Safe for concurrent use.
//
// See RATIONALE.md, "For how long do keys hold without the database?".
type freshness struct {
	mu    sync.Mutex
	keys  *tenancy.Keys
	lasts time.Duration // from the store's last word; 0: for ever. Only begin sets it
	last  time.Time     // when that was asked for
	end   *time.Timer   // when it ends
	age   tenancy.Age
	told  func(tenancy.Age, time.Time) // of a change of age
}

// begin sets how long they hold.
func (f *freshness) begin(keys *tenancy.Keys, lasts time.Duration, told func(tenancy.Age, time.Time)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys, f.lasts, f.told = keys, lasts, told
}

// confirm says that they were what is stored when it was asked for.
func (f *freshness) confirm(asked time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lasts == 0 || asked.Before(f.last) {
		return
	}
	f.last = asked
	left := max(f.lasts-time.Since(asked), 0)
	if f.end == nil {
		f.end = time.AfterFunc(left, f.expire)
	} else {
		f.end.Reset(left)
	}
	f.become(tenancy.Fresh)
}

// doubt says that the store did not answer.
func (f *freshness) doubt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.age == tenancy.Fresh && f.lasts > 0 {
		f.become(tenancy.Old)
	}
}

// expire ends them, unless they were confirmed since.
func (f *freshness) expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if left := f.lasts - time.Since(f.last); left > 0 {
		f.end.Reset(left)
		return
	}
	f.become(tenancy.Stale)
}

// stop ends the timer.
func (f *freshness) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.end != nil {
		f.end.Stop()
	}
}

func (f *freshness) become(a tenancy.Age) {
	if f.age != a {
		f.age = a
		f.keys.SetAge(a)
		f.told(a, f.last)
	}
}

// openFreshness makes keys end that cannot be confirmed. Nobody else writes to an embedded
// database, so that what is loaded is what is stored whether or not its file can be read.
func (h *Host) openFreshness() {
	if h.cfg.embedded() {
		return
	}
	lasts := h.cfg.KeysWithoutDatabase
	if lasts == 0 {
		lasts = defaultKeysAlone
	}
	h.fresh.begin(h.keys, lasts, func(a tenancy.Age, last time.Time) {
		switch a {
		case tenancy.Fresh:
			h.opts.Log.Info().Msg("the database answers again")
		case tenancy.Old:
			h.opts.Log.Warn().Time("keys_hold_until", last.Add(lasts)).Msg("the database does not answer: keys in memory go on to be accepted, unknown ones are answered 503")
		case tenancy.Stale:
			h.opts.Log.Error().Time("last_answer", last).Msg("the database has not answered for too long: every request is answered 503")
		}
	})
}

// confirm asks the store again and again whether what is in force is what is stored, until ctx
// ends. It has another connection than Watch, so that it finds out what that one misses.
func (h *Host) confirm(ctx context.Context) {
	defer func() {
		if ctx.Err() != nil { // after a panic keys must still end
			h.fresh.stop()
		}
	}()
	every := h.opts.PollEvery
	if every <= 0 {
		every = confirmEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		h.confirmOnce(ctx, confirmEvery)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (h *Host) confirmOnce(ctx context.Context, patience time.Duration) {
	// An answer that is late is one all the same, while there is time for another question.
	asking, cancel := context.WithTimeout(ctx, max(patience, h.fresh.lasts/2))
	defer cancel()
	doubting := time.AfterFunc(patience, h.fresh.doubt)
	defer doubting.Stop() // also of a panic
	asked := time.Now()
	ask := h.store.Revision
	if c, ok := h.store.(engine.Confirmer); ok {
		ask = c.Confirm
	}
	revision, err := ask(asking)
	doubting.Stop()
	switch {
	case ctx.Err() != nil:
	case err != nil:
		h.fresh.doubt()
	case revision == h.revision.Load():
		h.fresh.confirm(asked)
	default:
		h.changed(revision)
	}
}
