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
	adapter Adapter
	reply   *UpstreamResponse
	sent    bool // the request left, so its prompt may be billed
	output  int64
	tokens  Tokens
	counted bool // tokens are the provider's own
	first   time.Duration
	settled bool
}

// send opens the adapter, builds the provider request and sends it. On error the
// attempt is settled and closed; otherwise the caller must close it.
func (x *execution) send(ctx context.Context, t Target, stream bool) (*attempt, error) {
	x.attempts++
	a := &attempt{x: x, target: t, number: x.attempts, began: time.Now()}
	if err := a.exchange(ctx, stream); err != nil {
		a.settle(err)
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *attempt) exchange(ctx context.Context, stream bool) error {
	r, t, cfg := a.x.r, a.target, &a.x.p.cfg
	account := r.Principal.AccountID
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
	a.adapter, err = cfg.Adapters.OpenAdapter(account, t.Provider.Adapter, AdapterAttempt{
		RequestID: r.ID, Attempt: a.number, NowMS: r.Received.UnixMilli(),
		Request: r.Doc.Root(), Call: callDocument(t, a.number).Root(),
	})
	if err != nil {
		return a.fail(Errorf(CodePluginFailed, "The adapter of provider %s is not loaded.", t.Provider.ID), err, "no adapter", true)
	}
	request, err := a.adapter.Request(ctx)
	if err != nil {
		// What this provider cannot carry another one may.
		return a.fail(asError(err), err, "adapter "+string(CodeOf(err)), true)
	}
	a.x.lossy = request.Lossy
	if r.Hints.Strict && len(request.Lossy) > 0 {
		e := Errorf(CodeInvalid, "Provider %s cannot carry '%s', and metadata.strict is set.", t.Provider.ID, request.Lossy[0])
		e.Param = request.Lossy[0]
		return a.fail(e, nil, "lossy", true)
	}
	a.sent = true
	waited := time.Now()
	a.reply, err = cfg.Upstream.Do(ctx, &UpstreamRequest{
		Provider: t.Provider, Auth: auth, Headers: headers, Request: request, Stream: stream, Framing: framing,
	})
	a.x.upstream += time.Since(waited)
	if err != nil {
		return a.fail(asError(err), err, string(CodeOf(err)), true)
	}
	if a.reply.Status < 200 || a.reply.Status > 299 {
		return a.refused(ctx)
	}
	return nil
}

// refused turns a provider's error answer into ours.
func (a *attempt) refused(ctx context.Context) error {
	if a.reply.Status < 400 {
		// A redirect is never followed: it could carry the request and its key elsewhere.
		return a.classed(AdapterFailure{Class: abi.ClassServer}, document.Node{}, nil)
	}
	reply, err := a.adapter.Error(ctx, a.reply, a.reply.Body)
	if err != nil {
		// A broken adapter must not hide the provider's status.
		return a.classed(AdapterFailure{}, document.Node{}, err)
	}
	failure := AdapterFailure{}
	if reply.Failure != nil {
		failure = *reply.Failure
	}
	var shown document.Node
	if len(reply.Chunks) > 0 {
		shown = reply.Chunks[0].Root().Get("error")
	}
	return a.classed(failure, shown, nil)
}

// classed is the failure as the caller sees it: by class, else by HTTP status.
func (a *attempt) classed(f AdapterFailure, shown document.Node, cause error) *attemptError {
	class := f.Class
	if class == abi.ClassNone {
		class = classOf(a.reply.Status)
	}
	message := f.Message
	if message == "" {
		message = clipText(shown.Get("message").Text(), abi.MaxMessage)
	}
	id := a.target.Provider.ID
	e := &Error{After: min(max(f.After, 0), time.Hour)}
	switch class {
	case abi.ClassInvalid:
		e.Code, e.Param = CodeInvalid, clipText(shown.Get("param").Text(), abi.MaxTagText)
		e.Message = message
		if message == "" {
			e.Message = "The provider refused the request as invalid."
		}
	case abi.ClassContentFilter:
		e.Code, e.Message = CodeContentFilter, "The provider's content filter refused the request."
	case abi.ClassContextLength:
		e.Code, e.Message, e.Param = CodeContextLength, "The request is longer than the context window of "+a.target.Model.ID+".", "messages"
	case abi.ClassRateLimited:
		e.Code, e.Message = CodeRateLimited, "Provider "+id+" limits the rate of requests. Try again later."
	case abi.ClassOverloaded:
		e.Code, e.Message = CodeUpstreamOverloaded, "Provider "+id+" is overloaded. Try again later."
	case abi.ClassQuota:
		e.Code, e.Message = CodeUpstreamOverloaded, "The quota at provider "+id+" is used up."
	case abi.ClassAuth:
		e.Code, e.Message = CodeUpstreamFailed, "Provider "+id+" refused the gateway's credential."
	case abi.ClassNotFound:
		e.Code, e.Message = CodeUpstreamFailed, "Provider "+id+" does not serve "+a.target.Model.UpstreamID+"."
	default:
		e.Code, e.Message = CodeUpstreamFailed, "Provider "+id+" failed."
	}
	return a.fail(e, cause, id+" "+itoa(int64(a.reply.Status))+" "+className(class), class.Retryable())
}

// attemptError is a failed attempt: what the caller would see of it, and whether
// another target may be tried.
type attemptError struct {
	*baseError
	summary   string // for the decision record
	retryable bool
}

// baseError keeps Error's method promoted: a field of that name would hide it.
type baseError = Error

func (e *attemptError) Unwrap() error { return e.baseError }

func (a *attempt) fail(e *Error, cause error, summary string, retryable bool) *attemptError {
	if e.Err == nil && cause != error(e) {
		e = &Error{Code: e.Code, Status: e.Status, Param: e.Param, Message: e.Message, After: e.After, Err: cause}
	}
	return &attemptError{baseError: e, summary: summary, retryable: retryable && e.Code != CodeCanceled}
}

// close frees the adapter and the upstream answer.
func (a *attempt) close() {
	if a.reply != nil {
		a.reply.Close()
	}
	if a.adapter != nil {
		a.adapter.Close()
	}
}

func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return &Error{Code: CodeCanceled, Message: "The client closed the request.", Err: err}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Code: CodeUpstreamTimeout, Message: "The provider did not answer in time.", Err: err}
	}
	return &Error{Code: CodeInternal, Message: "Internal error.", Err: err}
}

func classOf(status int) abi.Class {
	switch {
	case status == 401 || status == 403:
		return abi.ClassAuth
	case status == 404:
		return abi.ClassNotFound
	case status == 429:
		return abi.ClassRateLimited
	case status == 503 || status == 529:
		return abi.ClassOverloaded
	case status == 408 || status >= 500 || status < 400:
		return abi.ClassServer
	}
	return abi.ClassInvalid
}

func className(c abi.Class) string {
	names := [...]string{"", "invalid", "auth", "not_found", "rate_limited", "quota", "overloaded", "server", "context_length", "content_filter"}
	if c < 0 || int(c) >= len(names) {
		return "failed"
	}
	return names[c]
}

func clipText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && s[limit]&0xC0 == 0x80 {
		limit--
	}
	return s[:limit]
}
