package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/pointsman/pointsman/engine"
)

// Error types of OpenAI's API (error object of the API reference, openai-openapi of
// 2026-08-21); SDKs choose their error class by the status.
const (
	typeInvalid        = "invalid_request_error"
	typeAuthentication = "authentication_error"
	typePermission     = "permission_error"
	typeNotFound       = "not_found_error"
	typeRateLimit      = "rate_limit_error"
	typeServer         = "server_error"
)

// answer is how a code is answered.
type answer struct {
	status int
	kind   string
}

// answers is the one table from codes to answers; a test holds it against engine's list.
// 499 is nginx's "client closed request": nobody is there to see it.
var answers = map[engine.Code]answer{
	engine.CodeInvalid:            {http.StatusBadRequest, typeInvalid},
	engine.CodeInvalidJSON:        {http.StatusBadRequest, typeInvalid},
	engine.CodeUnauthorized:       {http.StatusUnauthorized, typeAuthentication},
	engine.CodeForbidden:          {http.StatusForbidden, typePermission},
	engine.CodeModelNotAllowed:    {http.StatusForbidden, typePermission},
	engine.CodeNotFound:           {http.StatusNotFound, typeNotFound},
	engine.CodeModelNotFound:      {http.StatusNotFound, typeNotFound},
	engine.CodeConflict:           {http.StatusConflict, typeInvalid},
	engine.CodeTooLarge:           {http.StatusRequestEntityTooLarge, typeInvalid},
	engine.CodeUnsupportedMedia:   {http.StatusUnsupportedMediaType, typeInvalid},
	engine.CodeContextLength:      {http.StatusBadRequest, typeInvalid},
	engine.CodeContentFilter:      {http.StatusBadRequest, typeInvalid},
	engine.CodeRateLimited:        {http.StatusTooManyRequests, typeRateLimit},
	engine.CodeBudgetExceeded:     {http.StatusTooManyRequests, typeRateLimit},
	engine.CodeRuleRejected:       {http.StatusBadRequest, typeInvalid},
	engine.CodeRuleFailed:         {http.StatusServiceUnavailable, typeServer},
	engine.CodePluginFailed:       {http.StatusBadGateway, typeServer},
	engine.CodeUpstreamFailed:     {http.StatusBadGateway, typeServer},
	engine.CodeUpstreamTimeout:    {http.StatusGatewayTimeout, typeServer},
	engine.CodeUpstreamTruncated:  {http.StatusBadGateway, typeServer},
	engine.CodeUpstreamOverloaded: {http.StatusServiceUnavailable, typeServer},
	engine.CodeNoTarget:           {http.StatusServiceUnavailable, typeServer},
	engine.CodeCanceled:           {499, typeInvalid},
	engine.CodeInternal:           {http.StatusInternalServerError, typeServer},

	engine.CodeDatabaseUnavailable: {http.StatusServiceUnavailable, typeServer},

	engine.CodeIdempotencyInProgress:  {http.StatusConflict, typeInvalid},
	engine.CodeIdempotencyLost:        {http.StatusConflict, typeInvalid},
	engine.CodeIdempotencyReused:      {http.StatusUnprocessableEntity, typeInvalid},
	engine.CodeIdempotencyFull:        {http.StatusTooManyRequests, typeRateLimit},
	engine.CodeIdempotencyUnavailable: {http.StatusServiceUnavailable, typeServer},
}

// Codes of failures that arise in this package, before or beside the engine.
const (
	codeMalformedRequest = "malformed_request"
	codeMethodNotAllowed = "method_not_allowed"
	codeRequestTimeout   = "request_timeout"
	codeHeadersTooLarge  = "headers_too_large"
	codeOverloaded       = "overloaded"
	codeShuttingDown     = "shutting_down"
	codePrecondition     = "precondition_failed"
	codeRuleCompile      = "rule_compile"
	codeRuleCases        = "rule_cases"
)

// failure is an error ready to be shown, on either API. Everything in it is safe to show.
type failure struct {
	status  int
	kind    string // OpenAI's type
	code    string
	param   string
	message string
	after   time.Duration       // 0: unsaid
	source  *engine.SourceError // of a rule text that does not compile
	cases   []engine.CaseResult // that rules fail
	cause   error               // for the log only
	close   bool                // the connection cannot be used further
}

func (f *failure) Error() string { return f.code + ": " + f.message }
func (f *failure) Unwrap() error { return f.cause }

// typeOf is OpenAI's type for a status that is not a code's own.
func typeOf(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return typeAuthentication
	case status == http.StatusForbidden:
		return typePermission
	case status == http.StatusNotFound:
		return typeNotFound
	case status == http.StatusTooManyRequests:
		return typeRateLimit
	case status >= 500:
		return typeServer
	}
	return typeInvalid
}

func failed(status int, code, message string) *failure {
	return &failure{status: status, kind: typeOf(status), code: code, message: message}
}

func invalid(param, message string) *failure {
	f := failed(http.StatusBadRequest, string(engine.CodeInvalid), message)
	f.param = param
	return f
}

// errShuttingDown is the cause with which request contexts end on shutdown.
var errShuttingDown = failed(http.StatusServiceUnavailable, codeShuttingDown, "The server is shutting down. Send the request again.")

// failureOf turns any error into a failure. What is not an *engine.Error shows nothing of itself.
func failureOf(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var s *engine.SourceError
	if errors.As(err, &s) {
		f = invalid("when", "The rule does not compile: line "+strconv.Itoa(s.Line)+", column "+strconv.Itoa(s.Column)+": "+s.Message+".")
		f.code, f.source = codeRuleCompile, s
		return f
	}
	var e *engine.Error
	if errors.As(err, &e) {
		a, ok := answers[e.Code]
		if !ok {
			a = answers[engine.CodeInternal]
		}
		f = &failure{status: a.status, kind: a.kind, code: string(e.Code), param: e.Param, message: e.Message, after: e.After, cause: err}
		if e.Status >= 400 && e.Status <= 599 {
			f.status, f.kind = e.Status, typeOf(e.Status)
		}
		var cases *engine.FailedCases
		if errors.As(err, &cases) {
			f.code, f.cases = codeRuleCases, cases.Results
		}
		return f
	}
	var fe *fiber.Error
	if errors.As(err, &fe) {
		return failed(fe.Code, string(engine.CodeInvalid), http.StatusText(fe.Code)+".")
	}
	code, message := engine.CodeInternal, "Internal error. The log has the details under this request id."
	switch {
	case errors.Is(err, engine.ErrNotFound):
		code, message = engine.CodeNotFound, "There is no such thing here."
	case errors.Is(err, engine.ErrConflict):
		code, message = engine.CodeConflict, "It exists already, or was changed meanwhile."
	case errors.Is(err, context.Canceled):
		code, message = engine.CodeCanceled, "The client closed the request."
	}
	a := answers[code]
	return &failure{status: a.status, kind: a.kind, code: string(code), message: message, cause: err}
}

// during is failureOf, except that what a shutdown cut off says so.
func during(ctx context.Context, err error) *failure {
	f := failureOf(err)
	if f.code == string(engine.CodeCanceled) && errors.Is(context.Cause(ctx), errShuttingDown) {
		return errShuttingDown
	}
	return f
}

// retryAfter is the header's value: whole seconds, rounded up (RFC 9110, 10.2.3).
func (f *failure) retryAfter() string {
	return strconv.FormatInt(int64(math.Ceil(f.after.Seconds())), 10)
}

// openAI is the body of an error under /v1: all four members, param and code may be null.
func (f *failure) openAI() []byte {
	type body struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	b := body{Message: f.message, Type: f.kind}
	if f.param != "" {
		b.Param = &f.param
	}
	if f.code != "" {
		b.Code = &f.code
	}
	out, err := json.Marshal(map[string]body{"error": b})
	if err != nil {
		// Strings always marshal; this is unreachable, and must not be silent if it ever is not.
		panic(err)
	}
	return out
}
