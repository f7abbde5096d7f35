package health

import (
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
)

// trials decide whether a subject that is down is well again. Its breaker is open until
// begin, half-open after it, and judges the trials; when it may be half-open is said here,
// as its own time is fixed. See RATIONALE.md, "What is left to gobreaker?". Under the
// subject's lock.
type trials struct {
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	state   gobreaker.State // as the breaker last told
	open    bool            // trials may begin
	early   bool            // a probe or a lucky attempt opened them, before the ejection was over
	passed  int             // since they were opened
	next    int64           // ns: the next request from then on is a trial
	waited  int             // requests that were none since the last
	serial  *uint16         // of the last trial of all: an earlier ejection's is taken for none of this one's
	running [maxTrials]trial
}

// trial is one that has not ended; done is nil where there is none.
type trial struct {
	serial uint16
	began  int64 // ns
	done   func(error)
}

const (
	maxTrials   = 8
	serialCount = 1 << 11
)

var (
	errTrial   = errors.New("trial failed")
	errNothing = errors.New("trial says nothing")
	errSpared  = errors.New("trial failed, but another subject is to blame")
)

// newTrials returns some that may not begin yet.
func newTrials(successes int, serial *uint16) *trials {
	t := &trials{serial: serial}
	t.reset(successes)
	return t
}

// reset trips a breaker of its own; what is running does not matter any more.
func (t *trials) reset(successes int) {
	t.running = [maxTrials]trial{}
	t.passed = 0
	t.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:   uint32(successes),
		Timeout:       time.Nanosecond, // when it is over is said by open
		ReadyToTrip:   func(gobreaker.Counts) bool { return true },
		IsExcluded:    func(err error) bool { return err == errNothing || err == errSpared },
		OnStateChange: func(_ string, _, to gobreaker.State) { t.state = to },
	})
	if done, err := t.breaker.Allow(); err == nil {
		done(errTrial)
	}
}

// begin makes the request a trial, if one is due. pace is how long after another; every
// makes one in so many requests one before that, 0 none; at once asks for neither.
func (t *trials) begin(now int64, th *Thresholds, pace time.Duration, every int) (place int, serial uint16, ok bool) {
	t.waited++
	if now < t.next && t.next-now <= int64(maxPace(th)) && (every == 0 || t.waited < every) {
		return 0, 0, false
	}
	if t.early && t.passed == 0 && t.under(now, th) > 0 {
		return 0, 0, false // of those that a probe opened, one goes ahead
	}
	done, err := t.breaker.Allow()
	if err != nil {
		if t.under(now, th) > 0 {
			return 0, 0, false
		}
		t.reset(th.TrialSuccesses) // those that it waits for take too long
		if done, err = t.breaker.Allow(); err != nil {
			return 0, 0, false
		}
	}
	for i := range t.running {
		if t.running[i].done == nil {
			*t.serial = (*t.serial + 1) % serialCount
			t.running[i] = trial{*t.serial, now, done}
			t.waited, t.next = 0, now+int64(pace)
			return i, *t.serial, true
		}
	}
	done(errNothing)
	return 0, 0, false
}

// ended reports whether the trials were enough.
func (t *trials) ended() bool { return t.state == gobreaker.StateClosed }

// under counts the trials that are under way and may still be waited for.
func (t *trials) under(now int64, th *Thresholds) (n int) {
	for i := range t.running {
		if r := &t.running[i]; r.done != nil && now-r.began < int64(th.TrialTimeout) {
			n++
		}
	}
	return n
}

// end tells what became of a trial: nil, or one of the errors above. It reports whether the
// trial still mattered.
func (t *trials) end(place int, serial uint16, err error) bool {
	r := &t.running[place%maxTrials]
	if r.done == nil || r.serial != serial {
		return false
	}
	r.done(err)
	r.done = nil
	switch err {
	case nil:
		t.passed++
	case errNothing:
		t.next = 0 // the next request may be one
	}
	return true
}

// maxPace is the longest pace of all.
func maxPace(th *Thresholds) time.Duration { return 3 * th.TrialPace }
