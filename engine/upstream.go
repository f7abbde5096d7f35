package engine

import (
	"context"
	"errors"
	"time"
)

// Sentinels in the chain of what Upstream.Do returns, beside the code.
var (
	// ErrUnsent: no byte of the request was sent, so that nothing can be billed.
	ErrUnsent = errors.New("not sent")
	// ErrNoCredential: the credential that was named is gone, or has no text.
	ErrNoCredential = errors.New("no such credential")
)

// UpstreamRequest is one HTTP request to a provider.
type UpstreamRequest struct {
	Provider *Provider
	// Credential is the id of the key to use. Empty: the first enabled one, if any.
	Credential string
	Auth       ManifestAuth
	Headers    map[string]string // of the manifest
	Request    AdapterRequest
	Stream     bool   // the answer is read event by event
	Framing    string // "sse" (default), "json-array" or "ndjson"
	// TraceParent is the provider's traceparent header (W3C Trace Context); "": none is sent.
	TraceParent string
	// FirstByte bounds the wait for the answer's headers, Idle the gap between
	// two reads of the body, Total the whole exchange. 0: the client's defaults.
	FirstByte, Idle, Total time.Duration
}

// UpstreamResponse is a provider's answer. The caller must Close it.
type UpstreamResponse struct {
	Status int
	Field  func(name string) string // header by name, any case; "" when absent
	// Body of an answer that is not streamed, complete and bounded. Nil when Events is set.
	Body []byte
	// Events of a streamed 2xx answer; nil otherwise.
	Events EventReader
	Close  func()
}

// Event is one event of a stream. Data is valid until the next call of Next.
type Event struct {
	Name string
	Data []byte
}

// EventReader reads a stream.
type EventReader interface {
	// Next returns the next event. io.EOF is a clean end of the body; any other
	// error means that it was cut: CodeUpstreamTimeout, CodeUpstreamTruncated
	// (reset, short body, event over the limit), CodeCanceled.
	// ctx is watched until the next call or the response's Close, not only during this
	// call: its end closes the connection at once.
	Next(ctx context.Context) (Event, error)
}

// Upstream sends requests to providers. It adds the credential, follows no
// redirect and bounds every read.
type Upstream interface {
	// Do sends the request and waits for the answer's headers, and for the whole
	// body unless it streams. A status ≥ 300 is an answer, not an error (its Body is set).
	// Nothing of the request's Body is kept when it returns: its memory is used again.
	// Errors: CodeUpstreamFailed (connect, TLS, bad HTTP), CodeUpstreamTimeout, CodeCanceled;
	// ErrUnsent and ErrNoCredential say more.
	// Cancelling ctx closes the connection at once. Safe for concurrent use.
	Do(ctx context.Context, r *UpstreamRequest) (*UpstreamResponse, error)
	// HasCredential reports whether the provider can be called: it has a key, or
	// needs none because an operator gave it a base URL of its own.
	HasCredential(p *Provider) bool
	// Simulated reports whether the provider is served by the in-process simulator.
	Simulated(p *Provider) bool
}
