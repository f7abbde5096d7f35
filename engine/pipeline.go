package engine

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// PipelineConfig is what a Pipeline is made of. The first group is required.
type PipelineConfig struct {
	Decider   Decider
	Adapters  Adapters
	Upstream  Upstream
	Ledger    Ledger
	Catalogue func() *Catalogue // the snapshot in force; called once a request

	DefaultModel    string // default gpt-4o: the default handler's target
	DefaultFallback string // default gpt-5-mini
	MaxAttempts     int    // default 4
}

// Pipeline takes completions from the parsed document to the settled usage row.
// It implements Completer. Safe for concurrent use; it holds no lock.
type Pipeline struct {
	cfg PipelineConfig
}

var _ Completer = (*Pipeline)(nil)

// NewPipeline checks that every required part is there.
func NewPipeline(cfg PipelineConfig) (*Pipeline, error) {
	if cfg.Decider == nil || cfg.Adapters == nil || cfg.Upstream == nil || cfg.Ledger == nil || cfg.Catalogue == nil {
		return nil, errors.New("pipeline: decider, adapters, upstream, ledger and catalogue are required")
	}
	if cfg.DefaultModel == "" {
		cfg.DefaultModel, cfg.DefaultFallback = "gpt-4o", "gpt-5-mini"
	}
	if cfg.MaxAttempts <= 0 {
		cfg.MaxAttempts = 4
	}
	return &Pipeline{cfg: cfg}, nil
}

// Complete implements Completer.
func (p *Pipeline) Complete(ctx context.Context, r *Request) (Completion, error) {
	x, err := p.begin(ctx, r)
	if err != nil {
		return Completion{Meta: x.meta(nil)}, err
	}
	var last error
	for _, t := range x.plan.targets {
		body, err := x.complete(ctx, t)
		if err == nil {
			return Completion{Meta: x.meta(&t), Body: body}, nil
		}
		last = err
		if !x.failed(ctx, t, err) {
			break
		}
	}
	return Completion{Meta: x.meta(nil)}, last
}

// Stream implements Completer.
func (p *Pipeline) Stream(ctx context.Context, r *Request) (Stream, Meta, error) {
	x, err := p.begin(ctx, r)
	if err != nil {
		return nil, x.meta(nil), err
	}
	var last error
	for _, t := range x.plan.targets {
		s, err := x.stream(ctx, t)
		if err == nil {
			return s, x.meta(&t), nil
		}
		last = err
		if !x.failed(ctx, t, err) {
			break
		}
	}
	return nil, x.meta(nil), last
}

// execution is one request on its way through the pipeline.
type execution struct {
	p         *Pipeline
	r         *Request
	catalogue *Catalogue
	plan      plan
	failures  []Skip // one per failed attempt
	attempts  int
	lossy     []string
	began     time.Time
	upstream  time.Duration // spent waiting for providers
}

// begin computes what the rules see and makes the plan. The execution is never nil.
func (p *Pipeline) begin(ctx context.Context, r *Request) (*execution, error) {
	x := &execution{p: p, r: r, catalogue: p.cfg.Catalogue(), began: time.Now()}
	r.Features = ExtractFeatures(r.Doc, r.Hints)
	r.Models = x.catalogue.Models(r.Principal.AccountID)
	var err error
	x.plan, err = p.plan(ctx, r, x.catalogue)
	return x, err
}

// failed notes a failed attempt and reports whether the next target may be tried.
func (x *execution) failed(ctx context.Context, t Target, err error) bool {
	var f *attemptError
	if !errors.As(err, &f) {
		return false
	}
	x.failures = append(x.failures, Skip{What: t.Model.ID, Reason: SkipFailed, Detail: f.summary})
	zerolog.Ctx(ctx).Debug().Str("request_id", x.r.ID).Str("model", t.Model.ID).
		Str("provider", t.Provider.ID).Str("outcome", f.summary).Bool("retryable", f.retryable).Err(f.Err).Msg("attempt failed")
	return f.retryable && ctx.Err() == nil
}

// meta describes the routing so far; served is nil when no target answered.
func (x *execution) meta(served *Target) Meta {
	m := Meta{
		Rule:     x.plan.decision.Source,
		Attempts: x.attempts,
		Decision: record(x.plan, served, x.failures),
		Lossy:    x.lossy,
	}
	m.OverheadUS = max((time.Since(x.began) - x.upstream).Microseconds(), 0)
	if served != nil {
		m.Model, m.Provider = served.Model.ID, served.Provider.ID
		m.Simulated = x.p.cfg.Upstream.Simulated(served.Provider)
		if served.Substituted {
			m.Substituted = served.Model.UpstreamID
		}
	}
	return m
}

// newID returns a UUIDv7, whose text sorts by time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
