package telemetry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/pointsman/pointsman/engine"
)

// Contexts: what becomes of a caller's traceparent.
const (
	// ContextLink begins a trace of our own that has a link to the caller's. A caller then can
	// neither write into others' traces nor say what is sampled.
	ContextLink = "link"
	// ContextParent goes on with the caller's trace, sampled when the caller's is. For callers that
	// are the operator's own.
	ContextParent = "parent"
)

// TraceConfig is what a Tracer is made of. Endpoint is required.
type TraceConfig struct {
	// Endpoint is an OTLP collector's base URL, http or https; spans are posted to /v1/traces below
	// it, or to its own path if it ends in that. Headers, timeout, compression and certificates are
	// read from OTEL_EXPORTER_OTLP_* as the exporter does.
	Endpoint string
	Ratio    float64 // share of requests that are traced, 0 to 1
	Context  string  // ContextLink (also "") or ContextParent
	// Propagate sends providers a traceparent. It tells them which of their requests belong
	// together, and who they come through.
	Propagate bool
	Accounts  bool // spans name the account
	Version   string
	Metrics   *Metrics // counts spans that were lost; may be nil
	Log       zerolog.Logger
}

// Tracer makes spans of requests and sends them to a collector, in the background. Make one with
// NewTracer, and Close it. Safe for concurrent use.
type Tracer struct {
	cfg      TraceConfig
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// NewTracer connects to nothing yet. Errors: the configuration's.
func NewTracer(ctx context.Context, cfg TraceConfig) (*Tracer, error) {
	endpoint, err := tracesURL(cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "pointsman"), attribute.String("service.version", cfg.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("traces: %w", err)
	}
	t := &Tracer{cfg: cfg}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithResource(about),
		sdktrace.WithSampler(sdktrace.AlwaysSample()), // began decides
		sdktrace.WithBatcher(&careful{SpanExporter: exporter, metrics: cfg.Metrics, log: cfg.Log}, sdktrace.WithMaxQueueSize(4096)),
		sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{
			AttributeValueLengthLimit: maxName, AttributeCountLimit: 64, EventCountLimit: 64, LinkCountLimit: 1, AttributePerEventCountLimit: 16, AttributePerLinkCountLimit: 4,
		}),
	)
	t.tracer = t.provider.Tracer("github.com/pointsman/pointsman", trace.WithInstrumentationVersion(cfg.Version))
	return t, nil
}

// tracesURL is where spans are posted. Errors: it is no URL.
func tracesURL(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", errors.New("the trace endpoint is not a URL such as http://127.0.0.1:4318")
	}
	if !strings.HasSuffix(u.Path, "/v1/traces") {
		u.Path = strings.TrimSuffix(u.Path, "/") + "/v1/traces"
	}
	return u.String(), nil
}

// Close sends what is left, until ctx ends.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// began begins the spans of a request; nil when it is not sampled.
func (t *Tracer) began(r *engine.Request) engine.RequestTrace {
	caller := callerOf(r.TraceParent)
	parent := t.cfg.Context == ContextParent && caller.IsValid()
	if parent && !caller.IsSampled() || !parent && t.cfg.Ratio < 1 && rand.Float64() >= t.cfg.Ratio {
		return nil
	}
	ctx := context.Background()
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(time.Now())}
	switch {
	case parent:
		ctx = trace.ContextWithRemoteSpanContext(ctx, caller)
	case caller.IsValid():
		options = append(options, trace.WithLinks(trace.Link{SpanContext: caller}))
	}
	s := &spans{t: t}
	s.ctx, s.root = t.tracer.Start(ctx, operation(r), options...)
	return s
}

var traceContext propagation.TraceContext

// maxTraceParent is more than any version that is known needs.
const maxTraceParent = 128

// callerOf is the span that a traceparent names; not valid when it names none.
func callerOf(header string) trace.SpanContext {
	if header == "" || len(header) > maxTraceParent {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(traceContext.Extract(context.Background(), propagation.MapCarrier{"traceparent": header}))
}

// parentOf is the traceparent that names a span.
func parentOf(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	traceContext.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// careful is an exporter whose failures are counted and logged, at most once a minute: a
// collector that is away is no trouble of the gateway's.
type careful struct {
	sdktrace.SpanExporter
	metrics *Metrics
	log     zerolog.Logger
	logged  atomic.Int64 // Unix seconds
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *careful) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	if e.metrics != nil {
		e.metrics.spansLost.Add(float64(len(spans)))
	}
	if now, was := time.Now().Unix(), e.logged.Load(); now-was >= 60 && e.logged.CompareAndSwap(was, now) {
		e.log.Warn().Err(err).Int("spans", len(spans)).Msg("traces not delivered")
	}
	return nil
}
