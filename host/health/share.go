package health

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// changes are transitions that this process made and has not stored yet, oldest first.
type changes struct {
	wake chan struct{} // 1 slot: there are some

	mu      sync.Mutex
	fresh   []engine.HealthTransition // nobody was told of them
	waiting []engine.StoredTransition // for the store
	lost    int64                     // given up, since the last log line
}

// changed takes a transition from the service. It is called by requests: it waits for nothing.
func (m *Monitor) changed(t engine.HealthTransition) {
	m.controls.switched(&t)
	c := &m.changes
	c.mu.Lock()
	if len(c.fresh) < maxPending {
		c.fresh = append(c.fresh, t)
	} else {
		c.lost++
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// tell publishes and stores what changes, until ctx ends.
func (m *Monitor) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.changes.wake:
		}
		for wait := firstWait; !m.tellOnce(ctx); wait = min(2*wait, lastWait) {
			if !pause(ctx, wait) {
				return
			}
		}
	}
}

// tellOnce publishes what is new and stores what waits. It reports whether nothing is left.
func (m *Monitor) tellOnce(ctx context.Context) bool {
	c := &m.changes
	c.mu.Lock()
	fresh, lost := c.fresh, c.lost
	c.fresh, c.lost = nil, 0
	c.mu.Unlock()
	if lost > 0 {
		m.cfg.Log.Error().Int64("transitions", lost).Msg("health changed faster than it could be told")
	}
	for i := range fresh {
		m.publish(&fresh[i], true)
		c.waiting = append(c.waiting, engine.StoredTransition{HealthTransition: fresh[i], ID: uuid.Must(uuid.NewV7()).String(), Replica: m.cfg.Replica})
	}
	if over := len(c.waiting) - maxPending; over > 0 {
		c.waiting = c.waiting[over:]
		m.cfg.Log.Error().Int("transitions", over).Msg("transitions of health given up: the store has been away for too long")
	}
	for len(c.waiting) > 0 {
		part := c.waiting[:min(chunk, len(c.waiting))]
		_, err := m.cfg.Store.AddHealthTransitions(ctx, part)
		if engine.CodeOf(err) == engine.CodeInvalid && len(part) > 1 {
			part = part[:1] // one of them cannot be stored: which one shows
			_, err = m.cfg.Store.AddHealthTransitions(ctx, part)
		}
		switch {
		case engine.CodeOf(err) == engine.CodeInvalid:
			m.cfg.Log.Error().Err(err).Str("subject", part[0].Subject.String()).Msg("transition of health that cannot be stored left out")
		case err != nil:
			m.failed(ctx, err, "transitions of health not stored, will try again")
			return false
		}
		c.waiting = c.waiting[len(part):]
	}
	c.waiting = nil
	return true
}

// follow adopts what other processes tell, until ctx ends.
func (m *Monitor) follow(ctx context.Context) {
	news := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() {
		cancel() // the caller's goes on when this is a panic
		wg.Wait()
	}()
	wg.Go(func() {
		engine.Keep(ctx, m.cfg.Log, "health: news of other processes", func(ctx context.Context) {
			_ = m.cfg.Store.FollowHealth(ctx, func() {
				select {
				case news <- struct{}{}:
				default:
				}
			})
		})
	})
	poll := time.NewTicker(tickEvery)
	defer poll.Stop()
	for wait := firstWait; ; {
		if m.followOnce(ctx) {
			wait = firstWait
		} else if wait = min(2*wait, lastWait); !pause(ctx, wait) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-poll.C:
		}
	}
}

// followOnce adopts what is new. It reports whether the store could be read.
func (m *Monitor) followOnce(ctx context.Context) bool {
	const page = 500
	for {
		list, err := m.cfg.Store.HealthTransitionsAfter(ctx, m.followed, page)
		if err != nil {
			m.failed(ctx, err, "transitions of health of other processes not read, will try again")
			return false
		}
		for i := range list {
			m.followed = list[i].Sequence
			if t := &list[i]; t.Replica != m.cfg.Replica && m.exists(t.Subject) {
				m.controls.switched(&t.HealthTransition)
				if m.follows(t.HealthTransition) {
					m.publish(&t.HealthTransition, false)
				}
			}
		}
		if len(list) < page {
			return true
		}
	}
}

// follows adopts a transition of another process, and reports whether it is news here. It is none
// where this process had found and told the same.
func (m *Monitor) follows(t engine.HealthTransition) bool {
	before, _ := m.Subject(t.Subject)
	m.Adopt(t)
	after, known := m.Subject(t.Subject)
	return !known || before.Status != after.Status || before.Switch != after.Switch
}

// exists reports whether the subject is of a provider that there is: of what was deleted
// nothing need be known.
func (m *Monitor) exists(s engine.HealthSubject) bool {
	p, ok := m.cfg.Catalogue().Provider(s.AccountID, s.ProviderID)
	return ok && p.AccountID == s.AccountID
}

// failed logs an error that is not the stop's.
func (m *Monitor) failed(ctx context.Context, err error, message string) {
	if err != nil && ctx.Err() == nil {
		m.cfg.Log.Warn().Err(err).Msg(message)
	}
}
