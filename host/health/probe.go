package health

import (
	"cmp"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// ProbeSucceeded notes that a probe of the subject did. It makes a subject that is down
// open for trials at once, of which the first goes ahead alone; it makes nothing healthy.
func (s *Service) ProbeSucceeded(id engine.HealthSubject) {
	s.probed(id, true, "", func(of *subject, now time.Time, _ bool) {
		if of.status != down {
			return
		}
		if t := of.trials; t.open {
			if t.under(now.UnixNano(), &s.thresholds) == 0 && !t.early {
				t.next = 0
			}
			return
		}
		of.open(now.UnixNano(), true)
		of.tell(now, down, engine.HealthProbeOpened, engine.HealthEvidence{})
	})
}

// ProbeFailed notes that a probe did not get an answer, or not a good one; detail is one line
// without secrets. It takes the subject out when no attempt within the window says otherwise,
// nor did the last probe fail; else it is one failure more in a row. Who calls it has asked
// again before, as one probe may fail by chance.
func (s *Service) ProbeFailed(id engine.HealthSubject, detail string) {
	s.probed(id, false, "", func(of *subject, now time.Time, again bool) {
		of.lastError, of.lastErrorAt = clip(detail), now.UnixNano()
		evidence := engine.HealthEvidence{Consecutive: 1, Detail: clip(detail)}
		if of.status == down {
			if t := of.trials; t.open && t.early && t.passed == 0 && t.under(now.UnixNano(), &s.thresholds) == 0 {
				t.open, t.early = false, false
				of.show()
			}
			return
		}
		if of.sw == engine.HealthDisabled {
			return
		}
		second := now.Unix()
		if t := of.seconds.last(int64(s.thresholds.Window/time.Second), second, second-longWindow); again || t.attempts > t.failures {
			if evidence.Consecutive = int(of.streak.Add(1)); evidence.Consecutive < s.thresholds.ConsecutiveFailures {
				return
			}
		}
		of.eject(now, engine.HealthProbeFailed, evidence)
	})
}

// ProbeWarned notes that a probe was answered, but not as it should be, as with a list that
// lacks the model. Nothing is judged by it.
func (s *Service) ProbeWarned(id engine.HealthSubject, warning string) {
	s.probed(id, true, warning, func(*subject, time.Time, bool) {})
}

// ProbeDue notes when the subject will be probed next; zero: it will not.
func (s *Service) ProbeDue(id engine.HealthSubject, at time.Time) {
	of := s.subject(id)
	if of == nil {
		return
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	of.nextCheck = 0
	if !at.IsZero() {
		of.nextCheck = at.UnixNano()
	}
}

// probed keeps what a probe found, and has act do what follows; again: the last one failed too.
func (s *Service) probed(id engine.HealthSubject, ok bool, warning string, act func(of *subject, now time.Time, again bool)) {
	of := s.subject(id)
	if of == nil {
		return
	}
	now := s.now()
	of.mu.Lock()
	again := of.lastCheck != 0 && !of.checkOK
	of.lastCheck, of.checkOK, of.warning = now.UnixNano(), ok, clip(warning)
	act(of, now, again)
	of.mu.Unlock()
	s.deliver()
}

// Out returns what is down and not disabled, in a fixed order: what a probe may bring back.
func (s *Service) Out() (out []engine.HealthSubject) {
	s.table.all(func(r *route) bool {
		if of := r.own(); of != nil && of.shown.Load() != nil {
			of.mu.Lock()
			if of.status == down && of.sw != engine.HealthDisabled {
				out = append(out, of.id)
			}
			of.mu.Unlock()
		}
		return true
	})
	slices.SortFunc(out, order)
	return slices.Compact(out)
}

// order sorts subjects by account, provider, kind and id.
func order(a, b engine.HealthSubject) int {
	return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.ProviderID, b.ProviderID),
		cmp.Compare(a.Credential, b.Credential), cmp.Compare(a.Version, b.Version), cmp.Compare(a.UpstreamID, b.UpstreamID))
}
