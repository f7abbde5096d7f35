package health

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// subject is a provider, a model or a credential with all that is known of it. What the
// path of a request touches is atomic; the rest is under mu, which a request takes for the
// first attempt of a second, for a failure, and while the subject is down.
type subject struct {
	id      engine.HealthSubject
	kind    engine.HealthKind
	service *Service

	gate   atomic.Uint32        // gateBits and the epoch
	shown  atomic.Pointer[view] // nil: healthy and on
	median atomic.Int64         // ms, of late; 0: not known
	streak atomic.Int32         // failures in a row
	seen   atomic.Int64         // the second in which it was last heard of

	seconds   window
	fallbacks atomic.Uint64 // the number of the five minutes, and how many in them
	first     latency       // of streams, until their first content
	full      latency       // of other answers

	mu        sync.Mutex
	ticked    int64 // the second that was last judged
	status    rank
	reason    engine.HealthReason
	sw        engine.HealthSwitch
	since     int64  // ns, of the status; 0: from the beginning
	changed   int64  // ns, of the last transition
	text      string // of the last transition that was no switch
	fresh     int64  // the second until which what was counted is not looked at
	calm      int64  // the second since which a degraded one would be healthy; 0: it would not
	held      int64  // ns: since when the status is another process's, or an earlier one's; 0: it is ours
	until     int64  // ns: the end of the ejection
	ejections int
	relapses  int     // ejections that were not forgiven yet when this one began
	returned  int64   // ns: when it was last out
	trials    *trials // nil unless down
	serial    uint16  // of the last trial
	blame     blame   // of a provider
	broken    breaks  // of a model
	refused   int     // of a credential: refusals in a row
	refusedAt int64   // the second of the last
	days      cells

	attempted   int64 // ns, of the last attempt that is in no slot any more
	restored    bool
	cooldown    int64 // ns
	lastError   string
	lastErrorAt int64
	lastCheck   int64
	checkOK     bool
	warning     string
	nextCheck   int64

	models []*subject // of a provider
	routes []*route   // of a model
}

// view is what routing sees of a subject that is not healthy. Immutable.
type view struct {
	status engine.HealthStatus
	off    bool
	open   bool // down, but may be tried
	until  int64
	why    string
}

// Bits of the gate. The rest is the epoch, which an ejection and a recovery end: what began
// in another one does not count for the next.
const (
	gateOut = 1 << iota
	gateOff
	gateShift = iota
)

const (
	epochBits = 14
	epochMask = 1<<epochBits - 1
)

// pass is how one subject let an attempt go: 16 bits, of which two say its manner, and the
// rest which epoch or which trial.
type pass uint16

const (
	passFree   pass = iota // it is not out
	passTrial              // as a trial
	passForced             // it is out, but nothing else is left
	passManner = 3
)

func (s *subject) epoch() uint16 { return uint16(s.gate.Load()>>gateShift) & epochMask }

// enter asks for one attempt.
func (s *subject) enter(now func() time.Time, last bool) (pass, bool) {
	gate := s.gate.Load()
	if gate&(gateOut|gateOff) == 0 {
		return passFree | pass(gate>>gateShift&epochMask)<<2, true
	}
	if gate&gateOff != 0 {
		return 0, false
	}
	at := now().UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.try(at, last)
}

// try asks for an attempt at a subject that was out a moment ago. Under mu.
func (s *subject) try(now int64, last bool) (pass, bool) {
	if s.sw != engine.HealthOn {
		return 0, false
	}
	if s.status != down {
		return passFree | pass(s.epoch())<<2, true
	}
	t, th := s.trials, &s.service.thresholds
	if !t.open && s.over(now) {
		s.open(now, false)
	}
	if t.open {
		every, pace := th.TrialEvery, th.TrialPace
		if again := min(s.relapses, 3); again > 0 {
			every, pace = 0, time.Duration(again)*pace
		}
		if place, serial, ok := t.begin(now, th, pace, every); ok {
			return passTrial | pass(serial)<<5 | pass(place)<<2, true
		}
	}
	return passForced, last
}

// over reports whether the ejection is over. A clock that was set back does not make it longer.
func (s *subject) over(now int64) bool {
	return now >= s.until || s.until-now > int64(s.service.thresholds.MaxEject)
}

// leave gives back a pass of which nothing came.
func (s *subject) leave(p pass) {
	if p&passManner != passTrial {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trials != nil {
		s.trials.end(int(p>>2)&(maxTrials-1), uint16(p>>5), errNothing)
	}
}

// count adds n to the second, of which it may be the first.
func (s *subject) count(now time.Time, n uint64) {
	second := now.Unix()
	if !s.seconds.current(second) {
		s.turn(now)
	}
	s.seconds.add(second, n)
}

// turn begins a second.
func (s *subject) turn(now time.Time) {
	second := now.Unix()
	s.mu.Lock()
	if !s.seconds.current(second) {
		if was, when := s.seconds.turn(second); was != (tally{}) {
			s.attempted = max(s.attempted, when*int64(time.Second))
			if c := s.days.of(when); c != nil {
				c.add(was, 0)
			}
		}
		s.seen.Store(max(s.seen.Load(), second))
	}
	s.tick(now)
	s.mu.Unlock()
	s.service.deliver()
}

// stand counts an attempt that stood in for another.
func (s *subject) stand(second int64) {
	number := uint64(second / cellSeconds)
	for {
		was := s.fallbacks.Load()
		if was>>32 == number {
			s.fallbacks.Add(1)
			return
		}
		s.mu.Lock()
		if s.fallbacks.CompareAndSwap(was, number<<32|1) {
			s.fold(was)
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
}

// fold puts what stand counted into its cell. Under mu.
func (s *subject) fold(fallbacks uint64) {
	if n := int64(fallbacks & (1<<32 - 1)); n > 0 {
		if c := s.days.of(int64(fallbacks>>32) * cellSeconds); c != nil {
			c.add(tally{}, n)
		}
	}
}

// tick does what is due once a second: periods, medians, judgement. Under mu.
func (s *subject) tick(now time.Time) {
	second := now.Unix()
	if second == s.ticked {
		return
	}
	s.ticked = second
	s.first.advance(second)
	s.full.advance(second)
	s.remember(second)
	s.judge(now, "")
	if s.status > healthy || second-s.seen.Load() < cellSeconds {
		if c := s.days.of(second); c != nil {
			c.worst = max(c.worst, s.status)
		}
	}
}

// remember keeps the latencies of late where they are found without counting. Under mu.
func (s *subject) remember(second int64) {
	first, full := s.first.sum(periods), s.full.sum(periods)
	of := &first
	if full.Count() > first.Count() {
		of = &full
	}
	if of.Count() == 0 {
		if s.median.Load() != 0 && second-s.seen.Load() > periods*periodLength {
			s.median.Store(0)
		}
		return
	}
	s.median.Store(quantileMS(of, 0.5))
	// A cell ends when these five minutes are its own.
	if c := s.days.of(second); c != nil {
		c.p95 = uint32(min(quantileMS(of, 0.95), 1<<32-1))
	}
}

// cellsNow are the cells with what is not in them yet. Under mu.
func (s *subject) cellsNow(second int64) []engine.HealthCell {
	all := slices.Clone(s.days)
	for i := range s.seconds {
		slot := s.seconds[i].Load()
		if t := tallyOf(slot); t != (tally{}) {
			if c := all.of(secondOf(slot, second)); c != nil {
				c.add(t, 0)
			}
		}
	}
	if f := s.fallbacks.Load(); f&(1<<32-1) > 0 {
		if c := all.of(int64(f>>32) * cellSeconds); c != nil {
			c.add(tally{}, int64(f&(1<<32-1)))
		}
	}
	oldest := second/cellSeconds - engine.HealthCells
	var told []engine.HealthCell
	for i := range all {
		if all[i].number > oldest {
			told = append(told, all[i].told())
		}
	}
	return told
}
