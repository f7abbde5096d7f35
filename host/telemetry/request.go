package telemetry

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pointsman/pointsman/engine"
)

// Buckets, in seconds.
var (
	requestBuckets  = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600}
	firstBuckets    = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	overheadBuckets = []float64{50e-6, 100e-6, 200e-6, 400e-6, 800e-6, 1.6e-3, 3.2e-3, 6.4e-3, 12.8e-3, 25.6e-3, .1, .5, 2}
)

type (
	requestKey    struct{ account, rule, provider, model, code string }
	requestSeries struct{ total prometheus.Counter }

	latencyKey struct {
		provider, model string
		stream          bool
	}
	latencySeries struct{ whole, first prometheus.Observer } // first is nil unless it streams

	// ending is what says where a request is counted, as it was seen.
	ending struct {
		account, rule                                  string
		providerAccount, provider, modelAccount, model string
		code                                           engine.Code
		stream                                         bool
	}
	// endings is where it is.
	endings struct {
		total    prometheus.Counter
		latency  *latencySeries
		overhead prometheus.Observer
		matched  prometheus.Counter // nil: no rule did
	}

	evaluationKey struct{ rule, outcome string }
	refusalKey    struct{ limit, kind string }
)

func (m *Metrics) newRequests() {
	requests := m.counter("requests_total", "Requests to models that ended, by what decided (a rule's id, default, pinned, assignment, override) and what was asked last. The code of those that were answered is ok.",
		"account", "rule", "provider", "model", "code")
	m.requests = newFamily(
		func(k requestKey) requestKey {
			return requestKey{rule: other, provider: other, model: other, code: k.code}
		},
		func(k requestKey) *requestSeries {
			return &requestSeries{requests.WithLabelValues(k.account, k.rule, k.provider, k.model, k.code)}
		})
	durations := m.histogram("request_duration_seconds", "From the parsed request to the end of its answer, all attempts together; of a stream to its last event.", requestBuckets, "provider", "model", "stream")
	first := m.histogram("time_to_first_token_seconds", "From the parsed request to the first content of a stream.", firstBuckets, "provider", "model")
	m.latencies = newFamily(
		func(k latencyKey) latencyKey { return latencyKey{other, other, k.stream} },
		func(k latencyKey) *latencySeries {
			s := &latencySeries{whole: durations.WithLabelValues(k.provider, k.model, yes(k.stream))}
			if k.stream {
				s.first = first.WithLabelValues(k.provider, k.model)
			}
			return s
		})
	overheads := m.histogram("overhead_seconds", "What the gateway took itself until the answer, or a stream's first content, was there: without the time that it waited for providers.", overheadBuckets, "stream")
	for i, stream := range [...]bool{false, true} {
		m.overheads[i] = overheads.WithLabelValues(yes(stream))
	}
	evaluations := m.counter("rule_evaluations_total", "What became of rules: matched, rejected (its plugin refused the request), failed, suspended (passed over, it failed too often). Requests that a rule did not match are not counted: they are those of its account less these.", "rule", "outcome")
	m.evaluations = newFamily(
		func(k evaluationKey) evaluationKey { return evaluationKey{other, k.outcome} },
		func(k evaluationKey) *prometheus.Counter {
			c := evaluations.WithLabelValues(k.rule, k.outcome)
			return &c
		})
	refusals := m.counter("limit_refusals_total", "Requests, and attempts at a target, that a limit refused. limit is its id, announced for what a provider said of itself.", "limit", "kind")
	m.refusals = newFamily(
		func(k refusalKey) refusalKey { return refusalKey{other, k.kind} },
		func(k refusalKey) *prometheus.Counter {
			c := refusals.WithLabelValues(k.limit, k.kind)
			return &c
		})
}

// ended counts a request.
func (m *Metrics) ended(q *engine.ObservedRequest) {
	r := q.Request
	k := ending{account: r.Principal.AccountID, rule: q.Decision.Source, code: q.Code, stream: r.Stream}
	if t := q.Last; t != nil {
		k.providerAccount, k.provider = t.Provider.AccountID, t.Provider.ID
		k.modelAccount, k.model = t.Model.AccountID, t.Model.ID
	}
	e := m.endings.of(k)
	if e == nil {
		e = m.endings.keep(k.clone(), m.endingsOf(&k))
	}
	e.total.Inc()
	e.latency.whole.Observe(q.Took.Seconds())
	if q.First > 0 && e.latency.first != nil {
		e.latency.first.Observe(q.First.Seconds())
	}
	e.overhead.Observe(q.Overhead.Seconds())
	m.recent.add(q.Overhead, time.Now())
	if e.matched != nil {
		e.matched.Inc()
	}
	m.passedOver(q)
}

func (k ending) clone() ending {
	for _, s := range [...]*string{&k.account, &k.rule, &k.providerAccount, &k.provider, &k.modelAccount, &k.model} {
		*s = strings.Clone(*s)
	}
	k.code = engine.Code(strings.Clone(string(k.code)))
	return k
}

// endingsOf finds the series of a request.
func (m *Metrics) endingsOf(k *ending) *endings {
	provider, model := m.providers.of(k.providerAccount, k.provider), m.models.of(k.modelAccount, k.model)
	rule := m.rules.of(k.account, k.rule)
	e := &endings{
		total:   m.requests.of(k.account, requestKey{m.account(k.account), rule, provider, model, codeOf(k.code)}).total,
		latency: m.latencies.of(k.account, latencyKey{provider, model, k.stream}), overhead: m.overheads[0],
	}
	if k.stream {
		e.overhead = m.overheads[1]
	}
	switch k.rule {
	case "", engine.SourceDefault, engine.SourcePinned, engine.SourceAssignment, engine.SourceOverride:
		return e
	}
	switch k.code {
	case engine.CodeRuleRejected:
		e.matched = m.evaluation(k.account, rule, engine.RuleRejected)
	case engine.CodeRuleFailed: // it is among those passed over
	default:
		e.matched = m.evaluation(k.account, rule, engine.RuleMatched)
	}
	return e
}

// passedOver counts rules that failed, and limits that refused.
func (m *Metrics) passedOver(q *engine.ObservedRequest) {
	for i := range q.Decision.Skipped {
		s := &q.Decision.Skipped[i]
		outcome := engine.RuleOutcome("")
		switch s.Reason {
		case engine.SkipRuleFailed:
			outcome = engine.RuleFailedStep
		case engine.SkipRuleSuspended:
			outcome = engine.RuleSuspended
		default:
			continue
		}
		account := q.Request.Principal.AccountID
		m.evaluation(account, m.rules.of(account, s.What), outcome).Inc()
	}
	for i := range q.Refusals {
		l := &q.Refusals[i]
		id := m.limits.of(l.AccountID, l.LimitID)
		if id == "" {
			id = "announced"
		}
		(*m.refusals.of(l.AccountID, refusalKey{id, string(l.Kind)})).Inc()
	}
}

func (m *Metrics) evaluation(account, rule string, outcome engine.RuleOutcome) prometheus.Counter {
	return *m.evaluations.of(account, evaluationKey{rule, string(outcome)})
}

func codeOf(c engine.Code) string {
	if c == "" {
		return "ok"
	}
	return string(c)
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
