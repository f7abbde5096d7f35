// Package telemetry is what the gateway tells of itself to machines: metrics in the format of
// Prometheus, and traces by OTLP. It sees requests through engine.Observer, plugins through
// engine.PluginMeter, and reads everything else when it is asked for the metrics (Sources).
//
// It decides nothing, and keeps nothing beyond the process. What a tenant can name is bounded
// before it becomes a label (name.go), and no text of a request becomes an attribute of a span.
//
// Read metrics.go first, then request.go (what a request costs here) and series.go (why it takes
// no lock); trace.go and span.go for traces, admin.go for who is served. Every metric is in
// METRICS.md, which a test writes.
package telemetry

import (
	"github.com/pointsman/pointsman/engine"
)

// Observer passes what it sees on to metrics and traces. It implements engine.Observer.
type Observer struct {
	Metrics *Metrics
	Tracer  *Tracer // nil: nothing is traced
}

var _ engine.Observer = Observer{}

// Began implements engine.Observer.
func (o Observer) Began(r *engine.Request) engine.RequestTrace {
	if o.Tracer == nil {
		return nil
	}
	return o.Tracer.began(r)
}

// Attempted implements engine.Observer.
func (o Observer) Attempted(a *engine.ObservedAttempt) {
	o.Metrics.attempted(a)
	if s, ok := a.Trace.(*spans); ok {
		s.attempted(a)
	}
}

// Ended implements engine.Observer.
func (o Observer) Ended(q *engine.ObservedRequest) {
	o.Metrics.ended(q)
	if s, ok := q.Trace.(*spans); ok {
		s.ended(q)
	}
}
