package telemetry

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pointsman/pointsman/engine"
)

type (
	answerKey struct {
		route  string
		status int
	}
	transitionKey struct{ provider, kind, to, reason string }
)

func (m *Metrics) newEvents() {
	answers := m.counter("http_requests_total", "Requests that the API answered, by route, as it is registered, and status; a stream when it ended.", "route", "status")
	m.answers = newFamily(
		func(k answerKey) answerKey { return answerKey{other, k.status} },
		func(k answerKey) *prometheus.Counter {
			c := answers.WithLabelValues(k.route, strconv.Itoa(k.status))
			return &c
		})
	transitions := m.counter("health_transitions_total", "Changes of the status of a provider, a model or a credential that this process found.", "provider", "kind", "to", "reason")
	m.transitions = newFamily(
		func(k transitionKey) transitionKey { return transitionKey{other, k.kind, k.to, k.reason} },
		func(k transitionKey) *prometheus.Counter {
			c := transitions.WithLabelValues(k.provider, k.kind, k.to, k.reason)
			return &c
		})
	notices := m.counter("notices_total", "What administrators were told, by the kind of the event.", "kind")
	m.notices = newFamily(
		func(string) string { return other },
		func(kind string) *prometheus.Counter {
			c := notices.WithLabelValues(kind)
			return &c
		})
	m.spansLost = prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "trace_spans_lost_total", Help: "Spans that the collector of traces did not take."})
	m.registry.MustRegister(m.spansLost)
}

// Answered counts an answer of the API. route is its pattern, "" for none that is registered.
func (m *Metrics) Answered(route string, status int, _ time.Duration) {
	if route == "" {
		route = "unmatched"
	}
	(*m.answers.of("", answerKey{route, status})).Inc()
}

// Noticed counts what administrators are told. Of health only what this process found.
func (m *Metrics) Noticed(n *engine.Notice) {
	if n.NoWebhook {
		return
	}
	(*m.notices.of("", n.Kind)).Inc()
	switch n.Kind {
	case engine.NoticeProviderDown, engine.NoticeProviderRecovered, engine.NoticeStatusChange:
	default:
		return
	}
	var d struct {
		Kind   string `json:"kind"`
		To     string `json:"to"`
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal([]byte(n.Detail), &d); err != nil {
		return
	}
	(*m.transitions.of(n.AccountID, transitionKey{m.providers.of(n.AccountID, n.ProviderID), d.Kind, d.To, d.Reason})).Inc()
}
