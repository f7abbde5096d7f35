package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// exchange asks one provider with one credential, outside of routing: for tests, and for probes.
type exchange struct {
	adapters   Adapters
	upstream   Upstream
	provider   *Provider
	credential string // id; "": the first that is enabled
	now        time.Time
	total      time.Duration // when the context has no deadline
}

// exchanged is what came of it.
type exchanged struct {
	reply   document.Node // absent with a failure
	failure *TrialFailure // nil when the provider answered well
	code    Code          // of the failure
	class   abi.Class     // of the provider's refusal
	status  int           // HTTP; 0: none came
	after   time.Duration // how long the provider asked to wait
	unmade  bool          // the adapter made no request, or none that is sent for this
	sent    bool          // it went out, so that its prompt may be billed
	took    time.Duration // from sending it until the answer was there
}

// do takes one request through adapter and provider. It contains a panic.
func (e exchange) do(ctx context.Context, r *Request, t Target) (out exchanged) {
	p := e.provider
	t.Provider = p
	defer func() {
		if v := recover(); v != nil {
			zerolog.Ctx(ctx).Error().Str("request_id", r.ID).Str("provider", p.ID).Str("panic", fmt.Sprint(v)).Bytes("stack", debug.Stack()).Str("where", "trial").Msg(PanicContained)
			out.reply, out.code, out.failure = document.Node{}, CodeInternal, brokenAdapter(p)
		}
	}()
	out.code = CodePluginFailed
	manifest, err := e.adapters.AdapterManifest(p.AccountID, p.Adapter)
	if err != nil {
		return out.failed(brokenAdapter(p))
	}
	in := AdapterAttempt{RequestID: r.ID, Attempt: 1, NowMS: e.now.UnixMilli(), Config: p.ConfigNode(), Call: callDocument(r, t, 1).Root()}
	if r.Doc != nil {
		in.Request = r.Doc.Root()
	}
	adapter, err := e.adapters.OpenAdapter(p.AccountID, p.Adapter, in)
	if err != nil {
		return out.failed(brokenAdapter(p))
	}
	defer adapter.Close()
	request, err := adapter.Request(ctx)
	switch {
	// A request for the list that is no GET might cost.
	case CodeOf(err) == CodeInvalid, err == nil && r.Operation == abi.OperationList && request.Method != http.MethodGet:
		out.code, out.unmade = CodeInvalid, true
		return out.failed(&TrialFailure{Class: "unsupported", Message: "The adapter '" + p.Adapter + "' cannot do this.", Hint: "Test a model of the provider instead."})
	case err != nil:
		out.unmade = true
		return out.failed(brokenAdapter(p))
	}
	u := &UpstreamRequest{Provider: p, Credential: e.credential, Auth: ManifestAuth{Scheme: "bearer"}, Request: request, Total: e.total}
	if deadline, ok := ctx.Deadline(); ok {
		u.Total = max(time.Until(deadline), time.Millisecond)
	}
	if m := manifest.Provider; m != nil {
		u.Auth, u.Headers = m.Auth, m.Headers
	}
	began := time.Now()
	reply, err := e.upstream.Do(ctx, u)
	out.took = time.Since(began)
	out.sent = !errors.Is(err, ErrUnsent)
	if err != nil {
		out.code = asError(err).Code
		return out.failed(unreached(asError(err)))
	}
	defer reply.Close()
	out.status = reply.Status
	if reply.Status < 200 || reply.Status > 299 {
		out.code = CodeUpstreamFailed
		return out.refused(refusedTrial(ctx, adapter, reply), reply.Status)
	}
	answer, err := adapter.Response(ctx, reply, reply.Body)
	switch {
	case err != nil:
		return out.failed(brokenAdapter(p))
	case answer.Failure != nil:
		out.code = CodeUpstreamFailed
		return out.refused(answer, reply.Status)
	case len(answer.Chunks) != 1:
		return out.failed(brokenAdapter(p))
	}
	out.reply, out.code = answer.Chunks[0].Root(), ""
	return out
}

func (o exchanged) failed(f *TrialFailure) exchanged {
	o.failure = f
	return o
}

func (o exchanged) refused(answer AdapterReply, status int) exchanged {
	o.failure = explained(answer, status)
	o.class, o.after = answer.Failure.Class, min(max(answer.Failure.After, 0), maxCooldown)
	if o.class == abi.ClassNone {
		o.class = classOf(status)
	}
	return o
}

// outcome is what it says of the health of what was asked.
func (o exchanged) outcome() HealthOutcome {
	out := HealthOutcome{Code: o.code, Class: o.class, Status: o.status, Unsent: !o.sent, Latency: o.took, FirstByte: o.took, Pause: o.after}
	if o.failure != nil {
		out.FirstByte = 0
		if out.Detail = o.failure.Message; o.status != 0 {
			out.Detail = itoa(int64(o.status)) + " " + o.failure.Class + ": " + out.Detail
		}
	}
	return out
}
