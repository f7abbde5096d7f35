package telemetry

import (
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pointsman/pointsman/engine"
)

type (
	attemptKey    struct{ provider, model, code string }
	attemptSeries struct {
		total prometheus.Counter
		took  prometheus.Observer
	}

	useKey    struct{ account, provider, model string }
	useSeries struct {
		input, cached, written, output, reasoning prometheus.Counter
		cost                                      atomic.Int64 // nano-USD
		premium                                   atomic.Int64 // hundredths
		estimated                                 prometheus.Counter
	}

	fallbackKey struct{ from, to, reason string }

	// try is what says where an attempt is counted, as it was seen; tries is where it is.
	try struct {
		account, providerAccount, provider, modelAccount, model string
		code                                                    engine.Code
	}
	tries struct {
		model    string
		attempts *attemptSeries
		uses     *useSeries
	}
)

func (m *Metrics) newAttempts() {
	attempts := m.counter("attempts_total", "Calls of providers, a request may make several. The code of those that were answered is ok.", "provider", "model", "code")
	took := m.histogram("attempt_duration_seconds", "How long a call of a provider took, a stream to its end.", requestBuckets, "provider")
	m.attempts = newFamily(
		func(k attemptKey) attemptKey { return attemptKey{other, other, k.code} },
		func(k attemptKey) *attemptSeries {
			return &attemptSeries{attempts.WithLabelValues(k.provider, k.model, k.code), took.WithLabelValues(k.provider)}
		})
	labels := []string{"account", "provider", "model"}
	tokens := m.counter("tokens_total", "Tokens that were used. The directions do not overlap: input (neither of the next two), cached, cache_write, output (without reasoning), reasoning.", append(labels, "direction")...)
	estimated := m.counter("estimated_attempts_total", "Attempts whose provider gave no usage, so that tokens and cost are estimates.", labels...)
	m.uses = newFamily(
		func(useKey) useKey { return useKey{"", other, other} },
		func(k useKey) *useSeries {
			of := func(direction string) prometheus.Counter {
				return tokens.WithLabelValues(k.account, k.provider, k.model, direction)
			}
			return &useSeries{
				input: of("input"), cached: of("cached"), written: of("cache_write"), output: of("output"), reasoning: of("reasoning"),
				estimated: estimated.WithLabelValues(k.account, k.provider, k.model),
			}
		})
	cost := describe("cost_usd_total", "What attempts cost by the price list, in US dollars. The ledger has each to the nano-dollar.", labels...)
	premium := describe("premium_requests_total", "Premium requests that attempts used.", labels...)
	m.registry.MustRegister(collector{[]*prometheus.Desc{cost, premium}, func(ch chan<- prometheus.Metric) {
		m.uses.each(func(k useKey, u *useSeries) {
			ch <- prometheus.MustNewConstMetric(cost, prometheus.CounterValue, float64(u.cost.Load())/1e9, k.account, k.provider, k.model)
			ch <- prometheus.MustNewConstMetric(premium, prometheus.CounterValue, float64(u.premium.Load())/100, k.account, k.provider, k.model)
		})
	}})
	fallbacks := m.counter("fallbacks_total", "Attempts that stand in for another model: the one before them failed, with that code, or their first choice was passed over, for that reason (down, drained, cooldown, rate_limited, budget_exceeded, no_credential).", "from", "to", "reason")
	m.fallbacks = newFamily(
		func(k fallbackKey) fallbackKey { return fallbackKey{other, other, k.reason} },
		func(k fallbackKey) *prometheus.Counter {
			c := fallbacks.WithLabelValues(k.from, k.to, k.reason)
			return &c
		})
}

// attempted counts an attempt.
func (m *Metrics) attempted(a *engine.ObservedAttempt) {
	t := a.Target
	k := try{a.Request.Principal.AccountID, t.Provider.AccountID, t.Provider.ID, t.Model.AccountID, t.Model.ID, a.Code}
	e := m.tries.of(k)
	if e == nil {
		e = m.tries.keep(k.clone(), m.triesOf(&k))
	}
	e.attempts.total.Inc()
	e.attempts.took.Observe(a.Took.Seconds())
	if a.From != "" {
		(*m.fallbacks.of(k.account, fallbackKey{m.models.of(k.account, a.From), e.model, a.Why})).Inc()
	}
	if a.Tokens == (engine.Tokens{}) && a.Cost == 0 && a.Premium == 0 {
		return
	}
	u, n := e.uses, &a.Tokens
	add(u.input, n.Prompt-n.Cached-n.CacheWrite-n.CacheWrite1h)
	add(u.cached, n.Cached)
	add(u.written, n.CacheWrite+n.CacheWrite1h)
	add(u.output, n.Completion-n.Reasoning)
	add(u.reasoning, n.Reasoning)
	u.cost.Add(max(a.Cost, 0))
	u.premium.Add(max(a.Premium, 0))
	if a.Estimated {
		u.estimated.Inc()
	}
}

// triesOf finds the series of an attempt.
func (m *Metrics) triesOf(k *try) *tries {
	provider, model := m.providers.of(k.providerAccount, k.provider), m.models.of(k.modelAccount, k.model)
	return &tries{model, m.attempts.of(k.account, attemptKey{provider, model, codeOf(k.code)}), m.uses.of(k.account, useKey{m.account(k.account), provider, model})}
}

func (k try) clone() try {
	for _, s := range [...]*string{&k.account, &k.providerAccount, &k.provider, &k.modelAccount, &k.model} {
		*s = strings.Clone(*s)
	}
	k.code = engine.Code(strings.Clone(string(k.code)))
	return k
}

func add(c prometheus.Counter, n int64) {
	if n > 0 {
		c.Add(float64(n))
	}
}
