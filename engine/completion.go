package engine

import "context"

// Meta is what a response says of its routing, in headers. Complete and Stream
// fill what they know also when they fail.
type Meta struct {
	Model       string // catalogue id that served; "" when none did
	Provider    string
	Rule        string // rule id, default, pinned, …
	Attempts    int    // attempts made
	Decision    string // one line
	OverheadUS  int64  // our own time until the headers, microseconds
	Simulated   bool
	Substituted string // upstream id that stood in for the model's retired one; "" when none
	Lossy       []string
	// Native: what is answered is of the caller's own wire already (Request.Wire): Body is
	// its JSON, and each chunk of a Stream one of its server-sent events, framed, the last
	// one included. Otherwise they are canonical.
	Native    bool
	Estimated bool // of a token count: ours, not a provider's
	Charged   bool // attempts that are settled cost something
	// Explanation is set when Request.Explain asked for it and something was decided.
	Explanation *Explanation
	// Limits is what is left of the limits that hold for the request, after it.
	Limits LimitState
}

// Completion is a finished answer.
type Completion struct {
	Meta Meta
	Body []byte // canonical chat.completion JSON; see Meta.Native
}

// Stream is an answer that arrives in pieces. One goroutine uses it.
type Stream interface {
	// Next returns the next chunk: one canonical chat.completion.chunk JSON object (but see
	// Meta.Native), valid until the next call. io.EOF is the proper end, after which the caller writes
	// its terminator ([DONE]); any other error is an *Error to be sent as the stream's
	// last event, with no terminator after it.
	Next(ctx context.Context) ([]byte, error)
	// Close ends the stream, closes the upstream connection and settles the usage.
	// It may be called at any time, more than once.
	Close()
}

// Forewarner is a Stream, or an EventReader, that says when it is about to wait: who writes what
// comes from it elsewhere need not do so for each event while there are more already.
type Forewarner interface {
	// BeforeWait has tell called by Next, in its goroutine, each time before it waits for the
	// provider, and may have it called at the end before usage is written down. It is to be called before Next is; tell must neither wait long nor panic.
	BeforeWait(tell func())
}

// Completer answers completions. The pipeline is one; httpapi needs no more.
type Completer interface {
	// Complete routes the request and waits for the whole answer. Meta is valid
	// also when err is not nil. Errors are *Error, or wrap one.
	Complete(ctx context.Context, r *Request) (Completion, error)
	// Stream routes the request and returns when the first content has arrived, so
	// that every earlier failure is still an HTTP status. Meta is valid also when err is not nil.
	Stream(ctx context.Context, r *Request) (Stream, Meta, error)
}
