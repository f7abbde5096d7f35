package sdk

import "unsafe"

// SetMethod sets the HTTP method of the provider request; POST when unset.
func SetMethod(m string) { hostHTTPMethod(m) }

// SetPath sets the path of the provider request, relative to the provider's base URL,
// as "/chat/completions"; it may hold a query. Scheme, host and credential are the host's.
func SetPath(p string) { hostHTTPPath(p) }

// SetHeader adds a header to the provider request. The host refuses those it
// sets itself: Host, Content-Length, the credential, and hop-by-hop headers.
func SetHeader(name, value string) { hostHTTPHeader(name, value) }

// EventName returns the name of the stream event at hand: the SSE "event" field,
// "" when it has none, or [abi.EventEOF] at the end of the stream.
func EventName() string {
	size := hostEventName(unsafe.Pointer(&scratch), scratchSize)
	if size <= 0 || size > scratchSize {
		return ""
	}
	// Events of one stream repeat their names, so the last one is kept.
	if name := scratch[:size]; string(name) != lastEvent {
		lastEvent = string(name)
	}
	return lastEvent
}

var lastEvent string

// Status returns the HTTP status of the provider's answer.
func Status() int { return int(hostHTTPStatus()) }

// Field returns a header of the provider's answer, by name in any case; "" when absent.
func Field(name string) string {
	size := hostHTTPField(name, unsafe.Pointer(&scratch), scratchSize)
	if size <= scratchSize {
		return string(scratch[:max(size, 0)])
	}
	b := make([]byte, size)
	hostHTTPField(name, unsafe.Pointer(unsafe.SliceData(b)), size)
	return unsafe.String(unsafe.SliceData(b), size)
}
