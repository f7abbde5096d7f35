package telemetry

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	otlp "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/pointsman/pointsman/engine"
)

// exported are the spans that a collector gets of one request with one attempt.
func exported(t *testing.T, cfg TraceConfig, header string) (spans []*traces.Span, sent string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var in otlp.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &in)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			http.Error(w, fmt.Sprint(r.URL.Path, err), http.StatusBadRequest)
			return
		}
		for _, of := range in.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				spans = append(spans, scope.Spans...) // before the answer, which Close waits for
			}
		}
	}))
	defer server.Close()
	cfg.Endpoint, cfg.Metrics = server.URL, NewMetrics(MetricsConfig{})
	tracer, err := NewTracer(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	o := Observer{Metrics: cfg.Metrics, Tracer: tracer}
	q, a := request("gpt-5", false), attempt("gpt-5", "", "")
	q.Request.TraceParent = header
	trace := o.Began(q.Request)
	if trace != nil {
		sent = trace.Attempt(a.Target, 1)
		a.Trace, q.Trace = trace, trace
	}
	o.Attempted(a)
	o.Ended(q)
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return spans, sent
}

// TestTraceContext: a caller's traceparent is a link, or where that is said the parent; providers
// see one only where that is said.
func TestTraceContext(t *testing.T) {
	t.Parallel()
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, tt := range []struct {
		name           string
		cfg            TraceConfig
		header         string
		linked, parent bool
		none           bool
	}{
		{"no caller's", TraceConfig{Ratio: 1}, "", false, false, false},
		{"a link", TraceConfig{Ratio: 1}, "00-" + trace + "-" + span + "-01", true, false, false},
		{"a link, whatever the caller samples", TraceConfig{Ratio: 1, Context: ContextLink}, "00-" + trace + "-" + span + "-00", true, false, false},
		{"a share of none, whatever the caller samples", TraceConfig{}, "00-" + trace + "-" + span + "-01", false, false, true},
		{"the parent, sampled by the caller", TraceConfig{Context: ContextParent, Propagate: true}, "00-" + trace + "-" + span + "-01", false, true, false},
		{"the parent, not sampled by the caller", TraceConfig{Ratio: 1, Context: ContextParent}, "00-" + trace + "-" + span + "-00", false, false, true},
		{"no traceparent", TraceConfig{Ratio: 1, Context: ContextParent}, "00-" + strings.Repeat("0", 32) + "-" + span + "-01", false, false, false},
		{"rubbish", TraceConfig{Ratio: 1, Context: ContextParent}, strings.Repeat("00-\r\n", 40), false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spans, sent := exported(t, tt.cfg, tt.header)
			if tt.none {
				if len(spans) != 0 || sent != "" {
					t.Errorf("%d spans, and the provider is sent %q, want none", len(spans), sent)
				}
				return
			}
			if len(spans) != 2 {
				t.Fatalf("%d spans, want two", len(spans))
			}
			child, root := spans[0], spans[1] // as they ended
			if root.Name != "chat gpt-5" || child.Name != "chat gpt-5" || string(child.ParentSpanId) != string(root.SpanId) || string(child.TraceId) != string(root.TraceId) {
				t.Errorf("the attempt %q is no child of %q", child.Name, root.Name)
			}
			linked := len(root.Links) == 1 && hex.EncodeToString(root.Links[0].TraceId) == trace && hex.EncodeToString(root.Links[0].SpanId) == span
			parent := hex.EncodeToString(root.TraceId) == trace && hex.EncodeToString(root.ParentSpanId) == span
			if linked != tt.linked || parent != tt.parent {
				t.Errorf("linked %v, parent %v, want %v, %v", linked, parent, tt.linked, tt.parent)
			}
			want := ""
			if tt.cfg.Propagate {
				want = "00-" + hex.EncodeToString(root.TraceId) + "-" + hex.EncodeToString(child.SpanId) + "-01"
			}
			if sent != want {
				t.Errorf("the provider is sent %q, want %q", sent, want)
			}
		})
	}
}

// TestLostSpansAreCounted: a collector that refuses is no error of the gateway's.
func TestLostSpansAreCounted(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) }))
	defer server.Close()
	m := NewMetrics(MetricsConfig{})
	tracer, err := NewTracer(t.Context(), TraceConfig{Endpoint: server.URL + "/v1/traces", Ratio: 1, Metrics: m})
	if err != nil {
		t.Fatal(err)
	}
	q := request("gpt-5", false)
	q.Trace = Observer{Metrics: m, Tracer: tracer}.Began(q.Request)
	Observer{Metrics: m, Tracer: tracer}.Ended(q)
	if err := tracer.Close(t.Context()); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	if got := value(scraped(t, m), "pointsman_trace_spans_lost_total", ""); got != 1 {
		t.Errorf("trace_spans_lost_total = %v, want 1", got)
	}
	if _, err := NewTracer(t.Context(), TraceConfig{Endpoint: "collector:4317"}); err == nil {
		t.Error("NewTracer without a scheme = nil, want an error")
	}
	var none engine.RequestTrace = Observer{Metrics: m}.Began(q.Request)
	if none != nil {
		t.Errorf("without a tracer Began = %v, want nil", none)
	}
}
