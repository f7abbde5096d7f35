package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// attemptError is a failed attempt: what the caller would see of it, and whether
// another target may be tried.
type attemptError struct {
	*baseError
	summary   string // for the decision record
	retryable bool
	asked     bool      // the provider was sent the request
	class     abi.Class // of the provider's answer; ClassNone when there was none
	status    int       // HTTP status of that answer
}

// baseError keeps Error's method promoted: a field of that name would hide it.
type baseError = Error

// asAttemptError is the failed attempt in err's chain, nil when there is none.
func asAttemptError(err error) *attemptError {
	if err == nil {
		return nil // most attempts: what follows allocates
	}
	var f *attemptError
	_ = errors.As(err, &f)
	return f
}

func (e *attemptError) Unwrap() error { return e.baseError }

func (a *attempt) fail(e *Error, cause error, summary string, retryable bool) *attemptError {
	if e.Err == nil && cause != error(e) {
		e = &Error{Code: e.Code, Status: e.Status, Param: e.Param, Message: e.Message, After: e.After, Err: cause}
	}
	return &attemptError{baseError: e, summary: summary, retryable: retryable && e.Code != CodeCanceled, asked: a.sent}
}

// adapterFailed is the failure of an adapter's step: of the guest, unless the
// request is over and that is why the step was.
func (a *attempt) adapterFailed(ctx context.Context, err error) *attemptError {
	if ctx.Err() != nil {
		return a.fail(gone(ctx), err, "canceled", false)
	}
	return a.fail(asError(err), err, "adapter "+string(CodeOf(err)), true)
}

// contain makes a panic in a step of the attempt the attempt's failure, so that it is
// settled like every other and the next target may be tried. To be deferred.
func (a *attempt) contain(ctx context.Context, err *error) {
	v := recover()
	if v == nil {
		return
	}
	zerolog.Ctx(ctx).Error().Str("request_id", a.x.r.ID).Str("provider", a.target.Provider.ID).
		Str("panic", fmt.Sprint(v)).Bytes("stack", debug.Stack()).Str("where", "attempt").Msg(PanicContained)
	*err = a.fail(&Error{Code: CodeInternal, Message: "Internal error."}, fmt.Errorf("panic: %v", v), "panic", true)
}

// classed is the failure as the caller sees it: by class, else by HTTP status.
func (a *attempt) classed(f AdapterFailure, shown document.Node, cause error) *attemptError {
	class := f.Class
	if class == abi.ClassNone {
		class = classOf(a.reply.Status)
	}
	message := f.Message
	if message == "" {
		message = shown.Get("message").Text()
	}
	// Masked before it is cut: of a key that the cut goes through, the rest would stay.
	message = clipText(redact(clipText(message, 8*abi.MaxMessage)), abi.MaxMessage)
	id := a.target.Provider.ID
	e := &Error{After: min(max(f.After, 0), time.Hour)}
	switch class {
	case abi.ClassInvalid:
		e.Code, e.Param = CodeInvalid, redact(clipText(shown.Get("param").Text(), abi.MaxTagText))
		e.Message = message
		if message == "" {
			e.Message = "The provider refused the request as invalid."
		}
	case abi.ClassContentFilter:
		e.Code, e.Message = CodeContentFilter, "The provider's content filter refused the request."
	case abi.ClassContextLength:
		e.Code, e.Message, e.Param = CodeContextLength, "The request is longer than the context window of "+a.target.Model.ID+".", "messages"
		if a.reply.Status == 429 {
			e.Message = "The request is larger than provider " + id + " allows the gateway's account to send to " + a.target.Model.ID + "."
		}
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
	failed := a.fail(e, cause, id+" "+itoa(int64(a.reply.Status))+" "+class.Name(), class.Retryable())
	failed.class, failed.status = class, a.reply.Status
	return failed
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

// gone is the error of a request whose context has ended.
func gone(ctx context.Context) *Error { return asError(ctx.Err()) }

func classOf(status int) abi.Class {
	switch {
	case status == 401 || status == 403:
		return abi.ClassAuth
	case status == 402:
		return abi.ClassQuota
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

func clipText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && s[limit]&0xC0 == 0x80 {
		limit--
	}
	return s[:limit]
}
