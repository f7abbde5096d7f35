package engine

import "time"

// Observer sees what becomes of requests, for metrics and traces. Its methods are called on
// the request's way: they do not wait, take no lock that all requests share, and allocate
// nothing for names that were seen before. What they are given they must not change, nor
// keep after they return. Safe for concurrent use.
type Observer interface {
	// Began is told of a request before anything is decided of it. It returns the request's
	// spans, nil unless it is traced.
	Began(r *Request) RequestTrace
	// Attempted is told of each attempt, once, when its row is settled.
	Attempted(a *ObservedAttempt)
	// Ended is told of each request, once, when its last attempt is settled.
	Ended(q *ObservedRequest)
}

// RequestTrace is the spans of one request that is traced. It ends with Observer.Ended. Its
// methods are called by one goroutine at a time.
type RequestTrace interface {
	// Rule notes what became of a rule: not of those that did not match.
	Rule(ruleID string, outcome RuleOutcome)
	// Plugin notes a call of a plugin, during an attempt as a part of it. fuel is 0 where it is
	// not known; err nil when it answered.
	Plugin(name, step string, took time.Duration, fuel int64, err error)
	// Attempt begins the span of an attempt, which ends with Observer.Attempted. It returns the
	// traceparent that its provider is sent; "": none.
	Attempt(t *Target, number int) (traceparent string)
}

// ObservedAttempt is an attempt with what came of it.
type ObservedAttempt struct {
	Request *Request
	Trace   RequestTrace // nil unless it is traced
	Target  *Target
	Number  int
	// From is the model that the request came from to this one, "" when it is the first choice
	// or the same model with another key; Why is the code of its failure, or the SkipReason.
	From string
	Why  string

	Code      Code // "": answered
	Outcome   Outcome
	Status    int // of the provider; 0: it gave none
	Tokens    Tokens
	Estimated bool
	Cost      int64 // nano-USD
	Premium   int64 // hundredths of a premium request
	Took      time.Duration
	First     time.Duration // until the first content; 0: none came
}

// ObservedRequest is a request with what came of it.
type ObservedRequest struct {
	Request  *Request
	Trace    RequestTrace // nil unless it is traced
	Decision *Decision
	Skips    []Skip
	Refusals []LimitRefusal // of limits, also of those on the way to a target that was free
	Last     *Target        // of the last attempt; nil: there was none
	Attempts int
	Code     Code // "": answered
	Took     time.Duration
	First    time.Duration // until a stream's first content; 0: none came, or it does not stream
	// Overhead is what the gateway took itself, until the answer, or the stream's first content,
	// was there: the time less what was spent waiting for providers.
	Overhead time.Duration
}

// PluginMeter counts the calls of one plugin. It is called after each: it does not wait, and
// takes no lock. Safe for concurrent use.
type PluginMeter interface {
	// Called counts one. failure is "" when it ended well, else a kind of PluginStats.Failures.
	Called(failure string, took time.Duration)
}

// observation is what an execution remembers for the observer. The zero value is that of a
// request that nobody observes.
type observation struct {
	trace    RequestTrace
	ended    bool
	last     Target // of the last attempt
	why      string // of its failure
	first    time.Duration
	overhead time.Duration
	measured bool // overhead is
	refusals []LimitRefusal
	attempt  ObservedAttempt
	request  ObservedRequest
}

// observed begins the observation.
func (x *execution) observed() {
	if o := x.p.cfg.Observer; o != nil {
		x.observation.trace = o.Began(x.r)
		x.r.Trace = x.observation.trace
	}
}

// limitedBy notes the refusal of a limit.
func (x *execution) limitedBy(err error) {
	if refusal := AsLimitRefusal(err); refusal != nil && x.p.cfg.Observer != nil {
		x.observation.refusals = append(x.observation.refusals, *refusal)
	}
}

// answering notes that the answer's beginning is there.
func (x *execution) answering(stream bool) {
	if x.p.cfg.Observer == nil || x.observation.measured {
		return
	}
	o := &x.observation
	took := x.elapsed()
	o.overhead, o.measured = max(took-x.upstream, 0), true
	if stream {
		o.first = took
	}
}

// Steps of an adapter, for RequestTrace.Plugin. Events of a stream are too many to be told.
const (
	stepRequest  = "request"
	stepResponse = "response"
	stepError    = "error"
)

// calling is when a call of the adapter begins; zero when nobody wants to know.
func (a *attempt) calling() time.Time {
	if a.x.observation.trace == nil {
		return time.Time{}
	}
	return time.Now()
}

// called tells of a call of the adapter.
func (a *attempt) called(step string, began time.Time, err error) {
	if trace := a.x.observation.trace; trace != nil {
		trace.Plugin(a.target.Provider.Adapter, step, time.Since(began), 0, err)
	}
}

// observeAttempt tells of an attempt whose row is settled.
func (a *attempt) observeAttempt(row *Usage) {
	x := a.x
	if x.p.cfg.Observer == nil {
		return
	}
	o := &x.observation
	from, why := x.cameFrom(&a.target)
	o.attempt = ObservedAttempt{
		Request: x.r, Trace: o.trace, Target: &a.target, Number: a.number, From: from, Why: why,
		Code: row.Code, Outcome: row.Outcome, Status: row.Status, Tokens: row.Tokens, Estimated: row.Estimated,
		Cost: row.CostNanoUSD, Premium: row.PremiumUse, Took: a.took(), First: a.first,
	}
	o.last, o.why = a.target, string(row.Code)
	x.p.cfg.Observer.Attempted(&o.attempt)
}

// cameFrom is the model from which the request came to that one, and why.
func (x *execution) cameFrom(t *Target) (model, why string) {
	if last := x.observation.last.Model; last != nil {
		if last.ID == t.Model.ID {
			return "", ""
		}
		return last.ID, x.observation.why
	}
	for i := range x.plan.skips {
		if s := &x.plan.skips[i]; s.Reason.passing() && s.What != t.Model.ID {
			return s.What, string(s.Reason)
		}
	}
	return "", ""
}

// observeEnd tells of the request's end, once.
func (x *execution) observeEnd() {
	o := &x.observation
	if x.p.cfg.Observer == nil || o.ended {
		return
	}
	o.ended = true
	x.answering(false)
	o.request = ObservedRequest{
		Request: x.r, Trace: o.trace, Decision: &x.plan.decision, Skips: x.plan.skips, Refusals: o.refusals, Attempts: x.attempts,
		Code: x.record.code, Took: x.elapsed(), First: o.first, Overhead: o.overhead,
	}
	if x.attempts > 0 {
		o.request.Last = &o.last
	}
	x.p.cfg.Observer.Ended(&o.request)
	x.r.Trace = nil
}
