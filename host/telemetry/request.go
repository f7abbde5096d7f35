package telemetry

import (
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

	evaluationKey struct{ rule, outcome string }
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
}

// ended counts a request.
func (m *Metrics) ended(q *engine.ObservedRequest) {
	r := q.Request
	provider, model := "", ""
	if t := q.Last; t != nil {
		provider = m.providers.of(t.Provider.AccountID, t.Provider.ID)
		model = m.models.of(t.Model.AccountID, t.Model.ID)
	}
	rule := m.rules.of(r.Principal.AccountID, q.Decision.Source)
	m.requests.of(requestKey{m.account(&r.Principal), rule, provider, model, codeOf(q.Code)}).total.Inc()
	l := m.latencies.of(latencyKey{provider, model, r.Stream})
	l.whole.Observe(q.Took.Seconds())
	overhead := m.overheads[0]
	if r.Stream {
		overhead = m.overheads[1]
		if q.First > 0 {
			l.first.Observe(q.First.Seconds())
		}
	}
	overhead.Observe(q.Overhead.Seconds())
	m.evaluated(q, rule)
}

// evaluated counts what became of rules.
func (m *Metrics) evaluated(q *engine.ObservedRequest, rule string) {
	switch q.Decision.Source {
	case "", engine.SourceDefault, engine.SourcePinned, engine.SourceAssignment, engine.SourceOverride:
	default:
		switch q.Code {
		case engine.CodeRuleRejected:
			m.evaluation(rule, engine.RuleRejected)
		case engine.CodeRuleFailed: // it is among those passed over
		default:
			m.evaluation(rule, engine.RuleMatched)
		}
	}
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
		m.evaluation(m.rules.of(q.Request.Principal.AccountID, s.What), outcome)
	}
}

func (m *Metrics) evaluation(rule string, outcome engine.RuleOutcome) {
	(*m.evaluations.of(evaluationKey{rule, string(outcome)})).Inc()
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
