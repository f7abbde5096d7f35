package engine

import (
	"context"
	"errors"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// attempt is one call of one target. Every attempt is settled exactly once.
type attempt struct {
	x       *execution
	target  Target
	number  int
	began   time.Time
	after   time.Duration // of the request, when it began
	adapter Adapter       // nil until it is needed: see open
	call    *document.Doc // what the adapter is told of the call; it lives as long
	native  bool          // the caller's wire is passed on
	chat    bool          // the target speaks the canonical wire: see speaksChat
	notes   string        // of the session, for a model that takes it over; "": none
	noted   *document.Doc // the canonical body with them; nil: it is not needed
	reply   *UpstreamResponse
	body    *bodyMemory // of the request, until it is sent; nil: it has memory of its own
	sent    bool        // the provider was asked, so the prompt may be billed
	unsent  bool        // it could not be: no byte of the request left
	used    meter
	first   time.Duration // until the first content; 0: none came
	settled bool
	// Of the request: when the upstream returned, and when the attempt was settled.
	returned, ended time.Duration

	admission admission
	pass      HealthPass
	checked   int64 // of used.output: what spent has looked at

	traceparent string // for the provider; "": none
}

// send opens the adapter, builds the provider request and sends it. On error the
// attempt is settled and closed; otherwise the caller must do both.
func (x *execution) send(ctx context.Context, t Target, stream bool) (*attempt, error) {
	x.attempts++
	x.lossy, x.native = nil, false
	a := &x.first
	if x.attempts > 1 {
		a = new(attempt) // a stream may still hold the one before
	}
	began := x.elapsed()
	*a = attempt{x: x, target: t, number: x.attempts, began: x.began.Add(began), after: began, admission: x.admitted, pass: x.pass}
	if trace := x.observation.trace; trace != nil {
		a.traceparent = trace.Attempt(&a.target, a.number)
	}
	x.admitted, x.pass = admission{}, HealthPass{}
	if err := a.exchange(ctx, stream); err != nil {
		a.settle(err)
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *attempt) exchange(ctx context.Context, stream bool) (err error) {
	defer a.contain(ctx, &err)
	r, t, cfg := a.x.r, a.target, &a.x.p.cfg
	// A global provider speaks through the global adapter, whatever the caller's account
	// has under that name: it is called with the operator's credential.
	account := t.Provider.AccountID
	manifest, err := cfg.Adapters.AdapterManifest(account, t.Provider.Adapter)
	if err != nil {
		return a.fail(Errorf(CodePluginFailed, "The adapter of provider %s is not loaded.", t.Provider.ID), err, "no adapter", true)
	}
	auth, framing, headers := ManifestAuth{Scheme: "bearer"}, "sse", map[string]string(nil)
	if m := manifest.Provider; m != nil {
		auth, headers = m.Auth, m.Headers
		if m.Stream != "" {
			framing = m.Stream
		}
	}
	a.native = r.speaks(t.Model, t.Provider, manifest.Provider)
	a.chat = !a.native && r.speaksChat(t.Model, t.Provider, manifest.Provider)
	a.note(ctx)
	request, err := a.request(ctx)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return a.fail(gone(ctx), ctx.Err(), "canceled", false)
	}
	a.sent = true
	waited := a.x.elapsed()
	a.x.sent = UpstreamRequest{
		Provider: t.Provider, Credential: t.Credential, Auth: auth, Headers: headers, Request: request, Stream: stream, Framing: framing, TraceParent: a.traceparent,
		Total: max(cfg.Total-waited, time.Millisecond), // 0 would be the client's default
	}
	a.reply, err = cfg.Upstream.Do(ctx, &a.x.sent)
	a.returned = a.x.elapsed()
	a.x.upstream += a.returned - waited
	a.x.sent = UpstreamRequest{} // a stream would hold its body
	a.sentBody()
	if err != nil {
		a.unsent = errors.Is(err, ErrUnsent)
		return a.fail(asError(err), err, string(CodeOf(err)), true)
	}
	if a.reply.Status < 200 || a.reply.Status > 299 {
		return a.refused(ctx)
	}
	return nil
}

// open gets the adapter, once.
func (a *attempt) open() error {
	if a.adapter != nil {
		return nil
	}
	r, t := a.x.r, a.target
	a.call = callDocument(r, t, a.number)
	var err error
	a.adapter, err = a.x.p.cfg.Adapters.OpenAdapter(t.Provider.AccountID, t.Provider.Adapter, AdapterAttempt{
		RequestID: r.ID, Attempt: a.number, NowMS: r.Received.UnixMilli(),
		Request: a.canonical().Root(), Config: t.Provider.ConfigNode(), Call: a.call.Root(),
	})
	if err != nil {
		return a.fail(Errorf(CodePluginFailed, "The adapter of provider %s is not loaded.", t.Provider.ID), err, "no adapter", true)
	}
	return nil
}

// request makes the provider request: the caller's own body where the target speaks its
// wire, else what the adapter makes of the canonical one.
func (a *attempt) request(ctx context.Context) (AdapterRequest, error) {
	r, provider := a.x.r, a.target.Provider.ID
	if a.native {
		a.x.native = true
		return r.nativeRequest(a.target, a.notes), nil
	}
	if r.WireOnly != nil {
		return AdapterRequest{}, a.fail(r.WireOnly, nil, "wire", true)
	}
	request, err := a.written(ctx)
	if err != nil {
		return request, err
	}
	a.x.lose(r.Lossy)
	a.x.lose(request.Lossy)
	if r.Hints.Strict && len(a.x.lossy) > 0 {
		e := Errorf(CodeInvalid, "Provider %s cannot carry '%s', and metadata.strict is set.", provider, a.x.lossy[0])
		e.Param = a.x.lossy[0]
		return request, a.fail(e, nil, "lossy", true)
	}
	return request, nil
}

// written is the canonical body as the target has it: by the adapter, unless there is
// nothing for it to do.
func (a *attempt) written(ctx context.Context) (AdapterRequest, error) {
	if a.chat {
		if request, ok := a.chatRequest(); ok {
			return request, nil
		}
	}
	if err := a.open(); err != nil {
		return AdapterRequest{}, err
	}
	began := a.calling()
	request, err := a.adapter.Request(ctx)
	a.called(stepRequest, began, err)
	if err != nil {
		// What this provider cannot carry another one may.
		return request, a.adapterFailed(ctx, err)
	}
	return request, nil
}

// refused turns a provider's error answer into ours.
func (a *attempt) refused(ctx context.Context) error {
	if a.reply.Status < 400 {
		// A redirect is never followed: it could carry the request and its key elsewhere.
		return a.classed(AdapterFailure{Class: abi.ClassServer}, document.Node{}, nil)
	}
	if err := a.open(); err != nil {
		return a.classed(AdapterFailure{}, document.Node{}, err)
	}
	began := a.calling()
	reply, err := a.adapter.Error(ctx, a.reply, a.reply.Body)
	a.called(stepError, began, err)
	if err != nil {
		// A broken adapter must not hide the provider's status.
		return a.classed(AdapterFailure{}, document.Node{}, err)
	}
	failure := AdapterFailure{}
	if reply.Failure != nil {
		failure = *reply.Failure
	}
	return a.classed(failure, errorShown(reply), nil)
}

// reported is the failure that the adapter found in an answer with a good status.
func (a *attempt) reported(reply AdapterReply) *attemptError {
	failure := *reply.Failure
	if failure.Class == abi.ClassNone {
		failure.Class = abi.ClassServer
	}
	return a.classed(failure, errorShown(reply), nil)
}

// errorShown is the error object that an adapter made for the caller; absent when it made none.
func errorShown(reply AdapterReply) document.Node {
	if len(reply.Chunks) == 0 {
		return document.Node{}
	}
	return reply.Chunks[0].Root().Get("error")
}

// close frees the adapter and the upstream answer. It may be called again.
func (a *attempt) close() {
	reply, adapter := a.reply, a.adapter
	a.reply, a.adapter = nil, nil
	if reply != nil {
		reply.Close()
	}
	if adapter != nil {
		adapter.Close()
		a.call.Release()
	}
	a.noted.Release()
	a.noted = nil
}
