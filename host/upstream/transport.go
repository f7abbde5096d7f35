package upstream

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// transport carries a prepared request to its origin. HTTP/1.1 is the only one;
// HTTP/2 or a proxy would be another, chosen per provider, under the same tests.
type transport interface {
	// roundTrip sends the request and waits for the answer's final status and
	// headers. Errors are *engine.Error. The end of ctx ends the exchange at once,
	// until the answer is closed. Safe for concurrent use.
	roundTrip(ctx context.Context, out *outgoing) (answer, error)
	// close closes the unused connections and keeps none from now on.
	close()
}

// answer is a provider's answer: its head, and the body as a reader. One
// goroutine reads it; interrupt alone may be called by another.
type answer interface {
	status() int
	// field returns a header by name, any case; "" when absent.
	field(name string) string
	// length is the announced size of the body, -1 for unknown.
	length() int64
	// room is memory for the body, empty; it may be nil.
	room() []byte
	// The body is read as a reader or as a source. io.EOF is its proper end as HTTP
	// defines it; any other error means that it was cut.
	io.Reader
	source
	// until moves the end of the whole exchange to t, if that is earlier.
	until(t time.Time)
	// watch makes the end of ctx end the exchange too, in place of the context
	// of the last watch.
	watch(ctx context.Context)
	// beforeWait has tell called before more of the body is waited for, until the answer is closed.
	beforeWait(tell func())
	// failure makes an *engine.Error of an error of Read. cut is the code for a
	// body that ended early.
	failure(err error, cut engine.Code) *engine.Error
	// interrupt closes the connection, so that a Read returns at once.
	interrupt()
	// close ends the exchange. The connection is kept for another one only when
	// the body was read to its end; what is left of it is not read.
	close()
}

// Why a body or an event ended early. They never quote the provider.
var (
	errTooLong = errors.New("longer than the limit")
	errChunk   = errors.New("malformed chunk")
	errShape   = errors.New("not in its framing")
)
