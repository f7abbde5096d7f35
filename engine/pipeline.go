package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// PipelineConfig is what a Pipeline is made of. The first group is required.
type PipelineConfig struct {
	Decider   Decider
	Adapters  Adapters
	Upstream  Upstream
	Ledger    Ledger
	Catalogue func() *Catalogue // the snapshot in force; called once a request

	// Policies is what holds for callers; called once a request. Nil: nothing is set.
	Policies func() *Policies

	DefaultModel    string // default gpt-4o: the default handler's target
	DefaultFallback string // default gpt-5-mini
	MaxAttempts     int    // default 4
	// Total bounds one request, all its attempts together; default 10 minutes, which
	// is how long client libraries wait.
	Total time.Duration
	// Credentials is what is known of the providers' keys; whoever gives one runs it. Nil:
	// the pipeline's own, which probes nothing.
	Credentials *CredentialHealth
	// Limits says what callers and targets may use. Nil: there are none.
	Limits Limiter
	// Spending holds money for attempts and takes their rows, in the ledger's place. Nil: rows
	// go to Ledger, and nothing bounds what is spent.
	Spending Spending
	// Health judges what can be asked. Nil: everything can be.
	Health Health
	// Decisions keeps what was decided. Nil: nothing is kept.
	Decisions DecisionLog
	// Sessions knows the conversations that requests name. Nil: none is kept track of.
	Sessions Sessions
	// Observer sees what becomes of requests. Nil: nobody does.
	Observer Observer
}

// Pipeline takes completions from the parsed document to the settled usage row.
// It implements Completer. Safe for concurrent use.
type Pipeline struct {
	cfg         PipelineConfig
	credentials *CredentialHealth
	budget      retryBudget
	flight      flight
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
	health := cfg.Credentials
	if health == nil {
		health = NewCredentialHealth(CredentialConfig{Adapters: cfg.Adapters, Upstream: cfg.Upstream, Catalogue: cfg.Catalogue})
	}
	return &Pipeline{cfg: cfg, credentials: health}, nil
}

// Complete implements Completer.
func (p *Pipeline) Complete(ctx context.Context, r *Request) (Completion, error) {
	p.flight.enter()
	defer p.flight.leave()
	if r.operation() == abi.OperationCountTokens {
		return p.countTokens(ctx, r)
	}
	x, err := p.begin(ctx, r)
	defer func() {
		if x != nil {
			x.done()
		}
	}()
	if err != nil {
		return Completion{Meta: x.meta(nil)}, err
	}
	var body []byte
	served, err := x.try(ctx, func(t Target) (err error) {
		body, err = x.complete(ctx, t)
		return err
	})
	x.failedWith(err)
	x.done() // what is left is told as it is after the request
	if err != nil {
		return Completion{Meta: x.meta(nil)}, err
	}
	x.served(served, false)
	c := Completion{Meta: x.meta(&served), Body: body}
	x.reuse()
	x = nil
	return c, nil
}

// executions are those of requests that are answered: see RATIONALE.md, "Why is a short request
// one piece of memory?".
var executions = sync.Pool{New: func() any { return new(execution) }}

// reuse gives the execution to a later request, and is its last use by this one. It is for the end of a request that went well
// and of which nobody keeps a part: not of a stream, which lives on, nor of one that is explained or
// traced.
func (x *execution) reuse() {
	if x.told != nil || x.observation.trace != nil {
		return
	}
	x.r.states = nil
	*x = execution{}
	executions.Put(x)
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
	defer func() {
		if !passedOn {
			x.done()
		}
	}()
	if err != nil {
		return nil, x.meta(nil), err
	}
	var s Stream
	served, err := x.try(ctx, func(t Target) (err error) {
		s, err = x.stream(ctx, t, x.ended)
		return err
	})
	x.failedWith(err)
	if err != nil {
		x.done()
		return nil, x.meta(nil), err
	}
	passedOn = true
	x.answering(true)
	x.served(served, false)
	return x.continued(s, served), x.meta(&served), nil
}

// Drain waits until every request that has begun has written its usage rows, streams
// included. It is for a shutdown, after the last new request. Errors: ctx's.
func (p *Pipeline) Drain(ctx context.Context) error { return p.flight.wait(ctx) }

// InFlight is how many requests are under way, streams included.
func (p *Pipeline) InFlight() int { return p.flight.count() }

// Busy reports whether requests are under way.
func (p *Pipeline) Busy() bool { return p.flight.busy() }

// execution is one request on its way through the pipeline.
type execution struct {
	p         *Pipeline
	r         *Request
	catalogue *Catalogue
	plan      plan
	failures  []Skip // one per failed attempt
	attempts  int
	lossy     []string
	native    bool // the last attempt passed the caller's wire on
	began     time.Time
	upstream  time.Duration // spent waiting for providers

	limit LimitReservation // of the caller's limits, for the whole request
	used  int64            // tokens, of all attempts
	// limited is the target whose refusal the caller is told, nil when there is none.
	limited *Target

	admitted admission  // for the attempt that comes next
	pass     HealthPass // of that attempt
	goes     bool       // on after a stream's end: see continued

	// What is asked of others again and again.
	begun       Usage
	limitAsked  LimitRequest
	healthAsked HealthTarget
	sent        UpstreamRequest

	// Room for what most requests need of it, so that it costs no allocations of its own.
	first     attempt
	targets   [usualCandidates]Target
	seenFirst [usualCandidates]RecordedState

	seen   []RecordedState // of models, as rules saw them
	asked  int             // how many of them the decision asked for, and not what explains it
	record decisionTrail
	told   *Explanation // nil unless it was asked for

	notes []Note // of the session, as far as they were read
	noted bool   // they were
	given int    // how many of them the last attempt got

	observation observation
}

// begin computes what the rules see and makes the plan. The execution is never nil.
func (p *Pipeline) begin(ctx context.Context, r *Request) (*execution, error) {
	x := executions.Get().(*execution)
	x.p, x.r, x.catalogue, x.began = p, r, p.cfg.Catalogue(), time.Now()
	x.plan.targets = x.targets[:0]
	x.observed()
	if ctx.Err() != nil {
		x.record.code = CodeOf(gone(ctx))
		return x, gone(ctx)
	}
	r.Features = featuresOf(r)
	if p.cfg.Policies != nil {
		r.Policy = p.cfg.Policies().Of(r.Principal)
	}
	if p.cfg.Spending != nil {
		r.Budget = p.cfg.Spending.Left(r.Principal)
	}
	r.states = x
	r.Models = x.catalogue.Models(r.Principal.AccountID)
	p.join(ctx, r)
	x.records()
	if r.Explain {
		r.dry = &dryRun{live: true}
	}
	var err error
	deciding := x.elapsed()
	err = p.plan(ctx, r, x.catalogue, &x.plan)
	x.record.decideUS = (x.elapsed() - deciding).Microseconds()
	if r.Explain {
		told := x.explanation(err)
		x.told = &told
	}
	r.ReleaseContext() // only rule plugins read it
	if err == nil && len(x.plan.decision.Params) > 0 {
		r.propose(x.plan.decision.Params)
	}
	if err == nil {
		err = x.admitCaller(ctx)
	}
	x.record.code = CodeOf(err)
	return x, err
}

// ended is called with the row of a stream written.
func (x *execution) ended() {
	if !x.goes {
		x.done()
	}
	x.p.flight.leave()
}

// left is how much of the request's time there still is.
func (x *execution) left() time.Duration { return x.p.cfg.Total - x.elapsed() }

// elapsed is the time since the request began.
func (x *execution) elapsed() time.Duration { return time.Since(x.began) }

// meta describes the routing so far; served is nil when no target answered.
func (x *execution) meta(served *Target) Meta {
	m := Meta{
		Rule:     x.plan.decision.Source,
		Attempts: x.attempts,
		Decision: record(&x.plan, served, x.failures),
		Lossy:    slices.Clone(x.lossy), // a stream may add to its own
		Limits:   x.limitsLeft(served),
		Charged:  x.record.cost > 0 || x.record.premium > 0,

		Explanation: x.told,
	}
	m.OverheadUS = max((x.elapsed() - x.upstream).Microseconds(), 0)
	if served != nil {
		m.Native = x.native
		m.Model, m.Provider = served.Model.ID, served.Provider.ID
		m.Simulated = served.simulated
		if served.Substituted {
			m.Substituted = served.Model.UpstreamID
		}
	}
	return m
}
