package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pointsman/pointsman/engine"
)

// collect asks the sources.
func (m *Metrics) collect(g *gauges, ch chan<- prometheus.Metric) {
	s := &m.cfg.Sources
	if s.Load != nil {
		l := s.Load()
		g.inflight.tell(ch, float64(l.Requests))
		g.connections.tell(ch, float64(l.Connections))
		g.management.tell(ch, float64(l.Management))
		g.listeners.tell(ch, float64(l.Listeners))
	}
	if s.Health != nil {
		m.collectHealth(g, s.Health(), ch)
	}
	m.collectBounds(g, ch)
	if s.Plugins != nil {
		m.collectPlugins(g, s.Plugins(), ch)
	}
	if s.Spool != nil {
		p := s.Spool()
		g.spoolRows.tell(ch, float64(p.Rows))
		g.spoolOpen.tell(ch, float64(p.Open))
		g.spoolBytes.tell(ch, float64(p.Bytes))
		g.spoolFiles.tell(ch, float64(p.Files))
		g.spoolAge.tell(ch, p.Age.Seconds())
		g.spoolFull.tell(ch, truth(p.Full))
	}
	if s.Decisions != nil {
		d := s.Decisions()
		g.decisions.tell(ch, float64(d.Written))
		g.decisionsWaiting.tell(ch, float64(d.Waiting))
		g.dropped.tell(ch, float64(d.Dropped), "decision")
	}
	if s.Dropped != nil {
		for _, d := range s.Dropped() {
			g.dropped.tell(ch, float64(d.N), d.Kind)
		}
	}
	if s.Snapshot != nil {
		n := s.Snapshot()
		g.revision.tell(ch, float64(n.Revision))
		if !n.Loaded.IsZero() {
			g.age.tell(ch, time.Since(n.Loaded).Seconds())
		}
		g.stale.tell(ch, truth(n.Stale))
		g.ready.tell(ch, truth(n.Ready))
	}
	if s.Panics != nil {
		g.panics.tell(ch, float64(s.Panics()))
	}
	if s.Pools != nil {
		for _, p := range s.Pools() {
			g.poolMost.tell(ch, float64(p.Most), p.Name)
			g.poolOpen.tell(ch, float64(p.Open), p.Name)
			g.poolBusy.tell(ch, float64(p.Busy), p.Name)
			g.poolWaited.tell(ch, float64(p.Waited), p.Name)
			g.poolWait.tell(ch, p.Wait.Seconds(), p.Name)
		}
	}
}

type circuitKey struct{ provider, model string }

// collectHealth tells of providers and their models. Several may share a label: the worst counts.
func (m *Metrics) collectHealth(g *gauges, all []engine.HealthSubjectState, ch chan<- prometheus.Metric) {
	up, degraded, credentials := map[string]float64{}, map[string]float64{}, map[string]float64{}
	circuits := map[circuitKey]float64{}
	for i := range all {
		s := &all[i]
		provider := m.providers.of(s.Subject.AccountID, s.Subject.ProviderID)
		off := s.Switch != engine.HealthOn
		switch s.Subject.Kind() {
		case engine.HealthOfProvider:
			v, known := up[provider]
			if is := truth(s.Status != engine.HealthDown && !off); !known || is < v {
				up[provider] = is
			}
			degraded[provider] = max(degraded[provider], truth(s.Status == engine.HealthDegraded))
			k := circuitKey{provider, ""}
			circuits[k] = max(circuits[k], circuit(s))
		case engine.HealthOfModel:
			k := circuitKey{provider, m.models.of(s.Subject.AccountID, s.Subject.UpstreamID)}
			circuits[k] = max(circuits[k], circuit(s))
		case engine.HealthOfCredential:
			credentials[provider] += truth(s.Status == engine.HealthDown || off)
		}
	}
	for provider, v := range up {
		g.up.tell(ch, v, provider)
		g.degraded.tell(ch, degraded[provider], provider)
	}
	for provider, n := range credentials {
		g.credentials.tell(ch, n, provider)
	}
	for k, v := range circuits {
		g.circuit.tell(ch, v, k.provider, k.model)
	}
}

// circuit is the state of a breaker: open while nothing is sent, half-open while trials are.
func circuit(s *engine.HealthSubjectState) float64 {
	switch {
	case s.Status != engine.HealthDown:
		return 0
	case s.Out:
		return 2
	}
	return 1
}

type boundKey struct{ account, id, kind string }

// collectBounds tells of budgets and limits.
func (m *Metrics) collectBounds(g *gauges, ch chan<- prometheus.Metric) {
	if m.cfg.Sources.Budgets != nil {
		used := map[boundKey]float64{}
		for _, b := range m.cfg.Sources.Budgets() {
			account := ""
			if m.cfg.Accounts {
				account = m.accounts.of("", b.AccountID)
			}
			k := boundKey{account, m.budgets.of(b.AccountID, b.ID), b.Unit}
			used[k] = max(used[k], b.Used)
		}
		for k, v := range used {
			g.budget.tell(ch, v, k.account, k.id, k.kind)
		}
	}
	if m.cfg.Sources.Limits != nil {
		left := map[boundKey]float64{}
		for _, l := range m.cfg.Sources.Limits() {
			k := boundKey{"", m.limits.of(l.AccountID, l.LimitID), string(l.Kind)}
			share := 0.0
			if size := l.Used + l.Remaining; size > 0 {
				share = float64(l.Remaining) / float64(size)
			}
			if v, known := left[k]; !known || share < v {
				left[k] = share
			}
		}
		for k, v := range left {
			g.limit.tell(ch, v, k.id, k.kind)
		}
	}
}

// collectPlugins tells of plugins, whatever their versions.
func (m *Metrics) collectPlugins(g *gauges, all []Plugin, ch chan<- prometheus.Metric) {
	sums := map[string]*Plugin{}
	suspended := map[string]float64{}
	for i := range all {
		p := &all[i]
		label := m.plugins.of(p.AccountID, p.Name)
		sum := sums[label]
		if sum == nil {
			sum = &Plugin{}
			sums[label] = sum
		}
		sum.Instances += p.Instances
		sum.MemoryBytes += p.MemoryBytes
		suspended[label] += truth(p.Suspended)
	}
	for label, p := range sums {
		g.instances.tell(ch, float64(p.Instances), label)
		g.memory.tell(ch, float64(p.MemoryBytes), label)
		g.suspended.tell(ch, suspended[label], label)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
