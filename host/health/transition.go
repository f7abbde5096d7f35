package health

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

func (s *Service) newSubject(id engine.HealthSubject) *subject {
	now := s.now()
	of := &subject{id: id, kind: id.Kind(), service: s, status: healthy, fresh: now.Unix() - longWindow}
	of.seen.Store(now.Unix())
	return of
}

// degrade makes a healthy subject degraded, and a degraded one stay so. Under mu.
func (s *subject) degrade(now time.Time, reason engine.HealthReason, evidence engine.HealthEvidence) {
	s.calm, s.held = 0, 0
	if s.status == healthy {
		s.status = degraded
		s.tell(now, healthy, reason, evidence)
	}
}

// recover makes a subject healthy. Under mu.
func (s *subject) recover(now time.Time) {
	from := s.status
	s.status = healthy
	s.settle(now)
	s.tell(now, from, engine.HealthRecovered, engine.HealthEvidence{})
}

// settle clears what was held against a subject that is healthy, or degraded. Under mu.
func (s *subject) settle(now time.Time) {
	s.calm, s.held, s.until = 0, 0, 0
	if s.trials == nil {
		return
	}
	s.trials = nil
	s.returned = now.UnixNano()
	s.fresh = now.Unix()
	s.streak.Store(0)
	s.endEpoch()
}

// eject takes a subject out. Under mu.
func (s *subject) eject(now time.Time, reason engine.HealthReason, evidence engine.HealthEvidence) {
	from := s.status
	s.ejections = s.forgiven(now.UnixNano())
	s.relapses = s.ejections
	s.status, s.calm, s.held = down, 0, 0
	s.trials = newTrials(s.service.thresholds.TrialSuccesses, &s.serial)
	s.endEpoch()
	s.longer(now)
	s.tell(now, from, reason, evidence)
}

// longer makes an ejection last, from now on, as long as the next one does. Under mu.
func (s *subject) longer(now time.Time) {
	th, at := &s.service.thresholds, now.UnixNano()
	s.ejections++
	most := at + int64(th.MaxEject)
	s.until = at + int64(min(th.Eject*time.Duration(min(s.ejections, maxEjections)), th.MaxEject))
	s.until = max(s.until, min(s.cooldown, most)) // what the provider asked for, if it did
}

// maxEjections is where counting does not matter any more.
const maxEjections = 1000

// forgiven are the ejections less those that are long ago. Under mu.
func (s *subject) forgiven(now int64) int {
	if s.status == down || s.ejections == 0 {
		return s.ejections
	}
	return max(0, min(s.ejections, maxEjections)-int(max(0, now-s.returned)/int64(s.service.thresholds.Forgive)))
}

// open lets trials begin; early: before the ejection is over. Under mu.
func (s *subject) open(now int64, early bool) {
	t := s.trials
	t.open, t.early, t.next, t.waited, t.passed = true, early && !s.over(now), 0, 0, 0
	s.show()
}

// tried ends a trial. Under mu.
func (s *subject) tried(p pass, err error, detail string, now time.Time) {
	t := s.trials
	if t == nil || !t.end(int(p>>2)&(maxTrials-1), uint16(p>>5), err) {
		return
	}
	switch {
	case err == nil && t.ended():
		s.recover(now)
	case (err == errTrial || err == errSpared) && t.early && !s.over(now.UnixNano()):
		// What a probe had opened goes on as if it had not.
		t.reset(s.service.thresholds.TrialSuccesses)
		t.open, t.early = false, false
		s.show()
	case err == errTrial:
		t.reset(s.service.thresholds.TrialSuccesses)
		t.open, t.early = false, false
		s.longer(now)
		s.tell(now, down, engine.HealthTrialFailed, engine.HealthEvidence{Detail: clip(detail)})
	}
}

// endEpoch makes what began until now matter no more. Under mu.
func (s *subject) endEpoch() {
	s.gate.Store(uint32(s.epoch()+1) & epochMask << gateShift)
	s.show()
}

// show makes the state visible to routing. Under mu.
func (s *subject) show() {
	gate := s.gate.Load() >> gateShift << gateShift
	if s.status == down {
		gate |= gateOut
	}
	if s.sw != engine.HealthOn {
		gate |= gateOff
	}
	defer s.gate.Store(gate)
	if s.status <= healthy && s.sw == engine.HealthOn {
		s.shown.Store(nil)
		return
	}
	v := &view{status: statuses[s.status], off: s.sw != engine.HealthOn, until: s.until, why: s.why()}
	v.open = s.trials != nil && s.trials.open
	s.shown.Store(v)
}

// why says for people what the state is; "" when it is healthy and on. Under mu.
func (s *subject) why() string {
	if s.sw != engine.HealthOn {
		return string(s.sw)
	}
	if s.status <= healthy {
		return ""
	}
	return s.text
}

// tell makes a transition known. Under mu.
func (s *subject) tell(now time.Time, from rank, reason engine.HealthReason, evidence engine.HealthEvidence) {
	// Later than any that was adopted, however the clocks differ, so that nobody takes it for old.
	at := max(now.UnixMicro(), s.changed/1000+1) * 1000
	t := engine.HealthTransition{
		Subject: s.id, From: statuses[from], To: statuses[s.status], Switch: s.sw, Reason: reason, Evidence: evidence,
		At: time.Unix(0, at).UTC(), Ejections: s.forgiven(at),
	}
	if s.status == down {
		t.Until = time.Unix(0, s.until/1000*1000).UTC()
		if reason == engine.HealthProbeOpened {
			t.Until = t.At
		}
	}
	s.take(&t)
	if s.service.cfg.Changed != nil {
		q := s.service
		q.queueMu.Lock()
		q.queue = append(q.queue, t)
		q.queued.Add(1)
		q.queueMu.Unlock()
	}
}

// take remembers a transition as the last one. Under mu.
func (s *subject) take(t *engine.HealthTransition) {
	s.changed, s.reason = t.At.UnixNano(), t.Reason
	if t.From != t.To {
		s.since = s.changed
	}
	if t.Reason != engine.HealthSwitched {
		s.text = t.Text()
	}
	if c := s.days.of(t.At.Unix()); c != nil {
		c.worst = max(c.worst, s.status)
	}
	s.show()
}

// deliver tells what is queued, unless somebody does already. No lock may be held.
func (s *Service) deliver() {
	if s.queued.Load() == 0 {
		return
	}
	s.queueMu.Lock()
	defer s.queueMu.Unlock()
	if s.delivering {
		return
	}
	s.delivering = true
	defer func() { s.delivering = false }()
	for len(s.queue) > 0 {
		t := s.queue[0]
		s.queue = s.queue[1:]
		s.queued.Add(-1)
		s.tellOne(t)
	}
	s.queue = nil
}

// tellOne tells of one without the lock, which it has again when it returns or panics.
func (s *Service) tellOne(t engine.HealthTransition) {
	s.queueMu.Unlock()
	defer s.queueMu.Lock()
	s.cfg.Changed(t)
}
