package engine

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// usualOutput is how many tokens of output a token limit is charged in advance for a
// request that does not bound its output: what models write at most would lock out
// everybody else. The difference is settled when the answer is there.
const usualOutput = 1024

// admission is what an attempt was allowed before it began: what is held for it, to be
// settled with it. The zero value holds nothing.
type admission struct {
	id      string    // of the attempt's usage row; "": none was made yet
	started time.Time // of that row: both parts of its key stay as they were held
	limit   LimitReservation
	hold    Hold // nil: no spending is kept track of
	price   *Price
}

// free counts for nobody: counting tokens costs nothing and is not limited.
func (x *execution) free() bool { return x.r.operation() == abi.OperationCountTokens }

// admitCaller takes the request from the limits that are about its caller. Errors: *Error
// with CodeRateLimited; no other target could help.
func (x *execution) admitCaller(ctx context.Context) error {
	limits := x.p.cfg.Limits
	if limits == nil || x.free() {
		return nil
	}
	q := x.limitRequest(LimitOfCaller)
	q.Tokens = x.r.Features.Tokens + x.output(nil)
	var err error
	if x.limit, err = limits.Reserve(ctx, q); err != nil {
		x.limitedBy(err)
		return limitError(ctx, err)
	}
	return nil
}

func limitError(ctx context.Context, err error) error {
	if refusal := AsLimitRefusal(err); refusal != nil {
		return refusal.AsError()
	}
	if ctx.Err() != nil {
		return gone(ctx)
	}
	return &Error{Code: CodeInternal, Message: "Internal error.", Err: err}
}

// done settles the caller's limits and records the decision, once. It is for the end of the
// request, whatever it was.
func (x *execution) done() {
	x.limit.Settle(x.used)
	x.limit = LimitReservation{}
	x.recorded()
	x.observeEnd()
}

// limitRequest is what a limiter is asked. There is one of an execution, so that none is
// allocated at each question.
func (x *execution) limitRequest(part LimitPart) *LimitRequest {
	p := &x.r.Principal
	x.limitAsked = LimitRequest{Part: part, AccountID: p.AccountID, TeamID: p.TeamID, UserID: p.UserID, KeyID: p.KeyID, Tokens: 1}
	return &x.limitAsked
}

// output is how many tokens of output are charged in advance for a model, or for any.
func (x *execution) output(m *Model) int64 {
	if x.r.operation() == abi.OperationEmbeddings {
		return 0
	}
	n := x.r.outputBound()
	if n == 0 {
		n = usualOutput
	}
	if m != nil && m.MaxOutput > 0 {
		n = min(n, m.MaxOutput)
	}
	return n
}

// outputBound is the most output that the request asks for, 0 when it does not say.
func (r *Request) outputBound() int64 {
	if r.proposed.maxTokens > 0 {
		return r.proposed.maxTokens
	}
	root := r.Doc.Root()
	for _, name := range [...]string{"max_completion_tokens", "max_tokens"} {
		if n := root.Get(name); n.Kind() == abi.KindNumber {
			return max(n.Int(), 1)
		}
	}
	return 0
}

// admit holds limits and money for an attempt on that target. When it is refused, skipped
// says that another target may do better, and err is the answer if none does.
func (x *execution) admit(ctx context.Context, t Target) (a admission, skipped bool, err error) {
	if x.free() {
		return a, false, nil
	}
	if limits := x.p.cfg.Limits; limits != nil {
		q := x.limitRequest(LimitOfTarget)
		q.target(&t)
		q.Tokens = x.r.Features.Tokens + x.output(t.Model)
		if a.limit, err = limits.Reserve(ctx, q); err != nil {
			x.limitedBy(err)
			err = limitError(ctx, err)
			return a, CodeOf(err) == CodeRateLimited, err
		}
	}
	if x.p.cfg.Spending == nil {
		return a, false, nil
	}
	r, prompt, known := x.r, x.r.Features.Tokens, false
	a.price, known = t.rates.charge(r.Received, prompt)
	x.begun = x.row(&t, x.attempts+1, "", x.elapsed())
	u := &x.begun
	u.Outcome, u.Code, u.Estimated = OutcomeInterrupted, CodeInternal, true
	u.Tokens.Prompt = prompt
	u.charge(a.price, known, r.Features.Images)
	if a.hold, err = x.p.cfg.Spending.Reserve(ctx, u, x.worst(t)); err != nil {
		a.limit.Cancel()
		return admission{}, CodeOf(err) == CodeBudgetExceeded, err
	}
	a.id, a.started = u.ID, u.StartedAt
	return a, false, nil
}

// worst is the most that an attempt on the target may come to: all of its output, at the price
// of the tier that a prompt twice as long as the estimate reaches.
func (x *execution) worst(t Target) Spent {
	r := x.r
	prompt := 2 * r.Features.Tokens
	output := int64(0)
	if r.operation() != abi.OperationEmbeddings {
		output = r.outputBound()
		if output == 0 || t.Model.MaxOutput > 0 && output > t.Model.MaxOutput {
			output = t.Model.MaxOutput
		}
		output *= max(r.Doc.Root().Get("n").Int(), 1)
	}
	most := int64(0)
	for _, tier := range [...]int64{r.Features.Tokens, prompt} {
		if p, ok := t.rates.charge(r.Received, tier); ok {
			most = max(most, p.most(prompt, output, r.Features.Images))
		}
	}
	return Spent{NanoUSD: most, Tokens: saturatingAdd(prompt, output)}
}

// refused notes that a target was passed over because it was not admitted.
func (w *route) refused(t Target, err error) {
	reason := SkipBudget
	var e *Error
	if errors.As(err, &e) {
		if e.Code == CodeRateLimited {
			reason = SkipLimit
		}
		w.wait(e.After)
	}
	w.x.skip(t, reason, err.Error())
	if sooner(err, w.unadmitted) {
		w.unadmitted, w.x.limited = err, &t
	}
}

// sooner reports whether a refusal is to be told instead of the one before it: it is the
// first, or says of an earlier moment that the request would be admitted then.
func sooner(now, before error) bool {
	if before == nil {
		return true
	}
	var a, b *Error
	return errors.As(now, &a) && errors.As(before, &b) && a.After > 0 && (b.After == 0 || a.After < b.After)
}

// spent checks what a stream has cost so far against the budgets, each time that it has
// grown by about as much as a kilobyte of text. The error ends the stream.
func (a *attempt) spent() error {
	if a.admission.hold == nil || a.used.output < a.checked+1<<10 {
		return nil
	}
	a.checked = a.used.output
	t, _ := a.used.total(a.x.r.Features.Tokens)
	cost := saturatingAdd(a.admission.price.Cost(t), a.admission.price.Images(a.x.r.Features.Images))
	if err := a.admission.hold.Spent(Spent{NanoUSD: cost, Tokens: t.Total()}); err != nil {
		return a.fail(asError(err), err, "budget", false)
	}
	return nil
}

// releaseHeld settles what is held for the attempt: row is what became of it.
func (a *attempt) releaseHeld(row Usage) {
	x := a.x
	tokens := min(row.Tokens.Prompt, math.MaxInt64/2) + min(row.Tokens.Completion, math.MaxInt64/2)
	x.used += tokens
	x.counted(&row, a.target)
	a.observeAttempt(&row)
	switch {
	case a.sent && !a.unsent:
		a.admission.limit.Settle(tokens)
	default:
		a.admission.limit.Cancel()
	}
	if a.admission.hold != nil {
		a.admission.hold.Settle(row)
		return
	}
	x.p.cfg.Ledger.Record(row)
}

// row is what is known of an attempt before it begins, so long after the request. id is the
// row's, "" for a new one.
func (x *execution) row(t *Target, number int, id string, after time.Duration) Usage {
	r := x.r
	if id == "" {
		id = idAt(x.began.Add(after))
	}
	return Usage{
		AccountID: r.Principal.AccountID, ID: id, RequestID: r.ID, Attempt: number,
		TeamID: r.Principal.TeamID, UserID: r.Principal.UserID, KeyID: r.Principal.KeyID,
		SessionID: r.Hints.SessionID, TaskType: r.Features.TaskType,
		ModelID: t.Model.ID, ProviderID: t.Provider.ID, UpstreamID: t.Model.UpstreamID, Substituted: t.Substituted,
		Source: x.plan.decision.Source, Stream: r.Stream, Simulated: t.simulated,
		StartedAt: r.Received.Add(after).UTC(),
	}
}
