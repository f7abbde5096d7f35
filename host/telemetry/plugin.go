package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pointsman/pointsman/engine"
)

// pluginBuckets, in seconds: a call takes microseconds, and 100 ms at most for a rule.
var pluginBuckets = []float64{2e-6, 5e-6, 10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 1e-3, 5e-3, 25e-3, .1, 1}

type callKey struct{ plugin, outcome string }

func (m *Metrics) newPlugins() {
	calls := m.counter("plugin_calls_total", "Calls of plugins, by name, whatever the version. The outcome is ok, or how the call failed: unreachable, out_of_fuel, deadline, bad_access, stack, host_calls, output, exit, other.", "plugin", "outcome")
	m.calls = newFamily(
		func(k callKey) callKey { return callKey{other, k.outcome} },
		func(k callKey) *prometheus.Counter {
			c := calls.WithLabelValues(k.plugin, k.outcome)
			return &c
		})
	m.durations = m.histogram("plugin_duration_seconds", "How long one call of a plugin ran.", pluginBuckets, "plugin")
}

// Meter returns what counts the calls of a plugin version.
func (m *Metrics) Meter(accountID, name, _ string) engine.PluginMeter {
	label := m.plugins.of(accountID, name)
	return &meter{
		plugin: label, account: accountID, ok: *m.calls.of(accountID, callKey{label, "ok"}), took: m.durations.WithLabelValues(label), calls: m.calls,
	}
}

// meter implements engine.PluginMeter.
type meter struct {
	account string
	plugin  string
	ok      prometheus.Counter
	took    prometheus.Observer
	calls   *family[callKey, prometheus.Counter]
}

// Called implements engine.PluginMeter.
func (c *meter) Called(failure string, took time.Duration) {
	c.took.Observe(took.Seconds())
	if failure == "" {
		c.ok.Inc()
		return
	}
	(*c.calls.of(c.account, callKey{c.plugin, failure})).Inc()
}
