package host

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is an OTLP collector.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	raw   []byte // all that came
	spans []*traces.Span
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var in collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &in)
		}
		if err != nil || q.URL.Path != "/v1/traces" {
			http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.raw = append(r.raw, body...)
		for _, of := range in.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				r.spans = append(r.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// attribute is a span's, as text; "" when it is not there.
func attribute(s *traces.Span, key string) string {
	for _, kv := range s.Attributes {
		if kv.Key == key {
			if v := kv.Value.GetStringValue(); v != "" {
				return v
			}
			return fmt.Sprint(kv.Value.GetIntValue())
		}
	}
	return ""
}

// of returns the request's root and its children, oldest first.
func (r *receiver) of(t *testing.T, requestID string) (root *traces.Span, children []*traces.Span) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if attribute(s, "pointsman.request.id") == requestID {
			if root != nil {
				t.Errorf("request %s has two roots", requestID)
			}
			root = s
		}
	}
	if root == nil {
		t.Fatalf("request %s has no span among %d", requestID, len(r.spans))
	}
	for _, s := range r.spans {
		if bytes.Equal(s.ParentSpanId, root.SpanId) && bytes.Equal(s.TraceId, root.TraceId) {
			children = append(children, s)
		}
	}
	return root, children
}

// conventional holds every span against OpenTelemetry's conventions for generative AI: a request
// is a server's span with one client's span below it for each attempt.
func (r *receiver) conventional(t *testing.T) {
	t.Helper()
	attempts := map[string]int{}
	for _, s := range r.spans {
		if attribute(s, "pointsman.request.id") == "" {
			attempts[string(s.ParentSpanId)]++
		}
	}
	for _, s := range r.spans {
		op := attribute(s, "gen_ai.operation.name")
		if id := attribute(s, "pointsman.request.id"); id != "" {
			if n := fmt.Sprint(attempts[string(s.SpanId)]); s.Kind != traces.Span_SPAN_KIND_SERVER || op == "" || attribute(s, "pointsman.attempts") != n {
				t.Errorf("request %s is %v, want a server's span that says that it has %s below it", id, s, n)
			}
			continue
		}
		model := attribute(s, "gen_ai.request.model")
		if s.Kind != traces.Span_SPAN_KIND_CLIENT || op == "" || model == "" || attribute(s, "gen_ai.provider.name") == "" || s.Name != op+" "+model {
			t.Errorf("the attempt %v lacks its kind, operation, provider or model, or has another name than these", s)
		}
		if failed := s.Status.GetCode() == traces.Status_STATUS_CODE_ERROR; failed != (attribute(s, "error.type") != "") {
			t.Errorf("the attempt %v failed: %v, want that and error.type together", s, failed)
		}
		for _, e := range s.Events {
			if e.Name != "pointsman.plugin" {
				t.Errorf("the attempt %s has the event %s, want its adapter's alone", s.Name, e.Name)
			}
		}
	}
}

func hasEvent(s *traces.Span, name, key, want string) bool {
	for _, e := range s.Events {
		for _, kv := range e.Attributes {
			if e.Name == name && kv.Key == key && kv.Value.GetStringValue() == want {
				return true
			}
		}
	}
	return false
}

// scrape reads the metrics as Prometheus does.
func (g *gateway) scrape() map[string]*dto.MetricFamily {
	g.t.Helper()
	a := g.do(http.MethodGet, "/metrics", nil)
	if a.Status != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
		g.t.Fatalf("GET /metrics = %d as %q, want a text\n%s", a.Status, a.Header.Get("Content-Type"), a.Body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	all, err := parser.TextToMetricFamilies(bytes.NewReader(a.Body))
	if err != nil {
		g.t.Fatalf("GET /metrics does not parse: %v", err)
	}
	return all
}

// sum is that of the series which have those labels, written a=b,c=d.
func sum(all map[string]*dto.MetricFamily, name, labels string) (total float64) {
	for _, one := range all["pointsman_"+name].GetMetric() {
		has := true
		for want := range strings.SplitSeq(labels, ",") {
			found := want == ""
			for _, l := range one.GetLabel() {
				found = found || l.GetName()+"="+l.GetValue() == want
			}
			has = has && found
		}
		if has {
			total += one.GetCounter().GetValue() + one.GetGauge().GetValue() + float64(one.GetHistogram().GetSampleCount())
		}
	}
	return total
}

// TestTelemetry sends a gateway traffic of every kind, and reads what it told Prometheus and a
// collector of traces of it.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	const canary = "xylophone"
	r := newReceiver(t)
	g := startGateway(t, func(c *Config, _ *Options) {
		c.Telemetry = Telemetry{AdminListen: "127.0.0.1:0", OTLPEndpoint: r.URL, TraceRatio: 1, TracePropagate: true}
	})
	if a := g.upload(named(t, builtChatty, `{"name":"chatty","version":"1.0.0","kind":"rule","abi":1}`), ""); a.Status != 201 {
		t.Fatalf("upload = %d\n%s", a.Status, a.Body)
	}
	if a := g.do(http.MethodPost, "/api/v1/rules", map[string]any{"id": "chatty", "name": "Chatty", "priority": 99, "plugin": "chatty", "target": "gpt-5", "enabled": true}); a.Status != 201 {
		t.Fatalf("create rule = %d\n%s", a.Status, a.Body)
	}
	before := g.scrape()

	pinned := g.chat("gpt-5", canary)
	failover := g.chat("auto", "/fast [[simulate provider=google status=503]] "+canary)
	broken := g.chat("auto", canary+" explode")
	decided := g.chat("auto", canary+" zebra")
	body := chatBody("gpt-5", canary)
	body["stream"] = true
	streamed := g.do(http.MethodPost, "/v1/chat/completions", body)
	embedded := g.do(http.MethodPost, "/v1/embeddings", map[string]any{"model": "text-embedding-3-small", "input": canary})
	for i := range 30 {
		if a := g.chat(fmt.Sprintf("hostile-%d-%s", i, strings.Repeat("x", 40)), canary); a.Status != http.StatusNotFound {
			t.Fatalf("an unknown model = %d, want 404", a.Status)
		}
	}
	limited := g.chat("anthropic/claude-opus-4.5", "[[simulate provider=anthropic status=429]] "+canary)
	for _, tt := range []struct {
		name string
		answer
		status int
		model  string
	}{
		{"a pin", pinned, 200, "gpt-5"}, {"a failover", failover, 200, "claude-haiku-4.5"}, {"a broken rule", broken, 200, "gpt-4o"},
		{"a plugin's decision", decided, 200, "gpt-5.2"}, {"a stream", streamed, 200, "gpt-5"}, {"embeddings", embedded, 200, "text-embedding-3-small"}, {"a provider's limit", limited, 429, ""},
	} {
		if got := tt.Header.Get("x-pointsman-model"); tt.Status != tt.status || got != tt.model {
			t.Fatalf("%s = %d from %q, want %d from %q (%s)", tt.name, tt.Status, got, tt.status, tt.model, tt.Header.Get("x-pointsman-decision"))
		}
	}
	first := failover.Header.Get("x-pointsman-decision")
	rule := failover.Header.Get("x-pointsman-rule")

	after := g.scrape()
	for _, tt := range []struct {
		name, labels string
		want         float64
	}{
		{"requests_total", "", 37},
		{"requests_total", "rule=pinned,provider=openai,model=gpt-5,code=ok", 2},
		{"requests_total", "rule=" + rule + ",provider=anthropic,model=claude-haiku-4.5,code=ok", 1},
		{"requests_total", "rule=chatty,model=gpt-5.2,code=ok", 1},
		{"requests_total", "rule=default,model=gpt-4o,code=ok", 1},
		{"requests_total", "rule=pinned,provider=,model=,code=model_not_found", 30},
		{"requests_total", "provider=anthropic,model=claude-opus-4.5,code=rate_limit_exceeded", 1},
		{"requests_total", "account=", 37},
		{"request_duration_seconds", "", 37},
		{"overhead_seconds", "stream=true", 1},
		{"time_to_first_token_seconds", "provider=openai,model=gpt-5", 1},
		{"attempts_total", "", 8},
		{"attempts_total", "provider=google,code=upstream_overloaded", 1},
		{"attempts_total", "provider=anthropic,code=rate_limit_exceeded", 1},
		{"fallbacks_total", "to=claude-haiku-4.5,reason=upstream_overloaded", 1},
		{"fallbacks_total", "", 1},
		{"rule_evaluations_total", "rule=chatty,outcome=failed", 1},
		{"rule_evaluations_total", "rule=chatty,outcome=matched", 1},
		{"rule_evaluations_total", "rule=" + rule + ",outcome=matched", 1},
		{"plugin_calls_total", "plugin=chatty,outcome=ok", 2}, // the failover's, which abstains, and the zebra's
		{"plugin_duration_seconds", "plugin=chatty", 3},
		{"http_requests_total", "route=/v1/chat/completions,status=404", 30},
		{"http_requests_total", "route=/v1/chat/completions,status=429", 1},
	} {
		if got := sum(after, tt.name, tt.labels) - sum(before, tt.name, tt.labels); got != tt.want {
			t.Errorf("%s{%s} = %v, want %v (%s)", tt.name, tt.labels, got, tt.want, first)
		}
	}
	prompt, completion := pinned.field(t, "usage", "prompt_tokens"), pinned.field(t, "usage", "completion_tokens")
	if sum(after, "tokens_total", "model=gpt-5,direction=input") <= 0 || prompt == "" || completion == "" {
		t.Errorf("tokens_total{model=gpt-5} = %v, want what %s and %s say", sum(after, "tokens_total", "model=gpt-5"), prompt, completion)
	}
	if got := sum(after, "cost_usd_total", ""); got <= 0 {
		t.Errorf("cost_usd_total = %v, want more than 0", got)
	}
	for name, want := range map[string]float64{"ready": 1, "snapshot_stale": 0, "spool_full": 0, "inflight_requests": 0, "plugin_instances": -1, "database_connections_open": -1, "provider_up": -1} {
		if got := sum(after, name, ""); want >= 0 && got != want || want < 0 && got <= 0 {
			t.Errorf("%s = %v, want %v (-1: more than 0)", name, got, want)
		}
	}
	if n := len(after["pointsman_requests_total"].GetMetric()); n > 12 {
		t.Errorf("requests_total has %d series after 30 names that nobody has, want no more than the seven kinds", n)
	}

	g.adminListener()
	for _, served := range g.simulator.Log() {
		if !slices.Contains(served.Headers, "traceparent") {
			t.Errorf("provider %s was sent %v, want a traceparent among them", served.Provider, served.Headers)
		}
	}

	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(r.raw, []byte(canary)) || bytes.Contains(r.raw, []byte("hostile-")) {
		t.Error("spans hold what a caller wrote")
	}
	roots := 0
	for _, s := range r.spans {
		if attribute(s, "pointsman.request.id") != "" {
			roots++
		}
	}
	if roots != 37 || len(r.spans) != 37+8 {
		t.Errorf("%d roots among %d spans, want 37 among 45", roots, len(r.spans))
	}
	r.conventional(t)
	id := func(a answer) string { return a.Header.Get("x-request-id") }
	root, children := r.of(t, id(failover))
	if root.Name != "chat auto" || root.Kind != traces.Span_SPAN_KIND_SERVER || len(children) != 2 || attribute(root, "gen_ai.response.model") != "claude-haiku-4.5" {
		t.Fatalf("the failover is %q with %d children and model %q, want chat auto with two and claude-haiku-4.5", root.Name, len(children), attribute(root, "gen_ai.response.model"))
	}
	if c := children[0]; attribute(c, "gen_ai.provider.name") != "gcp.gemini" || attribute(c, "pointsman.provider") != "google" || attribute(c, "error.type") != "upstream_overloaded" || attribute(c, "http.response.status_code") != "503" || c.Status.GetCode() != traces.Status_STATUS_CODE_ERROR {
		t.Errorf("the first attempt is %v, want google's 503", c)
	}
	if c := children[1]; !strings.HasPrefix(c.Name, "chat claude-haiku") || c.Kind != traces.Span_SPAN_KIND_CLIENT || attribute(c, "gen_ai.usage.output_tokens") == "" || attribute(c, "pointsman.fallback.reason") != "upstream_overloaded" ||
		!hasEvent(c, "pointsman.plugin", "pointsman.plugin.step", "request") {
		t.Errorf("the second attempt is %v, want claude-haiku's, with tokens, the reason and its adapter", c)
	}
	if !hasEvent(root, "pointsman.rule", "pointsman.rule", rule) || !hasEvent(root, "pointsman.plugin", "pointsman.plugin", "chatty@1.0.0") {
		t.Errorf("the failover's events are %v, want its rule and the plugin that was asked", root.Events)
	}
	if root, _ := r.of(t, id(broken)); !hasEvent(root, "pointsman.rule", "pointsman.rule.outcome", "failed") || !hasEvent(root, "pointsman.plugin", "error.type", "plugin_failed") {
		t.Errorf("the broken rule's events are %v, want that it failed", root.Events)
	}
	if root, children := r.of(t, id(embedded)); root.Name != "embeddings text-embedding-3-small" || len(children) != 1 || children[0].Name != root.Name {
		t.Errorf("embeddings are %q with %d children, want embeddings text-embedding-3-small with one", root.Name, len(children))
	}
	if root, children := r.of(t, id(streamed)); len(children) != 1 || attribute(root, "pointsman.first_token_ms") == "" {
		t.Errorf("the stream is %v with %d children, want one, and when its first token came", root, len(children))
	}
}

// adminListener checks who is served what without a key.
func (g *gateway) adminListener() {
	g.t.Helper()
	admin := "http://" + g.telling.admin.Addr().String()
	ask := func(url, key, host, site string) (int, string) {
		req, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, url, nil)
		if err != nil {
			g.t.Fatal(err)
		}
		if host != "" {
			req.Host = host
		}
		if key != "" {
			req.Header.Set("Authorization", "Bearer "+key)
		}
		if site != "" {
			req.Header.Set("Sec-Fetch-Site", site)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			g.t.Fatalf("GET %s: %v", url, err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	for _, tt := range []struct {
		url, key, host, site string
		want                 int
		holds                string
	}{
		{admin + "/metrics", "", "", "", 200, "pointsman_requests_total"},
		{admin + "/healthz", "", "", "", 200, "ok"},
		{admin + "/readyz", "", "localhost", "", 200, "ready"},
		{admin + "/debug/pprof/", "", "", "", 200, "goroutine"},
		{admin + "/debug/pprof/heap", "", "", "", 200, ""},
		{admin + "/debug/pprof/cmdline", "", "", "", 404, ""},
		{admin + "/metrics", "", "rebound.example", "", 403, ""},
		{admin + "/debug/pprof/heap", "", "127.0.0.1", "cross-site", 403, ""},
		{admin + "/v1/models", g.key, "", "", 404, ""},
		{g.URL() + "/metrics", "", "", "", 401, ""},
		{g.URL() + "/debug/pprof/", "", "", "", 404, ""},
		{g.URL() + "/debug/pprof/heap", g.key, "", "", 404, ""},
		{g.URL() + "/debug/vars", g.key, "", "", 404, ""},
	} {
		if status, text := ask(tt.url, tt.key, tt.host, tt.site); status != tt.want || !strings.Contains(text, tt.holds) {
			g.t.Errorf("GET %s as %q from a %q page = %d, want %d with %q\n%.300s", tt.url, tt.host, tt.site, status, tt.want, tt.holds, text)
		}
	}
}

func TestTelemetryConfig(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		change  func(*Telemetry)
		wantErr string
	}{
		{"nothing", func(*Telemetry) {}, ""},
		{"a loopback admin listener", func(c *Telemetry) { c.AdminListen = "127.0.0.1:9091" }, ""},
		{"by name", func(c *Telemetry) { c.AdminListen = "localhost:9091" }, ""},
		{"IPv6", func(c *Telemetry) { c.AdminListen = "[::1]:9091" }, ""},
		{"every address", func(c *Telemetry) { c.AdminListen = "0.0.0.0:9091" }, "POINTSMAN_ADMIN_LISTEN_PUBLIC"},
		{"no address", func(c *Telemetry) { c.AdminListen = ":9091" }, "POINTSMAN_ADMIN_LISTEN_PUBLIC"},
		{"every address, as it is meant", func(c *Telemetry) { c.AdminListen, c.AdminPublic = ":9091", true }, ""},
		{"no port", func(c *Telemetry) { c.AdminListen = "127.0.0.1" }, "host:port"},
		{"a ratio above 1", func(c *Telemetry) { c.TraceRatio = 1.5 }, "POINTSMAN_TRACE_RATIO"},
		{"an unknown context", func(c *Telemetry) { c.TraceContext = "child" }, "POINTSMAN_TRACE_CONTEXT"},
		{"no URL", func(c *Telemetry) { c.TraceEndpoint = "collector:4317" }, "http://127.0.0.1:4318"},
		{"no URL, but disabled", func(c *Telemetry) { c.TraceEndpoint, c.OTelDisabled = "collector:4317", true }, ""},
	} {
		cfg := DefaultConfig()
		tt.change(&cfg.Telemetry)
		err := cfg.validate()
		if tt.wantErr == "" && err != nil || tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
			t.Errorf("%s: validate = %v, want %q", tt.name, err, tt.wantErr)
		}
	}
}
