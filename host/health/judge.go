package health

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

// blame is whose failures a provider's streak is of.
type blame []blamed

type blamed struct {
	model *subject
	n     int
}

// breaks are streams that broke after their first content had come.
type breaks struct {
	n     int
	since int64 // second
}

// fail counts a failure of a subject that is not out. others says that another credential
// works; the result, that the credential is to answer for it. Under mu.
func (s *subject) fail(r *route, f finding, others bool, o *engine.HealthOutcome, now time.Time) (credential bool) {
	if s.status == down {
		return false
	}
	th := &s.service.thresholds
	evidence := engine.HealthEvidence{Detail: clip(o.Detail)}
	before := int(s.streak.Load())
	switch s.kind {
	case engine.HealthOfProvider:
		if before == 0 {
			s.blame = s.blame[:0]
		}
		if f != unreached && !s.blames(r.subjects[atModel], th) {
			return false
		}
		if evidence.Consecutive = int(s.streak.Add(1)); evidence.Consecutive >= th.ConsecutiveFailures {
			s.eject(now, engine.HealthConsecutive, evidence)
		}
		return false
	case engine.HealthOfCredential:
		return s.failCredential(r, f, before, others, evidence, now)
	}
	evidence.Consecutive = int(s.streak.Add(1))
	// A server that is not reached does not know with which key it would have been asked.
	others = others && f != unreached
	switch {
	case evidence.Consecutive >= th.ConsecutiveFailures && others:
		s.streak.Store(0)
		return true
	case evidence.Consecutive >= th.ConsecutiveFailures:
		s.eject(now, engine.HealthConsecutive, evidence)
	case o.Stream && o.FirstByte > 0 && s.breaks(now.Unix(), &evidence):
		s.eject(now, engine.HealthErrorShare, evidence)
	default:
		s.judge(now, evidence.Detail)
	}
	return false
}

// blames reports whether one more failure of a model is the provider's: a model alone never
// makes a streak long enough. Under mu.
func (s *subject) blames(model *subject, th *Thresholds) bool {
	most := min(th.ConsecutiveFailures/2+1, th.ConsecutiveFailures-1)
	for i := range s.blame {
		if b := &s.blame[i]; b.model == model {
			b.n++
			return b.n <= most
		}
	}
	s.blame = append(s.blame, blamed{model, 1})
	return most > 0
}

// breaks reports whether streams break so often that the model is down: as many as failures
// in a row would be, and more than the share that takes it out. That their beginnings looked
// good must not hide it. Under mu.
func (s *subject) breaks(second int64, evidence *engine.HealthEvidence) bool {
	b, th := &s.broken, &s.service.thresholds
	if second-b.since >= longWindow || b.since > second || b.since < s.fresh {
		*b = breaks{since: second}
	}
	b.n++
	t := s.seconds.last(longWindow, second, s.fresh)
	evidence.Attempts, evidence.Failures, evidence.Within = t.attempts, t.failures, longWindow*time.Second
	return b.n >= th.ConsecutiveFailures && t.share() > th.DownShare
}

func (s *subject) failCredential(r *route, f finding, before int, others bool, evidence engine.HealthEvidence, now time.Time) bool {
	th := &s.service.thresholds
	if before == 0 {
		s.refused = 0
	}
	if f == refused {
		s.refused++
		s.refusedAt = now.Unix()
	}
	evidence.Consecutive = int(s.streak.Add(1))
	switch {
	case evidence.Consecutive >= th.ConsecutiveFailures && s.refused >= th.ConsecutiveFailures:
		s.eject(now, engine.HealthRefused, evidence)
	case evidence.Consecutive >= th.ConsecutiveFailures && others && f != unreached:
		s.eject(now, engine.HealthConsecutive, evidence)
		return true // and so its model is not to blame
	case f == refused && s.status == healthy:
		s.degrade(now, engine.HealthRefused, evidence)
	}
	s.calm = 0
	return false
}

// judge looks at what was counted of late. Under mu.
func (s *subject) judge(now time.Time, detail string) {
	if s.status == down {
		return
	}
	switch s.kind {
	case engine.HealthOfCredential:
		s.judgeCredential(now)
		return
	case engine.HealthOfProvider:
		s.judgeShare(now, detail, s.withoutWorst)
		return
	}
	s.judgeShare(now, detail, func(t tally, _, _ int64) tally { return t })
}

// judgeShare judges by the share of failures, as look makes it, and by latency.
func (s *subject) judgeShare(now time.Time, detail string, look func(t tally, within, second int64) tally) {
	th, second := &s.service.thresholds, now.Unix()
	window := int64(th.Window / time.Second)
	if detail == "" && s.lastErrorAt != 0 && now.UnixNano()-s.lastErrorAt < int64(time.Minute) {
		detail = s.lastError
	}
	evidence := func(t tally, within int64) engine.HealthEvidence {
		return engine.HealthEvidence{Attempts: t.attempts, Failures: t.failures, Within: time.Duration(within) * time.Second, Detail: detail}
	}
	if t := s.seconds.last(window, second, s.fresh); t.attempts >= th.MinAttempts && t.share() > th.DownShare {
		if t = look(t, window, second); t.attempts >= th.MinAttempts/2 && t.share() > th.DownShare {
			s.eject(now, engine.HealthErrorShare, evidence(t, window))
			return
		}
	}
	t, within := s.seconds.enough(th.MinAttempts, window, second, s.fresh)
	measured := t.attempts >= th.MinAttempts
	if measured && t.share() >= th.DegradedShare/2 {
		t = look(t, within, second)
	}
	slow, isSlow := s.slow(1)
	switch {
	case measured && t.attempts >= th.MinAttempts/2 && t.share() >= th.DegradedShare:
		s.degrade(now, engine.HealthErrorShare, evidence(t, within))
	case isSlow:
		s.degrade(now, engine.HealthSlow, engine.HealthEvidence{LatencyMS: slow.value, UsualMS: slow.allowed})
	case s.status == degraded:
		_, slowish := s.slow(0.5)
		s.calmDown(now, !slowish && !(measured && t.share() >= th.DegradedShare/2), measured)
	}
}

// withoutWorst leaves out the model that fails most: what one model does is not its provider's.
// A provider is not below what it is without it. Under mu.
func (s *subject) withoutWorst(t tally, within, second int64) tally {
	var all, worst tally
	for _, m := range s.models {
		of := m.seconds.last(within, second, s.fresh)
		all.attempts += of.attempts
		all.failures += of.failures
		if of.failures > worst.failures {
			worst = of
		}
	}
	rest := all.minus(worst)
	// What its models lack is no failure of the provider.
	rest.failures = min(rest.failures, t.failures)
	return rest
}

// slow looks at a model's latencies.
func (s *subject) slow(part float64) (slowness, bool) {
	if s.kind != engine.HealthOfModel {
		return slowness{}, false
	}
	th := &s.service.thresholds
	if by, is := s.first.slow(th, th.SlowFirstByte, part); is {
		return by, true
	}
	return s.full.slow(th, th.SlowLatency, part)
}

// judgeCredential lets a refusal be forgotten when none came for a window.
func (s *subject) judgeCredential(now time.Time) {
	if s.status != degraded {
		return
	}
	second := now.Unix()
	s.calmDown(now, s.streak.Load() == 0 && second > s.refusedAt, s.seconds.last(longWindow, second, s.fresh).attempts > 0)
}

// calmDown makes a degraded subject healthy when it was calm for a window. A status that is
// another process's, or an earlier one's, needs attempts of this one to be overruled. Under mu.
func (s *subject) calmDown(now time.Time, calm, measured bool) {
	second := now.Unix()
	if !calm || s.held != 0 && !measured && now.UnixNano()-s.held < int64(holdMost) {
		s.calm = 0
		return
	}
	if s.calm == 0 || s.calm > second {
		s.calm = second
		return
	}
	if second-s.calm >= int64(s.service.thresholds.Window/time.Second) {
		s.recover(now)
	}
}

// holdMost is for how long a degraded status holds of which nothing more is heard.
const holdMost = 5 * time.Minute
