package rule

import (
	"sync"
	"sync/atomic"
	"time"
)

// A rule that fails this often in this time is suspended, then tried once.
const (
	failureLimit  = 5
	failureWindow = 10 * time.Second
	suspension    = 30 * time.Second
)

// breaker keeps a rule's failures, for each account whose requests it failed: what
// one tenant's requests break in a global rule must not take it from the others.
// Time is the requests' own. The zero breaker is ready; all methods may run
// concurrently and take no lock.
type breaker struct {
	broken   atomic.Int32 // accounts that have a record: 0 nearly always
	accounts sync.Map     // account id → *failures
}

// failures is the record of one rule and account. Times are Unix milliseconds.
type failures struct {
	count atomic.Uint32
	times [failureLimit]atomic.Int64
	until atomic.Int64 // suspended until then; 0: not
}

// admission is a breaker's answer.
type admission uint8

const (
	admitted admission = iota
	onTrial            // the first after a suspension: its outcome ends it or begins the next
	suspended
)

// admit says whether the rule may run.
func (b *breaker) admit(account string, now int64) admission {
	if b.broken.Load() == 0 {
		return admitted
	}
	v, ok := b.accounts.Load(account)
	if !ok {
		return admitted
	}
	f := v.(*failures)
	until := f.until.Load()
	switch {
	case until == 0:
		if last := f.last(); now-last > failureWindow.Milliseconds() {
			b.forget(account, f)
		}
		return admitted
	case now < until && until-now <= 2*suspension.Milliseconds(): // further ahead: the clock was set back
		return suspended
	case f.until.CompareAndSwap(until, now+suspension.Milliseconds()):
		return onTrial
	}
	return suspended // another request is the trial
}

// peek says what admit would, and begins no trial.
func (b *breaker) peek(account string, now int64) admission {
	v, ok := b.accounts.Load(account)
	if !ok {
		return admitted
	}
	until := v.(*failures).until.Load()
	if until != 0 && now < until && until-now <= 2*suspension.Milliseconds() {
		return suspended
	}
	return admitted
}

// fail records a failure and reports whether it suspends the rule.
func (b *breaker) fail(account string, now int64) bool {
	v, ok := b.accounts.Load(account)
	if !ok {
		var loaded bool
		if v, loaded = b.accounts.LoadOrStore(account, &failures{}); !loaded {
			b.broken.Add(1)
		}
	}
	f := v.(*failures)
	n := f.count.Add(1) - 1
	f.times[n%failureLimit].Store(now)
	if n+1 < failureLimit {
		return false
	}
	oldest := f.times[(n+1)%failureLimit].Load()
	if now-oldest > failureWindow.Milliseconds() {
		return false
	}
	return f.until.CompareAndSwap(0, now+suspension.Milliseconds())
}

// recover ends a suspension after a trial that went well.
func (b *breaker) recover(account string) {
	if v, ok := b.accounts.Load(account); ok {
		b.forget(account, v.(*failures))
	}
}

func (b *breaker) forget(account string, f *failures) {
	if b.accounts.CompareAndDelete(account, f) {
		b.broken.Add(-1)
	}
}

func (f *failures) last() int64 {
	n := f.count.Load()
	if n == 0 {
		return 0
	}
	return f.times[(n-1)%failureLimit].Load()
}
