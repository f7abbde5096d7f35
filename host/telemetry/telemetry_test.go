package telemetry

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/pointsman/pointsman/engine"
)

// full are metrics whose every source tells something, so that every name shows up.
func full(cfg MetricsConfig) *Metrics {
	cfg.Sources = Sources{
		Load: func() Load { return Load{Requests: 1, Connections: 2, Management: 3, Listeners: 4} },
		Health: func() []engine.HealthSubjectState {
			of := func(upstream, credential string, status engine.HealthStatus, out bool) engine.HealthSubjectState {
				return engine.HealthSubjectState{Subject: engine.HealthSubject{ProviderID: "openai", UpstreamID: upstream, Credential: credential}, Status: status, Switch: engine.HealthOn, Out: out}
			}
			return []engine.HealthSubjectState{of("", "", engine.HealthDegraded, false), of("gpt-5", "", engine.HealthDown, true), of("gpt-4o", "", engine.HealthDown, false), of("", "k1", engine.HealthDown, true)}
		},
		Budgets: func() []Budget { return []Budget{{AccountID: "acme", ID: "month", Unit: "usd", Used: 0.75}} },
		Limits: func() []engine.LimitStat {
			return []engine.LimitStat{{LimitID: "rpm", Kind: engine.LimitRequests, Used: 25, Remaining: 75}, {LimitID: "rpm", Kind: engine.LimitRequests, Used: 90, Remaining: 10}}
		},
		Plugins: func() []Plugin {
			return []Plugin{{Name: "guard", Instances: 1, MemoryBytes: 10}, {AccountID: "acme", Name: "guard", Instances: 2, MemoryBytes: 20, Suspended: true}}
		},
		Spool:     func() Spool { return Spool{Rows: 5, Age: 2 * time.Second} },
		Decisions: func() engine.DecisionStats { return engine.DecisionStats{Written: 7, Dropped: 1} },
		Dropped:   func() []Dropped { return []Dropped{{"session", 2}} },
		Snapshot:  func() Snapshot { return Snapshot{Revision: 9, Loaded: time.Now(), Ready: true} },
		Panics:    func() int64 { return 3 },
		Pools:     func() []engine.PoolStats { return []engine.PoolStats{{Name: "main", Most: 4, Open: 2, Busy: 1}} },
	}
	m := NewMetrics(cfg)
	m.attempted(attempt("gpt-5", "gpt-4o", "upstream_failed"))
	q := request("gpt-5", true)
	q.Refusals = []engine.LimitRefusal{{LimitID: "rpm", Kind: engine.LimitRequests}, {Kind: engine.LimitTokens, Provider: "openai"}}
	m.ended(q)
	m.Meter("", "guard", "1.0.0").Called("deadline", time.Millisecond)
	m.Answered("/v1/models", 200, 0)
	m.Noticed(&engine.Notice{Kind: engine.NoticeProviderDown, ProviderID: "openai", Detail: `{"kind":"provider","to":"down","reason":"consecutive_failures"}`})
	return m
}

func target(name string) *engine.Target {
	return &engine.Target{Model: &engine.Model{ID: name, UpstreamID: name, AccountID: "acme"}, Provider: &engine.Provider{ID: "openai"}}
}

func attempt(name, from, why string) *engine.ObservedAttempt {
	return &engine.ObservedAttempt{
		Request: &engine.Request{Principal: engine.Principal{AccountID: "acme"}}, Target: target(name), Number: 1, From: from, Why: why,
		Tokens: engine.Tokens{Prompt: 100, Cached: 40, CacheWrite: 10, Completion: 20, Reasoning: 5}, Cost: 1_500_000_000, Premium: 50, Estimated: true,
		Took: time.Second, First: time.Millisecond,
	}
}

func request(name string, stream bool) *engine.ObservedRequest {
	return &engine.ObservedRequest{
		Request:  &engine.Request{ID: "r", Model: name, Stream: stream, Principal: engine.Principal{AccountID: "acme"}},
		Decision: &engine.Decision{Source: "long-context", Skipped: []engine.Skip{{What: "broken", Reason: engine.SkipRuleFailed}}},
		Last:     target(name), Attempts: 1, Took: time.Second, First: 100 * time.Millisecond, Overhead: 75 * time.Microsecond,
	}
}

// scraped are the metrics as Prometheus reads them.
func scraped(t testing.TB, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	var text bytes.Buffer
	if _, err := m.Write(&text, ""); err != nil {
		t.Fatalf("Write: %v", err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	all, err := parser.TextToMetricFamilies(&text)
	if err != nil {
		t.Fatalf("what was scraped does not parse: %v", err)
	}
	return all
}

// value is the sum of the series of a metric that have those labels, written a=b,c=d.
func value(all map[string]*dto.MetricFamily, name, labels string) float64 {
	sum := 0.0
	for _, one := range all[name].GetMetric() {
		has := true
		for want := range strings.SplitSeq(labels, ",") {
			found := want == ""
			for _, l := range one.GetLabel() {
				found = found || l.GetName()+"="+l.GetValue() == want
			}
			has = has && found
		}
		if has {
			sum += one.GetCounter().GetValue() + one.GetGauge().GetValue() + float64(one.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// TestScrape reads back what was put in, to the digit.
func TestScrape(t *testing.T) {
	t.Parallel()
	all := scraped(t, full(MetricsConfig{Version: "v1"}))
	for _, tt := range []struct {
		name, labels string
		want         float64
	}{
		{"requests_total", "account=,rule=long-context,provider=openai,model=gpt-5,code=ok", 1},
		{"request_duration_seconds", "provider=openai,model=gpt-5,stream=true", 1},
		{"time_to_first_token_seconds", "", 1},
		{"overhead_seconds", "stream=true", 1},
		{"overhead_seconds", "stream=false", 0},
		{"attempts_total", "provider=openai,model=gpt-5,code=ok", 1},
		{"attempt_duration_seconds", "provider=openai", 1},
		{"tokens_total", "direction=input", 50},
		{"tokens_total", "direction=cached", 40},
		{"tokens_total", "direction=cache_write", 10},
		{"tokens_total", "direction=output", 15},
		{"tokens_total", "direction=reasoning", 5},
		{"tokens_total", "", 120},
		{"cost_usd_total", "provider=openai,model=gpt-5", 1.5},
		{"premium_requests_total", "", 0.5},
		{"estimated_attempts_total", "", 1},
		{"fallbacks_total", "from=gpt-4o,to=gpt-5,reason=upstream_failed", 1},
		{"rule_evaluations_total", "rule=long-context,outcome=matched", 1},
		{"rule_evaluations_total", "rule=broken,outcome=failed", 1},
		{"limit_refusals_total", "limit=rpm", 1},
		{"limit_refusals_total", "limit=announced", 1},
		{"plugin_calls_total", "plugin=guard,outcome=deadline", 1},
		{"plugin_calls_total", "plugin=guard,outcome=ok", 0},
		{"plugin_duration_seconds", "plugin=guard", 1},
		{"plugin_memory_bytes", "plugin=guard", 30},
		{"plugin_suspended", "plugin=guard", 1},
		{"provider_up", "provider=openai", 1},
		{"provider_degraded", "provider=openai", 1},
		{"provider_circuit_state", "model=gpt-5", 2},
		{"provider_circuit_state", "model=gpt-4o", 1},
		{"provider_circuit_state", "provider=openai,model=", 0},
		{"provider_credentials_down", "provider=openai", 1},
		{"health_transitions_total", "provider=openai,kind=provider,to=down,reason=consecutive_failures", 1},
		{"notices_total", "kind=provider.down", 1},
		{"budget_used_ratio", "account=,budget=month,unit=usd", 0.75},
		{"limit_remaining_ratio", "limit=rpm", 0.1},
		{"inflight_requests", "", 1},
		{"dropped_records_total", "kind=decision", 1},
		{"dropped_records_total", "kind=session", 2},
		{"spool_age_seconds", "", 2},
		{"snapshot_revision", "", 9},
		{"ready", "", 1},
		{"database_connections_in_use", "pool=main", 1},
		{"http_requests_total", "route=/v1/models,status=200", 1},
		{"build_info", "version=v1", 1},
	} {
		if got := value(all, "pointsman_"+tt.name, tt.labels); got != tt.want {
			t.Errorf("%s{%s} = %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if all[name] == nil {
			t.Errorf("%s is not told", name)
		}
	}
	if got := value(scraped(t, full(MetricsConfig{Accounts: true})), "pointsman_requests_total", "account=acme"); got != 1 {
		t.Errorf("requests_total with accounts = %v, want 1 of acme", got)
	}
}

// TestNamesAreAsPrometheusWantsThem runs the linter of promtool.
func TestNamesAreAsPrometheusWantsThem(t *testing.T) {
	t.Parallel()
	m := full(MetricsConfig{})
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "pointsman_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// TestSeriesOfOneAccountLeaveRoom: an account that puts few names together in many ways takes half
// of a family at most, and what it brings beyond counts as other.
func TestSeriesOfOneAccountLeaveRoom(t *testing.T) {
	t.Parallel()
	type key struct{ rule, model string }
	f := newFamily(func(key) key { return key{other, other} }, func(key) *int { return new(int) })
	const sides = 100
	for i := range sides * sides {
		*f.of("greedy", key{fmt.Sprint("rule-", i/sides), fmt.Sprint("model-", i%sides)})++
	}
	*f.of("modest", key{"mine", "gpt"})++
	*f.of("", key{"everybody's", "gpt"})++
	counts := map[key]int{}
	f.each(func(k key, n *int) { counts[k] = *n })
	if n := len(counts); n != maxOwnSeries+3 {
		t.Errorf("%d series, want the account's %d, what stands for its others, and two", n, maxOwnSeries)
	}
	if counts[key{"mine", "gpt"}] != 1 || counts[key{"everybody's", "gpt"}] != 1 {
		t.Errorf("others' series are %d and %d, want 1 each", counts[key{"mine", "gpt"}], counts[key{"everybody's", "gpt"}])
	}
	if got, want := counts[key{other, other}], sides*sides-maxOwnSeries; got != want {
		t.Errorf("%d requests count as other, want %d", got, want)
	}
}

// TestHostileNames lets tenants call things by 10,000 names each: the series stay few, what was
// there before keeps its own, and one account cannot take all the room.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	m := NewMetrics(MetricsConfig{Accounts: true})
	m.ended(request("mine", false))
	for i := range 10_000 {
		name := fmt.Sprintf("m\n\"%d{}\\\xff", i)
		q := request(name, i%2 == 0)
		q.Decision.Source, q.Request.Principal.AccountID = name, fmt.Sprintf("account-%d", i%400)
		q.Last.Provider.ID = name
		q.Refusals = []engine.LimitRefusal{{LimitID: name}}
		m.ended(q)
		a := attempt(name, name+"x", "rate_limited")
		a.Request.Principal.AccountID = q.Request.Principal.AccountID
		m.attempted(a)
		m.Meter("acme", name, "1").Called("", time.Microsecond)
	}
	all := scraped(t, m)
	series := 0
	for name, f := range all {
		if strings.HasPrefix(name, "pointsman_") {
			series += len(f.GetMetric())
		}
		if n := len(f.GetMetric()); n > 5*(maxSeries+64) {
			t.Errorf("%s has %d series, want at most %d", name, n, 5*(maxSeries+64))
		}
		for _, one := range f.GetMetric() {
			for _, l := range one.GetLabel() {
				if strings.ContainsAny(l.GetValue(), "\n\"\\\xff") {
					t.Fatalf("%s has the label %s=%q, want printable ASCII", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
	if series > 40_000 {
		t.Errorf("%d series in all, want at most 40,000", series)
	}
	if got := value(all, "pointsman_requests_total", ""); got != 10_001 {
		t.Errorf("requests_total = %v in all, want 10,001: none may be lost", got)
	}
	if got := value(all, "pointsman_requests_total", "model=mine,account=acme"); got != 1 {
		t.Errorf("requests_total{model=mine} = %v, want 1", got)
	}
	one := newNames(100)
	for i := range 1000 {
		one.of("greedy", fmt.Sprint("g", i))
	}
	if got := one.of("acme", "mine"); got != "mine" {
		t.Errorf("after one account's thousand names another's is %q, want its own", got)
	}
	if got := one.of("greedy", strings.Repeat("x", maxName+1)); got != other {
		t.Errorf("a name that is too long is %q, want %q", got, other)
	}
}

// TestObservingAllocatesNothing: not for names that were seen before.
func TestObservingAllocatesNothing(t *testing.T) {
	m := NewMetrics(MetricsConfig{Accounts: true})
	o := Observer{Metrics: m}
	q, a := request("gpt-5", true), attempt("gpt-5", "gpt-4o", "upstream_failed")
	meter := m.Meter("", "guard", "1")
	if n := testing.AllocsPerRun(200, func() {
		o.Began(q.Request)
		o.Attempted(a)
		o.Ended(q)
		meter.Called("", time.Microsecond)
	}); n != 0 {
		t.Errorf("a request allocates %v times, want 0", n)
	}
}

// BenchmarkObserve is what metrics cost a request of one attempt.
func BenchmarkObserve(b *testing.B) {
	o := Observer{Metrics: NewMetrics(MetricsConfig{})}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		q, a := request("gpt-5", false), attempt("gpt-5", "", "")
		for pb.Next() {
			o.Began(q.Request)
			o.Attempted(a)
			o.Ended(q)
		}
	})
}
