package engine

import (
	"errors"
	"fmt"
	"time"
)

// Code says what went wrong, for callers to branch on and for the error tables
// of the HTTP layer. The text is stable and safe to show.
type Code string

// Codes, with the HTTP status that the HTTP layer gives each.
const (
	CodeInvalid            Code = "invalid_request"        // 400
	CodeInvalidJSON        Code = "invalid_json"           // 400
	CodeUnauthorized       Code = "invalid_api_key"        // 401
	CodeForbidden          Code = "permission_denied"      // 403
	CodeModelNotAllowed    Code = "model_not_allowed"      // 403
	CodeNotFound           Code = "not_found"              // 404
	CodeModelNotFound      Code = "model_not_found"        // 404
	CodeConflict           Code = "conflict"               // 409
	CodeTooLarge           Code = "request_too_large"      // 413
	CodeUnsupportedMedia   Code = "unsupported_media_type" // 415
	CodeContextLength      Code = "context_length_exceeded"
	CodeContentFilter      Code = "content_filter"
	CodeRateLimited        Code = "rate_limit_exceeded" // 429
	CodeBudgetExceeded     Code = "budget_exceeded"     // 429
	CodeRuleRejected       Code = "rule_rejected"       // Status of the error, 400–451
	CodeRuleFailed         Code = "rule_failed"         // 503
	CodePluginFailed       Code = "plugin_failed"       // 502
	CodeUpstreamFailed     Code = "upstream_error"      // 502
	CodeUpstreamTimeout    Code = "upstream_timeout"    // 504
	CodeUpstreamTruncated  Code = "upstream_truncated"  // 502, mid-stream only
	CodeUpstreamOverloaded Code = "upstream_overloaded" // 503
	CodeNoTarget           Code = "no_target_available" // 503
	CodeCanceled           Code = "client_closed"       // 499, never seen by the caller
	CodeInternal           Code = "internal_error"      // 500

	CodeDatabaseUnavailable Code = "database_unavailable" // 503

	CodeIdempotencyInProgress  Code = "idempotency_in_progress"    // 409
	CodeIdempotencyLost        Code = "idempotency_not_replayable" // 409
	CodeIdempotencyReused      Code = "idempotency_key_reused"     // 422
	CodeIdempotencyFull        Code = "idempotency_keys_exceeded"  // 429
	CodeIdempotencyUnavailable Code = "idempotency_unavailable"    // 503
)

// Error is the one error type that crosses package boundaries with meaning.
// The zero value is useless; make one with Errorf or a literal that has at least
// Code and Message. Immutable once returned.
type Error struct {
	Code    Code
	Status  int           // HTTP status; 0 means the Code's own
	Param   string        // the request member at fault, as "messages[0].role"; may be empty
	Message string        // safe to show to whoever sent the request
	After   time.Duration // when to try again; 0 means unsaid
	Err     error         // for logs only; may be nil
}

// Error returns the code, the message and the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error whose message is safe to show.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first Error in err's chain, CodeInternal for
// any other error, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// Sentinels that stores return; wrap them with what was being done.
var (
	// ErrNotFound: no row has that key.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a row with that key exists already, or it changed meanwhile.
	ErrConflict = errors.New("conflict")
)
