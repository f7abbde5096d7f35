package telemetry

import (
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
	"github.com/rs/zerolog"
)

const namespace = "pointsman"

// How many names become labels.
const (
	maxRules     = 128
	maxModels    = 256
	maxProviders = 64
	maxPlugins   = 64
	maxAccounts  = 256
	maxBudgets   = 128
	maxLimits    = 128
)

// MetricsConfig is what Metrics are made of. The zero value works.
type MetricsConfig struct {
	// Accounts gives requests, tokens and cost the label account. Without it the label is empty:
	// who calls how much is nothing for everybody who may look at a dashboard.
	Accounts bool
	Version  string // of the build
	Commit   string
	Sources  Sources
	Log      zerolog.Logger // of what breaks in a scrape; zero: silent
}

// Metrics are the process's, in a registry of their own. Make them with NewMetrics. Safe for
// concurrent use.
type Metrics struct {
	cfg      MetricsConfig
	registry *prometheus.Registry
	scraping sync.Mutex // one at a time: whoever asks twice waits

	rules, models, providers, plugins, accounts *names
	budgets, limits                             *names

	requests    *family[requestKey, requestSeries]
	endings     *shortcuts[ending, endings]
	tries       *shortcuts[try, tries]
	latencies   *family[latencyKey, latencySeries]
	overheads   [2]prometheus.Observer // plain, streamed
	evaluations *family[evaluationKey, prometheus.Counter]
	refusals    *family[refusalKey, prometheus.Counter]
	attempts    *family[attemptKey, attemptSeries]
	uses        *family[useKey, useSeries]
	fallbacks   *family[fallbackKey, prometheus.Counter]
	calls       *family[callKey, prometheus.Counter]
	durations   *prometheus.HistogramVec // of plugins
	answers     *family[answerKey, prometheus.Counter]
	transitions *family[transitionKey, prometheus.Counter]
	notices     *family[string, prometheus.Counter]
	spansLost   prometheus.Counter

	recent recent // overheads
}

// Overhead is what the gateway took itself for 95 of 100 requests of the last five minutes and
// the one that runs, at most, to a quarter; n is how many there were, 0: none.
func (m *Metrics) Overhead() (p95 time.Duration, n int64) { return m.recent.quantile(.95, time.Now()) }

// NewMetrics makes them.
func NewMetrics(cfg MetricsConfig) *Metrics {
	m := &Metrics{
		cfg: cfg, registry: prometheus.NewPedanticRegistry(),
		rules: newNames(maxRules), models: newNames(maxModels), providers: newNames(maxProviders), plugins: newNames(maxPlugins),
		accounts: newNames(maxAccounts), endings: newShortcuts[ending, endings](), tries: newShortcuts[try, tries](), budgets: newNames(maxBudgets), limits: newNames(maxLimits),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1. The labels are of the build.",
	}, []string{"version", "commit", "go_version"})
	build.WithLabelValues(cfg.Version, cfg.Commit, runtime.Version()).Set(1)
	m.registry.MustRegister(build)
	m.newRequests()
	m.newAttempts()
	m.newPlugins()
	m.newEvents()
	m.registry.MustRegister(m.sources())
	return m
}

// Write writes every metric to w in the format that an Accept header asks for, and returns the
// Content-Type of it. It costs milliseconds; nobody's requests wait for it.
func (m *Metrics) Write(w io.Writer, accept string) (contentType string, err error) {
	m.scraping.Lock()
	defer m.scraping.Unlock()
	all, err := m.registry.Gather()
	if err != nil {
		return "", err
	}
	format := expfmt.Negotiate(map[string][]string{"Accept": {accept}})
	enc := expfmt.NewEncoder(w, format)
	for _, f := range all {
		if err := enc.Encode(f); err != nil {
			return "", err
		}
	}
	if c, ok := enc.(expfmt.Closer); ok {
		err = c.Close()
	}
	return string(format), err
}

// account is the label of an account: "" unless accounts are shown.
func (m *Metrics) account(id string) string {
	if !m.cfg.Accounts {
		return ""
	}
	return m.accounts.of("", id)
}

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(v)
	return v
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}
