package engine

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// AdapterAttempt is what stays the same over the entry points of one attempt.
type AdapterAttempt struct {
	RequestID string
	Attempt   int // 1 for the first
	NowMS     int64
	Request   document.Node // canonical chat body
	Context   document.Node // may be absent
	Config    document.Node // of the provider row; may be absent
	Call      document.Node // operation, target, headers, attempt
}

// AdapterRequest is the provider request that an adapter built. Path and query
// only: scheme, host and credential are the host's. Body is owned by the receiver.
type AdapterRequest struct {
	Method  string // default POST
	Path    string // starts with "/", relative to the base URL; may hold a query
	Headers []Pair
	Body    []byte // valid JSON, or empty
	Lossy   []string
}

// AdapterReply is what an adapter made of a provider's answer.
type AdapterReply struct {
	// Chunks are canonical JSON: one for Response and Error, 0..n for Event.
	Chunks []*document.Doc
	// Failure is set when the adapter called classify or fail.
	Failure *AdapterFailure
	Lossy   []string
}

// AdapterFailure is a provider's failure as its adapter classed it.
type AdapterFailure struct {
	Class   abi.Class
	After   time.Duration // 0: unsaid
	Code    int           // of fail; 0 when it was not called
	Message string        // safe to show
}

// Adapter translates for one attempt. The calls of one attempt are made one
// after the other; the host may run each on another instance.
// Errors of every method: CodePluginFailed when the guest trapped, ran out of its
// budget, or emitted something that is not JSON.
type Adapter interface {
	// Request calls pm_request_v1. A guest that refuses (fail) gives an *Error with CodeInvalid.
	Request(ctx context.Context) (AdapterRequest, error)
	// Response calls pm_response_v1 with a complete answer.
	Response(ctx context.Context, r *UpstreamResponse, body []byte) (AdapterReply, error)
	// Event calls pm_event_v1 with one stream event; name is abi.EventEOF at the end.
	Event(ctx context.Context, r *UpstreamResponse, name string, data []byte) (AdapterReply, error)
	// Error calls pm_error_v1 with a failed answer (status ≥ 400).
	Error(ctx context.Context, r *UpstreamResponse, body []byte) (AdapterReply, error)
	// Close frees what the attempt held. No other call may follow.
	Close()
}

// Adapters opens provider adapters.
type Adapters interface {
	// OpenAdapter begins an attempt with the adapter plugin of that name, the
	// account's own before a global one. Errors: ErrNotFound.
	OpenAdapter(accountID, plugin string, a AdapterAttempt) (Adapter, error)
	// AdapterManifest returns the manifest of the plugin's active version. Errors: ErrNotFound.
	AdapterManifest(accountID, plugin string) (Manifest, error)
}
