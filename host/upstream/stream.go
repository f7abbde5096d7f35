package upstream

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/pointsman/pointsman/engine"
)

// eventReader reads the events of a streamed answer. One goroutine calls Next;
// Close may be called by any, at any time.
type eventReader struct {
	in     answer
	body   bounded
	frames frames
	out    *outgoing
	err    error // what every later Next returns

	// state says who may touch the exchange: see Close.
	state atomic.Int32
}

// States of an eventReader.
const (
	stateFree int32 = iota
	stateReading
	stateClosed
)

var (
	_ engine.EventReader = (*eventReader)(nil)
	_ engine.Forewarner  = (*eventReader)(nil)
)

// Next implements engine.EventReader. The first error is final.
func (r *eventReader) Next(ctx context.Context) (engine.Event, error) {
	if !r.state.CompareAndSwap(stateFree, stateReading) {
		return engine.Event{}, errStreamClosed()
	}
	event, err := r.read(ctx)
	if !r.state.CompareAndSwap(stateReading, stateFree) {
		// Closed meanwhile: the closer left the exchange to us.
		r.in.close()
		return engine.Event{}, errStreamClosed()
	}
	return event, err
}

func (r *eventReader) read(ctx context.Context) (engine.Event, error) {
	if r.err != nil {
		return engine.Event{}, r.err
	}
	r.in.watch(ctx)
	event, err := r.frames.next(&r.body)
	switch {
	case err == nil:
		blot(event.Data, r.out.secret)
		return event, nil
	case errors.Is(err, io.EOF):
		r.err = io.EOF
		r.in.close()
	default:
		r.err = r.in.failure(err, engine.CodeUpstreamTruncated)
	}
	return engine.Event{}, r.err
}

// BeforeWait implements engine.Forewarner: a read of the connection may wait, nothing else does.
func (r *eventReader) BeforeWait(tell func()) { r.in.beforeWait(tell) }

// Close ends the stream. The connection is closed at once, also under a running
// Next, unless the body was read to its end.
func (r *eventReader) Close() {
	switch r.state.Swap(stateClosed) {
	case stateFree:
		r.in.close()
	case stateReading:
		r.in.interrupt()
	}
}

func errStreamClosed() error {
	return &engine.Error{Code: engine.CodeCanceled, Message: "The stream is closed."}
}
