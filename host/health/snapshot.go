package health

import (
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Snapshot returns what is known of every subject that keep wants (nil: all), in a fixed
// order: by account and provider, of each first itself, then its models, then its
// credentials. keep must not call the service.
func (s *Service) Snapshot(keep func(engine.HealthSubject) bool) []engine.HealthSubjectState {
	var all []*subject
	seen := map[*subject]bool{}
	s.table.all(func(r *route) bool {
		if of := r.own(); of != nil && !seen[of] && (keep == nil || keep(of.id)) {
			seen[of] = true
			all = append(all, of)
		}
		return true
	})
	slices.SortFunc(all, func(a, b *subject) int { return order(a.id, b.id) })
	now := s.now()
	states := make([]engine.HealthSubjectState, len(all))
	for i, of := range all {
		states[i] = of.state(now)
	}
	s.deliver()
	return states
}

// Subject returns what is known of one. ok is false when nothing is.
func (s *Service) Subject(id engine.HealthSubject) (state engine.HealthSubjectState, ok bool) {
	of := s.known(id)
	if of == nil {
		return engine.HealthSubjectState{Subject: id, Status: engine.HealthHealthy}, false
	}
	state = of.state(s.now())
	s.deliver()
	return state, true
}

func (s *subject) state(now time.Time) engine.HealthSubjectState {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick(now)
	second, at := now.Unix(), now.UnixNano()
	minute := s.seconds.last(longWindow, second, second-longWindow)
	first, full := s.first.sum(periods), s.full.sum(periods)
	o := engine.HealthSubjectState{
		Subject: s.id, Status: statuses[s.status], Switch: s.sw, Reason: s.reason, Why: s.why(),
		Since: instant(s.since), Changed: instant(s.changed), Seen: time.Unix(s.seen.Load(), 0).UTC(),
		Ejections: s.forgiven(at), Cooldown: instant(s.cooldown),
		Attempts: minute.attempts, Failures: minute.failures,
		LatencyP50MS: quantileMS(&full, 0.5), LatencyP95MS: quantileMS(&full, 0.95),
		FirstByteP50MS: quantileMS(&first, 0.5), FirstByteP95MS: quantileMS(&first, 0.95),
		UsualFirstByteMS: s.first.usualMS(), UsualLatencyMS: s.full.usualMS(),
		LastError: s.lastError, LastErrorAt: instant(s.lastErrorAt), LastAttempt: instant(s.lastAttempt(second)),
		LastCheck: instant(s.lastCheck), CheckOK: s.checkOK, Warning: s.warning, NextCheck: instant(s.nextCheck),
		Cells: s.cellsNow(second),
	}
	if s.status == down {
		o.Until = instant(s.until)
		o.Out = !s.trials.open && !s.over(at)
	}
	o.Recent, o.Fallbacks = recently(o.Cells, now)
	return o
}

// lastAttempt is when the last second with an attempt began, ns; 0: there was none. Under mu.
func (s *subject) lastAttempt(second int64) int64 {
	last := s.attempted
	for i := range s.seconds {
		if slot := s.seconds[i].Load(); tallyOf(slot) != (tally{}) {
			last = max(last, secondOf(slot, second)*int64(time.Second))
		}
	}
	return last
}

// instant is a time that was kept in ns; 0 is none.
func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// Restore makes hold what was last known, of what nothing newer is known here. It holds until
// attempts and probes say otherwise: what was out stays so until its time, what was degraded
// until as many attempts as judge it, or five minutes. Changed is not told.
func (s *Service) Restore(states []engine.HealthSubjectState) {
	now := s.now()
	for i := range states {
		of := s.subject(states[i].Subject)
		if of == nil && states[i].Switch != engine.HealthOn {
			of = s.switched(states[i].Subject)
		}
		if of != nil {
			of.restore(now, &states[i])
		}
	}
}

func (s *subject) restore(now time.Time, was *engine.HealthSubjectState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if changed := nanos(was.Changed); changed > s.changed {
		s.sw = was.Switch
		t := engine.HealthTransition{
			Subject: s.id, From: was.Status, To: was.Status, Switch: was.Switch, Reason: was.Reason,
			At: was.Changed, Until: was.Until, Ejections: was.Ejections,
		}
		s.become(now, &t)
		s.since = nanos(was.Since)
		s.returned = max(s.since, s.returned)
		s.take(&t)
		if was.Switch == engine.HealthOn {
			s.text = clip(was.Why)
			s.show()
		}
	}
	if at := nanos(was.LastErrorAt); at > s.lastErrorAt {
		s.lastError, s.lastErrorAt = clip(was.LastError), at
	}
	if at := nanos(was.LastCheck); at > s.lastCheck {
		s.lastCheck, s.checkOK, s.warning = at, was.CheckOK, clip(was.Warning)
	}
	s.cooldown = max(s.cooldown, min(nanos(was.Cooldown), now.Add(maxCooldown).UnixNano()))
	s.attempted = max(s.attempted, nanos(was.LastAttempt))
	s.first.told, s.full.told = max(was.UsualFirstByteMS, 0), max(was.UsualLatencyMS, 0)
	if s.median.Load() == 0 && now.Sub(was.Seen) < periods*periodLength*time.Second {
		s.median.Store(max(was.FirstByteP50MS, was.LatencyP50MS, 0))
	}
	if s.restored {
		return
	}
	s.restored = true
	oldest := now.Unix() - engine.HealthCells*cellSeconds
	for _, old := range was.Cells {
		at := old.At.Unix()
		if at <= oldest || at > now.Unix() {
			continue
		}
		if c := s.days.of(at); c != nil {
			c.add(tally{old.Attempts, old.Failures}, old.Fallbacks)
			c.p95 = max(c.p95, uint32(min(max(old.P95MS, 0), 1<<32-1)))
			c.worst = max(c.worst, rankOf(old.Worst))
		}
	}
}
