package health

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

// report counts an outcome at every subject of the route. one is what is added to the
// second's slot, whatever came of it.
func (r *route) report(token uint64, f finding, o *engine.HealthOutcome, one uint64) {
	s := r.service
	now := s.now()
	second := now.Unix()
	switch effects[f][atModel] {
	case good:
		if r.okAt.Load() != second {
			r.okAt.Store(second)
		}
		if r.fails.Load() != 0 {
			r.fails.Store(0)
		}
	case bad:
		r.fails.Add(1)
	}
	took, bucket := o.Latency, -1
	if o.Stream {
		took = o.FirstByte
	}
	if o.Code == "" && took > 0 {
		bucket = engine.LatencyBucket(took.Milliseconds())
	}
	spared := f == failed && r.tries(token)
	for place, of := range r.subjects {
		if of == nil {
			continue
		}
		p, e := pass(token>>(passSize*place)), effects[f][place]
		if spared && place != atCredential {
			e = counted
		}
		n := one
		if e == bad {
			n |= oneFailure
		}
		if n != oneFailure || e == bad {
			of.count(now, n)
		}
		if bucket >= 0 {
			if o.Stream {
				of.first.add(bucket)
			} else {
				of.full.add(bucket)
			}
		}
		if o.Fallback && one == oneAttempt {
			of.stand(second)
		}
		switch {
		case p&passManner != passFree, e == bad, f >= absent:
			of.note(r, token, place, f, e, o, now)
		case e == good && of.streak.Load() != 0 && uint16(p>>2) == of.epoch():
			of.streak.Store(0)
		}
	}
}

// tries reports whether the attempt was a trial of a credential at a model that is not out: what
// fails then is said of the credential alone.
func (r *route) tries(token uint64) bool {
	return r.subjects[atCredential] != nil && pass(token>>(passSize*atCredential))&passManner == passTrial &&
		pass(token>>(passSize*atModel))&passManner == passFree
}

// note takes an outcome into account that is more than a good answer in good times.
func (s *subject) note(r *route, token uint64, place int, f finding, e effect, o *engine.HealthOutcome, now time.Time) {
	p := pass(token >> (passSize * place))
	// Looked up before the lock is taken: it takes that of the model.
	others := e == bad && place != atProvider && int(s.streak.Load())+1 >= s.service.thresholds.ConsecutiveFailures && r.others(now.Unix())
	s.mu.Lock()
	s.keep(r, place, f, e, o, now)
	blamed := false
	switch p & passManner {
	case passTrial:
		err := errNothing
		switch {
		case e == good:
			err = nil
		case e == bad && place == atProvider && f != unreached && r.failing(token):
			err = errSpared
		case e == bad:
			err = errTrial
		}
		s.tried(p, err, o.Detail, now)
	case passForced:
		if e == good && s.status == down && !s.trials.open {
			s.open(now.UnixNano(), true)
		}
	default:
		if uint16(p>>2) != s.epoch() {
			break // it began before the subject went out or came back
		}
		switch e {
		case good:
			s.streak.Store(0)
		case bad:
			if place != atProvider || f == unreached || pass(token>>(passSize*atModel))&passManner == passFree {
				blamed = s.fail(r, f, others, o, now)
			}
		}
	}
	s.mu.Unlock()
	if blamed {
		r.blameCredential(o, now)
	}
	s.service.deliver()
}

// failing reports whether the model had failed before this attempt, so that one failure more
// says nothing of its provider.
func (r *route) failing(token uint64) bool {
	model := r.subjects[atModel]
	return model == nil || pass(token>>(passSize*atModel))&passManner != passFree || model.streak.Load() > 0
}

// keep remembers what the provider said. Under mu.
func (s *subject) keep(r *route, place int, f finding, e effect, o *engine.HealthOutcome, now time.Time) {
	credential := r.subjects[atCredential] != nil
	at := now.UnixNano()
	// A refusal and a limit are of the credential where there is one.
	mine := e == bad || (f == limited || f == refused) && (place == atCredential || place == atModel && !credential)
	if mine && o.Detail != "" {
		s.lastError, s.lastErrorAt = clip(o.Detail), at
	}
	if mine && o.Pause > 0 && place != atProvider && (place == atCredential) == ((f == limited || f == refused) && credential) {
		s.cooldown = max(s.cooldown, at+int64(min(o.Pause, maxCooldown)))
	}
}

const (
	maxCooldown = time.Hour // whatever the provider says
	maxText     = 500       // bytes of an error that are kept
)

func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	at := maxText
	for at > 0 && s[at]&0xC0 == 0x80 {
		at--
	}
	return s[:at]
}

// others reports whether another credential works at the route's model, as of late.
func (r *route) others(second int64) bool {
	model := r.subjects[atModel]
	if model == nil || r.key.Credential == "" {
		return false
	}
	model.mu.Lock()
	defer model.mu.Unlock()
	for _, q := range model.routes {
		if q.key.Credential != r.key.Credential && q.fails.Load() == 0 && second-q.okAt.Load() <= longWindow {
			return true
		}
	}
	return false
}

// blameCredential takes out the route's credential, for a streak that it had alone.
func (r *route) blameCredential(o *engine.HealthOutcome, now time.Time) {
	of := r.subjects[atCredential]
	of.mu.Lock()
	if of.status != down {
		of.eject(now, engine.HealthConsecutive, engine.HealthEvidence{Consecutive: of.service.thresholds.ConsecutiveFailures, Detail: clip(o.Detail)})
	}
	of.mu.Unlock()
	r.absolve(now)
}

// absolve makes nobody else answer for what a credential did that is now out: what was
// counted until now is looked at no more.
func (r *route) absolve(now time.Time) {
	provider := r.subjects[atProvider]
	provider.mu.Lock()
	models := append([]*subject{provider}, provider.models...)
	provider.mu.Unlock()
	for _, of := range models {
		of.mu.Lock()
		of.fresh = max(of.fresh, now.Unix())
		if of.status != down {
			of.streak.Store(0)
		}
		of.mu.Unlock()
	}
}
