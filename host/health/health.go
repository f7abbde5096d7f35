// Package health is the built-in health service: it learns from attempts and probes which
// providers, models and credentials work, takes those that do not out of routing, and lets
// them come back by trials. It knows nothing of rules, and decides for none.
//
// A Service is what requests meet: it sends nothing and reads no database. A Monitor is one
// with what surrounds it: stores, other processes, probes, and who is told. Read RATIONALE.md
// first, then this file, subject.go and judge.go.
package health

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Config is how a Service works. The zero value has the defaults.
type Config struct {
	Thresholds Thresholds
	// Now is the time; nil: time.Now.
	Now func() time.Time
	// Changed is told of every transition that this process made, those of one subject in
	// their order, one at a time. It is called by whichever request caused it or one beside
	// it, with no lock held, and must not wait. It may call the service. Nil: nobody is told.
	Changed func(engine.HealthTransition)
	// MaxSubjects bounds what is known. Beyond it, what was not asked for an hour is forgotten,
	// else the new one is not judged. Default 4,096.
	MaxSubjects int
	// MaxPerAccount is how many of them may be of one account. Default 512.
	MaxPerAccount int
}

// Service implements engine.Health. Make one with New, and have Tick called every second.
// Safe for concurrent use.
type Service struct {
	cfg        Config
	thresholds Thresholds
	now        func() time.Time
	seed       maphash.Seed
	table      table
	sweepAt    atomic.Int64 // the second

	queueMu    sync.Mutex
	queue      []engine.HealthTransition // not yet told
	delivering bool
	queued     atomic.Int64
}

var _ engine.Health = (*Service)(nil)

// New returns a service that finds everything healthy.
func New(cfg Config) *Service {
	cfg.Thresholds.defaults()
	or(&cfg.MaxSubjects, 4096)
	or(&cfg.MaxPerAccount, 512)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Service{cfg: cfg, thresholds: cfg.Thresholds, now: cfg.Now, seed: maphash.MakeSeed()}
	slots := make([]atomic.Pointer[route], 64)
	s.table.slots.Store(&slots)
	s.table.accounts = map[string]int{}
	return s
}

// Thresholds returns what is judged by, defaults included.
func (s *Service) Thresholds() Thresholds { return s.thresholds }

// State implements engine.Health.
func (s *Service) State(t *engine.HealthTarget) (state engine.HealthState) {
	key := *t
	if key.Credential != "" {
		key.UpstreamID = ""
	}
	r := s.table.find(s.hash(&key), &key)
	switch {
	case r == nil && key.UpstreamID != "":
		key.UpstreamID = "" // a model that was never asked stands on its provider all the same
		if r = s.table.find(s.hash(&key), &key); r == nil {
			return state
		}
		r.subjects[atProvider].into(&state, s.now)
		if state.LatencyMS = 0; state.Status == engine.HealthHealthy {
			state.Status = ""
		}
	case r == nil:
	case key.Credential != "":
		r.subjects[atCredential].into(&state, s.now)
	case r.subjects[atModel] != nil:
		r.subjects[atModel].into(&state, s.now)
		of := state.LatencyMS
		r.subjects[atProvider].into(&state, s.now)
		state.LatencyMS = of
	default:
		r.subjects[atProvider].into(&state, s.now)
	}
	return state
}

// into makes the state that of the subject where it is the worse of the two.
func (s *subject) into(state *engine.HealthState, now func() time.Time) {
	state.LatencyMS = s.median.Load()
	if state.Status == "" {
		state.Status = engine.HealthHealthy
	}
	v := s.shown.Load()
	if v == nil {
		return
	}
	if v.off && !state.Off || v.off == state.Off && rankOf(v.status) > rankOf(state.Status) {
		state.Reason = v.why
	}
	state.Off = state.Off || v.off
	if rankOf(v.status) > rankOf(state.Status) {
		state.Status = v.status
	}
	if v.status == engine.HealthDown && !v.open {
		if at := now().UnixNano(); at < v.until && v.until-at <= int64(s.service.thresholds.MaxEject) {
			state.Out = true
			if until := time.Unix(0, v.until); until.After(state.RetryAt) {
				state.RetryAt = until
			}
		}
	}
}

// Begin implements engine.Health. A target of which nothing can be known is always allowed.
func (s *Service) Begin(t *engine.HealthTarget, last bool) (engine.HealthPass, bool) {
	r := s.nearest(t)
	if r == nil {
		return engine.HealthPass{}, true
	}
	var token uint64
	for place, of := range r.subjects {
		if of == nil {
			continue
		}
		p, ok := of.enter(s.now, last)
		if !ok {
			r.leave(token)
			return engine.HealthPass{}, false
		}
		token |= uint64(p) << (passSize * place)
	}
	return engine.HealthPass{Holder: r, Token: token}, true
}

const passSize = 16 // bits

// leave gives back what was let through.
func (r *route) leave(token uint64) {
	for place, of := range r.subjects {
		if p := pass(token >> (passSize * place)); of != nil && p&passManner == passTrial {
			of.leave(p)
		}
	}
}

// Cancel implements engine.HealthHolder.
func (r *route) Cancel(token uint64) { r.leave(token) }

// Observe implements engine.Health. The attempt was counted when its answer began, so that
// only its failure is new.
func (s *Service) Observe(t *engine.HealthTarget, o engine.HealthOutcome) {
	f := findingOf(&o)
	if f != failed && f != unreached {
		return
	}
	r := s.nearest(t)
	if r == nil {
		return
	}
	var token uint64
	for place, of := range r.subjects {
		if of != nil {
			token |= uint64(of.epoch()) << (2 + passSize*place)
		}
	}
	r.report(token, f, &o, oneFailure)
}

// Done implements engine.HealthHolder.
func (r *route) Done(token uint64, o engine.HealthOutcome) {
	f := findingOf(&o)
	if f == silent {
		r.leave(token)
		return
	}
	r.report(token, f, &o, oneAttempt)
}

// Tick does what time alone brings about, for what was not asked of late too: it is to be
// called every second or so.
func (s *Service) Tick() {
	now := s.now()
	second := now.Unix()
	s.table.all(func(r *route) bool {
		own := r.own()
		if own == nil {
			return true
		}
		if own.shown.Load() != nil || second-own.seen.Load() <= periods*periodLength+periodLength {
			own.mu.Lock()
			own.tick(now)
			own.mu.Unlock()
		}
		return true
	})
	s.deliver()
	if at := s.sweepAt.Load(); second >= at && s.sweepAt.CompareAndSwap(at, second+int64(sweepPause/time.Second)) {
		s.table.mu.Lock()
		s.sweep(now.Add(-idleEver).Unix())
		s.table.mu.Unlock()
	}
}

// Len is how many subjects are known.
func (s *Service) Len() int {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	return s.table.subjects
}
