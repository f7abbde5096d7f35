package sdk

import "github.com/pointsman/pointsman/sdk/abi"

// Adapter translates between the canonical chat form and one provider's wire. Its
// methods are entry points: each reads the documents of its call and emits its answer.
type Adapter interface {
	// Request turns [Request] into the provider's request: SetPath, then the body by Emit.
	Request() Result
	// Response turns a complete answer, [Response], into an OpenAI chat.completion.
	Response() Result
	// Event turns one stream event into 0..n OpenAI chunks. It is called once more
	// at the end, with the event name [abi.EventEOF] and no data, and must not
	// invent a finish_reason there: without one the host knows a truncated stream.
	Event() Result
	// Error turns a failed answer into an OpenAI error object and calls [Classify].
	// The body may be anything: a proxy's HTML page is a string node.
	Error() Result
}

// ServeAdapter registers a provider adapter. Call it once, from init.
func ServeAdapter(a Adapter) { served.adapter = a }

// ServeConfigure registers a check of [Config], made when a rule or provider that
// carries it is saved. It is optional; nothing that it stores may be relied on later.
func ServeConfigure(check func() Result) { served.configure = check }

// Lossy names a request member that the provider's wire cannot carry, as
// "logit_bias" or "messages[].name". The host reports it to the caller.
func Lossy(field string) { hostLossy(field) }

// Classify says what kind of failure the provider reported and when to try again,
// in milliseconds; 0 when it did not say. It decides whether the host moves on to
// the next model. In Response and Event it turns the call into a failure.
func Classify(c abi.Class, retryAfterMS int64) { hostClassify(int32(c), retryAfterMS) }

// served is what this plugin registered from init.
var served struct {
	decide    func() Verdict
	adapter   Adapter
	configure func() Result
}
