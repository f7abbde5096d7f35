package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// spans are those of one request: a root, and a child for each attempt. It implements
// engine.RequestTrace.
type spans struct {
	t       *Tracer
	ctx     context.Context // of the root
	root    trace.Span
	attempt trace.Span // nil: none is under way
}

var _ engine.RequestTrace = (*spans)(nil)

// at is the span to which something that happens now belongs.
func (s *spans) at() trace.Span {
	if s.attempt != nil {
		return s.attempt
	}
	return s.root
}

// Rule implements engine.RequestTrace.
func (s *spans) Rule(ruleID string, outcome engine.RuleOutcome) {
	s.root.AddEvent(eventRule, trace.WithAttributes(keyRule.String(ruleID), keyRuleResult.String(string(outcome))))
}

// Plugin implements engine.RequestTrace. Of an error only the code is told: its text may hold
// what a guest read.
func (s *spans) Plugin(name, step string, took time.Duration, fuel int64, err error) {
	about := make([]attribute.KeyValue, 0, 5)
	about = append(about, keyPlugin.String(name), keyStep.String(step), keyTookUS.Int64(took.Microseconds()))
	if fuel > 0 {
		about = append(about, keyFuel.Int64(fuel))
	}
	if err != nil {
		about = append(about, keyErrorType.String(string(engine.CodeOf(err))))
	}
	s.at().AddEvent(eventPlugin, trace.WithAttributes(about...))
}

// Attempt implements engine.RequestTrace.
func (s *spans) Attempt(t *engine.Target, number int) (traceparent string) {
	ctx, span := s.t.tracer.Start(s.ctx, "chat "+t.Model.UpstreamID, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		keyProvider.String(providerName(t.Provider)), keyProviderID.String(t.Provider.ID), keyRequestModel.String(t.Model.UpstreamID), keyAttempt.Int(number)))
	s.attempt = span
	if s.t.cfg.Propagate {
		return parentOf(ctx)
	}
	return ""
}

// attempted ends the span of an attempt.
func (s *spans) attempted(a *engine.ObservedAttempt) {
	span := s.attempt
	if span == nil {
		return
	}
	s.attempt = nil
	op := operation(a.Request)
	span.SetName(op + " " + a.Target.Model.UpstreamID)
	span.SetAttributes(keyOperation.String(op), keyEstimated.Bool(a.Estimated), keyCost.Int64(a.Cost))
	if a.Tokens != (engine.Tokens{}) {
		span.SetAttributes(keyInputTokens.Int64(a.Tokens.Prompt), keyOutputTokens.Int64(a.Tokens.Completion))
	}
	if a.Status != 0 {
		span.SetAttributes(keyStatus.Int(a.Status))
	}
	if a.First > 0 {
		span.SetAttributes(keyFirstMS.Int64(a.First.Milliseconds()))
	}
	if a.From != "" {
		span.SetAttributes(keyFrom.String(a.From), keyWhy.String(a.Why))
	}
	failed(span, a.Code)
	span.End()
}

// ended ends the root.
func (s *spans) ended(q *engine.ObservedRequest) {
	r, op := q.Request, operation(q.Request)
	span := s.root
	// What a caller wrote for a model is a name only when it named one.
	model := ""
	if q.Last != nil || r.Model == engine.ModelAuto {
		model = r.Model
		span.SetName(op + " " + model)
		span.SetAttributes(keyRequestModel.String(model))
	}
	span.SetAttributes(
		keyOperation.String(op), keyRequest.String(r.ID), keyStream.Bool(r.Stream),
		keyAttempts.Int(q.Attempts), keyOverheadUS.Int64(q.Overhead.Microseconds()))
	if s.t.cfg.Accounts {
		span.SetAttributes(keyAccount.String(r.Principal.AccountID))
	}
	if q.Decision.Source != "" {
		span.SetAttributes(keyRule.String(q.Decision.Source))
	}
	if q.Last != nil {
		span.SetAttributes(keyProvider.String(providerName(q.Last.Provider)), keyProviderID.String(q.Last.Provider.ID), keyResponseModel.String(q.Last.Model.ID))
	}
	if q.First > 0 {
		span.SetAttributes(keyFirstMS.Int64(q.First.Milliseconds()))
	}
	for i := range q.Skips {
		if skip := &q.Skips[i]; skip.Reason != engine.SkipRuleFailed && skip.Reason != engine.SkipRuleSuspended { // those are events already
			span.AddEvent(eventSkip, trace.WithAttributes(keySkipped.String(skip.What), keyWhy.String(string(skip.Reason))))
		}
	}
	failed(span, q.Code)
	span.End()
}

// failed marks a span that ended in an error. A caller who left is none of ours.
func failed(span trace.Span, code engine.Code) {
	if code == "" {
		return
	}
	span.SetAttributes(keyErrorType.String(string(code)))
	if code != engine.CodeCanceled {
		span.SetStatus(codes.Error, "")
	}
}

// operation is gen_ai.operation.name.
func operation(r *engine.Request) string {
	if r.Operation == "" {
		return abi.OperationChat
	}
	return r.Operation
}
