package health

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Switch does what an administrator says: On is as it is measured. It reports whether
// anything changed. The audit is the caller's.
func (s *Service) Switch(id engine.HealthSubject, to engine.HealthSwitch) bool {
	of := s.switched(id)
	of.mu.Lock()
	changed := of.sw != to
	if changed {
		of.sw = to
		of.tell(s.now(), of.status, engine.HealthSwitched, engine.HealthEvidence{})
	}
	of.mu.Unlock()
	s.deliver()
	return changed
}

// Drain lets no new request at the subject; it is still probed and judged.
func (s *Service) Drain(id engine.HealthSubject) bool { return s.Switch(id, engine.HealthDrained) }

// Disable lets no new request at the subject, nor probes.
func (s *Service) Disable(id engine.HealthSubject) bool { return s.Switch(id, engine.HealthDisabled) }

// Enable ends Drain and Disable.
func (s *Service) Enable(id engine.HealthSubject) bool { return s.Switch(id, engine.HealthOn) }

// Adopt makes a transition hold that another process made. It reports whether it does: one
// that is older than the last here does not. Changed is not told.
func (s *Service) Adopt(t engine.HealthTransition) bool {
	of := s.subject(t.Subject)
	if of == nil && t.Switch != engine.HealthOn {
		of = s.switched(t.Subject)
	}
	if of == nil {
		return false
	}
	now := s.now()
	of.mu.Lock()
	defer of.mu.Unlock()
	if t.At.UnixNano() <= of.changed {
		return false
	}
	of.sw = t.Switch
	from := statuses[of.status]
	of.become(now, &t)
	t.From = from // what matters here is since when it is so here
	of.take(&t)
	return true
}

// become makes the status that of a transition. Under mu.
func (s *subject) become(now time.Time, t *engine.HealthTransition) {
	to := max(rankOf(t.To), healthy)
	was := s.status
	s.status = to
	if to != down {
		if was == down {
			s.settle(now)
		}
		s.ejections, s.until = t.Ejections, 0
		if to == healthy {
			s.calm, s.held = 0, 0
		} else {
			s.calm, s.held = 0, now.UnixNano()
		}
		return
	}
	s.ejections = max(t.Ejections, 1)
	if was != down {
		s.relapses = s.ejections - 1
	}
	if was == down && t.Reason == engine.HealthProbeOpened {
		if !s.trials.open {
			s.open(now.UnixNano(), true)
		}
		return
	}
	until := t.Until.UnixNano()
	if was == down && t.Reason == engine.HealthSwitched && until <= s.until {
		return
	}
	s.until = until
	s.calm, s.held = 0, 0
	s.trials = newTrials(s.service.thresholds.TrialSuccesses, &s.serial)
	if was != down {
		s.endEpoch()
	}
}
