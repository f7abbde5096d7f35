package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost/budget"
	"github.com/pointsman/pointsman/host/telemetry"
)

// Telemetry is what the process tells of itself to machines. The zero value tells what a key may
// ask for, and sends nothing anywhere.
type Telemetry struct {
	// AdminListen is host:port of a listener without keys, for /metrics, /debug/pprof/, /healthz
	// and /readyz; "": there is none. A loopback address, unless
	// POINTSMAN_ADMIN_LISTEN_PUBLIC says that another one is meant.
	AdminListen string `yaml:"admin_listen" env:"POINTSMAN_ADMIN_LISTEN"`
	// AdminPublic lets it be an address that others reach; profiles are for this machine even then.
	AdminPublic bool `yaml:"admin_listen_public" env:"POINTSMAN_ADMIN_LISTEN_PUBLIC"`
	// MetricsAccounts gives metrics, and spans, the account's id.
	MetricsAccounts bool `yaml:"metrics_accounts" env:"POINTSMAN_METRICS_ACCOUNTS"`

	// TraceEndpoint is the base URL of an OTLP collector that takes HTTP. "": what OpenTelemetry's
	// own two variables say; all empty: nothing is traced.
	TraceEndpoint string `yaml:"trace_endpoint" env:"POINTSMAN_TRACE_ENDPOINT" mask:"url"`
	// TraceRatio is the share of requests that are traced, 0 to 1; default 1.
	TraceRatio float64 `yaml:"trace_ratio" env:"POINTSMAN_TRACE_RATIO"`
	// TraceContext is what becomes of callers' traceparent: link (default), or parent.
	TraceContext string `yaml:"trace_context" env:"POINTSMAN_TRACE_CONTEXT" unset:"link"`
	// TracePropagate sends providers a traceparent.
	TracePropagate bool `yaml:"trace_propagate" env:"POINTSMAN_TRACE_PROPAGATE"`

	// As OpenTelemetry names them.
	OTLPEndpoint string `yaml:"-" env:"OTEL_EXPORTER_OTLP_ENDPOINT" mask:"url"`        // base URL of a collector, as OpenTelemetry names it
	OTLPTraces   string `yaml:"-" env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" mask:"url"` // whole URL for traces, as OpenTelemetry names it; goes before the base URL
	OTelDisabled bool   `yaml:"-" env:"OTEL_SDK_DISABLED"`                             // nothing is traced, whatever else is set
}

// traceEndpoint is where spans go; "": nowhere.
func (t *Telemetry) traceEndpoint() string {
	switch {
	case t.OTelDisabled:
		return ""
	case t.TraceEndpoint != "":
		return t.TraceEndpoint
	case t.OTLPTraces != "":
		return t.OTLPTraces
	}
	return t.OTLPEndpoint
}

func (t *Telemetry) validate() error {
	if t.AdminListen != "" {
		if _, _, err := net.SplitHostPort(t.AdminListen); err != nil {
			return fmt.Errorf("POINTSMAN_ADMIN_LISTEN is %q; it is host:port, such as 127.0.0.1:9091", t.AdminListen)
		}
		if !t.AdminPublic && !telemetry.IsLoopback(t.AdminListen) {
			return fmt.Errorf("POINTSMAN_ADMIN_LISTEN is %q, which others can reach, and it asks for no key: take 127.0.0.1:9091, or say POINTSMAN_ADMIN_LISTEN_PUBLIC=true if a firewall or a network policy guards it", t.AdminListen)
		}
	}
	if !(t.TraceRatio >= 0 && t.TraceRatio <= 1) {
		return fmt.Errorf("POINTSMAN_TRACE_RATIO is %v; it is a share from 0 to 1", t.TraceRatio)
	}
	switch t.TraceContext {
	case "", telemetry.ContextLink, telemetry.ContextParent:
	default:
		return fmt.Errorf("POINTSMAN_TRACE_CONTEXT is %q; it is link or parent", t.TraceContext)
	}
	if endpoint := t.traceEndpoint(); endpoint != "" && !isBaseURL(endpoint) {
		return errors.New("the trace endpoint (POINTSMAN_TRACE_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT) is not a URL such as http://127.0.0.1:4318")
	}
	return nil
}

// telling is the running side of it.
type telling struct {
	metrics  *telemetry.Metrics
	tracer   *telemetry.Tracer // nil: nothing is traced
	admin    net.Listener      // nil: there is none
	waiting  waiting           // rows of usage
	loaded   atomic.Int64      // when the configuration in force was last compared with the store, Unix ns
	unloaded atomic.Bool       // the last attempt to read it failed
}

// openTelemetry makes metrics and tracer, and takes the admin address.
func (h *Host) openTelemetry(ctx context.Context) (err error) {
	version, commit := build()
	cfg := &h.cfg.Telemetry
	h.telling.metrics = telemetry.NewMetrics(telemetry.MetricsConfig{
		Accounts: cfg.MetricsAccounts, Version: version, Commit: commit, Sources: h.sources(), Log: h.opts.Log,
	})
	if endpoint := cfg.traceEndpoint(); endpoint != "" {
		h.telling.tracer, err = telemetry.NewTracer(ctx, telemetry.TraceConfig{
			Endpoint: endpoint, Ratio: cfg.TraceRatio, Context: cfg.TraceContext, Propagate: cfg.TracePropagate,
			Accounts: cfg.MetricsAccounts, Version: version, Metrics: h.telling.metrics, Log: h.opts.Log,
		})
		if err != nil {
			return err
		}
	}
	if cfg.AdminListen != "" {
		if h.telling.admin, err = net.Listen("tcp", cfg.AdminListen); err != nil {
			return fmt.Errorf("listen on %s: %w; set POINTSMAN_ADMIN_LISTEN to another address", cfg.AdminListen, err)
		}
	}
	return nil
}

// observer is what the pipeline tells.
func (h *Host) observer() engine.Observer {
	return telemetry.Observer{Metrics: h.telling.metrics, Tracer: h.telling.tracer}
}

// build is what the binary says of itself.
func build() (version, commit string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return info.Main.Version, commit
}

// sources are what a scrape reads. They reach no database.
func (h *Host) sources() telemetry.Sources {
	s := telemetry.Sources{
		Load: func() telemetry.Load {
			l := telemetry.Load{}
			if h.pipeline != nil {
				l.Requests = h.pipeline.InFlight()
			}
			if h.server != nil {
				now := h.server.Load()
				l.Connections, l.Management, l.Listeners = now.Connections, now.Management, now.Listeners
			}
			return l
		},
		Health:  func() []engine.HealthSubjectState { return h.healthService.Snapshot(nil) },
		Budgets: h.budgetGauges,
		Limits:  func() []engine.LimitStat { return h.limits.Gauges(maxLimitGauges) },
		Plugins: h.pluginGauges,
		Spool: func() telemetry.Spool {
			s := h.ledger.Stats()
			return telemetry.Spool{Rows: s.Pending, Open: s.Open, Bytes: s.Bytes, Files: s.Segments, Full: s.Full, Age: h.telling.waiting.age(s.Pending)}
		},
		Panics:    h.panics.n.Load,
		Decisions: func() engine.DecisionStats { return h.decisions.Stats() },
		Dropped:   func() []telemetry.Dropped { return []telemetry.Dropped{{Kind: "session", N: h.sessions.Dropped()}} },
		Snapshot: func() telemetry.Snapshot {
			n := telemetry.Snapshot{Revision: h.revision.Load(), Stale: h.telling.unloaded.Load(), Ready: h.ready.Load()}
			if at := h.telling.loaded.Load(); at != 0 {
				n.Loaded = time.Unix(0, at)
			}
			return n
		},
	}
	if pooled, ok := h.store.(engine.Pooled); ok {
		s.Pools = pooled.Pools
	}
	return s
}

// maxLimitGauges is how many buckets of limits are looked at: those that refused most.
const maxLimitGauges = 1000

func (h *Host) budgetGauges() []telemetry.Budget {
	var all []telemetry.Budget
	for _, of := range [...]struct {
		unit  string
		guard *budget.Guard
	}{{"usd", h.budgets}, {"tokens", h.tokens}} {
		for _, g := range of.guard.Gauges() {
			b := telemetry.Budget{AccountID: g.Budget.AccountID, ID: g.Budget.ID, Unit: of.unit}
			if g.Budget.NanoUSD > 0 {
				b.Used = (float64(g.State.SpentNanoUSD) + float64(g.State.HeldNanoUSD)) / float64(g.Budget.NanoUSD)
			}
			all = append(all, b)
		}
	}
	return all
}

func (h *Host) pluginGauges() []telemetry.Plugin {
	uses := h.library.Uses()
	all := make([]telemetry.Plugin, len(uses))
	for i, u := range uses {
		all[i] = telemetry.Plugin{AccountID: u.AccountID, Name: u.Name, Instances: u.Instances, MemoryBytes: u.MemoryBytes, Suspended: u.Suspended}
	}
	return all
}

// runTelemetry serves the admin listener, and counts what administrators are told, until ctx ends.
func (h *Host) runTelemetry(ctx context.Context) error {
	done := make(chan struct{})
	defer func() { <-done }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(done)
		h.keep(ctx, "notices' counter", h.countNotices)
	}()
	if h.telling.admin == nil {
		<-ctx.Done()
		return nil
	}
	server := telemetry.NewAdmin(telemetry.AdminConfig{
		Metrics: h.telling.metrics, Loopback: telemetry.IsLoopback(h.telling.admin.Addr().String()),
		Ready: func() error {
			if !h.ready.Load() {
				return errNotReady
			}
			return nil
		},
	})
	h.opts.Log.Info().Str("url", "http://"+h.telling.admin.Addr().String()).Msg("metrics and profiles")
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(h.telling.admin); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin listener: %w", err)
	}
	return nil
}

func (h *Host) countNotices(ctx context.Context) {
	for last := int64(0); ; {
		list, newest, err := h.notices.Wait(ctx, last)
		if err != nil {
			return
		}
		for i := range list {
			h.telling.metrics.Noticed(&list[i])
		}
		last = newest
	}
}

// closeTelemetry sends the last spans.
func (h *Host) closeTelemetry(ctx context.Context) {
	if h.telling.admin != nil {
		_ = h.telling.admin.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	if err := h.telling.tracer.Close(ctx); err != nil {
		h.opts.Log.Warn().Err(err).Msg("the last traces are not delivered")
	}
}

// reloaded notes that what is stored is what is in force, or that it could not be read.
func (t *telling) reloaded(err error) {
	t.unloaded.Store(err != nil)
	if err == nil {
		t.loaded.Store(time.Now().UnixNano())
	}
}

// waiting knows for how long rows of usage wait while the database takes none. Safe for
// concurrent use.
type waiting struct{ since atomic.Int64 } // Unix ns; 0: nothing waits

// settled notes a row that waits.
func (w *waiting) settled() {
	if w.since.Load() == 0 {
		w.since.CompareAndSwap(0, time.Now().UnixNano())
	}
}

func (w *waiting) age(rows int64) time.Duration {
	since := w.since.Load()
	if rows == 0 || since == 0 {
		return 0
	}
	return time.Since(time.Unix(0, since))
}

// takingUsage is a store of rows that says when it took some.
type takingUsage struct {
	engine.UsageStore
	waiting *waiting
}

// AddUsage implements engine.UsageStore.
func (s takingUsage) AddUsage(ctx context.Context, rows []engine.Usage) error {
	err := s.UsageStore.AddUsage(ctx, rows)
	if err == nil {
		s.waiting.since.Store(0)
	}
	return err
}
