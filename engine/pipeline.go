package engine

import (
	"context"
	"errors"
	"slices"
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
	// Total bounds one request, all its attempts together; default 10 minutes, which
	// is how long client libraries wait.
	Total time.Duration
}

// Pipeline takes completions from the parsed document to the settled usage row.
// It implements Completer. Safe for concurrent use.
type Pipeline struct {
	cfg    PipelineConfig
	flight flight
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
	if cfg.Total <= 0 {
		cfg.Total = 10 * time.Minute
	}
	return &Pipeline{cfg: cfg}, nil
}

// Complete implements Completer.
func (p *Pipeline) Complete(ctx context.Context, r *Request) (Completion, error) {
	p.flight.enter()
	defer p.flight.leave()
	x, err := p.begin(ctx, r)
	if err != nil {
		return Completion{Meta: x.meta(nil)}, err
	}
	var shown error
	for _, t := range x.plan.targets {
		body, err := x.complete(ctx, t)
		if err == nil {
			return Completion{Meta: x.meta(&t), Body: body}, nil
		}
		shown = telling(shown, err)
		if !x.failed(ctx, t, err) {
			break
		}
	}
	return Completion{Meta: x.meta(nil)}, shown
}

// Stream implements Completer.
func (p *Pipeline) Stream(ctx context.Context, r *Request) (_ Stream, _ Meta, err error) {
	p.flight.enter()
	passedOn := false
	defer func() {
		if !passedOn {
			p.flight.leave()
		}
	}()
	x, err := p.begin(ctx, r)
	if err != nil {
		return nil, x.meta(nil), err
	}
	var shown error
	for _, t := range x.plan.targets {
		s, err := x.stream(ctx, t, p.flight.leave)
		if err == nil {
			passedOn = true
			return s, x.meta(&t), nil
		}
		shown = telling(shown, err)
		if !x.failed(ctx, t, err) {
			break
		}
	}
	return nil, x.meta(nil), shown
}

// Drain waits until every request that has begun has written its usage rows, streams
// included. It is for a shutdown, after the last new request. Errors: ctx's.
func (p *Pipeline) Drain(ctx context.Context) error { return p.flight.wait(ctx) }

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
	if ctx.Err() != nil {
		return x, gone(ctx)
	}
	r.Features = ExtractFeatures(r.Doc, r.Hints)
	r.Models = x.catalogue.Models(r.Principal.AccountID)
	var err error
	x.plan, err = p.plan(ctx, r, x.catalogue)
	r.ReleaseContext() // only rule plugins read it
	if err == nil && len(x.plan.decision.Params) > 0 {
		r.propose(x.plan.decision.Params)
	}
	return x, err
}

// telling returns which of two failures the caller is shown: the later one, unless
// only the earlier provider was asked. That a fallback has no such thing as the request
// needs says nothing to somebody whose first choice is overloaded.
func telling(before, now error) error {
	var a, b *attemptError
	if errors.As(before, &a) && errors.As(now, &b) && a.asked && !b.asked {
		return before
	}
	return now
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
	return f.retryable && ctx.Err() == nil && x.left() > 0
}

// left is how much of the request's time there still is.
func (x *execution) left() time.Duration { return x.p.cfg.Total - time.Since(x.began) }

// meta describes the routing so far; served is nil when no target answered.
func (x *execution) meta(served *Target) Meta {
	m := Meta{
		Rule:     x.plan.decision.Source,
		Attempts: x.attempts,
		Decision: record(x.plan, served, x.failures),
		Lossy:    slices.Clone(x.lossy), // a stream may add to its own
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
